"""Tables for the terminal and for the README."""

import os
import platform
from collections.abc import Mapping
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from benchmarks.engines import ENGINES, OURS
from benchmarks.overhead import BUDGETS
from benchmarks.runner import SGEMM, Answer, Rounds
from benchmarks.sgemm import FLOPS as SGEMM_FLOPS
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
    for package in dict.fromkeys(["numpy", *(engine.package for name, engine in ENGINES.items() if name != OURS)]):
        with suppress(PackageNotFoundError):
            parts.append(f"{package} {version(package)}")
    return ", ".join(parts)


def details(results: Results) -> Rows:
    """All figures: one row per workload and engine."""
    rows = [
        ["workload", "engine", "best ratio", "paired", "best, ms", "median, ms", "memory, MiB", "GFLOP/s", "of sgemm"]
    ]
    for workload, answers in results.items():
        for engine, rounds in answers.items():
            if engine == SGEMM:
                continue
            if isinstance(rounds, str):
                rows.append([workload, engine, ABSENT, ABSENT, "failed", "", "", "", ""])
            else:
                best, paired = ratios_of(answers, engine)
                times = f"{1e3 * rounds.best:.3f}", f"{1e3 * rounds.median:.3f}"
                rows.append([workload, engine, best, paired, *times, *resources(workload, answers, engine)])
    return rows


def ratios(results: Results) -> Rows:
    """The best and the paired ratio of every peer: one row per workload, one column per peer."""
    peers = [peer for peer in ENGINES if peer != OURS and any(peer in answers for answers in results.values())]
    rows = [["time of the peer / ours: best, paired", *peers]]
    for workload, answers in results.items():
        cells = (", ".join(dict.fromkeys(ratios_of(answers, peer))) for peer in peers)
        rows.append([WORKLOADS[workload].description, *cells])
    return rows


def roofline(results: Results) -> Rows:
    """For each network, our peak memory beside PyTorch's, and our rate as a share of the machine's."""
    rows = [["peak memory above the import; rate", "MiB", "torch, MiB", "GFLOP/s", "of sgemm"]]
    for workload, answers in results.items():
        if WORKLOADS[workload].products:
            ours, torch = (resources(workload, answers, engine) for engine in (OURS, "torch"))
            rows.append([WORKLOADS[workload].description, ours[0], torch[0], *ours[1:]])
    return rows


def budgets(overhead: Mapping[str, float], results: Results) -> Rows:
    """The costs of the engine beside their budgets."""
    rows = [["cost of the engine", "measured", "budget"]]
    rows += [[f"{name}, × np.multiply", f"{overhead[name]:.1f}×", f"{BUDGETS[name]:g}×"] for name in overhead]
    if isinstance(ours := results.get("import", {}).get(OURS), Rounds):
        rows.append(["import, above numpy", f"{1e3 * ours.best:.1f} ms", f"{1e3 * IMPORT_BUDGET:g} ms"])
    return rows


def ratios_of(answers: Mapping[str, Answer], engine: str) -> tuple[str, str]:
    """The engine's time over ours: the ratio of the best times of all rounds, and the median of the rounds' ratios."""
    ours, theirs = answers.get(OURS), answers.get(engine)
    if not isinstance(ours, Rounds) or not isinstance(theirs, Rounds):
        return ABSENT, ABSENT
    return f"{theirs.best / ours.best:.2f}×", f"{theirs.paired(ours):.2f}×"


def resources(workload: str, answers: Mapping[str, Answer], engine: str) -> tuple[str, str, str]:
    """Peak memory, and the rate of the workload's products over the whole step, absolute and as a share of sgemm's."""
    rounds, sgemm = answers.get(engine), answers.get(SGEMM)
    if not isinstance(rounds, Rounds):
        return ABSENT, ABSENT, ABSENT
    memory = ABSENT if rounds.memory is None else f"{rounds.memory / 2**20:.1f}"
    if not (flops := WORKLOADS[workload].flops) or not isinstance(sgemm, Rounds):
        return memory, ABSENT, ABSENT
    rate, roof = flops / rounds.best, SGEMM_FLOPS / sgemm.best
    return memory, f"{rate / 1e9:.1f}", f"{100 * rate / roof:.0f} %"


def text(rows: Rows) -> str:
    """Aligned columns: words to the left, figures to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    words = [
        column[0] in ("workload", "engine", "cost of the engine", "group", "what") for column in zip(*rows, strict=True)
    ]
    lines = (
        "  ".join(f"{cell:{'<' if word else '>'}{width}}" for cell, width, word in zip(row, widths, words, strict=True))
        for row in rows
    )
    return "\n".join(line.rstrip() for line in lines)


def markdown(rows: Rows) -> str:
    """A GitHub table."""
    separator = ["---"] + ["---:"] * (len(rows[0]) - 1)
    return "\n".join("| " + " | ".join(row) + " |" for row in [rows[0], separator, *rows[1:]])
