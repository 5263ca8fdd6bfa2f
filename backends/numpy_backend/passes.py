"""Passes over large arrays, in blocks divided among threads, into reused memory."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from backends import buffers, threads
from backends.generic.im2col import serially
from backends.geometry import Array, blocks
from backends.strides import dense, innermost_first

# Elements at a time. Half the size would fit a core's level-2 cache, but threads whose calls take less than 30 µs spend
# most of their time waiting for the interpreter.
BLOCK = 1 << 18
ALONE = 1 << 20  # elements up to which NumPy is faster in a short pass than one thread of oneDNN


def empty(shape: Any, dtype: Any = float, **how: Any) -> Array:
    """`np.empty`, in memory from the pool."""
    if how or not isinstance(shape, tuple):
        return np.empty(shape, dtype, **how)
    return buffers.empty(shape, None, np.dtype(dtype))


def is_quick(*operands: Array) -> bool:
    """Whether NumPy is the fastest for a short pass over large arrays: floats in one layout, on one thread."""
    x = operands[0]
    return (
        x.size < ALONE
        and x.dtype.char in "fd"
        and threads.get_num_threads() == 1
        and all(v.dtype is x.dtype and v.strides == x.strides and v.shape == x.shape for v in operands)
    )


def in_blocks(function: Callable[[slice], Any], parts: Sequence[slice]) -> None:
    """`threads.in_blocks`, without NumPy's warnings, whose setting threads do not inherit."""
    threads.in_blocks(np.errstate(all="ignore")(function), parts)


def one_pass(
    function: Callable[..., Any], *operands: Array, out: Array | None = None, dtype: Any = None, shared: bool = True
) -> Array | None:
    """`function(*operands, out=out)` for arrays of one type with the same dense layout; None for others.

    The function must be elementwise; without `out` the result is a new array of the operands' type, or of a dtype.
    shared: by threads.
    """
    x = operands[0]
    if any(a.shape != x.shape or a.strides != x.strides or a.dtype != x.dtype for a in operands):
        return None
    order, dtype = innermost_first(x), dtype or x.dtype
    if x.strides != dense(x.shape, order, x.itemsize):
        return None
    y = buffers.empty(x.shape, dense(x.shape, order, dtype.itemsize), dtype) if out is None else out
    flat = [a.ravel(order="K") for a in (*operands, y)]

    def block(at: slice) -> None:
        *parts, result = [a[at] for a in flat]
        function(*parts, out=result)

    if shared:
        in_blocks(block, blocks(x.size, -(-x.size // -(-x.size // BLOCK))))
    else:
        with np.errstate(all="ignore"):
            serially(block, blocks(x.size, BLOCK // 2))
    return y
