"""Runs commands in separate processes, interleaved (A B A B ...), round by round."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.engines import ENGINES
from benchmarks.worker import Timing

SGEMM = "sgemm"  # one of the engines of a workload, so that its rate is measured in the same rounds
ROOT = Path(__file__).parent.parent
THREADS = 2
THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "PJRT_NPROC", "NUM_CPU_THREADS")
TIMEOUT = 600  # seconds; a compiler may take minutes
IMPORT = """\
import sys, time, numpy
start = time.perf_counter()
__import__(sys.argv[1])
seconds = time.perf_counter() - start
print(f'{{"best": {seconds}, "median": {seconds}}}')
"""


@dataclass(frozen=True)
class Rounds:
    """The measurements of one engine's processes, a timing per round."""

    timings: tuple[Timing, ...]

    @property
    def best(self) -> float:
        """Seconds of the fastest step of all rounds."""
        return min(timing.best for timing in self.timings)

    @property
    def median(self) -> float:
        """Seconds of the median step."""
        return median(timing.median for timing in self.timings)

    @property
    def memory(self) -> int | None:
        """The highest peak, in bytes."""
        return max((timing.memory for timing in self.timings if timing.memory is not None), default=None)

    def paired(self, other: "Rounds") -> float:
        """The median over the rounds of this engine's best time over the other's in the same round."""
        pairs = zip(self.timings, other.timings, strict=True)
        return median(timing.best / others.best for timing, others in pairs)


Answer = Rounds | str  # figures, or one line that says why there are none


def command(workload: str, engine: str, seconds: float) -> list[str]:
    """The process that measures one workload on one engine; for imports a bare one, in which nothing is loaded yet."""
    if engine == SGEMM:
        return [sys.executable, "-m", "benchmarks.sgemm"]
    if workload == "import":
        return [sys.executable, "-c", IMPORT, ENGINES[engine].package]
    return [sys.executable, "-m", "benchmarks.worker", workload, engine, "--seconds", str(seconds)]


def collect(commands: Mapping[str, list[str]], rounds: int) -> dict[str, Answer]:
    """Run every engine's command once per round; an engine that fails is not run again."""
    timings: dict[str, list[Timing]] = {engine: [] for engine in commands}
    failures: dict[str, str] = {}
    for _ in range(rounds):
        for engine in [engine for engine in commands if engine not in failures]:
            answer = run(commands[engine])
            if isinstance(answer, str):
                failures[engine] = answer
            else:
                timings[engine].append(Timing(**answer))
    return {engine: failures.get(engine) or Rounds(tuple(timings[engine])) for engine in commands}


def run(arguments: list[str]) -> dict[str, Any] | str:
    """The JSON object the command prints last, or the reason there is none."""
    threads = dict.fromkeys(THREAD_VARIABLES, str(THREADS))
    # Imports are timed with cached bytecode, as after an installation.
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"} | threads
    try:
        process = subprocess.run(
            arguments, check=False, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=TIMEOUT
        )
    except subprocess.TimeoutExpired:
        return f"no answer within {TIMEOUT} s"
    if process.returncode:
        return _error_line(process.stderr) or f"exit code {process.returncode}"
    return json.loads(process.stdout.splitlines()[-1])


def _error_line(stderr: str) -> str:
    """The first line of the last traceback's message: its frames are indented, the message is not."""
    lines = stderr.rpartition("Traceback (most recent call last):\n")[2].splitlines()
    return next((line for line in lines if line and not line.startswith(" ")), "")
