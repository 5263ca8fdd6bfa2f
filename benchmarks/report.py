"""Tables for the terminal and for the README."""

import os
import platform
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from benchmarks.engines import OURS
from benchmarks.overhead import BUDGETS
from benchmarks.runner import Answer
from benchmarks.worker import Timing
from benchmarks.workloads import WORKLOADS

Results = Mapping[str, Mapping[str, Answer]]
Rows = list[list[str]]

IMPORT_BUDGET = 0.05  # seconds
ABSENT = "–"


def machine() -> str:
    """CPU, cores, and the versions that matter."""
    cpu = platform.processor() or platform.machine()
    if (cpuinfo := Path("/proc/cpuinfo")).exists():
        models = [line.partition(":")[2].strip() for line in cpuinfo.read_text().splitlines() if "model name" in line]
        cpu = models[0] if models else cpu
    parts = [cpu, f"{os.cpu_count()} cores", f"Python {platform.python_version()}"]
    for package in ("numpy", "torch"):
        try:
            parts.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            parts.append(f"no {package}")
    return ", ".join(parts)


def details(results: Results) -> Rows:
    """Every figure: one row per workload and engine."""
    rows = [["workload", "engine", "time / ours", "best, ms", "median, ms", "memory, MiB"]]
    for workload, answers in results.items():
        for engine, timing in answers.items():
            if isinstance(timing, str):
                rows.append([workload, engine, ABSENT, "failed", "", ""])
            else:
                memory = ABSENT if timing.memory is None else f"{timing.memory / 2**20:.1f}"
                times = f"{1e3 * timing.best:.3f}", f"{1e3 * timing.median:.3f}"
                rows.append([workload, engine, ratio(answers, engine), *times, memory])
    return rows


def ratios(results: Results) -> Rows:
    """Only the ratios: one row per workload, one column per peer."""
    peers = list(dict.fromkeys(engine for answers in results.values() for engine in answers if engine != OURS))
    rows = [["time of the peer / ours", *peers]]
    for workload, answers in results.items():
        rows.append([WORKLOADS[workload].description, *(ratio(answers, peer) for peer in peers)])
    return rows


def budgets(overhead: Mapping[str, float], results: Results) -> Rows:
    """What the design promises (DESIGN.md, section 3) against what was measured."""
    rows = [["cost of the engine", "measured", "budget"]]
    rows += [[f"{name}, × np.multiply", f"{overhead[name]:.1f}×", f"{BUDGETS[name]:g}×"] for name in overhead]
    if isinstance(ours := results.get("import", {}).get(OURS), Timing):
        rows.append(["import, above numpy", f"{1e3 * ours.best:.1f} ms", f"{1e3 * IMPORT_BUDGET:g} ms"])
    return rows


def ratio(answers: Mapping[str, Answer], engine: str) -> str:
    """How many times our time the engine takes."""
    ours, theirs = answers.get(OURS), answers.get(engine)
    if not isinstance(ours, Timing) or not isinstance(theirs, Timing):
        return ABSENT
    return f"{theirs.best / ours.best:.2f}×"


def text(rows: Rows) -> str:
    """Aligned columns: words to the left, figures to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    words = [column[0] in ("workload", "engine", "cost of the engine") for column in zip(*rows, strict=True)]
    lines = (
        "  ".join(f"{cell:{'<' if word else '>'}{width}}" for cell, width, word in zip(row, widths, words, strict=True))
        for row in rows
    )
    return "\n".join(line.rstrip() for line in lines)


def markdown(rows: Rows) -> str:
    """A GitHub table."""
    separator = ["---"] + ["---:"] * (len(rows[0]) - 1)
    return "\n".join("| " + " | ".join(row) + " |" for row in [rows[0], separator, *rows[1:]])
