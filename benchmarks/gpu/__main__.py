"""On an NVIDIA GPU: whether everything is computed as on the CPU (--check), and how fast (--bench).

The check compares every operation and its gradients with float64 NumPy, and captured steps with plain ones. Times are
those of the GPU's own clock, the fastest of several. Beside them stand PyTorch's, measured right afterwards, where it
is installed with CUDA: "ratio" is its time over ours, above 1 this engine is faster. Kernels that memory bounds are
given as a share of the bandwidth of a copy. The exit status is 0 if all that was compared agrees, 1 if something does
not, 2 if no GPU can be used, after saying what is missing.

Everything runs in processes of its own, those of --check side by side: what crashes or hangs costs no other result,
and is run once more, waiting for every kernel, to say which one it was. With --json results are in the file as soon as
they are there; --seconds ends a run that must not take longer.
"""

import argparse
import json
import os
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from itertools import chain
from pathlib import Path
from time import monotonic
from typing import Any

import backends
from backends.cupy_backend.cudnn_plans import AUTOTUNE
from benchmarks import report
from benchmarks.gpu import bench, check, workers

LIMIT = 300.0  # seconds for one operation or one measurement, most of them a compiler's


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what was asked for; without either option both."""
    options = _parser().parse_args(arguments)
    both = not (options.check or options.bench)
    try:
        machine = _machine()
    except backends.BackendUnavailable as missing:
        print(f"nothing was run: {missing}", file=sys.stderr)
        return 2
    found: dict[str, Any] = {"machine": machine, "date": datetime.now(UTC).isoformat(timespec="seconds")}
    end = monotonic() + options.seconds
    gather = partial(_gather, found, options.json, end)
    if options.check or both:
        ask, only = _ask(options.processes, options.processes, end), options.only and options.only.split(",")
        for _, answer in ask(check.libraries, [()]):
            found["libraries"] = answer if isinstance(answer, dict) else {"libraries": answer.reason}
        captured = gather("captured", check.captured_steps(ask))
        rows = gather("operations", chain(check.large(only, ask=ask), check.operations(only, ask=ask)))
        print(check.table(machine, found.get("libraries", {}), rows, captured), flush=True)
    if options.bench or both:
        os.environ.setdefault(AUTOTUNE, "8")  # PyTorch's `cudnn.benchmark`, which it is compared with
        ask = _ask(options.processes, 1, end)
        rows = gather("times", bench.run(options.groups, 8 if options.quick else 1, ask))
        print("", machine, (report.markdown if options.markdown else report.text)(bench.table(rows)), sep="\n")
    return 0 if all(row["right"] for row in (*found.get("operations", ()), *found.get("captured", ()))) else 1


def _machine() -> str:
    """The GPU and the versions; BackendUnavailable with what is missing where there is none."""
    described = backends.get("cuda").describe()
    try:
        return f"{described}, PyTorch {version('torch')}"
    except PackageNotFoundError:
        return described


def _ask(processes: int, side_by_side: int, end: float) -> workers.Ask:
    """How work is done: so many items at once, or all in this process if there are to be no others."""
    if not processes:
        return workers.here
    os.environ.setdefault("OMP_NUM_THREADS", "1" if side_by_side > 1 else str(processes))
    return partial(workers.side_by_side, processes=side_by_side, limit=LIMIT, end=end)


def _gather(
    found: dict[str, Any], file: Path | None, end: float, key: str, rows: Iterable[dict[str, Any]]
) -> list[dict[str, Any]]:
    """The rows, as many as there is time for; in the file, too, from the first on."""
    gathered: list[dict[str, Any]] = []
    found[key] = gathered
    for row in rows:
        gathered.append(row)
        if file:
            file.write_text(json.dumps(found, indent=1) + "\n")
        if not row.get("right", True):
            print(f"not right: {check.described(row)}", file=sys.stderr, flush=True)
        if monotonic() > end:
            break
    if monotonic() > end:
        print(f"the time is up: the last of {key} are not among the results", file=sys.stderr)
    return gathered


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.gpu", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("groups", nargs="*", metavar="group", help=f"of --bench: {', '.join(bench.GROUPS)} (all)")
    parser.add_argument("--check", action="store_true", help="compare results")
    parser.add_argument("--only", metavar="NAMES", help="check these operations, separated by commas, instead of all")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="stop after this time")
    parser.add_argument("--bench", action="store_true", help="measure")
    parser.add_argument("--quick", action="store_true", help="smaller sizes, for a look")
    parser.add_argument("--markdown", action="store_true", help="print the table of docs/gpu.md")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything that was found to FILE")
    parser.add_argument(
        "--processes",
        type=int,
        default=os.cpu_count(),
        metavar="N",
        help="that check side by side (one for each processor); 0 to do all in this one, as debuggers want it",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
