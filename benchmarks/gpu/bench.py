"""The benchmarks: all cases of the groups on each engine, one after the other on the same GPU."""

import gc
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from math import inf
from time import monotonic
from typing import Any

from benchmarks.gpu import kernels, steps
from benchmarks.gpu.engines import Engine, allow_tf32, ours, torch
from benchmarks.gpu.kernels import Case
from benchmarks.gpu.workers import LATE, Ask, Failure, here

# What `acceptance.py` asks for comes first, and of this the shortest, for a run whose time is limited. Convolutions are
# tuned one by one before a network needs all of them: its first step would take longer than a measurement may.
GROUPS: dict[str, Callable[[int], Iterator[Case]]] = {
    "products": kernels.products,
    "attention": kernels.attention,
    "small": steps.small,
    "optimizers": steps.optimizers,
    "memory": kernels.memory_bound,
    "convolutions": kernels.convolutions,
    "ResNet-50": steps.resnet,
    "steps": steps.large,
}
# Of the time that there is, what each group gets at least: later ones also get what earlier ones leave.
SHARES = {
    "products": 10, "attention": 10, "small": 10, "optimizers": 5, "memory": 15, "convolutions": 25, "ResNet-50": 15,
    "steps": 10,
}  # fmt: skip
# The unit of a group's amounts, and the factor from an amount per millisecond to a rate.
RATES = {
    **dict.fromkeys(("products", "attention", "convolutions"), ("TFLOP/s", 2e-9)),
    "memory": ("of a copy", 1.0),
    "steps": ("images/s", 1e3),
    "small steps": ("samples/s", 1e3),
    "optimizers": ("G elements/s", 1e-6),
}
OURS = "ours"
ENGINES: dict[str, Callable[[], Engine | None]] = {OURS: ours, "torch": torch}
COPY = "copy"
ABSENT = "–"


def run(groups: Sequence[str], part: int, ask: Ask = here, end: float = inf) -> Iterator[dict[str, Any]]:
    """A row for each case: milliseconds by engine or the failure, and our rate. Sizes are divided by `part`.

    ask: answers items in order, for example by one process. end: the time to stop, on the monotonic clock; a case that
    does not begin in its group's share of that has no row, unless it failed here. ValueError for an unknown group.
    """
    known = {(group, i): case for group, some in cases(groups, part).items() for i, case in enumerate(some)}
    items = [(group, i, part, engine) for group, i in known for engine in ENGINES]
    until = deadlines([group for group, _ in known], monotonic(), end)
    times: dict[Any, dict[str, Any]] = {}
    copy = 0.0
    for (group, i, _, engine), answer in ask(
        measured, [(COPY, 0, part, OURS), *items], ends=lambda item: until[item[0]]
    ):
        if group == COPY:
            copy = answer if isinstance(answer, float) else 0.0
            continue
        found = times.setdefault((group, i), {})
        found[engine] = answer
        if len(found) == len(ENGINES) and LATE not in found.values():
            yield _row(known[group, i], times.pop((group, i)), copy)
    for key, found in times.items():
        if isinstance(found.get(OURS), Failure):
            yield _row(known[key], found, copy)


def cases(groups: Sequence[str], part: int) -> dict[str, list[Case]]:
    """The cases of the groups, or of all; a group that cannot say what it has is left out."""
    if unknown := [group for group in groups if group not in GROUPS]:
        raise ValueError(f"unknown groups {', '.join(unknown)}; known: {', '.join(GROUPS)}")
    found = {}
    for group in groups or GROUPS:
        try:
            found[group] = [*GROUPS[group](part)]
        except Exception:
            traceback.print_exc()
    return found


def deadlines(groups: Iterable[str], start: float, end: float) -> dict[str, float]:
    """When the time of each group ends."""
    parts, spent = {group: SHARES[group] for group in groups}, 0
    until = {COPY: end}
    for group, share in parts.items():
        spent += share
        until[group] = end if end == inf else start + (end - start) * spent / sum(parts.values())
    return until


def _row(case: Case, times: dict[str, Any], copy: float) -> dict[str, Any]:
    unit, factor = RATES[case.group]
    row: dict[str, Any] = {"group": case.group, "name": case.name, "unit": unit}
    for engine, time in times.items():
        row[engine] = None if time is LATE else time.reason if isinstance(time, Failure) else time
        if isinstance(time, Failure):
            row[f"trace of {engine}"] = time.trace
    if case.group == "memory":
        factor = 1 / copy if copy else 0.0
    if isinstance(row[OURS], float) and row[OURS] and factor:
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
