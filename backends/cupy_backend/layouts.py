"""Arrays as the dense matrices and stacks that kernels expect, in the memory order of their axes."""

from functools import cache, lru_cache
from math import prod
from typing import Any

from backends.cupy_backend import order
from backends.geometry import Array, Sizes

FLOATS = ("float16", "bfloat16", "float32", "float64")


def is_float(*arrays: Array | None) -> bool:
    """Whether all arrays, ignoring None, have the same floating-point dtype, which kernels support."""
    dtypes = {a.dtype for a in arrays if a is not None}
    return len(dtypes) == 1 and name_of(dtypes.pop()) in FLOATS


@cache
def name_of(dtype: Any) -> str:
    """dtype.name, cached because NumPy takes as long for it as the rest of a kernel's dispatch."""
    return str(dtype.name)


def memory_order(x: Array) -> Sizes:
    """The axes from the outermost to the innermost in memory; axes of length 1 come first."""
    return _memory(x.shape, x.strides, x.dtype.itemsize)[0]


def is_dense(x: Array) -> bool:
    """Whether an array fills its memory without gaps, in any order of axes."""
    return x.flags.c_contiguous or _memory(x.shape, x.strides, x.dtype.itemsize)[1]


@lru_cache(1 << 12)
def _memory(shape: Sizes, strides: Sizes, step: int) -> tuple[Sizes, bool]:
    """The memory order of axes, and whether elements of `step` bytes lie without gaps."""
    axes = tuple(sorted(order.memory_order(shape, strides), key=lambda axis: shape[axis] > 1))
    for axis in reversed(axes):
        if shape[axis] > 1 and strides[axis] != step:
            return axes, False
        step *= shape[axis]
    return axes, True


def empty_like(xp: Any, x: Array, dtype: Any = None) -> Array:
    """A dense array with the memory order of x."""
    if x.flags.c_contiguous:
        return xp.empty(x.shape, dtype=dtype or x.dtype)
    axes = memory_order(x)
    y = xp.empty(tuple(x.shape[axis] for axis in axes), dtype=dtype or x.dtype)
    return y.transpose(tuple(axes.index(axis) for axis in range(x.ndim)))


def alike(x: Array, *others: Array) -> bool:
    """Whether dense arrays have one shape, dtype and memory order, so that one index is valid for all."""
    return is_dense(x) and all(y.shape == x.shape and y.dtype == x.dtype and _lie_alike(x, y) for y in others)


def _lie_alike(x: Array, y: Array) -> bool:
    """Whether arrays of one shape have the same strides, except for axes of length 1."""
    there, here = y.strides, x.strides
    return there == here or all(n <= 1 or a == b for n, a, b in zip(x.shape, here, there, strict=True))


def lies_like(x: Array, like: Array) -> bool:
    """Whether x is a dense array with the memory order of `like`, which has the same shape."""
    return is_dense(x) and (_lie_alike(x, like) or _counting(x) == _counting(like))


def laid_out(xp: Any, x: Array, like: Array) -> Array:
    """x as a dense array with the memory order of `like`, which has the same shape; copied only if necessary."""
    if lies_like(x, like):
        return x
    y = empty_like(xp, like, x.dtype)
    y[...] = x
    return y


def _counting(x: Array) -> list[int]:
    return [axis for axis in memory_order(x) if x.shape[axis] > 1]


def along(xp: Any, x: Array, axis: int) -> tuple[Array, int, int, int]:
    """x, or a dense copy, and the numbers of elements outside, along and inside an axis in memory."""
    if not is_dense(x):
        x = xp.ascontiguousarray(x)
    axes = memory_order(x)
    place = axes.index(axis % x.ndim)
    outer, inner = (prod(x.shape[i] for i in part) for part in (axes[:place], axes[place + 1 :]))
    return x, outer, x.shape[axis], inner
