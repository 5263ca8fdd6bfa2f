"""Group normalisation and its gradients, for as many groups or samples at a time as fit the cache."""

from collections.abc import Callable
from functools import lru_cache

import numpy as np

from backends.buffers import empty, empty_like
from backends.generic.normalization import of_groups
from backends.geometry import Array, blocks, channels_first, channels_last
from backends.numpy_backend.copies import contiguous
from backends.numpy_backend.passes import in_blocks
from backends.numpy_backend.reduction import dots, total

LARGE = 1 << 14  # elements: from here the additional calls pay
BLOCK = 1 << 15  # elements at a time: several copies of a block fit the level-2 cache
SAMPLES = 1 << 17  # the same for whole samples, of which fewer copies are needed
LINE = 1 << 11  # elements: operations on lines of many pixels have less overhead than on the few channels of one pixel
Three = tuple[Array | None, Array | None, Array | None]


@lru_cache(maxsize=1024)
def _width(pixels: int, most: int) -> int:
    """The largest divisor of a number of pixels that is not above `most`."""
    return max(k for k in range(1, min(pixels, most) + 1) if pixels % k == 0)


def line_width(x: Array) -> int:
    """The number of pixels of an image (N, C, ...) that make a line."""
    return _width(x[0, 0].size, max(1, LINE // x.shape[1]))


class _Samples:
    """Images that lie channels-last in memory, as lines of several pixels: (N, lines, width · C)."""

    def __init__(self, x: Array, groups: int) -> None:
        (self.n, self.channels), self.groups = x.shape[:2], groups
        self.elements = x[0].size // groups  # in each group
        self.width = line_width(x)
        self.lines = self.of(x)

    def of(self, x: Array) -> Array:
        """The lines of another array of the same shape, copied unless it lies in the same order."""
        return contiguous(channels_last(x)).reshape(self.n, -1, self.width * self.channels)

    def spread(self, values: Array) -> Array:
        """A line of the values of each channel (k, C) or each group (k, groups), for each of k samples."""
        values = np.repeat(values, self.channels // values.shape[1], axis=1)
        return np.tile(values, (1, self.width))[:, None]

    def by_channel(self, lines: Array) -> Array:
        """(k, C), of sums (k, width · C)."""
        return lines.reshape(len(lines), self.width, self.channels).sum(axis=1)

    def by_group(self, sums: Array) -> Array:
        """(k, groups), of sums over each channel."""
        return sums.reshape(len(sums), self.groups, self.channels // self.groups).sum(axis=2)

    def in_blocks(self, block: Callable[[slice], None]) -> None:
        """Call it with slices of samples, in all threads."""
        in_blocks(block, blocks(self.n, max(1, SAMPLES // self.lines[0].size)))


def _lie_channels_last(x: Array) -> bool:
    return x.ndim > 2 and x.dtype.char in "fd" and not x.flags.c_contiguous and channels_last(x).flags.c_contiguous


def normalize_groups(
    plain: Callable[..., tuple[Array, Array, Array]],
    x: Array,
    weight: Array | None,
    bias: Array | None,
    groups: int,
    eps: float,
) -> tuple[Array, Array, Array]:
    """See `backends.generic.normalization.normalize_groups`, here `plain`; the result lies in memory as the operand."""
    if not x.size or not _lie_channels_last(x):
        return plain(x, weight, bias, groups, eps)
    samples = _Samples(x, groups)
    y, (mean, scale) = empty_like(samples.lines), np.empty((2, len(x), groups), x.dtype)

    def block(at: slice) -> None:
        part = samples.lines[at]
        mean[at] = samples.by_group(samples.by_channel(part.sum(axis=1))) / samples.elements
        d = np.subtract(part, samples.spread(mean[at]), out=y[at])
        squares = samples.by_group(samples.by_channel(np.einsum("kpc,kpc->kc", d, d)))
        scale[at] = 1 / np.sqrt(squares / samples.elements + eps)
        factors = np.repeat(scale[at], x.shape[1] // groups, axis=1)
        d *= samples.spread(factors if weight is None else factors * weight)
        if bias is not None:
            d += np.tile(bias, samples.width)

    samples.in_blocks(block)
    pixels = y.reshape(channels_last(x).shape)
    return channels_first(pixels), mean.reshape(-1, 1), scale.reshape(-1, 1)


def _of_samples(g: Array, x: Array, weight: Array | None, mean: Array, scale: Array, groups: int) -> Three:
    """The gradients of images that lie channels-last in memory."""
    samples = _Samples(x, groups)
    gs, dx = samples.of(g), empty_like(samples.lines)
    mean, scale = mean.reshape(-1, groups), scale.reshape(-1, groups)
    factors = np.repeat(scale, x.shape[1] // groups, axis=1)
    of_weight, of_bias = np.empty((2, *factors.shape), x.dtype)

    def block(at: slice) -> None:
        d = np.subtract(samples.lines[at], samples.spread(mean[at]), out=dx[at])
        of_bias[at] = samples.by_channel(gs[at].sum(axis=1))
        of_weight[at] = samples.by_channel(np.einsum("kpc,kpc->kc", gs[at], d)) * factors[at]
        of_normal, of_mean = (
            samples.by_group(v[at] if weight is None else v[at] * weight) * (scale[at] / -samples.elements)
            for v in (of_weight, of_bias)
        )
        d *= samples.spread(of_normal * scale[at])
        d += samples.spread(of_mean)
        d += gs[at] * samples.spread(factors[at] if weight is None else factors[at] * weight)

    samples.in_blocks(block)
    return channels_first(dx.reshape(channels_last(x).shape)), of_weight.sum(axis=0), of_bias.sum(axis=0)


def group_gradients(
    plain: Callable[..., Three],
    g: Array,
    x: Array,
    weight: Array | None,
    mean: Array,
    scale: Array,
    groups: int,
    needs: tuple[bool, ...],
) -> Three:
    """See `backends.generic.normalization.group_gradients`, here `plain`, which is as fast without a scale."""
    if x.size and g.dtype == x.dtype and _lie_channels_last(x):
        return _of_samples(g, x, weight, mean, scale, groups)
    if weight is None or x.size < LARGE or x.dtype.char not in "fd" or g.dtype != x.dtype:
        return plain(g, x, weight, mean, scale, groups, needs)
    rows, dx, each = x.reshape(of_groups(x.shape, groups)), empty(x.shape, None, x.dtype), x.shape[1] // groups
    gs, into = (v.reshape(x.shape[0] * x.shape[1], -1) for v in (g, dx))
    factors = np.tile(weight, len(x))[:, None]
    of_weight, of_bias = np.empty((2, len(gs), 1), x.dtype)

    def block(at: slice) -> None:
        own = slice(at.start * each, at.stop * each)  # the channels of these groups
        d, scales = rows[at] - mean[at], np.repeat(scale[at], each, axis=0)
        of_bias[own] = total(gs[own], (1,), True)
        of_weight[own] = dots(gs[own], d.reshape(gs[own].shape)) * scales
        of_normal, of_mean = (
            (v[own] * factors[own]).reshape(len(d), each).sum(axis=1, keepdims=True) * (scale[at] / -rows.shape[1])
            for v in (of_weight, of_bias)
        )
        d *= of_normal * scale[at]
        d += of_mean
        np.multiply(gs[own], scales * factors[own], out=into[own])
        into[own] += d.reshape(into[own].shape)

    in_blocks(block, blocks(len(rows), max(1, BLOCK // rows.shape[1])))
    g_weight, g_bias = (v.reshape(x.shape[:2]).sum(axis=0) for v in (of_weight, of_bias))
    return dx, g_weight, g_bias
