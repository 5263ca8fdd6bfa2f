"""Copies between arrays with different memory layouts."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from backends import onednn
from backends.buffers import empty, empty_like
from backends.generic import conversion
from backends.geometry import Array
from backends.numpy_backend import passes
from backends.strides import copying_order, dense, innermost_first
from backends.threads import get_num_threads

LARGE = 1 << 16  # elements: from here threads pay, and fresh memory costs more than the copy
NEGATIVE_ZERO = -(1 << 15)  # the bits of 16-bit floats as an integer
SHARED = 1 << 18  # elements that are copied by several threads; one alone is slower than NumPy
MANY, FEW = 1 << 10, 8  # elements, and repetitions of each, from and up to which they are written one by one
JOINED = 1 << 18  # elements of the first of several arrays in C order, from which threads pay
_views: Any = np.nditer  # its overloads know no lists of flags
_LIKE_NUMPY = (["multi_index", "refs_ok", "zerosize_ok"], [["readonly"]], None, "C", "safe", None)
# Conversions by oneDNN, by the characters of dtypes (E is bfloat16), and the elements from which it is faster than
# NumPy, which converts one number at a time to 16 bits.
FASTER = {"fe": 1 << 13, "ef": 1 << 13, "Ef": 1 << 18, "fE": 1 << 17}
CONVERTED, THREADED = min(FASTER.values()), 2 * passes.BLOCK  # elements from which conversions are not just NumPy's
_fast = {name: onednn.deferred("layouts", name) for name in ("copy_into", "converted")}


def copyto(target: Array, source: Array) -> None:
    """target[...] = source, for arrays of one shape and dtype that share no memory."""
    if source.size < LARGE or _fast["copy_into"](target, source) is None:
        np.copyto(target, source)


def contiguous(x: Array, dtype: Any = None) -> Array:
    """`np.ascontiguousarray`; large arrays are copied into reused memory."""
    if x.size >= MANY and x.strides[-1] == 0 and 1 < x.shape[-1] <= FEW and dtype in (None, x.dtype):
        out = empty(x.shape, None, x.dtype)
        for k in range(x.shape[-1]):  # each a long line, instead of short ones for every element
            out[..., k] = x[..., 0]
        return out
    if x.size < LARGE or x.flags.c_contiguous or dtype not in (None, x.dtype):
        return np.ascontiguousarray(x, dtype)
    out = empty(x.shape, None, x.dtype)
    copyto(out, x)
    return out


def converted(x: Array, dtype: Any) -> Array:
    """See `backends.generic.conversion.converted`; large arrays by oneDNN or in threads."""
    if x.size < CONVERTED:
        return conversion.converted(np, x, dtype)
    dtype = np.dtype(dtype)
    if dtype == x.dtype:
        return _copied(x)
    name = x.dtype.char + dtype.char
    y = _fast["converted"](x, dtype) if x.size >= FASTER.get(name, x.size + 1) else None
    if name == "fE" and y is not None and _lost_subnormal(x, y):
        y = None
    if y is None and x.size >= THREADED and "c" not in x.dtype.kind + dtype.kind:
        y = passes.one_pass(_cast, x, dtype=dtype)
    return conversion.converted(np, x, dtype) if y is None else y


def _copied(x: Array) -> Array:
    """A copy in the memory order of x, by all threads if it is large."""
    order = innermost_first(x)
    if x.size < SHARED or get_num_threads() < 2 or x.strides != dense(x.shape, order, x.itemsize):
        return conversion.converted(np, x, x.dtype)
    y = empty(x.shape, x.strides, x.dtype)
    copyto(y, x)
    return y


def _lost_subnormal(x: Array, y: Array) -> bool:
    """Whether y, oneDNN's bfloat16 copy of x, has zeros in place of subnormal numbers; by all bits at once."""
    bits = y.view(np.int16)
    kept = np.count_nonzero(bits)
    if bits.min() == NEGATIVE_ZERO:
        return bool(kept - np.count_nonzero(bits == NEGATIVE_ZERO) < np.count_nonzero(x != 0))
    return bool(kept < x.size and kept < np.count_nonzero(x.view(np.int32)))


def _cast(x: Array, out: Array) -> None:
    np.copyto(out, x, casting="unsafe")


