"""Every operation on a GPU against float64 on the CPU, and captured steps against plain ones."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

import autograd_core as ag
import nn
import optim
from autograd_core.errors import DtypeError
from autograd_core.registry import COMPOSITIONS, OPS
from autograd_core.testing.gradients import cotangents, gradients
from autograd_core.testing.samples import Case, cases
from nn import functional as F

LIMITS = {"float32": 1e-5, "bfloat16": 1e-2}  # of the largest error, relative to the largest element
Row = dict[str, Any]


def operations(
    names: Sequence[str] | None = None, share: tuple[int, int] = (1, 1), device: str = "cuda"
) -> Iterator[Row]:
    """The largest errors of every entry's values and gradients, by dtype; of the named ones only, if any are.

    share: (i, n) for the i-th, from 1, of n shares of them.
    """
    entries: dict[str, Any] = {**OPS, **COMPOSITIONS}
    chosen = [name for name in entries if names is None or name in names]
    for name in chosen[share[0] - 1 :: share[1]]:
        yield from _rows(name, cases(entries[name], device=device))


def _rows(name: str, found: list[Case]) -> Iterator[Row]:
    for dtype, limit in LIMITS.items():
        row: Row = {"operation": name, "dtype": dtype, "value": 0.0, "gradient": 0.0, "error": ""}
        for case in found:
            if "dtype" in case.statics or any(a.dtype.kind == "c" for a in case.arrays()):
                continue
            try:
                _compare(row, case.changed(partial(_rounded, dtype)), dtype)
            except Exception as error:  # what is wrong with one operation must not hide the others
                row["error"] = f"{case!r}: {type(error).__name__}: {error}"
        row["right"] = not row["error"] and max(row["value"], row["gradient"]) <= limit
        yield row


def _rounded(dtype: str, a: Any) -> Any:
    """float64 numbers that `dtype` can hold, so that only the computation differs."""
    return a.astype(_dtype(dtype)).astype(np.float64) if a.dtype == np.float64 else a


def _dtype(name: str) -> Any:
    return ag.bfloat16 if name == "bfloat16" else np.dtype(name)


def _compare(row: Row, exact: Case, dtype: str) -> None:
    there = exact.changed(lambda a: a.astype(_dtype(dtype)) if a.dtype == np.float64 else a)
    exact, narrow = replace(exact, device="cpu"), replace(there, device="cpu")
    try:
        found, wanted = _results(there), _results(exact)
        if [y.shape for y in found["value"]] != [y.shape for y in wanted["value"]]:
            wanted = _results(narrow)  # it reads the same bytes in another dtype
    except DtypeError:
        if _refuses(narrow):
            return
        raise
    for key in ("value", "gradient"):
        row[key] = max([row[key], *map(_distance, found[key], wanted[key])])


def _refuses(case: Case) -> bool:
    """Whether an entry takes no operands of this dtype on the CPU either."""
    try:
        _results(case)
    except DtypeError:
        return True
    return False


def _results(case: Case) -> dict[str, list[Any]]:
    xs = case.tensors(requires_grad=True)
    outputs = [y for y in case.call(*xs) if isinstance(y, ag.Tensor)]
    floating = [y for y in outputs if y.requires_grad and case.entry.order]
    wanted = [x for x in xs if x.requires_grad]
    grads = gradients(floating, wanted, cotangents(floating)) if floating and wanted else ()
    return {"value": [_host(y) for y in outputs], "gradient": [_host(g) for g in grads]}


def _host(t: Any) -> Any:
    return t.numpy(force=True).astype(np.float64 if t.dtype.kind != "c" else np.complex128)


def _distance(found: Any, wanted: Any) -> float:
    """The largest difference, relative to the largest element that is finite; infinite where shapes or NaN differ."""
    if found.shape != wanted.shape or (np.isfinite(found) != np.isfinite(wanted)).any():
        return float("inf")
    with np.errstate(invalid="ignore"):
        gap = np.abs(np.where(np.isfinite(wanted), found - wanted, 0))
    scale = np.max(np.abs(np.where(np.isfinite(wanted), wanted, 0)), initial=0)
    return float(np.max(gap, initial=0) / max(scale, 1.0))


def captured_steps() -> Iterator[Row]:
    """Whether a few models, trained by captured steps, end where they end by plain ones."""
    for name, made in STEPS.items():
        yield _trained_twice(name, *made)


def _perceptron() -> Any:
    return nn.Sequential(
        nn.Linear(16, 32, bias=False), nn.BatchNorm1d(32), nn.ReLU(), nn.Dropout(0.1), nn.Linear(32, 4)
    )


def _images() -> Any:
    first = nn.Conv2d(3, 8, 3, padding=1, bias=False)
    return nn.Sequential(first, nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(8 * 16, 4))


STEPS: dict[str, tuple[Any, tuple[int, ...], Any]] = {
    "perceptron, AdamW": (_perceptron, (16,), optim.AdamW),
    "perceptron, SGD with momentum": (_perceptron, (16,), partial(optim.SGD, lr=0.1, momentum=0.9)),
    "convolutions, SGD with momentum": (_images, (3, 8, 8), partial(optim.SGD, lr=0.1, momentum=0.9)),
}


def _trained_twice(name: str, make: Any, shape: tuple[int, ...], optimizer: Any) -> Row:
    row: Row = {"step": name, "difference": 0.0, "error": "", "reasons": []}
    try:
        plain, _ = _trained(make, shape, optimizer, captured=False)
        found, row["reasons"] = _trained(make, shape, optimizer, captured=True)
        row["difference"] = max(map(_distance, found, plain))
    except Exception as error:
        row["error"] = f"{type(error).__name__}: {error}"
    row["right"] = not row["error"] and not row["reasons"] and row["difference"] <= LIMITS["float32"]
    return row


def _trained(make: Any, shape: tuple[int, ...], optimizer: Any, captured: bool) -> tuple[list[Any], list[str]]:
    ag.manual_seed(0)
    model = make().to("cuda")
    steps = optimizer(model.parameters())
    data = [(ag.randn(8, *shape, device="cuda"), ag.randint(0, 4, (8,), device="cuda")) for _ in range(8)]

    def step(x: Any, target: Any) -> Any:
        steps.zero_grad()
        loss = F.cross_entropy(model(x), target)
        loss.backward()
        steps.step()
        return loss

    run = ag.cuda.graph(step) if captured else step
    losses = [run(*batch) for batch in data]
    return [_host(t) for t in (*losses, *model.parameters())], run.reasons if isinstance(run, ag.cuda.graph) else []


def table(machine: str, rows: Iterable[Row], steps: Iterable[Row]) -> str:
    """What was found, as Markdown: a line for each dtype, one for each captured step, and whatever is wrong."""
    rows, steps = list(rows), list(steps)
    lines = [machine, "", "| what | compared | right | largest error |", "|---|---|---|---|"]
    for dtype in LIMITS:
        some = [row for row in rows if row["dtype"] == dtype]
        worst = max([max(row["value"], row["gradient"]) for row in some if row["right"]], default=0.0)
        lines.append(f"| {dtype} operations | {len(some)} | {sum(row['right'] for row in some)} | {worst:.1e} |")
    lines += [f"| captured: {row['step']} | 1 | {int(row['right'])} | {row['difference']:.1e} |" for row in steps]
    wrong = [row for row in (*rows, *steps) if not row["right"]]
    lines += ["", *(f"- {_described(row)}" for row in wrong)] if wrong else []
    return "\n".join(lines)


def _described(row: Row) -> str:
    what = row.get("step") or f"{row['operation']} in {row['dtype']}"
    if row["error"] or row.get("reasons"):
        return f"{what}: {row['error'] or row['reasons'][0]}"
    if "step" in row:
        return f"{what}: differs by {row['difference']:.1e}"
    return f"{what}: values differ by {row['value']:.1e}, gradients by {row['gradient']:.1e}"
