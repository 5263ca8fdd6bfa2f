"""Reading from and adding to large arrays at indices that may repeat.

Rows are added by products with sparse matrices, up to eight times as fast as `np.add.at`. Single elements are
addressed in the flat array, twice as fast as with one index per axis, and five times as fast as with a mask.
"""

from collections.abc import Callable, Sequence
from itertools import zip_longest
from math import prod
from typing import Any

import numpy as np

from backends.buffers import FLOAT32, empty
from backends.geometry import Array, Sizes, blocks
from backends.numpy_backend.copies import contiguous, converted, reshape
from backends.strides import dense, in_rows
from backends.threads import in_blocks

LARGE = 1 << 16  # elements: from here the import pays
FEW = 1 << 9  # elements: below, NumPy's loop in several dimensions is faster than flat positions
MANY = 1 << 12  # positions: from here flat positions pay
PARALLEL, TOGETHER = 1 << 18, 1 << 16  # positions: from here threads pay, for so many at a time


def add_at(plain: Callable[..., Array], shape: Sizes, dtype: Any, index: Any, values: Array) -> Array:
    """See `backends.generic.indexing.add_at`, here `plain`."""
    kind = np.dtype(dtype).char
    parts = index if isinstance(index, tuple) else (index,)
    if values.size < FEW and kind not in "eE" and all(map(_is_integers, parts)):
        return _summed(shape, dtype, index, values)
    if (places := _masked(shape, index)) is not None:
        y = np.zeros((index.size, *shape[index.ndim :]), dtype)
        y[places] = values
        return y.reshape(shape)
    if kind in "eE" and values.size >= LARGE and any(map(_is_integers, parts)):
        return converted(add_at(plain, shape, FLOAT32, index, converted(values, FLOAT32)), dtype)
    if values.size and prod(shape) >= MANY and kind in "fd" and (places := flat_places(shape, index)) is not None:
        flat = np.zeros(prod(shape), dtype)
        np.add.at(flat, places.reshape(-1), np.broadcast_to(values, places.shape).astype(dtype, copy=False).reshape(-1))
        return flat.reshape(shape)
    axis, rows = _picked(index, shape)
    if values.size < LARGE or kind not in "fdFD" or not _is_integers(rows):
        return plain(shape, dtype, index, values)
    from scipy.sparse import csc_array

    count, outer, rest = rows.size, shape[:axis], shape[axis + 1 :]
    # Indexing an `arange` resolves negative indices and raises for those out of range.
    places = np.arange(shape[axis])[rows].reshape(-1)
    chosen = csc_array((np.ones(count, dtype), places, np.arange(count + 1)), shape=(shape[axis], count))
    every = np.broadcast_to(values, (*outer, *rows.shape, *rest)).reshape(prod(outer), count, prod(rest))
    sums = chosen @ contiguous(reshape(every.swapaxes(0, 1), (count, -1)))
    return contiguous(reshape(sums.reshape(-1, *every.shape[::2]).swapaxes(0, 1), shape))


def _summed(shape: Sizes, dtype: Any, index: Any, values: Array) -> Array:
    y = np.zeros(shape, dtype)
    np.add.at(y, index, values)
    return y


def mix_rows(
    plain: Callable[..., Array], x: Array, index: Array, to: Array, factors: Array | None, count: int
) -> Array:
    """See `backends.generic.indexing.mix_rows`, here `plain`; a product with a sparse matrix that gathers no rows."""
    if (size := index.size * x.shape[1]) < FEW and x.dtype.char not in "eE":
        rows = x.take(index, axis=0)
        return _summed((count, x.shape[1]), x.dtype, to, rows if factors is None else rows * factors[:, None])
    if size < LARGE or x.dtype.char not in "fdFD":
        return plain(x, index, to, factors, count)
    from scipy.sparse import coo_array

    values = np.ones(index.size, x.dtype) if factors is None else factors
    return coo_array((values, (to, index)), shape=(count, len(x))) @ x


def take_at(x: Array, index: Any) -> Array:
    """x[index] where arrays are part of the index; in C order if the axes of x are."""
    if x.flags.c_contiguous and x.size >= MANY:
        if (places := _masked(x.shape, index)) is not None:
            return x.reshape(index.size, *x.shape[index.ndim :]).take(places, axis=0)
        if (axis := _only_axis(index, x.ndim)) is not None:
            return x.take(index[axis] if isinstance(index, tuple) else index, axis)  # the last one: four times as fast
        if (y := _taken_in_blocks(x, index)) is not None:
            return y
        if (places := flat_places(x.shape, index, MANY)) is not None:
            y = empty(places.shape, None, x.dtype)
            return x.reshape(-1).take(places, out=y, mode="clip")  # unbuffered; all positions are known to be valid
    y = x[index]
    return y.copy() if not y.flags.c_contiguous and (x.flags.c_contiguous or in_rows(x)) else y


