"""Optimizer steps in one pass over memory, for many parameters at once, and operations on all gradients.

Hyper-parameters may be 0-d arrays that kernels read from device memory, as in a captured step, where they change from
replay to replay. In the same way kernels read `skipped`, which says whether to step at all.
"""

from collections.abc import Callable, Sequence
from functools import cache, partial
from types import SimpleNamespace
from typing import Any

import numpy as np

from backends.cupy_backend.addresses import ROWS, Table, tables
from backends.cupy_backend.launch import Gpu, Struct
from backends.cupy_backend.layouts import alike, is_dense, is_float, laid_out
from backends.cupy_backend.symbols import Symbol, spelled
from backends.geometry import Array, wide_dtype

# Numbers for a kernel: each passed by value, or read from the address `there` if this is not 0.
MOST = 10
NUMBERS = np.dtype([("here", np.float64, MOST), ("there", np.int64, MOST)])
DOUBLE = np.dtype(np.float64)

Numbers = tuple[Any, ...]
Kind = tuple[str, Callable[[Any], Numbers], str]


class _Options(SimpleNamespace):
    """The options of a step, with their defaults, and what several kernels derive from them."""

    weight_decay = momentum = dampening = 0.0
    decoupled = False

    @property
    def decay(self) -> Numbers:
        """The factor of p, and the multiple of p that is added to the gradient."""
        return (1 - self.lr * self.weight_decay, 0.0) if self.decoupled else (1.0, self.weight_decay)

    @property
    def averages(self) -> Numbers:
        return self.beta1, 1 - self.beta1, self.beta2, 1 - self.beta2


def _of_adam(o: _Options) -> Numbers:
    root = (1 - o.beta2**o.step) ** 0.5  # moved out of the denominator
    return *o.decay, *o.averages, o.lr * root / (1 - o.beta1**o.step), o.eps * root


# By kernel: its name in the source, its numbers, in order, and the option that is its flag.
KINDS: dict[str, Kind] = {
    "sgd_step": ("Sgd", lambda o: (*o.decay, o.lr, o.momentum, 1 - o.dampening), "nesterov"),
    "adam_step": ("Adam", _of_adam, ""),
    "nadam_step": (
        "Nadam", lambda o: (*o.decay, *o.averages, o.gradient_rate, o.mean_rate, 1 - o.beta2**o.step, o.eps), ""
    ),
    "radam_step": ("Radam", lambda o: (*o.decay, *o.averages, o.rate, o.eps), "rectified"),
    "adamax_step": ("Adamax", lambda o: (*o.decay, o.beta1, 1 - o.beta1, o.beta2, o.rate, o.eps), ""),
    "lion_step": ("Lion", lambda o: (1 - o.lr * o.weight_decay, 0.0, *o.averages, o.lr), ""),
    "adagrad_step": ("Adagrad", lambda o: (*o.decay, o.rate, o.eps), ""),
    "adadelta_step": ("Adadelta", lambda o: (*o.decay, o.lr, o.eps, o.rho, 1 - o.rho), ""),
    "rmsprop_step": ("Rmsprop", lambda o: (*o.decay, o.lr, o.eps, o.alpha, 1 - o.alpha, o.momentum), "centered"),
    "rprop_step": ("Rprop", lambda o: (*o.decay, *o.etas, *o.step_sizes), ""),
    "asgd_step": ("Asgd", lambda o: (*o.decay, o.rate, 1 - o.lambd * o.rate, o.share), ""),
}  # fmt: skip


class _Plan:
    """The data of some parameters that stays constant between steps; `tables` is None if they cannot be combined."""

    def __init__(self, gpu: Gpu, rows: Sequence[Sequence[Array]]) -> None:
        self.parameters = [row[0] for row in rows]
        self.dtype, self.strides = self.parameters[0].dtype, [p.strides for p in self.parameters]
        fit = all(is_float(self.parameters[0], *row) and alike(*row) for row in rows)
        self.tables = tables(gpu, [(p, p, *remembered) for p, *remembered in rows]) if fit else None


def steps(
    gpu: Gpu,
    kernel: str,
    rows: Sequence[Sequence[Array]],
    gradients: Sequence[Array],
    options: dict[str, Any],
    kept: dict[str, Any],
) -> bool | None:
    """See `backends.generic.optimizers.steps`. True if they were done."""
    if "plan" not in kept:
        kept["plan"] = _Plan(gpu, rows)
    plan: _Plan = kept["plan"]
    if plan.tables is None or any(g.dtype != plan.dtype for g in gradients):
        return None
    arrays = [
        g if g.strides == strides else laid_out(gpu.xp, g, p)
        for p, g, strides in zip(plan.parameters, gradients, plan.strides, strict=True)
    ]
    for i, table in enumerate(plan.tables):
        table.move(1, [*map(gpu.address, arrays[i * ROWS : (i + 1) * ROWS])])
    _change(gpu, KINDS[kernel], plan.dtype, plan.tables, **options)
    return True


def _change(
    gpu: Gpu, kind: Kind, dtype: Any, some: list[Table], skipped: Any = None, maximize: bool = False, **options: Any
) -> None:
    """skipped: a float32 in device memory; the step is taken unless it is more than 0."""
    name, numbers_of, flag = kind
    there = None  # kept until the kernels are started
    if any(isinstance(option, gpu.xp.ndarray) for option in options.values()):
        there = _derived(gpu, numbers_of, options)
        numbers = _passed(addresses=[gpu.address(there) + DOUBLE.itemsize * i for i in range(MOST)])
    else:
        numbers = _passed(numbers_of(_Options(**options)))
    for table in some:
        table.launch("optimizers.change", (name, dtype), skipped, int(maximize), int(options.get(flag, False)), numbers)


