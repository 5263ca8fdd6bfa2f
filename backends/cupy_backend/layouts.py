"""Arrays as the dense matrices and stacks that kernels take, in the order in which their axes lie in memory."""

from math import prod
from typing import Any

from backends.cupy_backend import order
from backends.geometry import Array, Sizes

FLOATS = ("float16", "bfloat16", "float32", "float64")


def is_float(*arrays: Array | None) -> bool:
    """Whether all arrays have one and the same dtype, a floating one that kernels know; None counts as fitting."""
    dtypes = {a.dtype for a in arrays if a is not None}
    return len(dtypes) == 1 and dtypes.pop().name in FLOATS


def memory_order(x: Array) -> Sizes:
    """The axes from the outermost in memory to the innermost; those of one element, which do not count, come first."""
    return tuple(sorted(order.memory_order(x.shape, x.strides), key=lambda axis: x.shape[axis] > 1))


def is_dense(x: Array) -> bool:
    """Whether an array fills its stretch of memory, whatever the order of its axes."""
    step = x.dtype.itemsize
    for axis in reversed(memory_order(x)):
        if x.shape[axis] > 1 and x.strides[axis] != step:
            return False
        step *= x.shape[axis]
    return True


def empty_like(xp: Any, x: Array, dtype: Any = None) -> Array:
    """A dense array with the axes of x in the same order in memory."""
    axes = memory_order(x)
    y = xp.empty(tuple(x.shape[axis] for axis in axes), dtype=dtype or x.dtype)
    return y.transpose(tuple(axes.index(axis) for axis in range(x.ndim)))


def alike(x: Array, *others: Array) -> bool:
    """Whether dense arrays have one shape, dtype and order in memory, so that one index serves all."""
    return is_dense(x) and all(y.shape == x.shape and y.dtype == x.dtype and _steps(y) == _steps(x) for y in others)


def _steps(x: Array) -> tuple[int, ...]:
    return tuple(step for step, size in zip(x.strides, x.shape, strict=True) if size > 1)


def laid_out(xp: Any, x: Array, like: Array) -> Array:
    """x without gaps, its axes in memory in the order of those of `like`, of the same shape; a copy where needed."""
    if is_dense(x) and _order(x) == _order(like):
        return x
    y = empty_like(xp, like, x.dtype)
    y[...] = x
    return y


def _order(x: Array) -> list[int]:
    return [axis for axis in memory_order(x) if x.shape[axis] > 1]


def along(xp: Any, x: Array, axis: int) -> tuple[Array, int, int, int]:
    """x, or a copy without gaps, and in its memory the numbers of elements outside, along and within an axis."""
    if not is_dense(x):
        x = xp.ascontiguousarray(x)
    axes = memory_order(x)
    place = axes.index(axis % x.ndim)
    outer, inner = (prod(x.shape[i] for i in part) for part in (axes[:place], axes[place + 1 :]))
    return x, outer, x.shape[axis], inner