def _taken_in_blocks(x: Array, index: Any) -> Array | None:
    """The elements of an array in C order at many positions, some at a time in all threads; None as `flat_places`."""
    if not isinstance(index, tuple) or prod([getattr(p, "size", 1) for p in index]) < PARALLEL:
        return None  # what follows would double the time of a few positions
    if not _names_elements(x.shape, index):
        return None
    shape, flat, steps = np.broadcast(*index).shape, x.reshape(-1), dense(x.shape, itemsize=1)
    if prod(shape) < PARALLEL or len(shape) < 2:
        return None
    y = empty(shape, None, x.dtype)

    def block(at: slice) -> bool:
        parts = [p[at] if p.ndim == len(shape) and len(p) > 1 else p for p in index]
        if not all(_all_below(p, n) for p, n in zip(parts, x.shape, strict=True)):
            return False
        flat.take(_sum_of_steps(parts, steps), out=y[at], mode="clip")
        return True

    return y if all(in_blocks(block, blocks(shape[0], max(1, TOGETHER * shape[0] // y.size)))) else None


def take_along_axis(x: Array, indices: Array, axis: int = -1) -> Array:
    """`np.take_along_axis`, in a third of the time."""
    at, last = axis % x.ndim, x.ndim - 1
    places = [indices if i == at else np.arange(n).reshape(n, *(1,) * (last - i)) for i, n in enumerate(x.shape)]
    return take_at(x, tuple(places))


def put_at(x: Array, index: Any, values: Array) -> None:
    """See `backends.generic.indexing.put_at`."""
    if x.flags.c_contiguous and x.size >= MANY and (places := flat_places(x.shape, index, MANY)) is not None:
        x.reshape(-1)[places.reshape(-1)] = np.broadcast_to(values, places.shape).reshape(-1)
    else:
        x[index] = values


def _only_axis(index: Any, ndim: int) -> int | None:
    """The axis along which an array gives positions, if everything is taken along the others."""
    parts = index if isinstance(index, tuple) else (index,)
    at = [k for k, i in enumerate(parts) if i is not Ellipsis and not (isinstance(i, slice) and i == slice(None))]
    if len(at) != 1 or not _is_integers(parts[at[0]]) or len(parts) > ndim:
        return None
    return at[0] - len(parts) if any(i is Ellipsis for i in parts[: at[0]]) else at[0]


def _masked(shape: Sizes, index: Any) -> Array | None:
    """The flat positions that a large mask of the first axes selects; None for other indices."""
    masks = isinstance(index, np.ndarray) and index.dtype == bool and index.size >= MANY
    return np.flatnonzero(index) if masks and index.shape == shape[: index.ndim] else None


def nonzero(x: Array) -> tuple[Array, ...]:
    """np.nonzero; for large arrays from flat positions."""
    if x.size < MANY or x.ndim < 2:
        return np.nonzero(x)
    places, parts = np.flatnonzero(x != 0), []
    for n in x.shape[:0:-1]:
        whole, rest = (empty(places.shape, None, places.dtype) for _ in range(2))
        np.floor_divide(places, n, out=whole)
        np.subtract(places, np.multiply(whole, n, out=rest), out=rest)
        parts.append(rest)
        places = whole
    return (places, *reversed(parts))


def flat_places(shape: Sizes, index: Any, least: int = 0) -> Array | None:
    """The flat positions of an index with one array per axis; None if these are few or some are out of range."""
    parts = index if isinstance(index, tuple) else (index,)
    if not _names_elements(shape, parts):
        return None
    if np.broadcast(*parts).size < least or not all(_all_below(p, n) for p, n in zip(parts, shape, strict=True)):
        return None
    return _sum_of_steps(parts, dense(shape, itemsize=1))


def _names_elements(shape: Sizes, index: Any) -> bool:
    """Whether an index consists of one array of integers for each axis."""
    if not isinstance(index, tuple) or len(index) != len(shape):
        return False
    return all(isinstance(p, np.ndarray) and p.dtype == np.int64 for p in index)


def _sum_of_steps(parts: Sequence[Array], steps: Sizes) -> Array:
    """Flat positions; the smaller parts are added first."""
    small_first = sorted([p * step if step > 1 else p for p, step in zip(parts, steps, strict=True)], key=np.size)
    return sum(small_first[1:], small_first[0])


def _all_below(index: Array, n: int) -> bool:
    """Whether all positions are at least 0 and below n."""
    return bool(index.view(np.uint64).max() < n)  # negative numbers become large


def _picked(index: Any, shape: Sizes) -> tuple[int, Any]:
    """The axis along which an index selects, and its positions there, if it selects everything along the others."""
    parts = index if isinstance(index, tuple) else (index,)
    pairs = zip_longest(parts, shape, fillvalue=slice(None))
    some = [k for k, (at, n) in enumerate(pairs) if not (isinstance(at, slice) and at in (slice(None), slice(n)))]
    return (some[0], parts[some[0]]) if len(some) == 1 else (0, None)


def _is_integers(index: Any) -> bool:
    return isinstance(index, np.ndarray) and index.dtype.kind in "iu" and index.ndim > 0
