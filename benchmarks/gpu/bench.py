"""The benchmarks: all cases of the groups on each engine, one after the other on the same GPU."""

import gc
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from benchmarks.gpu import kernels, steps
from benchmarks.gpu.engines import Engine, allow_tf32, ours, torch
from benchmarks.gpu.kernels import Case
from benchmarks.gpu.workers import Ask, Failure, here

# What `acceptance.py` asks for comes first, and of this the shortest, for a run whose time is limited.
GROUPS: dict[str, Callable[[int], Iterator[Case]]] = {
    "products": kernels.products,
    "attention": kernels.attention,
    "small": steps.small,
    "optimizers": steps.optimizers,
    "memory": kernels.memory_bound,
    "ResNet-50": steps.resnet,
    "convolutions": kernels.convolutions,
    "steps": steps.large,
}
# The unit of a group's amounts, and the factor from an amount per millisecond to a rate.
RATES = {
    "products": ("TFLOP/s", 2e-9),
    "attention": ("TFLOP/s", 2e-9),
    "convolutions": ("TFLOP/s", 2e-9),
    "memory": ("of a copy", 1.0),
    "steps": ("images/s", 1e3),
    "small steps": ("samples/s", 1e3),
    "optimizers": ("G elements/s", 1e-6),
}
OURS = "ours"
ENGINES: dict[str, Callable[[], Engine | None]] = {OURS: ours, "torch": torch}
COPY = "copy"
ABSENT = "–"


def run(groups: Sequence[str], part: int, ask: Ask = here) -> Iterator[dict[str, Any]]:
    """A row for each case: milliseconds by engine or the failure, and our rate. Sizes are divided by `part`.

    ask: answers items in order, for example by one process. ValueError for an unknown group.
    """
    if unknown := [group for group in groups if group not in GROUPS]:
        raise ValueError(f"unknown groups {', '.join(unknown)}; known: {', '.join(GROUPS)}")
    known = {(group, i): case for group in groups or GROUPS for i, case in enumerate(GROUPS[group](part))}
    items = [(group, i, part, engine) for group, i in known for engine in ENGINES]
    times: dict[str, Any] = {}
    copy = 0.0
    for (group, i, _, engine), answer in ask(measured, [(COPY, 0, part, OURS), *items]):
        if group == COPY:
            copy = answer if isinstance(answer, float) else 0.0
            continue
        times[engine] = answer
        if len(times) == len(ENGINES):
            yield _row(known[group, i], times, copy)
            times = {}


def _row(case: Case, times: dict[str, Any], copy: float) -> dict[str, Any]:
    unit, factor = RATES[case.group]
    row: dict[str, Any] = {"group": case.group, "name": case.name, "unit": unit}
    for engine, time in times.items():
        row[engine] = time.reason if isinstance(time, Failure) else time
        if isinstance(time, Failure):
            row[f"trace of {engine}"] = time.trace
    if case.group == "memory":
        factor = 1 / copy if copy else 0.0
    if isinstance(row[OURS], float) and factor:
        row["rate"] = case.amount / row[OURS] * factor
    return row


def measured(group: str, i: int, part: int, name: str) -> float | None:
    """Milliseconds of a case, None if an engine lacks it; for COPY, the bytes that a copy moves per millisecond."""
    engine = ENGINES[name]()
    if engine is None:
        return None
    if group == COPY:
        return bandwidth(engine, (1 << 30) // part)
    allow_tf32(engine, False)
    case = [*GROUPS[group](part)][i]
    print(f"{case.group}: {case.name}, {name} ...", file=sys.stderr, flush=True)
    work = case.make(engine)
    try:
        return None if work is None else engine.milliseconds(work)
    finally:
        work = None
        gc.collect()  # a captured step and its memory
        engine.cuda.empty_cache()


def bandwidth(engine: Engine, size: int) -> float:
    """Bytes read and written per millisecond by a copy of `size` bytes."""
    x = engine.core.zeros(size // 4, device="cuda").array
    y = x.copy()

    def copy() -> None:
        y.data.copy_from_device_async(x.data, size)

    return 2 * size / engine.milliseconds(copy)


def table(rows: Sequence[dict[str, Any]]) -> list[list[str]]:
    """The table for `report.text` and `report.markdown`."""
    cells = [["group", "what", "ours, ms", "torch, ms", "ratio", "rate"]]
    for row in rows:
        ours, theirs = row["ours"], row.get("torch")
        ratio = f"{theirs / ours:.2f}×" if isinstance(ours, float) and isinstance(theirs, float) else ABSENT
        rate = ABSENT
        if "rate" in row:
            rate = f"{100 * row['rate']:.0f} %" if row["unit"] == "of a copy" else f"{row['rate']:,.4g} {row['unit']}"
        cells.append([row["group"], row["name"], _cell(ours), _cell(theirs), ratio, rate])
    return cells


def _cell(time: float | str | None) -> str:
    return ABSENT if time is None else time if isinstance(time, str) else f"{time:.3f}"
