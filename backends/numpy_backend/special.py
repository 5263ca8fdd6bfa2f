"""Elementwise kernels of many passes, kept in the cache."""

from collections.abc import Callable
from typing import Any

import numpy as np

from backends.geometry import Array, blocks

# Several float64 temporaries of a block fit the level-2 cache; smaller blocks pay for more calls than they save.
# Threads over the blocks gain nothing, or lose a half: after every pass, of 10 µs, they wait for the interpreter.
BLOCK = 1 << 15


def blockwise(function: Callable[..., Array], x: Array, *rest: Any) -> Array:
    """`function` of corresponding elements, a block at a time; the result keeps the order of axes in memory.

    rest: arrays that lie in memory as x does (else there are no blocks), and numbers.
    """
    x = np.asarray(x)
    if x.size <= BLOCK or not all(v.shape == x.shape and v.strides == x.strides for v in rest if np.ndim(v)):
        return function(x, *rest)
    axes = sorted(range(x.ndim), key=lambda axis: -abs(x.strides[axis]))
    operands = [v.transpose(axes).reshape(-1) if np.ndim(v) else v for v in (x, *rest)]

    def part(at: slice) -> Array:
        return function(*[v[at] if np.ndim(v) else v for v in operands])

    y = np.empty(x.size, dtype=part(slice(0)).dtype)
    for at in blocks(x.size, BLOCK):
        y[at] = part(at)
    return y.reshape([x.shape[axis] for axis in axes]).transpose(np.argsort(axes))
