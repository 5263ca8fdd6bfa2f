"""Steps of optimizers in one pass over memory.

Hyper-parameters may be arrays of no axes, as those of a captured step are that change from replay to replay: kernels
then read all of them from device memory.
"""

from collections.abc import Callable
from typing import Any

from backends.cupy_backend.launch import Gpu
from backends.cupy_backend.layouts import alike, is_float
from backends.geometry import Array, Sizes

BLOCKS = 4096  # threads of a larger array take several elements each


def sgd_step(
    gpu: Gpu,
    p: Array,
    g: Array,
    b: Array | None = None,
    *,
    lr: float,
    momentum: float = 0.0,
    dampening: float = 0.0,
    weight_decay: float = 0.0,
    nesterov: bool = False,
    maximize: bool = False,
) -> bool | None:
    """See `backends.generic.optimizers.sgd_step`. True if it was done."""
    arrays = (p, g) if b is None else (p, g, b)
    if not (is_float(*arrays) and alike(*arrays)):
        return None
    flags = nesterov | maximize << 1
    _step(gpu, "sgd_step", (p, g, b), flags, _of_sgd, lr, momentum, dampening, weight_decay)
    return True


def adam_step(
    gpu: Gpu,
    p: Array,
    g: Array,
    m: Array,
    v: Array,
    largest: Array | None = None,
    *,
    lr: float,
    beta1: float,
    beta2: float,
    eps: float,
    step: int,
    weight_decay: float = 0.0,
    decoupled: bool = False,
    maximize: bool = False,
) -> bool | None:
    """See `backends.generic.optimizers.adam_step`. True if it was done."""
    arrays = (p, g, m, v) if largest is None else (p, g, m, v, largest)
    if not (is_float(*arrays) and alike(*arrays)):
        return None
    flags = decoupled | maximize << 1
    _step(gpu, "adam_step", (p, g, m, v, largest), flags, _of_adam, lr, beta1, beta2, eps, step, weight_decay)
    return True


def _of_sgd(lr: Any, momentum: Any, dampening: Any, weight_decay: Any) -> tuple[Any, ...]:
    """What the kernel reads."""
    return lr, momentum, 1 - dampening, weight_decay


def _of_adam(lr: Any, beta1: Any, beta2: Any, eps: Any, step: Any, weight_decay: Any) -> tuple[Any, ...]:
    """What the kernel reads: √(1 - β₂ᵗ) is moved out of the denominator."""
    root = (1 - beta2**step) ** 0.5
    return lr * root / (1 - beta1**step), root, 1 - lr * weight_decay, beta1, beta2, eps, weight_decay


def _step(
    gpu: Gpu,
    name: str,
    arrays: tuple[Array | None, ...],
    flags: int,
    derived: Callable[..., tuple[Any, ...]],
    *options: Any,
) -> None:
    p: Any = arrays[0]
    if all(isinstance(option, int | float) for option in options):
        live, numbers = None, tuple(map(float, derived(*options)))
    else:
        live = _in_memory(gpu, derived, options)
        numbers = (0.0,) * live.size
    grid: Sizes = (min(BLOCKS, -(-p.size // 256)),)
    gpu.launch(f"optimizers.{name}", (p.dtype,), grid, (256,), *arrays, p.size, flags, live, *numbers)


def _in_memory(gpu: Gpu, derived: Callable[..., tuple[Any, ...]], options: tuple[Any, ...]) -> Array:
    """What the kernel reads in device memory. While work is captured, parameters with the same options share it."""
    captured = gpu.capturing()
    before, live = gpu.shared
    if captured and len(before) == len(options) and all(a is b for a, b in zip(before, options, strict=True)):
        return live
    values = derived(*options)
    live = gpu.xp.empty((len(values),), dtype=gpu.xp.float64)
    for i, value in enumerate(values):
        live[i] = value
    gpu.shared = (options, live) if captured else ((), None)
    return live
