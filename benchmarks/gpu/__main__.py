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
import signal
import sys
import threading
import traceback
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from functools import partial
from math import inf
from pathlib import Path
from time import monotonic
from typing import Any

from backends.cupy_backend.cudnn_plans import AUTOTUNE
from benchmarks import report
from benchmarks.gpu import acceptance, bench, check, workers

LIMIT = 60.0  # seconds for one operation or measurement, mostly for compilation
CHECKING = 0.45  # the share of the time for --check, if --bench follows
CAPTURED, LARGE = 0.25, 0.5  # of that, when what comes before all other operations ends
WARNINGS, FIGURES = "warnings", "figures"
SECONDS = "seconds"
WHAT = [("machine",), ("libraries",)]
SHOWN, WIDTH = 30, 300  # of the warnings: lines, and characters of each; the file has all


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the check, the benchmarks, or without options both."""
    options = _parser().parse_args(arguments)
    if not (options.check or options.bench):
        options.check = options.bench = True
    start = monotonic()
    known = {what: answer for (what,), answer in _ask(options, start + LIMIT)(check.described, WHAT)}
    machine = known.get("machine", workers.Failure("it did not answer", ""))
    if isinstance(machine, workers.Failure):
        print(f"nothing was run: {machine.reason}", machine.trace, sep="\n", file=sys.stderr)
        return 2
    run = _Run(options, machine, start + options.seconds)
    libraries = known.get("libraries", {})
    run.found["libraries"] = libraries if isinstance(libraries, dict) else {"libraries": libraries.reason}
    with _ended_by_signals(), suppress(KeyboardInterrupt):  # what was found by then is shown
        for part in [run.check] * options.check + [run.bench] * options.bench:
            run.guarded(part)
    run.show()
    return 0 if run.right else 1


@contextmanager
def _shown() -> Iterator[None]:
    """An error is shown, and the parts of the run that follow are not lost."""
    try:
        yield
    except Exception:
        traceback.print_exc()


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """The signal that asks a process to end is a KeyboardInterrupt, in the main thread."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _known(file: Path | None, machine: str) -> dict[str, Any]:
    """What an earlier run on the same machine wrote to the file, such as that of the check before the benchmarks."""
    try:
        known: dict[str, Any] = json.loads(file.read_text()) if file else {}
    except (OSError, ValueError):
        return {}
    return known if known.get("machine") == machine else {}


def _ask(
    options: Any, end: float, side_by_side: int | None = None, warned: workers.Warned | None = None
) -> workers.Ask:
    """The function that does the work: in so many processes (as many as asked for), or all in this one."""
    if not options.processes:
        return partial(workers.here, end=end, warned=warned)
    count = side_by_side or options.processes
    os.environ.setdefault("OMP_NUM_THREADS", "1" if count > 1 else str(options.processes))
    return partial(workers.side_by_side, processes=count, limit=LIMIT, end=end, warned=warned)


class _File:
    """The file for what was found. It is replaced as a whole, so that the end of the process leaves a good one."""

    def __init__(self, path: Path, found: dict[str, Any]) -> None:
        self.path, self.found, self.written = path, found, 0.0

    def write(self, since: float = 0.0) -> None:
        """Write what was found by now, unless it was written less than some seconds ago."""
        if monotonic() - self.written < since:
            return
        draft = self.path.with_suffix(".part")
        with suppress(Exception):  # shown with the table
            self.found[FIGURES] = [figure._asdict() for figure in acceptance.figures(self.found)]
        with _shown():  # a full disk, for instance
            draft.write_text(json.dumps(self.found, indent=1, default=str) + "\n")
            draft.replace(self.path)
        self.written = monotonic()


