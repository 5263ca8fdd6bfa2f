"""On an NVIDIA GPU: whether everything is computed as on the CPU (--check), and how fast (--bench).

The check compares every operation and its gradients with float64 NumPy, and captured steps with plain ones. Times are
those of the GPU's own clock, the fastest of several. Beside them stand PyTorch's, measured in the same process, where
it is installed with CUDA: "ratio" is its time over ours, above 1 this engine is faster. Kernels that memory bounds are
given as a share of the bandwidth of a copy. The exit status is 0 if all that was compared agrees, 1 if something does
not, 2 if no GPU can be used, after saying what is missing.

With --json results are in the file as soon as they are there; --seconds ends a run that must not take longer. Most of
the time of --check goes into compiling: shares of it, each a process, can run side by side.
"""

import argparse
import json
import os
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from time import monotonic
from typing import Any

import backends
from backends.cupy_backend.cudnn_plans import AUTOTUNE
from benchmarks import report
from benchmarks.gpu import bench, check


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what was asked for; without either option both."""
    options = _parser().parse_args(arguments)
    both = not (options.check or options.bench)
    os.environ.setdefault(AUTOTUNE, "8")  # PyTorch's `cudnn.benchmark`, which it is compared with
    try:
        machine = backends.get("cuda").describe()
    except backends.BackendUnavailable as missing:
        print(f"nothing was run: {missing}", file=sys.stderr)
        return 2
    found: dict[str, Any] = {"machine": machine, "date": datetime.now(UTC).isoformat(timespec="seconds")}
    gather = partial(_gather, found, options.json, monotonic() + options.seconds)
    if options.check or both:
        captured = gather("captured", check.captured_steps())
        operations = gather("operations", check.operations(options.only and options.only.split(","), options.share))
        print(check.table(machine, operations, captured), flush=True)
    if options.bench or both:
        rows = gather("times", bench.run(options.groups, 8 if options.quick else 1))
        print("", bench.machine(), (report.markdown if options.markdown else report.text)(bench.table(rows)), sep="\n")
    return 0 if all(row["right"] for row in (*found.get("operations", ()), *found.get("captured", ()))) else 1


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
        if monotonic() > end:
            print(f"the time is up: the last of {key} are not among the results", file=sys.stderr)
            break
    return gathered


def _share(text: str) -> tuple[int, int]:
    number, _, count = text.partition("/")
    return int(number), int(count)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.gpu", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("groups", nargs="*", metavar="group", help=f"of --bench: {', '.join(bench.GROUPS)} (all)")
    parser.add_argument("--check", action="store_true", help="compare results")
    parser.add_argument("--only", metavar="NAMES", help="check these operations, separated by commas, instead of all")
    parser.add_argument("--share", type=_share, default=(1, 1), metavar="I/N", help="check the I-th of N shares")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="stop after this time")
    parser.add_argument("--bench", action="store_true", help="measure")
    parser.add_argument("--quick", action="store_true", help="smaller sizes, for a look")
    parser.add_argument("--markdown", action="store_true", help="print the table of docs/gpu.md")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything that was found to FILE")
    return parser


if __name__ == "__main__":
    sys.exit(main())
