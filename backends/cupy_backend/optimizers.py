"""Steps of optimizers in one pass over memory.

Hyper-parameters may be arrays of no axes, as those of a captured step are that change from replay to replay: kernels
then read all of them from device memory.
"""

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
    _step(gpu, "sgd_step", (p, g, b), flags, (lr, momentum, 1 - dampening, weight_decay))
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
    root = (1 - beta2**step) ** 0.5
    rate, shrink = lr * root / (1 - beta1**step), 1 - lr * weight_decay
    flags = decoupled | maximize << 1
    _step(gpu, "adam_step", (p, g, m, v, largest), flags, (rate, root, shrink, beta1, beta2, eps, weight_decay))
    return True


def _step(gpu: Gpu, name: str, arrays: tuple[Array | None, ...], flags: int, options: tuple[float, ...]) -> None:
    p = arrays[0]
    live = None
    if not all(isinstance(option, int | float) for option in options):
        live = gpu.xp.empty((len(options),), dtype=gpu.xp.float64)
        for i, option in enumerate(options):
            live[i] = option
        options = (0.0,) * len(options)
    grid: Sizes = (min(BLOCKS, -(-p.size // 256)),)  # type: ignore[union-attr]  # the first array is never None
    gpu.launch(f"optimizers.{name}", (p.dtype,), grid, (256,), *arrays, p.size, flags, live, *map(float, options))  # type: ignore[union-attr]
