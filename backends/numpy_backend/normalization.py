"""Batch normalisation and its gradients in few passes over memory, divided among threads."""

from collections.abc import Callable
from math import gcd, prod
from typing import Any

import numpy as np

from backends.buffers import empty, empty_like
from backends.geometry import Array, blocks, channels_first, channels_last, wide_dtype
from backends.numpy_backend.copies import contiguous, converted
from backends.numpy_backend.selection import cleared
from backends.threads import in_blocks

BLOCK = 1 << 17  # elements at a time: a block's operands and results fit a core's level-2 cache
LINE = 1 << 14  # elements: operations on lines of many pixels have less overhead than on the few channels of one pixel
SMALL = 1 << 13  # elements
SHORT_PLANE = 1 << 6  # pixels: from here a channel of an image in C order is a line of its own
SHORT = 1 << 10  # elements of a line when lines are summed: the sum stays in the level-1 cache


def by_size(plain: Callable[..., Any], large: Callable[..., Any], x: Array, *rest: Any) -> Any:
    """`large`, or for small arrays the generic kernel, whose few calls take a quarter of the time; in float64."""
    if x.size >= SMALL or x.dtype.char not in "efdE":
        return large(x, *rest)
    found = plain(*[v.astype(float, copy=False) if isinstance(v, np.ndarray) else v for v in (x, *rest)])
    if not isinstance(found, tuple):
        return found.astype(x.dtype, copy=False)
    wide = wide_dtype(np, x.dtype)  # of what is computed for each channel
    return tuple([v if v is None else v.astype(wide if i else x.dtype, copy=False) for i, v in enumerate(found)])


