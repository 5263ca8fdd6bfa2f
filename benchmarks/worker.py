"""One workload on one engine in a process of its own: ``python -m benchmarks.worker mlp torch`` prints JSON."""

import argparse
import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from time import perf_counter

from benchmarks.engines import ENGINES
from benchmarks.steps import Step
from benchmarks.workloads import WORKLOADS

SAMPLE_SECONDS = 2e-3  # a sample holds several short steps, so that it also pays for garbage collection


@dataclass(frozen=True)
class Timing:
    """Seconds per step, and the peak memory in bytes (None where it cannot be read).

    memory: the peak resident memory during timed steps minus that after the import. It includes model, batch, optimizer
    state, everything the engine keeps between steps, and for a compiled engine the compiler.
    """

    best: float
    median: float
    memory: int | None = None


def warm_up(step: Step) -> None:
    """Enough steps for compilers, caches and the allocator to settle."""
    for _ in range(3):
        step()


def measure(step: Step, seconds: float) -> Timing:
    """Time samples of ``step`` for about ``seconds``, at least three."""
    start = perf_counter()
    step()
    loops = max(1, round(SAMPLE_SECONDS / max(perf_counter() - start, 1e-9)))
    samples: list[float] = []
    deadline = perf_counter() + seconds
    while len(samples) < 3 or perf_counter() < deadline:
        start = perf_counter()
        for _ in range(loops):
            step()
        samples.append((perf_counter() - start) / loops)
    return Timing(min(samples), median(samples))


def resident(field: str) -> int | None:
    """``VmRSS`` (now) or ``VmHWM`` (peak) in bytes; Linux only. getrusage's peak would start at the parent's size."""
    with suppress(OSError):
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith(field):
                return int(line.split()[1]) * 1024
    return None


def main(arguments: Sequence[str] | None = None) -> None:
    """Build, measure, print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.worker", description=__doc__)
    parser.add_argument("workload", choices=[name for name in WORKLOADS if name not in ("overhead", "import")])
    parser.add_argument("engine", choices=ENGINES)
    parser.add_argument("--seconds", type=float, default=1.5, help="how long to take samples (default: %(default)s)")
    options = parser.parse_args(arguments)
    builder = ENGINES[options.engine].builder(options.workload)
    before = resident("VmRSS")
    step = builder()
    warm_up(step)
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")  # the peaks of import and compilation are past: start afresh
    timing = measure(step, options.seconds)
    peak = resident("VmHWM")
    memory = None if before is None or peak is None else peak - before
    print(json.dumps(asdict(timing) | {"memory": memory}))


if __name__ == "__main__":
    main()
