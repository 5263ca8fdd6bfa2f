"""Gathering from planes, and accumulation at indices that may repeat, for every array library."""

from math import prod
from typing import Any

from backends.geometry import Array, Sizes, channels_first, channels_last, wide_dtype


def take_plane(xp: Any, x: Array, indices: Array) -> Array:
    """Elements of x (N, C, *S) at flat indices (N, C, *out) into each plane *S, in the shape of `indices`."""
    xs = xp.ascontiguousarray(channels_last(x))
    return channels_first(xp.take(xs.reshape(-1), _positions(xp, indices, x.shape)))


def add_plane(xp: Any, g: Array, indices: Array, x_shape: Sizes) -> Array:
    """Adjoint of `take_plane`: zeros of `x_shape` with g added at `indices`; repeated indices accumulate."""
    shape = (x_shape[0], *x_shape[2:], x_shape[1])
    flat = xp.zeros(prod(shape), dtype=wide_dtype(xp, g.dtype))
    add_flat(xp, flat, _positions(xp, indices, x_shape), channels_last(g))
    return channels_first(flat.reshape(shape).astype(g.dtype, copy=False))


def take_at(xp: Any, x: Array, index: Any) -> Array:
    """x[index], for any NumPy index expression."""
    return x[index]


def put_at(xp: Any, x: Array, index: Any, values: Array) -> None:
    """x[index] = values, in C order, for any NumPy index expression."""
    x[index] = values


def add_at(xp: Any, shape: Sizes, dtype: Any, index: Any, values: Array) -> Array:
    """Zeros of `shape` with `values` added at `index`, any NumPy index expression; repeated indices accumulate."""
    dtype = xp.dtype(dtype)
    parts = index if isinstance(index, tuple) else (index,)
    parts = tuple(xp.asarray(part) if isinstance(part, list) else part for part in parts)
    arrays = [part for part in parts if hasattr(part, "dtype")]
    if _never_repeats(arrays):
        # The result has the memory order of the values: the gradient of channels-last images is channels-last.
        alike = values.ndim == len(shape)
        out = xp.zeros_like(values, dtype=dtype, shape=shape) if alike else xp.zeros(shape, dtype=dtype)
        if arrays or not values.ndim:
            out[parts] = values
        else:
            xp.copyto(out[parts], values)
        return out
    flat = xp.zeros(prod(shape), dtype=wide_dtype(xp, dtype))
    if len(parts) == 1:
        width = prod(shape[1:])
        # Indexing an `arange` resolves negative indices and raises for those out of range.
        rows = xp.arange(shape[0])[parts[0]]
        places = rows.reshape(*rows.shape, 1) * width + xp.arange(width)
        places = places.reshape(*rows.shape, *shape[1:])
    else:
        places = xp.arange(prod(shape)).reshape(shape)[parts]
    add_flat(xp, flat, places, values if values.shape == places.shape else xp.broadcast_to(values, places.shape))
    return flat.reshape(shape).astype(dtype, copy=False)


def mix_rows(xp: Any, x: Array, index: Array, to: Array, factors: Array | None, count: int) -> Array:
    """Zeros of `count` rows, with the rows of x at `index` times `factors` (or 1) added at `to`; all three vectors."""
    rows = xp.take(x, index, axis=0)
    return add_at(xp, (count, x.shape[1]), x.dtype, to, rows if factors is None else rows * factors[:, None])


def grid(xp: Any, index: Array, axis: int) -> tuple[Any, ...]:
    """The index expression that selects by `index` along one axis and keeps all other positions.

    An expanded vector selects whole slices.
    """
    if index.ndim == 1:
        return (index,)
    if is_expanded(index, axis):
        line = index[tuple([slice(None) if i == axis else 0 for i in range(index.ndim)])]
        return tuple([line if i == axis else slice(k) for i, k in enumerate(index.shape)])
    ones = (1,) * index.ndim
    return tuple([index if i == axis else xp.arange(k).reshape(k, *ones[i + 1 :]) for i, k in enumerate(index.shape)])


def is_expanded(index: Array, axis: int) -> bool:
    """Whether an index is a vector along an axis, expanded along the others."""
    if not index.size:
        return False
    for i, step in enumerate(getattr(index, "strides", (1,) * index.ndim)):
        if step and i != axis and index.shape[i] != 1:
            return False
    return True


def diagonal(xp: Any, x: Array, offset: int, dim1: int, dim2: int) -> Array:
    """The diagonal along two axes, as the last axis; a view through which `x` can be written."""
    y = x.diagonal(offset, dim1, dim2)
    if getattr(x.flags, "writeable", False):
        y.flags.writeable = True  # NumPy's own is read-only for historical reasons
    return y


def _never_repeats(arrays: list[Array]) -> bool:
    """Whether an index with these array parts names every position at most once."""
    if all(part.ndim == 0 for part in arrays):
        return True
    return len(arrays) == 1 and arrays[0].dtype.kind == "b"


def add_flat(xp: Any, flat: Array, places: Array, values: Array) -> None:
    """Add values at positions of a vector; repeated positions accumulate."""
    # One-dimensional `add.at` is an indexed loop in NumPy, as fast as assignment; any other form is 5-25 times slower.
    xp.add.at(flat, places.reshape(-1), values.astype(flat.dtype, copy=False).reshape(-1))


def _positions(xp: Any, indices: Array, x_shape: Sizes) -> Array:
    """Flat plane indices (N, C, *out) as positions (N, *out, C) in a flat channels-last buffer."""
    n, c, *sizes = x_shape
    ones = (1,) * (indices.ndim - 2)
    images = xp.arange(n).reshape(n, *ones, 1) * (prod(sizes) * c)
    places = channels_last(indices) * c
    places += images + xp.arange(c)
    return places
