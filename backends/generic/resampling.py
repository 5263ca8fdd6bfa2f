"""Linear maps along one axis and maxima over uneven windows, for every array library."""

from collections.abc import Iterable, Sequence
from math import prod
from typing import Any

from backends.geometry import Array, channels_first, channels_last, wide_dtype
from backends.strides import outermost_first

Index = Any  # a slice, or an array of integers


class Columns(tuple[Any, ...]):
    """Columns of one map that is applied many times, with what a kernel has derived from them."""

    def __init__(self, _: Iterable[Any]) -> None:
        self.derived: dict[Any, Any] = {}


def resample(xp: Any, x: Array, axis: int, count: int, columns: Iterable[tuple[Index, Index, Array | None]]) -> Array:
    """Make `count` outputs along an axis: for each of the columns, y[outputs] += weights * x[inputs].

    No column names an output twice; weights of None are 1. The memory order of axes is kept.
    """
    order, back = outermost_first(x)
    xs = xp.ascontiguousarray(x.transpose(order))
    return _weighted(xp, xs, order.index(axis), count, columns).transpose(back).astype(x.dtype, copy=False)


def _weighted(xp: Any, x: Array, axis: int, count: int, columns: Iterable[tuple[Index, Index, Array | None]]) -> Array:
    head, tail = (slice(None),) * axis, (1,) * (x.ndim - axis - 1)
    shape = (*x.shape[:axis], count, *x.shape[axis + 1 :])
    dtype, y = wide_dtype(xp, x.dtype), None
    real = xp.empty(0, dtype).real.dtype
    for outputs, inputs, weights in columns:
        view = isinstance(inputs, slice) and weights is None
        part = x[head + (inputs,)] if isinstance(inputs, slice) else xp.take(x, inputs, axis=axis)
        if weights is not None:
            part = part * weights.astype(real, copy=False).reshape(-1, *tail)
        if y is None and part.shape == shape:  # the first column covers every output
            y = part.astype(dtype, copy=view)
        else:
            y = xp.zeros(shape, dtype=dtype) if y is None else y
            y[head + (outputs,)] += part
    return xp.zeros(shape, dtype=dtype) if y is None else y


def max_of_cells(xp: Any, x: Array, windows: Sequence[Sequence[tuple[int, int]]]) -> tuple[Array, Array]:
    """The largest element of x (N, C, *S) in every cell of a grid, and its int64 flat index into the plane *S.

    windows: for every spatial axis, where its cells start and stop. The first of equal elements is chosen; NaN wins.
    """
    y = xp.ascontiguousarray(channels_last(x))
    places = xp.arange(prod(x.shape[2:])).reshape(1, *x.shape[2:], 1)
    # The last axis first, so that among equals the first row wins, and in it the first element.
    for axis in range(x.ndim - 2, 0, -1):
        y, places = _largest(xp, y, places, axis, windows[axis - 1])
    return channels_first(y), channels_first(places)


def _largest(xp: Any, x: Array, places: Array, axis: int, windows: Sequence[tuple[int, int]]) -> tuple[Array, Array]:
    """The largest element of every window along one axis, and its entry in `places`."""
    y = found = None
    for k in range(max((stop - start for start, stop in windows), default=1)):
        # In shorter windows, the last element is compared again.
        index = xp.asarray([min(start + k, stop - 1) for start, stop in windows], dtype=xp.int64)
        value, place = xp.take(x, index, axis=axis), xp.take(places, index, axis=axis)
        if y is None:
            y, found = value, xp.broadcast_to(place, value.shape)
        else:
            better = (value > y) | ((value != value) & (y == y))
            y, found = xp.where(better, value, y), xp.where(better, place, found)
    return y, found
