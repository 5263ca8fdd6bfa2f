"""Optimizer steps in one pass over memory, for many parameters at once, and operations on all gradients.

Hyper-parameters may be 0-d arrays that kernels read from device memory, as in a captured step, where they change from
replay to replay. In the same way kernels read `skipped`, which says whether to step at all.
"""

from collections.abc import Callable, Sequence
from functools import cache, partial
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


def _decay(lr: Any, weight_decay: Any, decoupled: bool) -> Numbers:
    """The factor of p, and the multiple of p that is added to the gradient."""
    return (1 - lr * weight_decay, 0.0) if decoupled else (1.0, weight_decay)


def _averages(beta1: Any, beta2: Any) -> Numbers:
    return beta1, 1 - beta1, beta2, 1 - beta2


def _of_sgd(
    *, lr: Any, momentum: Any = 0.0, dampening: Any = 0.0, weight_decay: Any = 0.0, nesterov: bool = False
) -> tuple[Numbers, bool]:
    return (1.0, weight_decay, lr, momentum, 1 - dampening), nesterov


def _of_adam(
    *, lr: Any, beta1: Any, beta2: Any, eps: Any, step: Any, weight_decay: Any = 0.0, decoupled: bool = False
) -> tuple[Numbers, bool]:
    root = (1 - beta2**step) ** 0.5  # moved out of the denominator
    rates = lr * root / (1 - beta1**step), eps * root
    return (*_decay(lr, weight_decay, decoupled), *_averages(beta1, beta2), *rates), False


def _of_nadam(
    *,
    lr: Any,
    beta1: Any,
    beta2: Any,
    eps: Any,
    step: Any,
    gradient_rate: Any,
    mean_rate: Any,
    weight_decay: Any = 0.0,
    decoupled: bool = False,
) -> tuple[Numbers, bool]:
    rates = gradient_rate, mean_rate, 1 - beta2**step, eps
    return (*_decay(lr, weight_decay, decoupled), *_averages(beta1, beta2), *rates), False


def _of_radam(
    *,
    lr: Any,
    beta1: Any,
    beta2: Any,
    eps: Any,
    rate: Any,
    rectified: bool,
    weight_decay: Any = 0.0,
    decoupled: bool = False,
) -> tuple[Numbers, bool]:
    return (*_decay(lr, weight_decay, decoupled), *_averages(beta1, beta2), rate, eps), rectified


def _of_adamax(*, beta1: Any, beta2: Any, eps: Any, rate: Any, weight_decay: Any = 0.0) -> tuple[Numbers, bool]:
    return (1.0, weight_decay, beta1, 1 - beta1, beta2, rate, eps), False


def _of_lion(*, lr: Any, beta1: Any, beta2: Any, weight_decay: Any = 0.0) -> tuple[Numbers, bool]:
    return (*_decay(lr, weight_decay, True), *_averages(beta1, beta2), lr), False


def _of_adagrad(*, rate: Any, eps: Any, weight_decay: Any = 0.0) -> tuple[Numbers, bool]:
    return (1.0, weight_decay, rate, eps), False


def _of_adadelta(*, lr: Any, rho: Any, eps: Any, weight_decay: Any = 0.0) -> tuple[Numbers, bool]:
    return (1.0, weight_decay, lr, eps, rho, 1 - rho), False


def _of_rmsprop(
    *, lr: Any, alpha: Any, eps: Any, weight_decay: Any = 0.0, momentum: Any = 0.0, centered: bool = False
) -> tuple[Numbers, bool]:
    return (1.0, weight_decay, lr, eps, alpha, 1 - alpha, momentum), centered


def _of_rprop(*, etas: tuple[Any, Any], step_sizes: tuple[Any, Any]) -> tuple[Numbers, bool]:
    return (1.0, 0.0, *etas, *step_sizes), False


def _of_asgd(*, rate: Any, lambd: Any, share: Any, weight_decay: Any = 0.0) -> tuple[Numbers, bool]:
    return (1.0, weight_decay, rate, 1 - lambd * rate, share), False


# By kernel: its name in the source, and a function from the options to the kernel's numbers, in order, and a flag.
KINDS: dict[str, tuple[str, Callable[..., tuple[Numbers, bool]]]] = {
    "sgd_step": ("Sgd", _of_sgd),
    "adam_step": ("Adam", _of_adam),
    "nadam_step": ("Nadam", _of_nadam),
    "radam_step": ("Radam", _of_radam),
    "adamax_step": ("Adamax", _of_adamax),
    "lion_step": ("Lion", _of_lion),
    "adagrad_step": ("Adagrad", _of_adagrad),
    "adadelta_step": ("Adadelta", _of_adadelta),
    "rmsprop_step": ("Rmsprop", _of_rmsprop),
    "rprop_step": ("Rprop", _of_rprop),
    "asgd_step": ("Asgd", _of_asgd),
}


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
    _change(gpu, *KINDS[kernel], plan.dtype, plan.tables, **options)
    return True


def _change(
    gpu: Gpu,
    name: str,
    numbers_of: Callable[..., tuple[Numbers, bool]],
    dtype: Any,
    some: list[Table],
    skipped: Array | None = None,
    maximize: bool = False,
    **options: Any,
) -> None:
    """skipped: a float32 in device memory; the step is taken unless it is more than 0."""
    there = None
    if any(isinstance(option, gpu.xp.ndarray) for option in options.values()):
        there, flag = _derived(gpu, numbers_of, options)
        numbers = _passed(addresses=[gpu.address(there) + DOUBLE.itemsize * i for i in range(MOST)])
    else:
        values, flag = numbers_of(**options)
        numbers = _passed(values)
    for table in some:
        table.launch("optimizers.change", (name, dtype), skipped, int(maximize), int(flag), numbers)


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


def _derived(gpu: Gpu, numbers_of: Callable[..., tuple[Numbers, bool]], options: dict[str, Any]) -> tuple[Array, bool]:
    """What `numbers_of` computes from options of which some are in device memory, by one kernel, and its flag."""
    fixed = {name: option for name, option in options.items() if isinstance(option, bool)}
    varying = [name for name in options if name not in fixed]
    struct, flag = _written(numbers_of, tuple(varying), tuple(fixed.items()))
    y = gpu.xp.empty((MOST,), dtype=DOUBLE)
    values = _mixed(gpu, *[options[name] for name in varying])
    gpu.launch(f"derived\n{struct}.derive", ("Derived",), (1,), (1,), values, y)
    return y, flag


@cache
def _written(
    numbers_of: Callable[..., tuple[Numbers, bool]], varying: tuple[str, ...], fixed: tuple[tuple[str, bool], ...]
) -> tuple[str, bool]:
    """`numbers_of` in CUDA C++, and its flag."""
    lines: list[str] = []
    options = {name: Symbol(lines, DOUBLE, f"x[{i}]") for i, name in enumerate(varying)}
    numbers, flag = numbers_of(**options, **dict(fixed))
    lines += [f"y[{i}] = {spelled(number, DOUBLE)};" for i, number in enumerate(numbers)]
    body = "".join(f"        {line}\n" for line in lines)
    return f"struct Derived {{\n    static __device__ void of(const double *x, double *y) {{\n{body}    }}\n}};\n", flag


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
