"""Passes over large arrays, in blocks divided among threads, into reused memory."""

from collections.abc import Callable
from typing import Any

import numpy as np

from backends import buffers
from backends.geometry import Array, blocks
from backends.strides import dense, innermost_first
from backends.threads import in_blocks

# Elements at a time. Half the size would fit a core's level-2 cache, but threads whose calls take less than 30 µs spend
# most of their time waiting for the interpreter.
BLOCK = 1 << 18


def empty(shape: Any, dtype: Any = float, **how: Any) -> Array:
    """`np.empty`, in memory from the pool."""
    if how or not isinstance(shape, tuple):
        return np.empty(shape, dtype, **how)
    return buffers.empty(shape, None, np.dtype(dtype))


def one_pass(
    function: Callable[..., Any], *operands: Array, out: Array | None = None, shared: bool = True
) -> Array | None:
    """`function(*operands, out=out)` for arrays of one type with the same dense layout; None for others.

    The function must be elementwise; without `out` the result is a new array of the operands' type. shared: by threads.
    """
    x = operands[0]
    if any(a.shape != x.shape or a.strides != x.strides or a.dtype != x.dtype for a in operands):
        return None
    if x.strides != dense(x.shape, innermost_first(x), x.itemsize):
        return None
    y = buffers.empty(x.shape, x.strides, x.dtype) if out is None else out
    flat = [a.ravel(order="K") for a in (*operands, y)]

    def block(at: slice) -> None:
        *parts, result = [a[at] for a in flat]
        with np.errstate(all="ignore"):  # not inherited by threads
            function(*parts, out=result)

    if shared:
        in_blocks(block, blocks(x.size, -(-x.size // -(-x.size // BLOCK))))
    else:
        for at in blocks(x.size, BLOCK // 2):
            block(at)
    return y
