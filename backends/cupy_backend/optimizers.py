"""Steps of optimizers in one pass over memory.

Hyper-parameters may be arrays of no axes, as those of a captured step are that change from replay to replay: kernels
then read all of them from device memory. So they read whether to step at all, `skipped`.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

from backends.cupy_backend.launch import Gpu
from backends.cupy_backend.layouts import alike, is_dense, is_float, laid_out
from backends.geometry import Array, Sizes

BLOCKS = 4096  # threads of a larger array take several elements each
NUMBERS = 10  # of a kernel

Numbers = tuple[Any, ...]


def _decay(lr: Any, weight_decay: Any, decoupled: bool) -> Numbers:
    """What p is multiplied by, and how much of it is added to the gradient."""
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


def _of_rmsprop(*, lr: Any, alpha: Any, eps: Any, weight_decay: Any = 0.0, momentum: Any = 0.0) -> tuple[Numbers, bool]:
    return (1.0, weight_decay, lr, eps, alpha, 1 - alpha, momentum), False


def _of_rprop(*, etas: tuple[Any, Any], step_sizes: tuple[Any, Any]) -> tuple[Numbers, bool]:
    return (1.0, 0.0, *etas, *step_sizes), False


def _of_asgd(*, rate: Any, lambd: Any, share: Any, weight_decay: Any = 0.0) -> tuple[Numbers, bool]:
    return (1.0, weight_decay, rate, 1 - lambd * rate, share), False


def _step(
    name: str,
    numbers_of: Callable[..., tuple[Numbers, bool]],
    gpu: Gpu,
    p: Array,
    g: Array,
    *states: Array | None,
    skipped: Array | None = None,
    maximize: bool = False,
    **options: Any,
) -> bool | None:
    """See `backends.generic.optimizers` and `adaptive_steps`. True if it was done.

    numbers_of: from the options, the numbers that the kernel takes, in order, and its flag. skipped: a float32 in
    device memory; the step is taken unless it is more than 0.
    """
    remembered = [s for s in states if s is not None]
    if not (is_float(p, g, *remembered) and g.shape == p.shape and alike(p, *remembered)):
        return None
    g = laid_out(gpu.xp, g, p)
    if all(isinstance(option, int | float | tuple) for option in options.values()):
        (numbers, flag), live = numbers_of(**options), None
        values = (*map(float, numbers), *(0.0,) * (NUMBERS - len(numbers)))
    else:
        live, flag = _in_memory(gpu, numbers_of, options)
        values = (0.0,) * NUMBERS
    states = (*states, None, None, None)[:3]
    operands = (p, g, *states, p.size, skipped, int(maximize), int(flag), live, *values)
    gpu.launch("optimizers.change", (name, p.dtype), *_threads(p.size), *operands)
    return True


sgd_step, adam_step = partial(_step, "Sgd", _of_sgd), partial(_step, "Adam", _of_adam)
nadam_step, radam_step = partial(_step, "Nadam", _of_nadam), partial(_step, "Radam", _of_radam)
adamax_step, lion_step = partial(_step, "Adamax", _of_adamax), partial(_step, "Lion", _of_lion)
adagrad_step, adadelta_step = partial(_step, "Adagrad", _of_adagrad), partial(_step, "Adadelta", _of_adadelta)
rprop_step, asgd_step = partial(_step, "Rprop", _of_rprop), partial(_step, "Asgd", _of_asgd)


def rmsprop_step(
    gpu: Gpu, p: Array, g: Array, v: Array, *others: Array, centered: bool = False, **options: Any
) -> bool | None:
    """See `backends.generic.adaptive_steps.rmsprop_step`. True if it was done."""
    b, mean = others[0] if options.get("momentum") else None, others[-1] if centered else None
    return _step("Rmsprop", _of_rmsprop, gpu, p, g, v, b, mean, **options)


def unscale(gpu: Gpu, g: Array, inverse: Array, found: Array) -> bool | None:
    """See `backends.generic.optimizers.unscale`. True if it was done."""
    if not (is_float(g) and is_dense(g)):
        return None
    gpu.launch("optimizers.unscale", (g.dtype,), *_threads(g.size), g, g.size, inverse, found)
    return True


def _threads(count: int) -> tuple[Sizes, Sizes]:
    return (min(BLOCKS, -(-count // 256)),), (256,)


def _in_memory(
    gpu: Gpu, numbers_of: Callable[..., tuple[Numbers, bool]], options: dict[str, Any]
) -> tuple[Array, bool]:
    """The numbers in device memory, and the flag. While work is captured, parameters with equal options share them."""
    captured, given = gpu.capturing(), (numbers_of, *options, *options.values())
    before, shared = gpu.shared
    if captured and len(before) == len(given) and all(a is b for a, b in zip(before, given, strict=True)):
        return shared  # type: ignore[no-any-return]
    numbers, flag = numbers_of(**options)
    live = gpu.xp.zeros((NUMBERS,), dtype=gpu.xp.float64)
    for i, value in enumerate(numbers):
        live[i] = value
    gpu.shared = (given, (live, flag)) if captured else ((), None)
    return live, flag
