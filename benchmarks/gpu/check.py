"""Every operation on a GPU against float64 on the CPU, and captured steps against plain ones."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np

import autograd_core as ag
import backends
import nn
import optim
from autograd_core.errors import DtypeError
from autograd_core.registry import COMPOSITIONS, OPS
from autograd_core.testing.gradients import cotangents, gradients
from autograd_core.testing.samples import Case, cases, listed
from backends.cupy_backend.table import WITHOUT
from benchmarks.gpu.large import LARGE, operands
from benchmarks.gpu.workers import Ask, Failure, here
from nn import functional as F

LIMITS = {"float32": 1e-5, "bfloat16": 1e-2}  # of the largest error, relative to the largest element
LIBRARIES = {
    "NVRTC": ("cupy_backends.cuda.libs.nvrtc", "getVersion"),
    "cuDNN": ("cudnn", "backend_version_string"),
    "cuBLASLt": ("nvmath.bindings.cublasLt", "get_version"),
}
OTHERWISE = "without our kernels"
AS_ON_CPU = "as on the CPU"
Row = dict[str, Any]


def described(what: str) -> Any:
    """What this machine has: its "machine" in words, or its "libraries"."""
    return machine() if what == "machine" else libraries()


def machine() -> str:
    """The GPU and the versions; BackendUnavailable, saying what is missing, if no GPU can be used."""
    found: Any = backends.get("cuda")
    try:
        return f"{found.describe()}, PyTorch {version('torch')}"
    except PackageNotFoundError:
        return str(found.describe())


def libraries() -> dict[str, str]:
    """The versions of the libraries, or why one is missing: slower kernels replace it."""
    found = {}
    for name, (module, function) in LIBRARIES.items():
        try:
            found[name] = str(getattr(import_module(module), function)())
        except Exception as error:  # any error of loading a library
            found[name] = f"none ({error})"
    return found


def operations(names: Sequence[str] | None = None, device: str = "cuda", ask: Ask = here) -> Iterator[Row]:
    """The largest errors of the values and gradients of all entries, or the named ones, with a row for each dtype."""
    return _rows(compared, [*OPS, *COMPOSITIONS], names, device, ask)


def large(names: Sequence[str] | None = None, device: str = "cuda", ask: Ask = here) -> Iterator[Row]:
    """The same for operations on many elements."""
    return _rows(largely_compared, LARGE, names, device, ask)


def counts(names: Sequence[str] | None = None) -> dict[str, int]:
    """How many rows a whole check has."""
    known = [name for name in (*LARGE, *OPS, *COMPOSITIONS) if names is None or name in names]
    return {"operations": len(known) * len(LIMITS), "captured": len(STEPS)}


def _rows(work: Any, known: Iterable[str], names: Sequence[str] | None, device: str, ask: Ask) -> Iterator[Row]:
    items = [(name, dtype, device) for name in known if names is None or name in names for dtype in LIMITS]
    wrong = {}
    for item, answer in ask(work, items):
        row = _row(item, answer)
        if not row["right"]:
            wrong[item] = row
        yield row
    # Whether it is our kernels that are wrong, or something else.
    for item, answer in ask(work, [*wrong], {WITHOUT: "all"}):
        wrong[item][OTHERWISE] = described_row(_row(item, answer)).partition(": ")[2]


def _row(item: tuple[str, str, str], answer: Row | Failure) -> Row:
    name, dtype, _ = item
    return _judged({"operation": name, "dtype": dtype, "value": 0.0, "gradient": 0.0}, answer, LIMITS[dtype])


def compared(name: str, dtype: str, device: str) -> Row:
    """The largest errors of all samples of one entry."""
    row: Row = {"value": 0.0, "gradient": 0.0}
    entry: Any = OPS.get(name) or COMPOSITIONS[name]
    for case in cases(entry, device=device):
        if "dtype" in case.statics or any(a.dtype.kind == "c" for a in case.arrays()):
            continue
        try:
            _compare(row, case.changed(partial(_rounded, dtype)), dtype)
        except Exception as error:
            error.add_note(repr(case))
            raise
    return row


def largely_compared(name: str, dtype: str, device: str) -> Row:
    """The largest errors of one of LARGE."""
    function, shapes = LARGE[name]
    exact = [_rounded(dtype, x) for x in operands(shapes)]
    there, here = ([x.astype(d) for x in exact] for d in (_dtype(dtype), np.float64))
    found, wanted = (
        _gradients_too(listed(function(*xs)), xs)
        for xs in ([ag.tensor(x, device=d, requires_grad=True) for x in a] for a, d in ((there, device), (here, "cpu")))
    )
    row: Row = {"value": 0.0, "gradient": 0.0}
    for key in [*row]:
        for i, (y, right) in enumerate(zip(found[key], wanted[key], strict=True)):
            _note(row, f"{key} {i}", dtype, y, right)
    return row


def _judged(row: Row, answer: Row | Failure, limit: float) -> Row:
    """The row with the errors found, or why there are none, and whether all is right."""
    if isinstance(answer, Failure):
        return row | {"error": answer.reason, "trace": answer.trace, "crashed": answer.crashed, "right": False}
    errors = [value for value in answer.values() if isinstance(value, float)]
    return row | answer | {"error": "", "right": max(errors) <= limit and not answer.get("reasons")}


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
        alike = _results(narrow)
        if [y.shape for y in found["value"]] != [y.shape for y in wanted["value"]]:
            wanted = alike  # it reads the same bytes in another dtype
        if found["dtypes"] != alike["dtypes"]:
            raise TypeError(f"gives {found['dtypes']} instead of {alike['dtypes']}")
    except DtypeError:
        if _refuses(narrow):
            return
        raise
    for key in ("value", "gradient"):
        for i, (y, right, near) in enumerate(zip(found[key], wanted[key], alike[key], strict=True)):
            _note(row, f"{key} {i} of {there!r}", dtype, y, right, near)


def _note(row: Row, what: str, dtype: str, found: Any, wanted: Any, near: Any = None) -> None:
    """Take account of an error, and of where it is if it is larger than the limit and all before.

    near: the CPU's result in the same dtype. In bfloat16, where every operation on the way rounds, it will do as well;
    the row says so.
    """
    key, error, limit, beside = what.partition(" ")[0], _distance(found, wanted), LIMITS[dtype], ""
    if error > limit and near is not None:
        beside = f"; the CPU's is {_distance(near, wanted):.1e} off"
        if dtype == "bfloat16" and _distance(found, near) <= limit:
            row[AS_ON_CPU] = f"{error:.1e} off"
            error = _distance(found, near)
    if error > max(limit, row["value"], row["gradient"]):
        row["where"] = f"{what}: {_differing(found, wanted)}{beside}"
    row[key] = max(row[key], error)


def _differing(found: Any, wanted: Any) -> str:
    """Where two arrays differ most, and in how many elements."""
    if found.shape != wanted.shape:
        return f"shape {found.shape} instead of {wanted.shape}"
    with np.errstate(invalid="ignore"):
        gap = np.abs(found - wanted)
    gap = np.where((found == wanted) | (np.isnan(found) & np.isnan(wanted)), 0, np.nan_to_num(gap, nan=np.inf))
    place = np.unravel_index(gap.argmax(), gap.shape)
    count = f"{np.count_nonzero(gap > 1e-3 * gap.max())} of {gap.size} differ so"
    return f"{found[place]:.9g} instead of {wanted[place]:.9g} at {[*map(int, place)]}, {count}"


def _refuses(case: Case) -> bool:
    """Whether an entry refuses operands of this dtype on the CPU as well."""
    try:
        _results(case)
    except DtypeError:
        return True
    return False


def _results(case: Case) -> dict[str, list[Any]]:
    xs = case.tensors(requires_grad=True)
    return _gradients_too(case.call(*xs), xs, bool(case.entry.order))


def _gradients_too(found: Sequence[Any], xs: Sequence[Any], differentiable: bool = True) -> dict[str, list[Any]]:
    outputs = [y for y in found if isinstance(y, ag.Tensor)]
    floating = [y for y in outputs if y.requires_grad and differentiable]
    wanted = [x for x in xs if x.requires_grad]
    grads = gradients(floating, wanted, cotangents(floating)) if floating and wanted else ()
    dtypes = [t.dtype.name for t in (*outputs, *grads)]
    return {"value": [_host(y) for y in outputs], "gradient": [_host(g) for g in grads], "dtypes": dtypes}


def _host(t: Any) -> Any:
    return t.numpy(force=True).astype(np.float64 if t.dtype.kind != "c" else np.complex128)


def _distance(found: Any, wanted: Any) -> float:
    """The largest difference, relative to the largest finite element; infinite if shapes or NaN differ."""
    if found.shape != wanted.shape or (np.isfinite(found) != np.isfinite(wanted)).any():
        return float("inf")
    with np.errstate(invalid="ignore"):
        gap = np.abs(np.where(np.isfinite(wanted), found - wanted, 0))
    scale = np.max(np.abs(np.where(np.isfinite(wanted), wanted, 0)), initial=0)
    return float(np.max(gap, initial=0) / max(scale, 1.0))


def captured_steps(ask: Ask = here) -> Iterator[Row]:
    """Whether a few models reach the same result by captured and by plain training steps."""
    for (name,), answer in ask(trained_twice, [(name,) for name in STEPS]):
        yield _judged({"step": name, "difference": 0.0, "reasons": []}, answer, LIMITS["float32"])


def _perceptron() -> Any:
    return nn.Sequential(
        nn.Linear(16, 32, bias=False), nn.BatchNorm1d(32), nn.ReLU(), nn.Dropout(0.1), nn.Linear(32, 4)
    )


def _images() -> Any:
    first = nn.Conv2d(3, 8, 3, padding=1, bias=False)
    return nn.Sequential(first, nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(8 * 16, 4))


def _attentive() -> Any:
    layer = nn.TransformerEncoderLayer(16, 2, 32, dropout=0.0, batch_first=True)
    return nn.Sequential(layer, nn.Flatten(), nn.Linear(6 * 16, 4))


SCALED = "clipped and scaled"
STEPS: dict[str, tuple[Any, tuple[int, ...], Any]] = {
    "perceptron, AdamW": (_perceptron, (16,), optim.AdamW),
    f"perceptron, AdamW, {SCALED}": (_perceptron, (16,), optim.AdamW),
    "perceptron, SGD with momentum": (_perceptron, (16,), partial(optim.SGD, lr=0.1, momentum=0.9)),
    # Not Adam: the gradient in the bias of keys is only rounding error, which Adam scales to full steps.
    "attention, SGD": (_attentive, (6, 16), partial(optim.SGD, lr=0.1)),
    "convolutions, SGD with momentum": (_images, (3, 8, 8), partial(optim.SGD, lr=0.1, momentum=0.9)),
}


def trained_twice(name: str) -> Row:
    """The difference of the final losses and parameters, and why a step was not captured, if it was not."""
    plain, _ = _trained(*STEPS[name], SCALED in name, captured=False)
    found, reasons = _trained(*STEPS[name], SCALED in name, captured=True)
    return {"difference": max(map(_distance, found, plain)), "reasons": reasons}


def _trained(
    make: Any, shape: tuple[int, ...], optimizer: Any, scaled: bool, captured: bool
) -> tuple[list[Any], list[str]]:
    ag.manual_seed(0)
    model = make().to("cuda")
    steps = optimizer(model.parameters())
    scaler = ag.amp.GradScaler("cuda", init_scale=2.0**10, growth_interval=3, enabled=scaled)
    data = [(ag.randn(8, *shape, device="cuda"), ag.randint(0, 4, (8,), device="cuda")) for _ in range(8)]

    def step(x: Any, target: Any) -> Any:
        steps.zero_grad()
        loss = F.cross_entropy(model(x), target)
        scaler.scale(loss).backward()
        if scaled:
            scaler.unscale_(steps)
            nn.utils.clip_grad_norm_(model.parameters(), 0.5)
        scaler.step(steps)
        scaler.update()
        return loss

    run = ag.cuda.graph(step) if captured else step
    losses = [run(*batch) for batch in data]
    return [_host(t) for t in (*losses, *model.parameters())], run.reasons if isinstance(run, ag.cuda.graph) else []


def table(machine: str, libraries: dict[str, str], rows: Iterable[Row], steps: Iterable[Row]) -> str:
    """The findings as Markdown: a line for each dtype and each captured step, and the errors by kind."""
    rows, steps = list(rows), list(steps)
    lines = [
        machine,
        ", ".join(map(" ".join, libraries.items())),
        "",
        "| what | compared | right | largest error | of the right ones, only as on the CPU |",
        "|---|---|---|---|---|",
    ]
    for dtype in LIMITS:
        some = [row for row in rows if row["dtype"] == dtype]
        worst = max([max(row["value"], row["gradient"]) for row in some if row["right"]], default=0.0)
        right, near = sum(row["right"] for row in some), sum(AS_ON_CPU in row and row["right"] for row in some)
        lines.append(f"| {dtype} operations | {len(some)} | {right} | {worst:.1e} | {near} |")
    lines += [f"| captured: {row['step']} | 1 | {int(row['right'])} | {row['difference']:.1e} | 0 |" for row in steps]
    for title, some in _wrong([*rows, *steps]).items():
        lines += ["", f"{len(some)} {title}:", "", *map(_line, some)] if some else []
    return "\n".join(lines)


def _line(row: Row) -> str:
    otherwise = row.get(OTHERWISE)
    return f"- {described_row(row)}" + (f"; {OTHERWISE}: {otherwise}" if otherwise else "")


def _wrong(rows: Sequence[Row]) -> dict[str, list[Row]]:
    """The rows with errors, by kind."""
    wrong = [row for row in rows if not row["right"]]
    return {
        "crashed or hung": [row for row in wrong if row.get("crashed")],
        "raised": [row for row in wrong if row["error"] and not row["crashed"]],
        "with wrong numbers": [row for row in wrong if not row["error"]],
    }


def described_row(row: Row) -> str:
    """The error in one line."""
    what = row.get("step") or f"{row['operation']} in {row['dtype']}"
    if row["error"]:
        first = row["trace"].partition("\n\nThe above exception was")[0]
        places = [line.strip() for line in first.splitlines() if line.startswith("  File ")]
        if row["crashed"]:  # such a traceback starts with the innermost call
            places.reverse()
        return f"{what}: {row['error']}" + (f" ({places[-1]})" if places else "")
    if row.get("reasons"):
        return f"{what} is not captured: {row['reasons'][0]}"
    if "step" in row:
        return f"{what}: differs by {row['difference']:.1e}"
    found = f"{what}: values differ by {row['value']:.1e}, gradients by {row['gradient']:.1e}"
    return f"{found} ({row['where']})" if row.get("where") else found
