"""Max and average pooling in any number of spatial dimensions."""

import itertools
import math

import numpy as np

from autograd_core import functional
from autograd_core.engine.libraries import checks_values
from autograd_core.errors import OperandError
from autograd_core.kinds import POOLING
from autograd_core.ops.images.planes import check_filled, slow_transpose, window_of, with_batch
from autograd_core.ops.reductions.extremes import max_along
from autograd_core.registry import composition, integers, op, sample
from backends.geometry import Window

MANY = 32  # taps, from which pooling axis by axis is faster: by half for 9×9 overlapping windows
FEW = 1 << 12  # elements, below which a search of whole planes is faster than a pass for each tap
LARGE = 1 << 17  # elements, from which the same holds for whole planes
BYTE = 255  # taps: kernels take a pass for each, and larger windows have no fast one


def _windows(x, window, ceil_mode=False):
    """(output sizes, output position, positions of its window), by the definition."""
    kernel, stride, padding, dilation = window
    rank = len(kernel)
    size = []
    for n, k, s, p, d in zip(x.shape[2:], *window, strict=True):
        room = n + 2 * p - d * (k - 1) - 1
        o = (math.ceil(room / s) if ceil_mode else room // s) + 1
        size.append(o - 1 if ceil_mode and (o - 1) * s >= n + p else o)
    for at in itertools.product(*map(range, size)):
        starts = [at[i] * stride[i] - padding[i] for i in range(rank)]
        yield (
            tuple(size),
            at,
            [
                tuple(starts[i] + dilation[i] * o[i] for i in range(rank))
                for o in itertools.product(*map(range, kernel))
            ],
        )


def _slow_max(x, window, ceil_mode=False):
    plane = x.shape[2:]
    for size, at, places in _windows(x, window, ceil_mode):
        if at == (0,) * len(size):
            y, indices = np.zeros((*x.shape[:2], *size)), np.zeros((*x.shape[:2], *size), int)
        inside = [w for w in places if all(0 <= i < n for i, n in zip(w, plane, strict=True))]
        for nc in np.ndindex(*x.shape[:2]):
            best = max(inside, key=lambda w: x[(*nc, *w)])
            y[(*nc, *at)], indices[(*nc, *at)] = x[(*nc, *best)], np.ravel_multi_index(best, plane)
    return y, indices


def _slow_mean(x, window, ceil_mode=False, count_include_pad=True, divisor=None):
    plane, padding = x.shape[2:], window.padding
    for size, at, places in _windows(x, window, ceil_mode):
        if at == (0,) * len(size):
            y = np.zeros((*x.shape[:2], *size))
        inside = [w for w in places if all(0 <= i < n for i, n in zip(w, plane, strict=True))]
        padded = [w for w in places if all(-p <= i < n + p for i, n, p in zip(w, plane, padding, strict=True))]
        n = divisor or len(padded if count_include_pad else inside)
        for nc in np.ndindex(*x.shape[:2]):
            y[(*nc, *at)] = math.fsum(x[(*nc, *w)] for w in inside) / n
    return y


SQUARES = Window(kernel=(2, 2), stride=(2, 2), padding=(0, 0), dilation=(1, 1))
OVERLAPPING = Window(kernel=(3, 2), stride=(2, 1), padding=(1, 1), dilation=(1, 2))
PAIRS = Window(kernel=(2,), stride=(2,), padding=(0,), dilation=(1,))
WINDOWS = (sample((1, 2, 4, 4), window=SQUARES),
           sample((2, 1, 5, 4), window=OVERLAPPING),
           sample((1, 2, 6), window=PAIRS._replace(kernel=(3,)), ceil_mode=True),
           sample((0, 2, 4), window=PAIRS))


@op(POOLING, symbol="max pool", outputs=("values", "indices"), samples=WINDOWS, reference=_slow_max,
    vjp=lambda xp, g, x_shape, indices: xp.unpool(g[0], indices, shape=x_shape))
def max_pool(xp, x, *, window, ceil_mode=False):
    """Largest element of every window (the first of ties), and its index into the flattened plane."""
    return xp.kernels.max_pool(x, window, ceil_mode)


def _slow_taps(g, taps, shape, window):
    out = np.zeros(shape)
    for _, at, places in _windows(out, window):
        for nc in np.ndindex(*shape[:2]):
            place = places[taps[(*nc, *at)]]
            if all(0 <= i < n for i, n in zip(place, shape[2:], strict=True)):
                out[(*nc, *place)] += g[(*nc, *at)]
    return out


@op(POOLING, symbol="max pool", samples=WINDOWS, residuals=("taps",),
    reference=lambda *args, **statics: _slow_max(*args, **statics)[0],
    vjp=lambda xp, g, taps, x_shape, window: xp.put_taps(g, taps, shape=x_shape, window=window))
def max_of_windows(xp, x, *, window, ceil_mode=False):
    """Largest element of every window (the first of ties), saving one byte per window."""
    return xp.kernels.max_of_windows(x, window, ceil_mode)


@op(POOLING, symbol="put", reference=_slow_taps,
    samples=(sample((1, 2, 2, 2), integers((1, 2, 2, 2), 0, 4), shape=(1, 2, 4, 5), window=SQUARES),
             sample((2, 1, 3, 4), integers((2, 1, 3, 4), 0, 6), shape=(2, 1, 5, 4), window=OVERLAPPING),
             sample((0, 1, 2, 2), integers((0, 1, 2, 2), 0, 4), shape=(0, 1, 4, 4), window=SQUARES)),
    vjp=(lambda xp, g, taps, window: xp.take_taps(g, taps, window=window), None))
def put_taps(xp, x, taps, *, shape, window):
    """Zeros of `shape` with each element added at the numbered tap of its window: the transpose of `take_taps`."""
    return xp.kernels.put_taps(x, taps, shape, window)


@op(POOLING, symbol="take",
    reference=lambda x, taps, window: slow_transpose(
        lambda unit: _slow_taps(unit, taps, x.shape, window), taps.shape, x),
    samples=(sample((1, 2, 4, 5), integers((1, 2, 2, 2), 0, 4), window=SQUARES),
             sample((2, 1, 5, 4), integers((2, 1, 3, 4), 0, 6), window=OVERLAPPING),
             sample((0, 1, 4, 4), integers((0, 1, 2, 2), 0, 4), window=SQUARES)),
    vjp=(lambda xp, g, taps, x_shape, window: xp.put_taps(g, taps, shape=x_shape, window=window), None))
def take_taps(xp, x, taps, *, window):
    """The element at the numbered tap of each window."""
    return xp.kernels.take_taps(x, taps, window)


def _slow_unpool(x, indices, shape):
    out = np.zeros((*shape[:2], math.prod(shape[2:])))
    for at in np.ndindex(x.shape):
        out[(*at[:2], indices[at])] += x[at]
    return out.reshape(shape)


@op(POOLING, symbol="unpool",
    samples=(sample((1, 2, 2, 2), integers((1, 2, 2, 2), 0, 9), shape=(1, 2, 3, 3)),
             sample((0, 2, 2), integers((0, 2, 2), 0, 3), shape=(0, 2, 3))),
    reference=_slow_unpool, vjp=(lambda xp, g, indices: xp.take_plane(g, indices), None))
def unpool(xp, x, indices, *, shape):
    """Zeros of `shape` with the elements added at `indices` of each plane: the transpose of `take_plane`."""
    return xp.kernels.add_plane(x, indices, shape)


def _planes(x):
    return x.reshape(*x.shape[:2], math.prod(x.shape[2:]))


@op(POOLING, symbol="take",
    samples=(sample((1, 2, 3, 3), integers((1, 2, 2, 2), 0, 9)), sample((0, 2, 3), integers((0, 2, 2), 0, 3))),
    reference=lambda x, indices: np.take_along_axis(_planes(x), _planes(indices), 2).reshape(indices.shape),
    vjp=(lambda xp, g, x_shape, indices: xp.unpool(g, indices, shape=x_shape), None))
def take_plane(xp, x, indices):
    """The elements at `indices` of each flattened plane."""
    return xp.kernels.take_plane(x, indices)


PADDED = PAIRS._replace(padding=(1,))
MEANS = (sample((1, 2, 4, 4), window=SQUARES),
         sample((2, 1, 5, 4), window=OVERLAPPING._replace(dilation=(1, 1)), count_include_pad=False),
         sample((1, 2, 6), window=PADDED._replace(kernel=(3,)), ceil_mode=True),
         sample((1, 1, 4, 4), window=SQUARES._replace(padding=(1, 1)), divisor=3),
         sample((0, 2, 4), window=PAIRS))


@op(POOLING, symbol="mean pool", samples=MEANS, reference=_slow_mean,
    vjp=lambda xp, g, x_shape, window, ceil_mode, count_include_pad, divisor: xp.avg_unpool(
        g, shape=x_shape, window=window, ceil_mode=ceil_mode, count_include_pad=count_include_pad, divisor=divisor))
def avg_pool(xp, x, *, window, ceil_mode=False, count_include_pad=True, divisor=None):
    """Mean of every window: the sum divided by its size, by its size within the input, or by `divisor`."""
    if max(window.dilation) > 1:
        raise ValueError(f"means are taken over windows without dilation, not {window}")
    return xp.kernels.avg_pool(x, window, ceil_mode, count_include_pad, divisor)


@op(POOLING, symbol="mean poolᵀ",
    reference=lambda x, shape, window, **rest: slow_transpose(lambda unit: _slow_mean(unit, window, **rest), shape, x),
    samples=(sample((1, 1, 2, 2), shape=(1, 1, 4, 4), window=SQUARES),
             sample((1, 1, 3), shape=(1, 1, 5), window=PADDED, count_include_pad=False),
             sample((1, 1, 4), shape=(1, 1, 6), window=PADDED._replace(kernel=(3,)), ceil_mode=True, divisor=5),
             sample((0, 1, 2), shape=(0, 1, 4), window=PAIRS)),
    vjp=lambda xp, g, window, ceil_mode, count_include_pad, divisor: xp.avg_pool(
        g, window=window, ceil_mode=ceil_mode, count_include_pad=count_include_pad, divisor=divisor))
def avg_unpool(xp, x, *, shape, window, ceil_mode=False, count_include_pad=True, divisor=None):
    """Every element spread evenly over its window: the transpose of `avg_pool`."""
    return xp.kernels.avg_pool_input(x, shape, window, ceil_mode, count_include_pad, divisor)


def _prepared(input, kernel_size, stride, padding, dilation, rank, name):
    """(batched input, whether it had no batch, the window), after checks."""
    input, single = with_batch(input, rank, name)
    window = window_of(kernel_size, stride, padding, dilation, rank)
    kernel, padding = window.kernel, window.padding
    check_filled(input, rank + 1, name)
    if min(kernel) < 1 or not all(0 <= p <= k // 2 for p, k in zip(padding, kernel, strict=True)):
        raise OperandError(f"{name}(): kernel_size {kernel} must be positive, and padding {padding} at most half of it")
    return input, single, window


def _of_planes(input, return_indices):
    """The largest element of each plane, by a search in memory order."""
    shape = *input.shape[:2], *(1,) * (input.ndim - 2)
    values, indices = max_along(functional.flatten(input, 2), dim=2)
    values = values.reshape(shape)
    return (values, indices.reshape(shape)) if return_indices else values


def _by_axes(input, window, ceil_mode):
    """Largest elements axis by axis, the last one first, so that the first of ties is chosen."""
    for axis in reversed(range(len(window.kernel))):
        neutral = (1, 1, 0, 1)
        along = [tuple(v if i == axis else one for i, v in enumerate(sizes))
                 for sizes, one in zip(window, neutral, strict=True)]
        if along[0] != along[1] or max(along[0]) > 1:
            input = max_of_windows(input, window=Window(*along), ceil_mode=ceil_mode)
    return input


def max_pooled(input, kernel_size, stride, padding, dilation, ceil_mode, return_indices, rank):
    input, single, window = _prepared(input, kernel_size, stride, padding, dilation, rank, f"max_pool{rank}d")
    kernel, _, border, steps = window
    taps, by_axes = math.prod(kernel), max(kernel) <= BYTE and not return_indices
    whole = kernel == input.shape[2:] and not any(border) and max(steps) == 1
    searched = input.numel() < LARGE or not by_axes if taps > BYTE else input.numel() < FEW and checks_values(input)
    if whole and searched:
        pooled = _of_planes(input, return_indices)
    elif taps > MANY and by_axes:
        pooled = _by_axes(input, window, ceil_mode)
    else:
        pool = max_pool if return_indices else max_of_windows
        pooled = pool(input, window=window, ceil_mode=ceil_mode)
    if not single:
        return pooled
    return tuple(v.squeeze(0) for v in pooled) if return_indices else pooled.squeeze(0)


def _avg(input, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override, rank):
    input, single, window = _prepared(input, kernel_size, stride, padding, 1, rank, f"avg_pool{rank}d")
    if divisor_override == 0:
        raise OperandError("avg_pool: divisor_override must not be 0")
    y = avg_pool(
        input, window=window, ceil_mode=ceil_mode, count_include_pad=count_include_pad, divisor=divisor_override
    )
    return y.squeeze(0) if single else y


def _slow_max_pool(x, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False):
    return _slow_max(x, window_of(kernel_size, stride, padding, dilation, x.ndim - 2), ceil_mode)[0]


def _slow_avg_pool(
    x, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True, divisor_override=None
):
    window = window_of(kernel_size, stride, padding, 1, x.ndim - 2)
    return _slow_mean(x, window, ceil_mode, count_include_pad, divisor_override)


@composition(POOLING, reference=_slow_max_pool,
             samples=(sample((1, 2, 6), 2), sample((1, 1, 5), 3, 2, 1), sample((0, 2, 6), 2)))
def max_pool1d(input, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False, return_indices=False):
    """Largest element of every window of (N, C, L); see `max_pool2d`."""
    return max_pooled(input, kernel_size, stride, padding, dilation, ceil_mode, return_indices, 1)


@composition(POOLING, reference=_slow_max_pool,
             samples=(sample((1, 2, 4, 4), 2), sample((1, 1, 5, 4), 3, 2, 1), sample((0, 1, 4, 4), 2)))
def max_pool2d(input, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False, return_indices=False):
    """Largest element of every window of images (N, C, H, W); `stride` defaults to the kernel size.

    The first of ties gets the gradient. return_indices: also return its index into the flattened plane.

    >>> from autograd_core import tensor
    >>> max_pool2d(tensor([[[1.0, 1, 2, 4], [5, 6, 7, 8], [3, 2, 1, 0], [1, 2, 3, 4]]]), 2)
    tensor([[[6., 8.],
             [3., 4.]]])
    """
    return max_pooled(input, kernel_size, stride, padding, dilation, ceil_mode, return_indices, 2)


@composition(POOLING, reference=_slow_max_pool, samples=(sample((1, 1, 4, 2, 4), 2), sample((0, 1, 2, 2, 2), 2)))
def max_pool3d(input, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False, return_indices=False):
    """Largest element of every window of volumes (N, C, D, H, W); see `max_pool2d`."""
    return max_pooled(input, kernel_size, stride, padding, dilation, ceil_mode, return_indices, 3)


@composition(POOLING, reference=_slow_avg_pool,
             samples=(sample((1, 2, 6), 2), sample((1, 1, 5), 3, 2, 1), sample((0, 2, 6), 2)))
def avg_pool1d(input, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True):
    """Mean of every window of (N, C, L); see `avg_pool2d`."""
    return _avg(input, kernel_size, stride, padding, ceil_mode, count_include_pad, None, 1)


@composition(POOLING, reference=_slow_avg_pool,
             samples=(sample((1, 2, 4, 4), 2), sample((1, 1, 5, 4), 3, 2, 1), sample((0, 1, 4, 4), 2)))
def avg_pool2d(
    input, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True, divisor_override=None
):
    """Mean of every window of images (N, C, H, W); `stride` defaults to the kernel size.

    count_include_pad: padding counts as zeros. divisor_override: divide the window's sum by this instead.
    """
    return _avg(input, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override, 2)


@composition(POOLING, reference=_slow_avg_pool, samples=(sample((1, 1, 4, 2, 4), 2), sample((0, 1, 2, 2, 2), 2)))
def avg_pool3d(
    input, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True, divisor_override=None
):
    """Mean of every window of volumes (N, C, D, H, W); see `avg_pool2d`."""
    return _avg(input, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override, 3)
