"""Batch normalisation and its gradients in few passes over memory, shared among threads."""

from math import gcd
from typing import Any

import numpy as np

from backends.buffers import empty_like
from backends.geometry import Array, blocks, channels_first, channels_last, wide_dtype
from backends.numpy_backend.passes import BLOCK
from backends.numpy_backend.selection import cleared
from backends.threads import in_blocks

LINE = 1 << 10  # a pixel's channels are few; operations on whole lines of pixels spend their time on numbers


def normalize_batch(
    x: Array, weight: Array | None, bias: Array | None, eps: float, relu: bool
) -> tuple[Array, Array, Array, None]:
    """As the generic kernel."""
    pixels = np.ascontiguousarray(channels_last(x), wide_dtype(np, x.dtype))
    lines, width = _lines(pixels)
    y = empty_like(lines)
    mean, var = _moments(lines, x.shape[1])
    scale = 1 / np.sqrt(var + eps)
    means, factors = np.tile(mean, width), np.tile(scale if weight is None else scale * weight, width)
    shifts = None if bias is None else np.tile(bias, width)

    def scaled(at: slice) -> None:
        part = np.subtract(lines[at], means, out=y[at])
        part *= factors
        if shifts is not None:
            part += shifts
        if relu:
            np.maximum(part, 0, out=part)

    in_blocks(scaled, _work(lines))
    return channels_first(y.reshape(pixels.shape)).astype(x.dtype, copy=False), mean, scale, None


def _moments(lines: Array, channels: int) -> tuple[Array, Array]:
    """Mean and variance of each channel, from those of every place in the lines of a block, read from memory once.

    Moments of parts are put together as in Chan, Golub and LeVeque 1983, equation 2.1: as exact as in two passes.
    """
    work, n = _work(lines), max(lines.size // max(channels, 1), 1)

    def block(at: slice) -> tuple[Array, Array]:
        part = lines[at]
        mean = np.add.reduce(part, axis=0) / len(part)
        d = np.subtract(part, mean, out=empty_like(part))
        return mean, np.einsum("pc,pc->c", d, d)

    parts = in_blocks(block, work)
    if not parts:
        return np.zeros(channels, lines.dtype), np.zeros(channels, lines.dtype)
    means, squares = (np.stack(each).reshape(len(work), -1, channels) for each in zip(*parts, strict=True))
    counts = np.array([at.stop - at.start for at in work], lines.dtype).reshape(-1, 1, 1)
    mean = (counts * means).sum((0, 1)) / n
    return mean, (squares + counts * (means - mean) ** 2).sum((0, 1)) / n


def scale_channels(x: Array, scale: Array, shift: Array | None, relu: bool) -> Array:
    """As the generic kernel."""
    pixels = np.ascontiguousarray(channels_last(x), wide_dtype(np, x.dtype))
    lines, width = _lines(pixels)
    y = empty_like(lines)
    factors, shifts = np.tile(scale, width), None if shift is None else np.tile(shift, width)

    def block(at: slice) -> None:
        part = np.multiply(lines[at], factors, out=y[at])
        if shifts is not None:
            part += shifts
        if relu:
            np.maximum(part, 0, out=part)

    in_blocks(block, _work(lines))
    return channels_first(y.reshape(pixels.shape)).astype(x.dtype, copy=False)


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
    dtype = wide_dtype(np, x.dtype)
    pixels = np.ascontiguousarray(channels_last(x), dtype)
    lines, width = _lines(pixels)
    gs = np.ascontiguousarray(channels_last(g), dtype).reshape(lines.shape)
    n = max(lines.size // max(x.shape[1], 1), 1)
    passed = None if rectified is None else np.ascontiguousarray(channels_last(rectified)).reshape(lines.shape)
    mean, scale = mean.astype(dtype, copy=False), scale.astype(dtype, copy=False)
    means, dx = np.tile(mean, width), empty_like(lines)
    work = _work(lines)

    def sums(at: slice) -> tuple[Array, Array]:
        part = gs[at]
        if passed is not None:
            part = cleared(part, passed[at], out=dx[at])
        d = np.subtract(lines[at], means, out=empty_like(part))
        return np.add.reduce(part, axis=0), np.einsum("pc,pc->c", d, part)

    parts = in_blocks(sums, work)
    g_bias, g_weight = (_channels(one, x) for one in zip(*parts, strict=True)) if parts else (mean * 0, mean * 0)
    g_weight *= scale
    if not wanted:
        return None, g_weight, g_bias
    slope = scale if weight is None else scale * weight
    slopes = np.tile(slope, width)
    of_normal, of_mean = np.tile(g_weight * slope * scale / -n, width), np.tile(g_bias * slope / -n, width)

    def block(at: slice) -> None:
        part = dx[at]
        np.multiply(gs[at] if passed is None else part, slopes, out=part)
        d = np.subtract(lines[at], means, out=empty_like(part))
        d *= of_normal
        part += d
        part += of_mean

    in_blocks(block, work)
    return channels_first(dx.reshape(pixels.shape)), g_weight, g_bias


def _lines(pixels: Array) -> tuple[Array, int]:
    """(N, *S, C) as lines of several pixels, and how many pixels a line has."""
    channels = pixels.shape[-1]
    count = pixels.size // max(channels, 1)
    width = gcd(count, 1 << (max(1, LINE // max(channels, 1)).bit_length() - 1)) or 1
    return pixels.reshape(count // width, width * channels), width


def _work(lines: Array) -> list[slice]:
    return list(blocks(lines.shape[0], max(1, BLOCK // max(lines.shape[1], 1))))


def _channels(parts: Any, x: Array) -> Array:
    """The sums of each channel from those of lines."""
    if not parts:
        return np.zeros(x.shape[1], x.dtype)
    return np.add.reduce(np.add.reduce(parts, axis=0).reshape(-1, x.shape[1]), axis=0)
