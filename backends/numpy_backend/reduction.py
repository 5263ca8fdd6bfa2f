"""Sums over several axes of arrays whose innermost axis is kept, in long lines; extremes of short rows, by columns."""

from math import gcd, prod
from typing import Any

import numpy as np

from backends.geometry import Array, Sizes

SHORT = 32  # elements of a row up to which copying all rows takes less than NumPy, which needs 80 ns for each
LINE = 1 << 10  # elements: NumPy adds line to line, and short ones cost it a loop each


def total(x: Array, axes: Sizes, keepdims: bool) -> Array:
    """As the generic kernel; of the channels of images that lie channels-last six times as fast as NumPy."""
    kept = [axis for axis in range(x.ndim) if axis not in axes]
    rows, columns = x.transpose(*axes, *kept), prod(x.shape[axis] for axis in kept)
    if not rows.flags.c_contiguous or columns >= LINE or not x.size:
        return x.sum(axis=axes, keepdims=keepdims)
    width = gcd(x.size // columns, 1 << (LINE // columns).bit_length())
    sums: Array = np.add.reduce(np.add.reduce(rows.reshape(-1, width * columns)).reshape(width, columns))
    return sums.reshape([1 if axis in axes else k for axis, k in enumerate(x.shape)] if keepdims else
                        [x.shape[axis] for axis in kept])  # fmt: skip


def extreme(ufunc: np.ufunc, x: Array, axis: Any = None, keepdims: bool = False, **how: Any) -> Array:
    """`ufunc.reduce` for np.maximum and np.minimum, up to ten times as fast on short rows of floats."""
    short = x.ndim > 1 and axis in (-1, x.ndim - 1) and x.shape[-1] <= SHORT < x.size
    if how or not short or x.dtype.char not in "fd" or not x.flags.c_contiguous:
        return ufunc.reduce(x, axis=axis, keepdims=keepdims, **how)
    y = np.empty((*x.shape[:-1], 1) if keepdims else x.shape[:-1], x.dtype)
    ufunc.reduce(x.reshape(-1, x.shape[-1]).T.copy(), axis=0, out=y.reshape(-1))
    return y
