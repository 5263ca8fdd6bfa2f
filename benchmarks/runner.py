"""Runs commands in processes of their own, interleaved (A B A B ...), and keeps the best of all rounds."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.engines import ENGINES
from benchmarks.worker import Timing

Answer = Timing | str  # figures, or one line on why there are none

ROOT = Path(__file__).parent.parent
THREADS = 2
TIMEOUT = 120
IMPORT = """\
import sys, time, numpy
start = time.perf_counter()
__import__(sys.argv[1])
seconds = time.perf_counter() - start
print(f'{{"best": {seconds}, "median": {seconds}}}')
"""


def command(workload: str, engine: str, seconds: float) -> list[str]:
    """The process that measures one workload on one engine; a bare one for imports, so that nothing is loaded yet."""
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
    return {engine: failures.get(engine) or _combined(timings[engine]) for engine in commands}


def run(arguments: list[str]) -> dict[str, Any] | str:
    """The JSON object the command prints last, or the reason there is none."""
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), str(THREADS))
    # Imports are timed as after an installation, with their bytecode cached.
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"} | threads
    try:
        process = subprocess.run(
            arguments, check=False, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=TIMEOUT
        )
    except subprocess.TimeoutExpired:
        return f"no answer within {TIMEOUT} s"
    if process.returncode:
        return _error_line(process.stderr) or f"exit code {process.returncode}"
    answer: dict[str, Any] = json.loads(process.stdout.splitlines()[-1])
    return answer


def _error_line(stderr: str) -> str:
    """The first line of the last traceback's message: its frames are indented, the message is not."""
    lines = stderr.rpartition("Traceback (most recent call last):\n")[2].splitlines()
    return next((line for line in lines if line and not line.startswith(" ")), "")


def _combined(rounds: list[Timing]) -> Timing:
    memory = [timing.memory for timing in rounds if timing.memory is not None]
    return Timing(
        min(timing.best for timing in rounds),
        median(timing.median for timing in rounds),
        max(memory, default=None),
    )
