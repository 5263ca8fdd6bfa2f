"""Sliding windows along an axis: a view, and its transpose, which adds them up."""

import numpy as np

from autograd_core.errors import OperandError
from autograd_core.kinds import SHAPE
from autograd_core.ops import axes
from autograd_core.registry import op, sample


def _count(n, size, step):
    """The number of windows of `size`, `step` apart, in an axis of length `n`."""
    if step <= 0:
        raise OperandError(f"unfold(): step must be positive, not {step}")
    if size < 0:
        raise OperandError(f"unfold(): size must not be negative, but is {size}")
    if size > n:
        raise OperandError(f"unfold(): windows of size {size} do not fit an axis of length {n}")
    return (n - size) // step + 1


def _slow_unfold(x, dimension, size, step):
    x = np.moveaxis(np.atleast_1d(x), dimension, -1)
    windows = np.stack([x[..., i : i + size] for i in range(0, x.shape[-1] - size + 1, step)], -2)
    return np.moveaxis(windows, -2, dimension % x.ndim) if x.ndim > 1 else windows


@op(SHAPE, symbol="unfold", view=True,
    samples=(sample((5,), dimension=0, size=2, step=1),
             sample((2, 6), dimension=-1, size=3, step=2),
             sample((5, 2), dimension=0, size=2, step=3),
             sample((3, 0), dimension=0, size=2, step=1)),
    reference=_slow_unfold,
    vjp=lambda xp, g, x_shape, dimension, size, step: xp.fold_windows(
        g, shape=x_shape, dimension=dimension, size=size, step=step))
def unfold(xp, x, *, dimension, size, step):
    """The windows of `size` elements along one axis, `step` apart, their elements as the last axis; a view."""
    at = axes.one(dimension, x.ndim)
    if not x.ndim:
        _count(1, size, step)
        return x.reshape(1)[:size]
    count, strides = _count(x.shape[at], size, step), x.strides
    return xp.lib.stride_tricks.as_strided(
        x,
        (*x.shape[:at], count, *x.shape[at + 1 :], size),
        (*strides[:at], step * strides[at], *strides[at + 1 :], strides[at]),
    )


def _slow_fold(x, shape, dimension, size, step):
    places = _slow_unfold(np.arange(int(np.prod(shape))).reshape(shape), dimension, size, step)
    return np.bincount(places.ravel(), x.ravel(), int(np.prod(shape))).reshape(shape)


@op(SHAPE, symbol="fold", method=False, wide=True,
    samples=(sample((4, 2), shape=(5,), dimension=0, size=2, step=1),
             sample((2, 2, 3), shape=(2, 6), dimension=-1, size=3, step=2),
             sample((0, 2, 2), shape=(0, 4), dimension=1, size=2, step=2)),
    reference=_slow_fold,
    vjp=lambda xp, g, dimension, size, step: xp.unfold(g, dimension=dimension, size=size, step=step))
def fold_windows(xp, x, *, shape, dimension, size, step):
    """Zeros of `shape` to which windows are added where `unfold` reads them: its transpose."""
    if not shape:
        return x.sum().reshape(shape)
    out, at = xp.zeros(shape, x.dtype), axes.one(dimension, len(shape))
    before, count = (slice(None),) * at, x.shape[at]
    if size <= count:
        for i in range(size):
            out[(*before, slice(i, i + step * (count - 1) + 1, step))] += x[..., i]
    else:
        for i in range(count):
            out[(*before, slice(i * step, i * step + size))] += xp.moveaxis(x[(*before, i)], -1, at)
    return out