def normalize_batch(
    x: Array, weight: Array | None, bias: Array | None, eps: float, relu: bool
) -> tuple[Array, Array, Array, None]:
    """As the generic kernel, but the mean of a sample is subtracted first, so that x is read from memory only once.

    Sums of squares around it are accurate, because it is within a few standard deviations of the mean.
    """
    pixels = _pixels(x)
    lines, width = _lines(pixels)
    channels, n = x.shape[1], max(lines.size // max(x.shape[1], 1), 1)
    sample = lines[:: max(1, lines.size // BLOCK)]
    rough = _channels(sample, channels) * (channels / max(sample.size, 1))
    y, roughs = empty_like(lines), _line(rough, width)

    def centered(at: slice) -> tuple[Array, Array]:
        d = np.subtract(lines[at], roughs, out=y[at])
        return d, d

    work = _work(lines)
    off, square = (each / n for each in _sums(centered, work, rough))
    scale = 1 / np.sqrt(np.maximum(square - off * off, 0) + eps)
    factor = scale if weight is None else scale * weight
    _scale(y, y, factor, off * -factor if bias is None else bias - off * factor, relu)
    return _image(y.reshape(pixels.shape), x.dtype), rough + off, scale, None


def _pixels(x: Array) -> Array:
    """An image as (N, *S, C) in C order, 16-bit floats in float32."""
    wide = wide_dtype(np, x.dtype)
    return contiguous(channels_last(x if wide == x.dtype else converted(x, wide)))


def _image(pixels: Array, dtype: Any) -> Array:
    """(N, *S, C) as an image of a dtype."""
    return channels_first(pixels if pixels.dtype == dtype else converted(pixels, dtype))


def lies_in_planes(x: Array) -> bool:
    """Whether every channel of an image is a line in memory that is long enough."""
    return bool(x.flags.c_contiguous and prod(x.shape[2:]) >= SHORT_PLANE and x.shape[1] > 1)


def scale_channels(x: Array, scale: Array, shift: Array | None, relu: bool) -> Array:
    """As the generic kernel."""
    if x.dtype.itemsize > 2 and lies_in_planes(x):
        planes = x.reshape(*x.shape[:2], -1)
        y = empty_like(planes)
        _scale_blocks(planes, y, scale[:, None], None if shift is None else shift[:, None], relu)
        return y.reshape(x.shape)
    pixels = _pixels(x)
    lines, _ = _lines(pixels)
    y = empty_like(lines)
    _scale(lines, y, scale, shift, relu)
    return _image(y.reshape(pixels.shape), x.dtype)


def _scale(lines: Array, to: Array, scale: Array, shift: Array | None, relu: bool) -> None:
    width = lines.shape[1] // max(len(scale), 1)
    _scale_blocks(lines, to, _line(scale, width), None if shift is None else _line(shift, width), relu)


def _scale_blocks(lines: Array, to: Array, factors: Array, shifts: Array | None, relu: bool) -> None:
    zeros = np.zeros_like(factors)  # three times as fast as with the number 0

    def block(at: slice) -> None:
        part = np.multiply(lines[at], factors, out=to[at])
        if shifts is not None:
            part += shifts
        if relu:
            np.maximum(part, zeros, out=part)

    in_blocks(block, _work(lines))


def batch_gradients(
    g: Array,
    x: Array,
    rectified: Array | None,
    weight: Array | None,
    mean: Array,
    scale: Array,
    kept: None,
    eps: float,
    wanted: bool,
) -> tuple[Array | None, Array, Array]:
    """As the generic kernel."""
    dtype, pixels = wide_dtype(np, x.dtype), _pixels(x)
    lines, width = _lines(pixels)
    gs = _pixels(g).reshape(lines.shape)
    n = max(lines.size // max(x.shape[1], 1), 1)
    passed = None if rectified is None else np.ascontiguousarray(channels_last(rectified)).reshape(lines.shape)
    mean, scale = mean.astype(dtype, copy=False), scale.astype(dtype, copy=False)
    means, dx, gated = _line(mean, width), empty_like(lines), gs if passed is None else empty_like(lines)

    def centered(at: slice) -> tuple[Array, Array]:
        part = gs[at] if passed is None else cleared(gs[at], passed[at], out=gated[at])
        return part, np.subtract(lines[at], means, out=dx[at])

    work = _work(lines)
    g_bias, g_weight = _sums(centered, work, mean)
    g_weight *= scale
    if not wanted:
        return None, g_weight, g_bias
    slopes = _line(scale if weight is None else scale * weight, width)
    of_normal, of_mean = _line(g_weight * scale / -n, width), _line(g_bias / -n, width)

    def block(at: slice) -> None:
        part = dx[at]
        part *= of_normal
        part += gated[at]
        part += of_mean
        part *= slopes

    in_blocks(block, work)
    return _image(dx.reshape(pixels.shape), x.dtype), g_weight, g_bias


def _sums(pair: Callable[[slice], tuple[Array, Array]], work: list[slice], like: Array) -> tuple[Array, Array]:
    """The sums over each channel of a and of a * b, where pair(block) gives a and b; vectors like `like`."""
    channels = len(like)

    def block(at: slice) -> tuple[Array, Array]:
        a, b = pair(at)
        short = gcd(a.shape[1] // channels, 1 << max(0, (SHORT // channels).bit_length() - 1)) * channels
        a, b = a.reshape(-1, short), b.reshape(-1, short)
        return np.add.reduce(a, axis=0), np.einsum("pc,pc->c", a, b)

    parts = in_blocks(block, work) or [(np.zeros_like(like),) * 2]
    a, b = (_channels(each, channels) for each in zip(*parts, strict=True))
    return a, b


def _channels(parts: Any, channels: int) -> Array:
    """The sums over each channel from those over lines."""
    line = np.add.reduce(parts, axis=0)
    return np.add.reduce(line.reshape(len(line) // max(channels, 1), channels), axis=0)


def _line(values: Array, width: int) -> Array:
    """The value of each channel, repeated for every pixel of a line."""
    line = empty((width, len(values)), None, values.dtype)
    line[...] = values
    return line.reshape(-1)


def _lines(pixels: Array) -> tuple[Array, int]:
    """(N, *S, C) as lines of several pixels, and the number of pixels in a line."""
    channels = pixels.shape[-1]
    count = pixels.size // max(channels, 1)
    width = gcd(count, 1 << (max(1, LINE // max(channels, 1)).bit_length() - 1)) or 1
    return pixels.reshape(count // width, width * channels), width


def _work(lines: Array) -> list[slice]:
    return list(blocks(lines.shape[0], max(1, BLOCK // max(prod(lines.shape[1:]), 1))))
