"""Maximum and average over windows of channels-last images, in one to three dimensions."""

from functools import lru_cache
from math import prod
from typing import Any

import numpy as np

from backends.cupy_backend.launch import DIVISOR, Gpu, Struct, divisor, threads_for
from backends.cupy_backend.layouts import is_float, name_of
from backends.geometry import Array, Sizes, Window, channels_first, channels_last, check_gradient, pooling_sizes

# As in `kernels/pooling.cu`.
DIVIDING, PLAIN = ("size", "out", "stride"), ("kernel", "padding", "dilation")
SPAN = 4
WINDOW = np.dtype(
    [
        *[(n, DIVISOR, 3) for n in DIVIDING],
        *[(n, np.int32, 3) for n in PLAIN],
        ("packs", DIVISOR),
        ("spans", DIVISOR, 3),
    ]
)


def _suits(x: Array, *others: Array) -> bool:
    return is_float(x, *others) and x.size > 0 and 3 <= x.ndim <= 5


def max_of_windows(gpu: Gpu, x: Array, window: Window, ceil_mode: bool) -> tuple[Array, Array] | None:
    """See `backends.generic.pooling.max_of_windows`."""
    if not _suits(x):
        return None
    out = pooling_sizes(x.shape, window, ceil_mode)
    xp, xs = gpu.xp, gpu.xp.ascontiguousarray(channels_last(x))
    taps = xp.empty((x.shape[0], *out, x.shape[1]), dtype=xp.uint8 if prod(window.kernel) <= 256 else xp.int32)
    y = xp.empty(taps.shape, dtype=x.dtype)
    v = gpu.vector(x.dtype, x.shape[1], arrays=(xs, y))
    geometry = x.shape[2:], out, window
    _over(gpu, "max_of_windows", (x.dtype, taps.dtype, v), y, v, xs, y, taps, geometry=geometry)
    return channels_first(y), channels_first(taps)


def take_taps(gpu: Gpu, x: Array, taps: Array, window: Window) -> Array | None:
    """See `backends.generic.pooling.take_taps`."""
    if not _suits(x):
        return None
    xp = gpu.xp
    xs, ts = xp.ascontiguousarray(channels_last(x)), _numbers(xp, taps)
    y = xp.empty(ts.shape, dtype=x.dtype)
    geometry = x.shape[2:], taps.shape[2:], window
    _over(gpu, "take_taps", (x.dtype, ts.dtype), y, 1, xs, ts, y, geometry=geometry)
    return channels_first(y)


def put_taps(gpu: Gpu, g: Array, taps: Array, x_shape: Sizes, window: Window) -> Array | None:
    """See `backends.generic.pooling.put_taps`."""
    if not _suits(g):
        return None
    xp = gpu.xp
    gs, ts = xp.ascontiguousarray(channels_last(g)), _numbers(xp, taps)
    dx = xp.empty((x_shape[0], *x_shape[2:], x_shape[1]), dtype=g.dtype)
    v = gpu.vector(g.dtype, x_shape[1], arrays=(gs, ts, dx))
    geometry, dilated = (x_shape[2:], g.shape[2:], window), max(window.dilation) > 1
    threads = dx.size // x_shape[-1] * -(-x_shape[-1] // SPAN) // v
    _over(gpu, "put_taps", (g.dtype, ts.dtype, v, dilated), dx, v, gs, ts, dx, geometry=geometry, count=threads)
    return channels_first(dx)


def avg_pool(
    gpu: Gpu, x: Array, window: Window, ceil_mode: bool, count_include_pad: bool, divisor: float | None
) -> Array | None:
    """See `backends.generic.pooling.avg_pool`."""
    if not _suits(x) or divisor == 0:
        return None
    out = pooling_sizes(x.shape, window, ceil_mode)
    xs = gpu.xp.ascontiguousarray(channels_last(x))
    y = gpu.xp.empty((x.shape[0], *out, x.shape[1]), dtype=x.dtype)
    v = gpu.vector(x.dtype, x.shape[1], arrays=(xs, y))
    options = (int(count_include_pad), float(divisor or 0))
    geometry = x.shape[2:], out, window
    _over(gpu, "avg_pool", (x.dtype, v), y, v, xs, y, options=options, geometry=geometry)
    return channels_first(y)


def avg_pool_input(
    gpu: Gpu, g: Array, x_shape: Sizes, window: Window, ceil_mode: bool, count_include_pad: bool, divisor: float | None
) -> Array | None:
    """See `backends.generic.pooling.avg_pool_input`."""
    if not _suits(g) or divisor == 0:
        return None
    out = pooling_sizes(x_shape, window, ceil_mode)
    check_gradient("avg_pool_input", g.shape, (*x_shape[:2], *out))
    gs = gpu.xp.ascontiguousarray(channels_last(g))
    dx = gpu.xp.empty((x_shape[0], *x_shape[2:], x_shape[1]), dtype=g.dtype)
    v = gpu.vector(g.dtype, x_shape[1], arrays=(gs, dx))
    options = (int(count_include_pad), float(divisor or 0))
    geometry = x_shape[2:], out, window
    _over(gpu, "avg_pool_input", (g.dtype, v), dx, v, gs, dx, options=options, geometry=geometry)
    return channels_first(dx)


def _numbers(xp: Any, taps: Array) -> Array:
    """Numbers of taps in the dtype of `max_of_windows`, from any kernel."""
    known = taps if name_of(taps.dtype) in ("uint8", "int32") else taps.astype(xp.int32)
    return xp.ascontiguousarray(channels_last(known))


def _over(
    gpu: Gpu,
    name: str,
    types: tuple[Any, ...],
    result: Array,
    v: int,
    *arrays: Array,
    options: tuple[float, ...] = (),
    geometry: tuple[Sizes, Sizes, Window],
    count: int = 0,
) -> None:
    """Start a kernel with a thread for every vector of a result (N, *S, C), or with `count` threads."""
    count = count or result.size // v
    given = _geometry(*geometry, result.shape[-1] // v)
    gpu.launch(f"pooling.{name}", types, *threads_for(count), *arrays, count, *options, given)


@lru_cache(1 << 10)
def _geometry(sizes: Sizes, out: Sizes, window: Window, packs: int) -> Struct:
    """Sizes and window extended to three dimensions, first axis first."""
    found = np.zeros((1,), WINDOW)
    for name, own in (("size", sizes), ("out", out), *window._asdict().items()):
        values = (*(int(name != "padding"),) * (3 - len(own)), *own)
        found[name] = [divisor(n) for n in values] if name in DIVIDING else values
    found["packs"] = divisor(packs)
    found["spans"] = [*found["size"][0, :2], divisor(-(-sizes[-1] // SPAN))]
    return found.view((np.void, found.nbytes)).view(Struct)
