"""Elementwise kernels of many passes, kept in the cache."""

from collections.abc import Callable
from typing import Any

import numpy as np

from backends.geometry import Array

# Several float64 temporaries of a block fit the level-2 cache; smaller blocks pay for more calls than they save.
# Threads over the blocks gain nothing, or lose a half: after every pass, of 10 µs, they wait for the interpreter.
BLOCK = 1 << 15


def blockwise(function: Callable[..., Array], x: Array, *rest: Any) -> Array:
    """`function` of every element of x, a block at a time; the result keeps x's order of axes in memory."""
    x = np.asarray(x)
    if x.size <= BLOCK:
        return function(x, *rest)
    axes = sorted(range(x.ndim), key=lambda axis: -abs(x.strides[axis]))
    source = x.transpose(axes).reshape(-1)
    y = np.empty(x.size, dtype=function(source[:0], *rest).dtype)
    for start in range(0, x.size, BLOCK):
        y[start : start + BLOCK] = function(source[start : start + BLOCK], *rest)
    return y.reshape([x.shape[axis] for axis in axes]).transpose(np.argsort(axes))
