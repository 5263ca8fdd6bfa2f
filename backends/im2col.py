"""Convolution of any spatial rank as matrix products on columns, for every array library.

All three kernels are one: `_correlate` slides a window over a channels-last image. The gradient in the input is
again a correlation, of the gradient with the flipped kernel; a stride splits it into one correlation per phase
of the input grid, so nothing is ever scattered. Columns are made for a block of images at a time and the block
is chosen by bytes: a column buffer that leaves the cache costs more than the product.
"""

from collections.abc import Callable, Iterator
from itertools import product
from math import gcd, prod
from typing import Any

from backends.geometry import (
    Array,
    Sizes,
    Taps,
    blocks,
    channels_first,
    channels_last,
    check_gradient,
    convolution_sizes,
    elements,
    wide_dtype,
)


def convolve(
    xp: Any,
    x: Array,
    w: Array,
    stride: Sizes,
    padding: Sizes,
    dilation: Sizes,
    groups: int,
    bias: Array | None = None,
    *,
    column_bytes: int,
) -> Array:
    """Cross-correlation of x (N, C, *S) with w (O, C / groups, *K), zero padded, plus bias (O) if there is one.

    Returns (N, O, *out) in channels-last memory. ValueError when the shapes do not fit.
    """
    out = convolution_sizes(x.shape, w.shape, stride, padding, dilation, groups)
    taps = Taps(w.shape[2:], stride, dilation, padding, out)

    def one(x: Array, w: Array) -> Array:
        return _correlate(xp, x, w, taps, column_bytes)

    weights = _taps_first(w)
    y = _grouped(xp, one, channels_last(x), weights, groups, w.shape[0]).astype(x.dtype, copy=False)
    if bias is not None:
        y += bias
    return channels_first(y)


