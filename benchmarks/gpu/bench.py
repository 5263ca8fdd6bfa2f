"""The benchmarks: all cases of the groups, each engine, one after the other on the same GPU."""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Any

import backends
from benchmarks.gpu import kernels, steps
from benchmarks.gpu.engines import Engine, allow_tf32, ours, torch
from benchmarks.gpu.kernels import Case

# The shortest first, for a run whose time is limited.
GROUPS: dict[str, Callable[[int], Iterator[Case]]] = {
    "products": kernels.products,
    "small": steps.small,
    "optimizers": steps.optimizers,
    "memory": kernels.memory_bound,
    "steps": steps.large,
    "convolutions": kernels.convolutions,
}
# What amounts are of a group's cases, and the factor to a rate from an amount in a millisecond.
RATES = {
    "products": ("TFLOP/s", 2e-9),
    "convolutions": ("TFLOP/s", 2e-9),
    "memory": ("of a copy", 1.0),
    "steps": ("images/s", 1e3),
    "small steps": ("samples/s", 1e3),
    "optimizers": ("G elements/s", 1e-6),
}
ABSENT = "–"


def machine() -> str:
    """The GPU and the versions; BackendUnavailable with what is missing where there is none."""
    described = backends.get("cuda").describe()
    peer = torch()
    return described if peer is None else f"{described}, PyTorch {peer.core.__version__}"


def run(groups: Sequence[str], part: int) -> Iterator[dict[str, Any]]:
    """A row for each case: milliseconds by engine, or why it failed, and ours as a rate. Sizes are divided by `part`.

    ValueError for a group that does not exist.
    """
    if unknown := [group for group in groups if group not in GROUPS]:
        raise ValueError(f"unknown groups {', '.join(unknown)}; known: {', '.join(GROUPS)}")
    engines = [engine for engine in (ours(), torch()) if engine is not None]
    for engine in engines:
        allow_tf32(engine, False)
    copy = bandwidth(engines[0], (1 << 30) // part)
    for group in groups or GROUPS:
        for case in GROUPS[group](part):
            print(f"{case.group}: {case.name} ...", file=sys.stderr, flush=True)
            times = {engine.name: _time(engine, case) for engine in engines}
            unit, factor = RATES[case.group]
            row: dict[str, Any] = {"group": case.group, "name": case.name, "unit": unit, **times}
            if isinstance(times["ours"], float):
                row["rate"] = case.amount / times["ours"] * (1 / copy if case.group == "memory" else factor)
            yield row


def bandwidth(engine: Engine, size: int) -> float:
    """Bytes read and written in a millisecond by a copy of `size` bytes."""
    x = engine.core.zeros(size // 4, device="cuda").array
    y = x.copy()

    def copy() -> None:
        y.data.copy_from_device_async(x.data, size)

    return 2 * size / engine.milliseconds(copy)


def _time(engine: Engine, case: Case) -> float | str | None:
    found: float | str | None
    try:
        work = case.make(engine)
        found = None if work is None else engine.milliseconds(work)
    except Exception as error:  # a benchmark of many hours must not end with its first failure
        found = f"{type(error).__name__}: {error}".partition("\n")[0]
    work = None
    allow_tf32(engine, False)
    with suppress(Exception):  # a GPU that has met an error answers with it to everything
        engine.cuda.empty_cache()
    return found


def table(rows: Sequence[dict[str, Any]]) -> list[list[str]]:
    """For `report.text` and `report.markdown`."""
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