def _passed(values: Sequence[Any] = (), addresses: Sequence[int] = ()) -> Struct:
    """Numbers, or where they are, as an argument of a kernel."""
    given = np.zeros((1,), NUMBERS)
    given["here"][0, : len(values)], given["there"][0, : len(addresses)] = values, addresses
    return given.view(Struct)


def _mixed(gpu: Gpu, *numbers: Any) -> Struct:
    """The same of numbers and of float64 arrays of one element."""
    there = [isinstance(number, gpu.xp.ndarray) for number in numbers]
    values = [0.0 if t else number for t, number in zip(there, numbers, strict=True)]
    return _passed(values, [gpu.address(number) if t else 0 for t, number in zip(there, numbers, strict=True)])


def _derived(gpu: Gpu, numbers_of: Callable[[Any], Numbers], options: dict[str, Any]) -> Array:
    """What `numbers_of` computes from options of which some are in device memory, by one kernel."""
    fixed = {name: option for name, option in options.items() if isinstance(option, bool)}
    varying = [name for name in options if name not in fixed]
    struct = _written(numbers_of, tuple(varying), tuple(fixed.items()))
    y = gpu.xp.empty((MOST,), dtype=DOUBLE)
    values = _mixed(gpu, *[options[name] for name in varying])
    gpu.launch(f"derived\n{struct}.derive", ("Derived",), (1,), (1,), values, y)
    return y


@cache
def _written(
    numbers_of: Callable[[Any], Numbers], varying: tuple[str, ...], fixed: tuple[tuple[str, bool], ...]
) -> str:
    """`numbers_of` in CUDA C++."""
    lines: list[str] = []
    options = {name: Symbol(lines, DOUBLE, f"x[{i}]") for i, name in enumerate(varying)}
    numbers = numbers_of(_Options(**options, **dict(fixed)))
    lines += [f"y[{i}] = {spelled(number, DOUBLE)};" for i, number in enumerate(numbers)]
    body = "".join(f"        {line}\n" for line in lines)
    return f"struct Derived {{\n    static __device__ void of(const double *x, double *y) {{\n{body}    }}\n}};\n"


def _step(kernel: str, gpu: Gpu, p: Array, g: Array, *remembered: Array, **options: Any) -> bool | None:
    """See `backends.generic.optimizers` and `adaptive_steps`. True if it was done."""
    return steps(gpu, kernel, [(p, *remembered)], [g], options, {})


sgd_step, adam_step = partial(_step, "sgd_step"), partial(_step, "adam_step")
nadam_step, radam_step = partial(_step, "nadam_step"), partial(_step, "radam_step")
adamax_step, lion_step = partial(_step, "adamax_step"), partial(_step, "lion_step")
adagrad_step, adadelta_step = partial(_step, "adagrad_step"), partial(_step, "adadelta_step")
rmsprop_step, rprop_step = partial(_step, "rmsprop_step"), partial(_step, "rprop_step")
asgd_step = partial(_step, "asgd_step")


def rescale(gpu: Gpu, arrays: Sequence[Array], factor: Array, found: Array | None = None) -> bool | None:
    """See `backends.generic.optimizers.rescale`. True if it was done."""
    if not (arrays and is_float(*arrays) and all(map(is_dense, arrays))):
        return None
    dtype = arrays[0].dtype
    factor = factor.astype(wide_dtype(gpu.xp, dtype), copy=False)
    for table in tables(gpu, [(a,) for a in arrays]):
        table.launch("optimizers.rescale", (dtype,), factor, found)
    return True


def norm(gpu: Gpu, arrays: Sequence[Array]) -> Array | None:
    """See `backends.generic.optimizers.norm`."""
    if not (arrays and is_float(*arrays) and all(map(is_dense, arrays))):
        return None
    dtype = arrays[0].dtype
    some, first = tables(gpu, [(a,) for a in arrays]), 0
    parts = gpu.xp.empty((sum(table.blocks for table in some),), dtype=gpu.xp.float64)
    for table in some:
        table.launch("optimizers.sums_of_squares", (dtype,), parts[first:])
        first += table.blocks
    y = gpu.xp.empty((), dtype=dtype)
    gpu.launch("optimizers.root_of_sum", (dtype,), (1,), (1024,), parts, parts.size, y)
    return y


def counted(gpu: Gpu, step: Any, skipped: Array, missed: Array) -> Array | bool:
    """See `backends.generic.optimizers.counted`. True if there is no number."""
    number = None if step is None else gpu.xp.empty((), dtype=DOUBLE)
    values = _mixed(gpu, 0 if step is None else step)
    gpu.launch("optimizers.counted", (DOUBLE,), (1,), (1,), values, skipped, missed, number)
    return True if number is None else number


def adjust_scale(
    gpu: Gpu, scale: Array, steady: Array, found: Array, growth: float, backoff: float, interval: int
) -> bool:
    """See `backends.generic.optimizers.adjust_scale`. True: it was done."""
    factors = float(growth), float(backoff), int(interval)
    gpu.launch("optimizers.adjust_scale", (scale.dtype,), (1,), (1,), scale, steady, found, *factors)
    return True