def convolve_input(
    xp: Any,
    g: Array,
    w: Array,
    x_shape: Sizes,
    stride: Sizes,
    padding: Sizes,
    dilation: Sizes,
    groups: int,
    *,
    column_bytes: int,
) -> Array:
    """Adjoint of `convolve` in x: the gradient g (N, O, *out) carried to `x_shape`."""
    out = convolution_sizes(x_shape, w.shape, stride, padding, dilation, groups)
    check_gradient("convolve_input", g.shape, (x_shape[0], w.shape[0], *out))
    forward = Taps(w.shape[2:], stride, dilation, padding, out)

    def one(g: Array, w: Array) -> Array:
        return _correlate_input(xp, g, w, x_shape[2:], forward, column_bytes)

    weights = _taps_first(w)
    if groups > 1:
        # Group j maps outputs [j] back to inputs [j]: bring w's group axis to where `_grouped` slices it.
        weights = xp.concatenate([weights[..., s] for s in blocks(w.shape[0], w.shape[0] // groups)], axis=-2)
    dx = _grouped(xp, one, channels_last(g), weights.swapaxes(-1, -2), groups, x_shape[1])
    return channels_first(dx.astype(g.dtype, copy=False))


def convolve_weight(
    xp: Any,
    g: Array,
    x: Array,
    w_shape: Sizes,
    stride: Sizes,
    padding: Sizes,
    dilation: Sizes,
    groups: int,
    *,
    column_bytes: int,
) -> Array:
    """Adjoint of `convolve` in w: the gradient g (N, O, *out) and the input x give (O, C / groups, *K), contiguous."""
    out = convolution_sizes(x.shape, w_shape, stride, padding, dilation, groups)
    check_gradient("convolve_weight", g.shape, (x.shape[0], w_shape[0], *out))
    taps = Taps(w_shape[2:], stride, dilation, padding, out)
    xs, gs = channels_last(x), channels_last(g)
    parts = [
        _correlate_weight(xp, xs[..., i], gs[..., o], taps, column_bytes)
        for i, o in zip(_group_slices(x.shape[1], groups), _group_slices(w_shape[0], groups), strict=True)
    ]
    dw = parts[0] if groups == 1 else xp.concatenate(parts, axis=-1)
    rank = dw.ndim - 2
    return xp.ascontiguousarray(dw.transpose(rank + 1, rank, *range(rank)).astype(g.dtype, copy=False))


def _taps_first(w: Array) -> Array:
    """View of (O, C, *K) as (*K, C, O)."""
    return w.transpose(*range(2, w.ndim), 1, 0)


def _group_slices(channels: int, groups: int) -> list[slice]:
    each = channels // groups
    return [slice(j * each, (j + 1) * each) for j in range(groups)]


def _grouped(
    xp: Any, one: Callable[[Array, Array], Array], x: Array, w: Array, groups: int, out_channels: int
) -> Array:
    """Apply `one` to each group of x's channels and of w's last axis."""
    if groups == 1:
        return one(x, w)
    pairs = zip(_group_slices(x.shape[-1], groups), _group_slices(out_channels, groups), strict=True)
    return xp.concatenate([one(x[..., i], w[..., o]) for i, o in pairs], axis=-1)


def _correlate(xp: Any, x: Array, w: Array, taps: Taps, column_bytes: int) -> Array:
    """Correlation of x (N, *S, C) with w (*K, C, O): a contiguous (N, *out, O) in the wide type."""
    dtype = wide_dtype(xp, x.dtype)
    channels = w.shape[-1]
    matrix = xp.ascontiguousarray(w.astype(dtype, copy=False).reshape(-1, channels))
    y = xp.empty((x.shape[0], *taps.out, channels), dtype=dtype)
    for images, rows, columns in _columns(xp, x, taps, dtype, column_bytes):
        xp.matmul(columns, matrix, out=y[images, rows].reshape(columns.shape[0], channels))
    return y


def _correlate_weight(xp: Any, x: Array, g: Array, taps: Taps, column_bytes: int) -> Array:
    """Gradient (*K, C, O) of the correlation of x (N, *S, C), given g (N, *out, O)."""
    dtype = wide_dtype(xp, x.dtype)
    channels = g.shape[-1]
    total = xp.zeros((prod(taps.kernel) * x.shape[-1], channels), dtype=dtype)
    for images, rows, columns in _columns(xp, x, taps, dtype, column_bytes):
        part = g[images, rows].astype(dtype, copy=False).reshape(columns.shape[0], channels)
        total += xp.matmul(columns.T, part)
    return total.reshape(*taps.kernel, x.shape[-1], channels)


def _correlate_input(xp: Any, g: Array, w: Array, sizes: Sizes, forward: Taps, column_bytes: int) -> Array:
    """Carry g (N, *out, O) back through w (*K, O, C) to (N, *sizes, C), one stride-1 correlation per phase."""
    axes = [
        [_phase(a, *axis) for a in range(min(axis[0], axis[1]))]
        for axis in zip(sizes, forward.stride, forward.kernel, forward.dilation, forward.low, strict=True)
    ]
    if all(s == 1 for s in forward.stride):
        picks, dilation, low, out = zip(*(axis[0][1:] for axis in axes), strict=True)
        flipped = w[tuple(picks)]
        return _correlate(xp, g, flipped, Taps(flipped.shape[:-2], (1,) * len(sizes), dilation, low, out), column_bytes)
    dx = xp.zeros((g.shape[0], *sizes, w.shape[-1]), dtype=wide_dtype(xp, g.dtype))
    for phases in product(*axes):
        places, picks, dilation, low, out = zip(*phases, strict=True)
        flipped = w[tuple(picks)]
        kernel = flipped.shape[:-2]
        if min(kernel) and min(out):
            phase = Taps(kernel, (1,) * len(sizes), dilation, low, out)
            dx[(slice(None), *places)] = _correlate(xp, g, flipped, phase, column_bytes)
    return dx


def _phase(
    start: int, size: int, stride: int, kernel: int, dilation: int, padding: int
) -> tuple[slice, slice, int, int, int]:
    """Inputs start, start + stride, ...: which taps reach them, and from where in the output.

    Tap k takes input a to output (a + padding - k * dilation) / stride, where that is whole. Returns the inputs'
    slice, the taps in falling order, and dilation, low and out of the correlation with them.
    """
    taps = [k for k in range(kernel) if (start + padding - k * dilation) % stride == 0]
    count = -(-(size - start) // stride)
    places = slice(start, None, stride)
    if not taps:
        return places, slice(0, 0), 1, 0, count
    common = gcd(stride, dilation)
    stop = taps[0] - 1 if taps[0] else None
    low = -((start + padding - taps[-1] * dilation) // stride)
    return places, slice(taps[-1], stop, -(stride // common)), dilation // common, low, count


def _columns(xp: Any, x: Array, taps: Taps, dtype: Any, column_bytes: int) -> Iterator[tuple[slice, slice, Array]]:
    """Blocks of windows of x (N, *S, C): images, rows of the first output axis, and their (pixels, taps) matrix.

    The matrix is a buffer that the next block overwrites.
    """
    n, *sizes, c = x.shape
    rank = len(sizes)
    if taps == Taps((1,) * rank, (1,) * rank, taps.dilation, (0,) * rank, tuple(sizes)) and x.dtype == dtype:
        yield slice(None), slice(None), x.reshape(elements(x.shape[:-1]) if 0 not in x.shape[:-1] else 0, c)
        return
    row = elements((*taps.kernel, c, *taps.out[1:])) * dtype.itemsize
    rows = max(1, min(taps.out[0], column_bytes // row))
    images = max(1, min(n, column_bytes // (row * taps.out[0])))
    buffer = xp.empty(images * rows * prod(taps.out[1:]) * prod(taps.kernel) * c, dtype=dtype)
    run = c * (taps.kernel[-1] if taps.dilation[-1] == 1 else 1)
    # The copy's inner loop is a pixel's contiguous run of taps or, where that is short, a line of pixels.
    fill = _fill_by_tap if run < taps.out[-1] else _fill_by_pixel
    for block, windows in _windows(xp, x, taps, dtype, images):
        for part in blocks(taps.out[0], rows):
            yield block, part, fill(buffer, windows[:, part], rank)


def _windows(xp: Any, x: Array, taps: Taps, dtype: Any, images: int) -> Iterator[tuple[slice, Array]]:
    """Blocks of images and the view (n, *out, *K, C) of their windows, zero padded where they need it."""
    n, *sizes, c = x.shape
    inside = not any(taps.low) and all(r <= h for r, h in zip(taps.reach, sizes, strict=True))
    if inside and (prod(taps.kernel) == 1 or (x.dtype == dtype and x.strides[-1] == x.dtype.itemsize)):
        view = _slide(xp, x, taps)
        for block in blocks(n, images):
            yield block, view[block]
        return
    padded = xp.zeros((images, *taps.reach, c), dtype=dtype)
    view = _slide(xp, padded, taps)
    to, source = [], []
    for low, reach, size in zip(taps.low, taps.reach, sizes, strict=True):
        stop = max(0, min(reach, low + size))
        to.append(slice(min(max(0, low), stop), stop))
        source.append(slice(to[-1].start - low, stop - low) if to[-1].start < stop else slice(0, 0))
    for block in blocks(n, images):
        count = block.stop - block.start
        padded[(slice(0, count), *to)] = x[(block, *source)]
        yield block, view[:count]


def _slide(xp: Any, x: Array, taps: Taps) -> Array:
    """View of x (n, *S, C) as (n, *out, *K, C)."""
    first, *spatial, last = x.strides
    steps = [a * s for a, s in zip(spatial, taps.stride, strict=True)]
    within = [a * d for a, d in zip(spatial, taps.dilation, strict=True)]
    shape = (x.shape[0], *taps.out, *taps.kernel, x.shape[-1])
    return xp.lib.stride_tricks.as_strided(x, shape, (first, *steps, *within, last))


def _fill_by_pixel(buffer: Array, windows: Array, rank: int) -> Array:
    size, pixels = prod(windows.shape), prod(windows.shape[: rank + 1])
    block = buffer[:size]
    block.reshape(windows.shape)[...] = windows
    return block.reshape(pixels, prod(windows.shape[rank + 1 :]))


def _fill_by_tap(buffer: Array, windows: Array, rank: int) -> Array:
    turned = windows.transpose(*range(rank + 1, 2 * rank + 2), *range(rank + 1))
    size, pixels = prod(windows.shape), prod(windows.shape[: rank + 1])
    block = buffer[:size]
    block.reshape(turned.shape)[...] = turned
    return block.reshape(prod(windows.shape[rank + 1 :]), pixels).T
