"""Convolution of any spatial rank as matrix products on columns, for every array library.

All three kernels are one: `_correlate` slides a window over a channels-last image. The gradient in the input is
again a correlation, of the gradient with the flipped kernel; a stride splits it into one correlation per phase
of the input grid, so nothing is ever scattered. Columns are made for a block of images at a time. The size of a block
is limited in bytes, because a column buffer larger than the cache costs more than the product. Blocks are independent,
so that threads can divide them; their sums are added in an order that does not depend on threads.
"""

from collections.abc import Callable, Sequence
from functools import partial, reduce
from itertools import product
from math import gcd, prod
from operator import iadd
from threading import get_ident
from typing import Any, NamedTuple

from backends.geometry import (
    Array,
    Geometry,
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

Block = tuple[slice, slice]  # images, and rows of the first output axis
InBlocks = Callable[[Callable[[Any], Any], Sequence[Any]], list[Any]]
SUMS = 16  # partial sums of a weight's gradient, and so the maximal number of threads for it
SUM_BYTES = 1 << 26


def serially(function: Callable[[Any], Any], parts: Sequence[Any]) -> list[Any]:
    """Process one part after the other."""
    return [function(part) for part in parts]


class Schedule(NamedTuple):
    """How an array library divides and computes convolutions.

    column_bytes: memory for the columns of a block; in_blocks: calls a function on independent parts, in any order, and
    returns the results in the order of the parts; matmul: the product of columns (pixels, taps) with weights, into
    `out`; contract: the product of transposed columns with gradients (pixels, channels).
    """

    column_bytes: int
    in_blocks: InBlocks
    matmul: Callable[..., Any]
    contract: Callable[..., Any]


def convolve(
    xp: Any, x: Array, w: Array, geometry: Geometry, bias: Array | None = None, *, schedule: Schedule
) -> Array:
    """Zero-padded cross-correlation of x (N, C, *S) with w (O, C / groups, *K), plus bias (O) if there is one.

    Returns (N, O, *out) in channels-last memory. ValueError when the shapes do not fit.
    """
    out = convolution_sizes(x.shape, w.shape, geometry)
    taps = Taps(w.shape[2:], geometry.stride, geometry.dilation, geometry.padding, out)
    y = _correlate(xp, channels_last(x), _taps_first(w, geometry.groups), taps, schedule, bias)
    return channels_first(y.astype(x.dtype, copy=False))


def convolve_input(xp: Any, g: Array, w: Array, x_shape: Sizes, geometry: Geometry, *, schedule: Schedule) -> Array:
    """Adjoint of `convolve` in x: the gradient g (N, O, *out) carried to `x_shape`."""
    out = convolution_sizes(x_shape, w.shape, geometry)
    check_gradient("convolve_input", g.shape, (x_shape[0], w.shape[0], *out))
    forward = Taps(w.shape[2:], geometry.stride, geometry.dilation, geometry.padding, out)
    weights = _taps_first(w, geometry.groups).swapaxes(-1, -2)
    dx = _correlate_input(xp, channels_last(g), weights, x_shape[2:], forward, schedule)
    return channels_first(dx.astype(g.dtype, copy=False))


def convolve_weight(xp: Any, g: Array, x: Array, w_shape: Sizes, geometry: Geometry, *, schedule: Schedule) -> Array:
    """Adjoint of `convolve` in w: a contiguous (O, C / groups, *K) from the gradient g (N, O, *out) and the input x."""
    out = convolution_sizes(x.shape, w_shape, geometry)
    check_gradient("convolve_weight", g.shape, (x.shape[0], w_shape[0], *out))
    taps = Taps(w_shape[2:], geometry.stride, geometry.dilation, geometry.padding, out)
    dw = _correlate_weight(xp, channels_last(x), channels_last(g), geometry.groups, taps, schedule)
    rank = len(out)
    dw = dw.reshape(geometry.groups, *w_shape[2:], w_shape[1], w_shape[0] // geometry.groups)
    dw = dw.transpose(0, rank + 2, rank + 1, *range(1, rank + 1)).reshape(w_shape)
    return xp.ascontiguousarray(dw.astype(g.dtype, copy=False))


def _taps_first(w: Array, groups: int) -> Array:
    """(O, C, *K) as (groups, *K, C, O / groups)."""
    grouped = w.reshape(groups, w.shape[0] // groups, *w.shape[1:])
    return grouped.transpose(0, *range(3, grouped.ndim), 2, 1)


def _correlate(
    xp: Any, x: Array, w: Array, taps: Taps, schedule: Schedule, bias: Array | None = None, out: Array | None = None
) -> Array:
    """Correlation of x (N, *S, G C) with w (G, *K, C, O): (N, *out, G O) in the wide type, in `out` or a new array."""
    dtype = wide_dtype(xp, x.dtype)
    groups, *_, each = w.shape
    matrices = xp.ascontiguousarray(
        w.astype(dtype, copy=False).reshape(groups, elements(w.shape[1:-2]) * w.shape[-2], each)
    )
    y = xp.empty((x.shape[0], *taps.out, groups * each), dtype=dtype) if out is None else out

    columns_of = _Columns(xp, x, taps, groups, dtype)

    def block(at: Block) -> None:
        part = y[at]
        columns = columns_of(at)
        pixels = columns.shape[-2]
        flat = part if part.flags.c_contiguous else xp.empty(part.shape, dtype=dtype)
        if groups == 1:
            schedule.matmul(columns[0], matrices[0], out=flat.reshape(pixels, each))
        else:
            xp.matmul(columns, matrices, out=flat.reshape(pixels, groups, each).swapaxes(0, 1))
        if bias is not None:
            flat += bias
        if flat is not part:
            part[...] = flat

    schedule.in_blocks(block, _blocks(x, taps, dtype, schedule.column_bytes))
    return y


def _correlate_weight(xp: Any, x: Array, g: Array, groups: int, taps: Taps, schedule: Schedule) -> Array:
    """Gradient (G, K C, O) of the correlation of x (N, *S, G C), given g (N, *out, G O)."""
    dtype = wide_dtype(xp, x.dtype)
    each = g.shape[-1] // groups
    shape = (groups, prod(taps.kernel) * (x.shape[-1] // groups), each)

    columns_of = _Columns(xp, x, taps, groups, dtype)

    def one(at: Block) -> Array:
        columns = columns_of(at)
        part = g[at].astype(dtype, copy=False).reshape(columns.shape[-2], groups, each)
        if groups == 1:
            return schedule.contract(columns[0], part[:, 0])[None]
        return xp.matmul(columns.swapaxes(1, 2), part.swapaxes(0, 1))

    work = _blocks(x, taps, dtype, schedule.column_bytes)
    most = max(1, min(SUMS, SUM_BYTES // (elements(shape) * dtype.itemsize)))
    runs = [work[run] for run in blocks(len(work), -(-len(work) // most) or 1)]
    parts = schedule.in_blocks(lambda run: reduce(iadd, map(one, run)), runs)
    return reduce(iadd, parts) if parts else xp.zeros(shape, dtype=dtype)


def _correlate_input(xp: Any, g: Array, w: Array, sizes: Sizes, forward: Taps, schedule: Schedule) -> Array:
    """Carry g (N, *out, G O) back through w (G, *K, O, C) to (N, *sizes, G C), one stride-1 correlation per phase."""
    shape = (g.shape[0], *sizes, w.shape[0] * w.shape[-1])
    dx = xp.empty(shape, dtype=wide_dtype(xp, g.dtype))  # first: there are as many phases as inputs, but memory ends
    axes = [
        [_phase(a, *axis) for a in range(min(axis[0], axis[1]))]
        for axis in zip(sizes, forward.stride, forward.kernel, forward.dilation, forward.low, strict=True)
    ]
    if any(picks.start == picks.stop for phases in axes for _, picks, *_ in phases):
        dx[...] = 0  # inputs that no tap reaches
    for phases in product(*axes):
        places, picks, dilation, low, out = zip(*phases, strict=True)
        flipped = w[(slice(None), *picks)]
        kernel = flipped.shape[1:-2]
        if min(kernel) and min(out):
            phase = Taps(kernel, (1,) * len(sizes), dilation, low, out)
            _correlate(xp, g, flipped, phase, schedule, out=dx[(slice(None), *places)])
    return dx


def _phase(
    start: int, size: int, stride: int, kernel: int, dilation: int, padding: int
) -> tuple[slice, slice, int, int, int]:
    """The taps that reach the inputs start, start + stride, ..., and from where in the output.

    Tap k takes input a to output (a + padding - k * dilation) / stride, if this is an integer. Returns the slice of the
    inputs, the taps in descending order, and `dilation`, `low` and `out` of the correlation with them.
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


def _blocks(x: Array, taps: Taps, dtype: Any, column_bytes: int) -> list[Block]:
    """Blocks of images and rows of the output of x (N, *S, C) whose columns take about `column_bytes`."""
    row = elements((*taps.kernel, x.shape[-1], *taps.out[1:])) * dtype.itemsize
    rows = max(1, min(taps.out[0], column_bytes // row))
    images = max(1, column_bytes // (row * taps.out[0]))
    return [(some, part) for part in blocks(taps.out[0], rows) for some in blocks(x.shape[0], images)]


class _Columns:
    """The windows of x (N, *S, G C) that make a block of the output, as matrices (G, pixels, K C).

    Every thread has its own buffers, which are overwritten by its next block.
    """

    def __init__(self, xp: Any, x: Array, taps: Taps, groups: int, dtype: Any) -> None:
        self.make = partial(_Part, xp, x, taps, groups, dtype)
        self.of_thread: dict[int, _Part] = {}

    def __call__(self, at: Block) -> Array:
        images, rows = at
        thread, count = get_ident(), images.stop - images.start
        part = self.of_thread.get(thread)
        if part is None or part.count != count or part.rows != rows:
            part = self.of_thread[thread] = self.make(rows, count)
        return part.columns(images)


class _Part:
    """The columns for some rows of the first output axis and `count` images at a time.

    All views of the buffers are made once, because threads wait for each other while they run Python.
    """

    def __init__(self, xp: Any, x: Array, taps: Taps, groups: int, dtype: Any, rows: slice, count: int) -> None:
        self.rows, self.count = rows, count
        low, out = taps.low[0] - rows.start * taps.stride[0], rows.stop - rows.start
        taps = taps._replace(low=(low, *taps.low[1:]), out=(out, *taps.out[1:]))
        to, source = _stretch(x.shape[1:-1], taps)
        self.x = x[(slice(None), *source)]
        inside = self.x.shape[1:-1] == taps.reach
        # Windows overlap: a copy in the type of the computation, with adjacent channels, is read many times.
        whole = inside and (prod(taps.kernel) == 1 or (x.dtype == dtype and x.strides[-1] == x.dtype.itemsize))
        padded = self.inner = None
        if not whole:
            padded = xp.empty((count, *taps.reach, x.shape[-1]), dtype=dtype)  # aligned, unlike zeros
            padded[...] = 0
            self.inner = padded[(slice(None), *to)]

        rank, each = len(taps.out), x.shape[-1] // groups
        windows = _slide(xp, self.x if padded is None else padded, taps)
        windows = windows.reshape(*windows.shape[:-1], groups, each)
        pixel, window = range(1, rank + 1), (*range(rank + 1, 2 * rank + 1), 2 * rank + 2)
        run = each * (taps.kernel[-1] if groups == 1 and taps.dilation[-1] == 1 else 1)
        # The copy's inner loop is a pixel's contiguous run of taps or, if this is short, a line of pixels.
        self.by_pixel = run >= taps.out[-1]
        order = (2 * rank + 1, 0, *pixel, *window) if self.by_pixel else (2 * rank + 1, *window, 0, *pixel)
        self.windows = windows.transpose(order)
        self.before = (slice(None),) * order.index(0)
        self.shape = (groups, count * prod(taps.out), prod(taps.kernel) * each)
        # Taps that are not copied: every window is one pixel, whose channels are already in the order of the product.
        plain = prod(taps.kernel) == groups == 1 and x.dtype == dtype
        self.buffer = None if plain else xp.empty(self.windows[(*self.before, slice(count))].shape, dtype=dtype)
        self.matrices = None if plain else self._matrices(self.buffer)

    def columns(self, images: slice) -> Array:
        windows = self.windows
        if self.inner is None:
            windows = windows[(*self.before, images)]
        else:
            self.inner[...] = self.x[images]
        if self.buffer is None:
            return self._matrices(windows)
        self.buffer[...] = windows
        return self.matrices

    def _matrices(self, windows: Array) -> Array:
        groups, pixels, taps = self.shape
        if self.by_pixel:
            return windows.reshape(groups, pixels, taps)
        return windows.reshape(groups, taps, pixels).swapaxes(1, 2)


def _stretch(sizes: Sizes, taps: Taps) -> tuple[list[slice], list[slice]]:
    """The position of an image of `sizes` within the range that windows read, and the part of the image in it."""
    to, source = [], []
    for low, reach, size in zip(taps.low, taps.reach, sizes, strict=True):
        stop = max(0, min(reach, low + size))
        start = min(max(0, low), stop)
        to.append(slice(start, stop))
        source.append(slice(start - low, stop - low) if start < stop else slice(0, 0))
    return to, source


def _slide(xp: Any, x: Array, taps: Taps) -> Array:
    """View of x (n, *S, C) as (n, *out, *K, C)."""
    first, *spatial, last = x.strides
    steps = [a * s for a, s in zip(spatial, taps.stride, strict=True)]
    within = [a * d for a, d in zip(spatial, taps.dilation, strict=True)]
    shape = (x.shape[0], *taps.out, *taps.kernel, x.shape[-1])
    return xp.lib.stride_tricks.as_strided(x, shape, (first, *steps, *within, last))
