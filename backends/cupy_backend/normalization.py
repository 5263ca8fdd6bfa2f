"""Normalisation of channels-last images by the statistics of a batch, with one pass over memory for each step."""

from typing import Any

from backends.cupy_backend.launch import Gpu, threads_for, threads_for_columns
from backends.cupy_backend.layouts import alike, is_float, name_of
from backends.geometry import Array, channels_first, channels_last, wide_dtype


def normalize_batch(
    gpu: Gpu, x: Array, weight: Array | None, bias: Array | None, eps: float, relu: bool
) -> tuple[Array, Array, Array, Any] | None:
    """See `backends.generic.normalization.normalize_batch`."""
    if not (is_float(x) and x.size):
        return None
    xp, wide = gpu.xp, wide_dtype(gpu.xp, x.dtype)
    pixels, rows, channels = _matrix(xp, x)
    mean, scale = xp.empty((channels,), dtype=wide), xp.empty((channels,), dtype=wide)
    v = gpu.vector(x.dtype, channels, arrays=(pixels,))
    grid, block, chunk = threads_for_columns(rows, channels // v)
    operands = (pixels, *gpu.shared(grid[1], 3 * channels, wide), mean, scale, float(eps), rows, channels, chunk)
    gpu.launch("columns.column_moments", (x.dtype, v), grid, block, *operands)
    y = _scaled(gpu, pixels, mean, scale, _parameter(xp, weight, wide), _parameter(xp, bias, wide), relu)
    return y, mean, scale, None


def scale_channels(gpu: Gpu, x: Array, scale: Array, shift: Array | None, relu: bool) -> Array | None:
    """See `backends.generic.normalization.scale_channels`."""
    if not (is_float(x) and x.size):
        return None
    wide = wide_dtype(gpu.xp, x.dtype)
    pixels, _, _ = _matrix(gpu.xp, x)
    return _scaled(gpu, pixels, None, _parameter(gpu.xp, scale, wide), None, _parameter(gpu.xp, shift, wide), relu)


def _scaled(
    gpu: Gpu, pixels: Array, mean: Array | None, scale: Array, weight: Array | None, shift: Array | None, relu: bool
) -> Array:
    y, channels = gpu.xp.empty(pixels.shape, dtype=pixels.dtype), pixels.shape[-1]
    v = gpu.vector(pixels.dtype, channels, arrays=(pixels, y))
    rows = pixels.size // channels
    grid, block, chunk = threads_for_columns(rows, channels // v, waves=1 << 12)
    operands = (pixels, mean, scale, weight, shift, y, rows, channels, chunk)
    gpu.launch("columns.scale_columns", (pixels.dtype, v, relu), grid, block, *operands)
    return channels_first(y)


def batch_gradients(
    gpu: Gpu,
    g: Array,
    x: Array,
    rectified: Array | None,
    weight: Array | None,
    mean: Array,
    scale: Array,
    kept: Any,
    eps: float,
    wanted: bool,
) -> tuple[Array | None, Array, Array] | None:
    """See `backends.generic.normalization.batch_gradients`."""
    if not (is_float(x, rectified) and x.size):
        return None
    g = g.astype(x.dtype, copy=False)
    xp, wide = gpu.xp, wide_dtype(gpu.xp, x.dtype)
    gs, rows, channels = _matrix(xp, g)
    xs = _matrix(xp, x)[0]
    ys = None if rectified is None else _matrix(xp, rectified)[0]
    mean, scale, weight = (_parameter(xp, values, wide) for values in (mean, scale, weight))
    g_bias, g_weight = xp.empty((channels,), dtype=wide), xp.empty((channels,), dtype=wide)
    v = gpu.vector(x.dtype, channels, arrays=(gs, xs, ys))
    grid, block, chunk = threads_for_columns(rows, channels // v)
    operands: tuple[Any, ...] = (*gpu.shared(grid[1], 2 * channels, wide), g_bias, g_weight, rows, channels, chunk)
    gpu.launch("columns.column_sums", (x.dtype, v), grid, block, gs, xs, ys, mean, scale, *operands)
    if not wanted:
        return None, g_weight, g_bias
    dx = xp.empty(xs.shape, dtype=x.dtype)
    grid, block, chunk = threads_for_columns(rows, channels // v, waves=1 << 12)
    operands = (gs, xs, ys, mean, scale, weight, g_weight, g_bias, dx, rows, channels, chunk)
    gpu.launch("columns.batch_gradient", (x.dtype, v), grid, block, *operands)
    return channels_first(dx), g_weight, g_bias


def track(
    gpu: Gpu,
    mean: Array,
    scale: Array,
    rows: int,
    momentum: Any,
    eps: float,
    running_mean: Array,
    running_var: Array,
    counted: Array | None = None,
) -> bool | None:
    """Move running statistics towards those of a batch of `rows` rows, and count the batch. True if it was done."""
    fit = is_float(mean, running_mean, running_var, scale) and alike(mean, running_mean, running_var)
    fit = fit and (counted is None or (name_of(counted.dtype) == "int64" and counted.size == 1))
    if not fit or mean.dtype.itemsize == 2 or not isinstance(momentum, int | float):
        return None
    operands = (running_mean, running_var, mean, scale, counted, mean.size, rows, float(momentum), float(eps))
    gpu.launch("columns.track", (mean.dtype,), *threads_for(mean.size), *operands)
    return True


def _matrix(xp: Any, x: Array) -> tuple[Array, int, int]:
    """(N, C, *S) as contiguous (N, *S, C), and its numbers of pixels and channels."""
    pixels = xp.ascontiguousarray(channels_last(x))
    return pixels, x.size // x.shape[1], x.shape[1]


def _parameter(xp: Any, values: Any, dtype: Any) -> Any:
    """A contiguous vector with a number for every channel; None stays None."""
    return None if values is None else xp.ascontiguousarray(values.astype(dtype, copy=False))
