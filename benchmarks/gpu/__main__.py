"""Checks, on an NVIDIA GPU, whether results agree with the CPU (--check), and measures speed (--bench).

The check compares every operation and its gradients with float64 NumPy, and captured steps with plain ones. Times are
the fastest of several by the GPU's own clock. If PyTorch is installed with CUDA, its times are measured right
afterwards: "ratio" is its time over ours, above 1 this engine is faster. Memory-bound kernels are given as a share of
the bandwidth of a copy. The exit status is 0 if all comparisons agree, 1 if one does not, and 2 if no GPU can be used,
with a message that says what is missing.

Everything runs in separate processes, in parallel for --check: a crash or a hang affects no other result, and the item
is repeated once, waiting for every kernel, to find the one that failed. With --json, results are written to the file
as they arrive, beside those of an earlier run; --seconds limits the duration of a run. The last table says of every
figure that is wanted of a GPU whether it is met.
"""

import argparse
import json
import os
import sys
import traceback
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from time import monotonic
from typing import Any

import backends
from backends.cupy_backend.cudnn_plans import AUTOTUNE
from benchmarks import report
from benchmarks.gpu import acceptance, bench, check, workers

LIMITS = 120.0, 60.0  # seconds for one operation and for one measurement, mostly for compilation
CHECKING = 0.45  # the share of the time for --check, if --bench follows
FAILED = "failed parts"
WARNINGS = "warnings"
SECONDS = "seconds"
SHOWN, WIDTH = 30, 300  # of the warnings: lines, and characters of each; the file has all


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the check, the benchmarks, or without options both."""
    options = _parser().parse_args(arguments)
    both, written = not (options.check or options.bench), report.markdown if options.markdown else report.text
    try:
        machine = _machine()
    except backends.BackendUnavailable as missing:
        print(f"nothing was run: {missing}", file=sys.stderr)
        return 2
    found = _known(options.json, machine) | {
        "machine": machine,
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        FAILED: 0,
        WARNINGS: {},
        SECONDS: {},
    }
    file = options.json and _File(options.json, found)
    start, whole, right = monotonic(), options.seconds, True
    end = start + whole
    if options.check or both:
        until = start + CHECKING * whole if options.bench or both else end
        gather = partial(_gather, found, file, until)
        ask = _ask(options.processes, options.processes, LIMITS[0], until, found[WARNINGS])
        only = options.only and options.only.split(",")
        for _, answer in ask(check.libraries, [()]):
            found["libraries"] = answer if isinstance(answer, dict) else {"libraries": answer.reason}
        captured = gather("captured", check.captured_steps(ask))
        rows = gather("operations", check.large(only, ask=ask), check.operations(only, ask=ask))
        with _shown():
            print(check.table(machine, found.get("libraries", {}), rows, captured), flush=True)
        right = all(row["right"] for row in (*rows, *captured)) and not found[FAILED]
    if options.bench or both:
        os.environ.setdefault(AUTOTUNE, "10")  # as PyTorch with `cudnn.benchmark`, with which it is compared
        ask = _ask(options.processes, 1, LIMITS[1], end, found[WARNINGS])
        rows = _gather(found, file, end, "times", bench.run(options.groups, 8 if options.quick else 1, ask))
        with _shown():
            print("", machine, written(bench.table(rows)), sep="\n")
    with _shown():
        warned = [f"{place}: {message}".replace("\n", " ") for message, place in found[WARNINGS].items()]
        more = [f"... and {len(warned) - SHOWN} more"] * (len(warned) > SHOWN)
        print("", *[line[:WIDTH] for line in warned[:SHOWN]], *more, sep="\n")
        print("", written(acceptance.table(found)), sep="\n")
    return 0 if right else 1


@contextmanager
def _shown() -> Iterator[None]:
    """An error is shown, and the parts of the run that follow are not lost."""
    try:
        yield
    except Exception:
        traceback.print_exc()


def _known(file: Path | None, machine: str) -> dict[str, Any]:
    """What an earlier run on the same machine wrote to the file, such as that of the check before the benchmarks."""
    try:
        known: dict[str, Any] = json.loads(file.read_text()) if file else {}
    except (OSError, ValueError):
        return {}
    return known if known.get("machine") == machine else {}


def _machine() -> str:
    """The GPU and the versions; BackendUnavailable, saying what is missing, if no GPU can be used."""
    described = backends.get("cuda").describe()
    try:
        return f"{described}, PyTorch {version('torch')}"
    except PackageNotFoundError:
        return described


def _ask(processes: int, side_by_side: int, limit: float, end: float, warned: workers.Warned) -> workers.Ask:
    """The function that does the work: in so many processes, or in this one if their number is 0."""
    if not processes:
        return partial(workers.here, warned=warned)
    os.environ.setdefault("OMP_NUM_THREADS", "1" if side_by_side > 1 else str(processes))
    return partial(workers.side_by_side, processes=side_by_side, limit=limit, end=end, warned=warned)


class _File:
    """The file for what was found. It is replaced as a whole, so that the end of the process leaves a good one."""

    def __init__(self, path: Path, found: dict[str, Any]) -> None:
        self.path, self.found, self.written = path, found, 0.0

    def write(self, since: float = 0.0) -> None:
        """Write what was found by now, unless it was written less than some seconds ago."""
        if monotonic() - self.written < since:
            return
        draft = self.path.with_suffix(".part")
        draft.write_text(json.dumps(self.found, indent=1) + "\n")
        draft.replace(self.path)
        self.written = monotonic()


def _gather(
    found: dict[str, Any], file: _File | None, end: float, key: str, *parts: Iterable[dict[str, Any]]
) -> list[dict[str, Any]]:
    """The rows, as many as time allows; each is soon written to the file. A part that fails ends."""
    gathered: list[dict[str, Any]] = []
    found[key], cut = gathered, [name for name in found.get(acceptance.CUT, []) if name != key]
    found[acceptance.CUT], failed, start = [*cut, key], found[FAILED], monotonic()  # until all are there
    for row in _rows(parts, found):
        gathered.append(row)
        if file:
            file.write(since=1.0)
        if not row.get("right", True):
            print(f"not right: {check.described(row)}", file=sys.stderr, flush=True)
        if monotonic() > end:
            break
    late = monotonic() > end
    if late:
        print(f"the time is up: the last of {key} are not among the results", file=sys.stderr)
    elif found[FAILED] == failed:
        found[acceptance.CUT] = cut
    found[SECONDS][key] = round(monotonic() - start, 1)
    if file:
        file.write()
    return gathered


def _rows(parts: Iterable[Iterable[dict[str, Any]]], found: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for part in parts:
        try:
            yield from part
        except Exception:
            found[FAILED] += 1
            traceback.print_exc()


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
    parser.add_argument("--markdown", action="store_true", help="print a table in Markdown")
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