def reshape(x: Array, shape: Any) -> Array:
    """`np.reshape`; uses `contiguous` if a large array must be copied."""
    if x.size >= LARGE and not x.flags.c_contiguous:
        try:
            return x.reshape(shape, copy=False)
        except ValueError:
            return contiguous(x).reshape(shape)
    return x.reshape(shape)


def full(shape: Any, value: Any, dtype: Any = None) -> Array:
    """`np.full`, without what it spends on a dispatch and an unbounded number of options."""
    y = passes.empty(shape, np.asarray(value).dtype if dtype is None else dtype)
    y.fill(value)
    return y


def broadcast_to(x: Array, shape: Any) -> Array:
    """`np.broadcast_to`, by the iterator behind it: a third of the time."""
    if not isinstance(shape, tuple) or not shape or min(shape) < 0:
        return np.broadcast_to(x, shape)
    return _views((x,), *_LIKE_NUMPY, shape).itviews[0]


def concatenate(arrays: Sequence[Array], axis: int = 0) -> Array:
    """`np.concatenate`; large results use reused memory and have the memory order of the first array.

    Repeated elements give C order.
    """
    arrays = [_each(x) for x in arrays]
    first = arrays[0]
    if first.size < LARGE or any(x.dtype != first.dtype or x.ndim != first.ndim for x in arrays):
        return np.concatenate(arrays, axis)
    if (first.size < JOINED or get_num_threads() < 2) and all(x.flags.c_contiguous for x in arrays):
        return np.concatenate(arrays, axis)
    x = np.moveaxis(first, axis, 0)
    rest = [np.moveaxis(y, axis, 0) for y in arrays]
    if any(y.shape[1:] != x.shape[1:] for y in rest):
        return np.concatenate(arrays, axis)  # its error names the mismatch
    out = empty_like(x, (sum(map(len, rest)), *x.shape[1:]))
    start = 0
    for y in rest:
        copyto(out[start : start + len(y)], y)
        start += len(y)
    return np.moveaxis(out, 0, axis)


def stack(arrays: Sequence[Array], axis: int = 0) -> Array:
    """`np.stack`, in half the time; repeated elements give C order."""
    arrays = [_each(x) for x in arrays]
    first = arrays[0]
    shape, at = first.shape, axis + first.ndim + 1 if axis < 0 else axis
    if any(x.shape != shape for x in arrays) or not 0 <= at <= first.ndim:
        return np.stack(arrays, axis)  # its error names the mismatch
    join = np.concatenate if first.size < LARGE else concatenate
    if not at and shape and first.flags.c_contiguous:
        return join(arrays).reshape(len(arrays), *shape)  # without a view of each
    index = (slice(None),) * at + (None,)
    return np.concatenate([x[index] for x in arrays], at)


def moveaxis(x: Array, source: Any, destination: Any) -> Array:
    """`np.moveaxis` of one axis, in a quarter of the time."""
    n = x.ndim
    if not (source.__class__ is destination.__class__ is int and -n <= source < n and -n <= destination < n):
        return np.moveaxis(x, source, destination)
    order = [*range(n)]
    order.insert(destination % n, order.pop(source))
    return x.transpose(order)


def flip(x: Array, axis: Any) -> Array:
    """`np.flip` along an axis or several, in a third of the time."""
    index = [slice(None)] * x.ndim
    for at in (axis,) if isinstance(axis, int) else axis:
        index[at] = slice(None, None, -1)
    return x[tuple(index)]


def roll(x: Array, shift: Any, axis: Any = None) -> Array:
    """`np.roll`, as two joined slices for each axis: half the time; repeated elements give C order."""
    x = _each(x)
    if not x.size:
        return x.copy()
    if axis is None:
        return _rolled(x.reshape(-1), shift, 0).reshape(x.shape)
    for step, at in zip(shift, axis, strict=True) if isinstance(axis, tuple) else ((shift, axis),):
        x = _rolled(x, step, at)
    return x


def _rolled(x: Array, shift: int, axis: int) -> Array:
    cut, before = -shift % x.shape[axis], (slice(None),) * (axis % x.ndim)
    return np.concatenate([x[*before, cut:], x[*before, :cut]], axis, out=np.empty_like(x))


def _each(x: Array) -> Array:
    """The array, or a copy without repeated elements, whose memory order a result can have."""
    return x.copy(order=copying_order(x)) if 0 in x.strides else x
