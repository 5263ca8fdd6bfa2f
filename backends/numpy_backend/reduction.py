"""Sums over several axes, in long lines if the innermost axis is kept, and extremes of short rows, by columns.

Sums of rows and of their squares are dot products; products of long rows multiply halves: all use vector
instructions. A dot product has more partial sums than NumPy's pairwise summation, and so less rounding error.
"""

from math import gcd, prod
from typing import Any

import numpy as np

from backends.geometry import Array, Sizes

SHORT = 32  # elements of a row: up to here copying all rows is faster than NumPy, which needs 80 ns for each
LINE = 1 << 10  # elements: NumPy adds line by line, with one loop for each
RUN = 1 << 5  # lines: added one after another
MANY = 1 << 12  # elements: from here a way with several calls pays
FEW = 1 << 7  # rows: up to here adding them one by one is faster than preparing longer lines
LOW = 2.0**-90  # sums of squares of float32 below which squares that underflow could matter


def total(x: Array, axes: Sizes, keepdims: bool) -> Array:
    """As the generic kernel; six times as fast as NumPy for channels of channels-last images, three times for rows."""
    if axes == (0,) and x.ndim > 1 and len(x) <= FEW:
        return x.sum(axis=0, keepdims=keepdims)
    lines = _lines(x, len(axes)) if x.dtype.char in "fd" and axes == tuple(range(x.ndim - len(axes), x.ndim)) else None
    if lines is not None:
        found = np.vecdot(lines, np.ones(lines.shape[-1], x.dtype)).sum(axis=1)
        return found.reshape(_kept(x, len(axes), keepdims))
    kept = [axis for axis in range(x.ndim) if axis not in axes]
    rows, columns = x.transpose(*axes, *kept), prod(x.shape[axis] for axis in kept)
    if not kept or not rows.flags.c_contiguous or columns >= LINE or x.size < MANY:
        return x.sum(axis=axes, keepdims=keepdims)
    rows = rows.reshape(-1, columns)
    width = 1 << (LINE // columns).bit_length()
    whole = len(rows) - len(rows) % width
    sums: Array = rows[:whole]
    for together in sorted({width, min(width, RUN), 1}, reverse=True):  # short sums have little rounding error
        sums = np.add.reduce(sums.reshape(-1, together * columns))
    if whole < len(rows):
        sums += np.add.reduce(rows[whole:])
    return sums.reshape(
        [1 if axis in axes else k for axis, k in enumerate(x.shape)] if keepdims else [x.shape[axis] for axis in kept]
    )


def extreme(ufunc: np.ufunc, x: Array, axis: Any = None, keepdims: bool = False, **how: Any) -> Array:
    """`ufunc.reduce` for np.maximum and np.minimum, up to ten times as fast on short rows of floats."""
    short = x.ndim > 1 and axis in (-1, x.ndim - 1) and x.shape[-1] <= SHORT < x.size
    if how or not short or x.dtype.char not in "fd" or not x.flags.c_contiguous:
        return ufunc.reduce(x, axis=axis, keepdims=keepdims, **how)
    y = np.empty((*x.shape[:-1], 1) if keepdims else x.shape[:-1], x.dtype)
    ufunc.reduce(x.reshape(-1, x.shape[-1]).T.copy(), axis=0, out=y.reshape(-1))
    return y


def sum_of_squares(x: Array, axis: Any, keepdims: bool) -> Array | None:
    """See `backends.generic.reduction.sum_of_squares`."""
    axes = range(x.ndim) if axis is None else axis if isinstance(axis, tuple) else (axis % x.ndim,)
    last = len(axes)
    at_end = tuple(axes) == tuple(range(x.ndim - last, x.ndim))
    if x.dtype != np.float32 or not at_end or (lines := _lines(x, last)) is None:
        return None
    sums = np.vecdot(lines, lines).sum(axis=1)
    if not ((sums > LOW) & (sums < np.inf)).all():
        return None
    return sums.reshape(_kept(x, last, keepdims))


def dots(a: Array, b: Array) -> Array:
    """The dot product of each row of a with that of b, as a column."""
    n = a.shape[1]
    width = _width(n) or n
    a, b = (v.reshape(len(v), n // width, width) for v in (a, b))
    return np.vecdot(a, b).sum(axis=1, keepdims=True)


def _lines(x: Array, last: int) -> Array | None:
    """A large array in C order as (rows, lines, line), where a row consists of the last axes."""
    if x.size < MANY or not x.flags.c_contiguous:
        return None
    n = prod(x.shape[x.ndim - last :])
    width = _width(n)
    return x.reshape(-1, n // width, width) if width else None


def _width(n: int) -> int:
    """The length of the parts in which a row of n elements is summed; 0 if dot products do not pay."""
    width = n if n <= 4 * LINE else gcd(n, 4 * LINE)
    return width if width >= SHORT else 0


def _kept(x: Array, last: int, keepdims: bool) -> Sizes:
    """The shape after a reduction over the last axes."""
    return (*x.shape[: x.ndim - last], *(1,) * last * keepdims)


def product(x: Array, axis: Any = None, keepdims: bool = False, dtype: Any = None) -> Array:
    """np.prod; long rows of floats are halved repeatedly by multiplying their two halves."""
    if x.size >= MANY and x.dtype.char in "fd" and dtype == x.dtype and x.ndim and axis in (-1, x.ndim - 1):
        while x.shape[-1] > SHORT and not x.shape[-1] % 2:
            half = x.shape[-1] // 2
            x = x[..., :half] * x[..., half:]
    return np.prod(x, axis=axis, keepdims=keepdims, dtype=dtype)