class _Run:
    """A run on a machine: what it has found, and by when it must end. An error in one part leaves the others."""

    def __init__(self, options: Any, machine: str, end: float) -> None:
        self.options, self.machine, self.right = options, machine, True
        self.start, self.end = monotonic(), end
        self.found = _known(options.json, machine) | {
            "machine": machine,
            "date": datetime.now(UTC).isoformat(timespec="seconds"),
            acceptance.FAILED: 0,
            WARNINGS: {},
            SECONDS: {},
        }
        self.found.setdefault(acceptance.CASES, {})
        self.file = _File(options.json, self.found) if options.json else None

    def guarded(self, part: Callable[[], None]) -> None:
        """Do a part; an error is shown."""
        try:
            part()
        except Exception:
            traceback.print_exc()
            self.right = False

    def check(self) -> None:
        """Compare results."""
        options, share = self.options, CHECKING if self.options.bench else 1.0
        only = options.only and options.only.split(",")

        def ask(part: float) -> workers.Ask:
            return _ask(options, self._at(part * share), warned=self.found[WARNINGS])

        found = self.found
        found[acceptance.CASES] |= check.counts(only)
        found["captured"], found["operations"] = [], []
        try:
            self._gather("captured", self._at(CAPTURED * share), check.captured_steps(ask(CAPTURED)))
            parts = check.large(only, ask=ask(LARGE)), check.operations(only, ask=ask(1.0))
            self._gather("operations", self._at(share), *parts)
        finally:  # also if it is asked to end
            rows, captured = found["operations"], found["captured"]
            self.right = all(row["right"] for row in (*rows, *captured)) and not found[acceptance.FAILED]
            print(check.table(self.machine, found["libraries"], rows, captured), flush=True)

    def bench(self) -> None:
        """Measure."""
        os.environ.setdefault(AUTOTUNE, "10")  # as PyTorch with `cudnn.benchmark`, with which it is compared
        options, part = self.options, 8 if self.options.quick else 1
        some = bench.cases(options.groups, part).values()
        self.found[acceptance.CASES] |= Counter(case.group for cases in some for case in cases)
        ask = _ask(options, self.end, 1, self.found[WARNINGS])
        self.found["times"] = []
        try:
            self._gather("times", self.end, bench.run(options.groups, part, ask, self.end))
        finally:
            print("", self.machine, self._written(bench.table(self.found["times"])), sep="\n", flush=True)

    def show(self) -> None:
        """Print the warnings, and whether what is wanted is met."""
        if self.file:
            self.file.write()
        with _shown():
            warned = [f"{place}: {message}".replace("\n", " ") for message, place in self.found[WARNINGS].items()]
            more = [f"... and {len(warned) - SHOWN} more"] * (len(warned) > SHOWN)
            print("", *[line[:WIDTH] for line in warned[:SHOWN]], *more, sep="\n")
            print("", self._written(acceptance.table(self.found)), sep="\n", flush=True)

    def _at(self, share: float) -> float:
        """When a share of the time is over."""
        return self.end if self.end == inf else self.start + share * (self.end - self.start)

    def _written(self, cells: list[list[str]]) -> str:
        return report.markdown(cells) if self.options.markdown else report.text(cells)

    def _gather(self, key: str, end: float, *parts: Iterable[dict[str, Any]]) -> None:
        """The rows, as many as time allows; each is soon written to the file. A part that fails ends."""
        gathered: list[dict[str, Any]] = []
        self.found[key], start = gathered, monotonic()
        for row in self._rows(parts):
            gathered.append(row)
            if self.file:
                self.file.write(since=1.0)
            with _shown():
                if not row.get("right", True):
                    print(f"not right: {check.described_row(row)}", file=sys.stderr, flush=True)
        if monotonic() > end:
            print(f"the time is up: the last of {key} are not among the results", file=sys.stderr)
        self.found[SECONDS][key] = round(monotonic() - start, 1)
        if self.file:
            self.file.write()

    def _rows(self, parts: Iterable[Iterable[dict[str, Any]]]) -> Iterator[dict[str, Any]]:
        for part in parts:
            try:
                yield from part
            except Exception:
                self.found[acceptance.FAILED] += 1
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
    status = main()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)  # without waiting for processes that hang in the driver
