"""Sums over several axes, in long lines if the innermost axis is kept, and extremes of rows, by neighbours.

Sums of long rows and of their squares are dot products; products of long rows multiply halves: all use vector
instructions. A dot product has more partial sums than NumPy's pairwise summation, and so less rounding error.
"""

from math import gcd, prod
from typing import Any

import numpy as np

from backends.buffers import FLOAT32
from backends.generic import reduction as generic
from backends.geometry import Array, Sizes, blocks, wide_dtype
from backends.numpy_backend.copies import contiguous, converted
from backends.numpy_backend.elementary import has_loop
from backends.numpy_backend.passes import BLOCK, in_blocks
from backends.settled import Function
from backends.strides import innermost_first

SHORT = 32  # elements of a row: up to here copying all rows is faster than NumPy, which needs 80 ns for each
ROW = 1 << 8  # elements: up to here einsum sums a row faster than a dot product, and as exactly
LONG = 1 << 7  # elements of a row: up to here neighbours are combined first
LINE = 1 << 10  # elements: NumPy adds line by line, with one loop for each
RUN = 1 << 5  # lines: added one after another
MANY = 1 << 12  # elements: from here a way with several calls pays
ROWS = 1 << 6  # from here copying the transpose of short rows pays
LINES = 1 << 13  # elements: from here combining neighbours is faster than that with the instructions of WIDE
SHUFFLED = 1 << 16  # the same without them
SEVERAL, LARGE = 1 << 8, 1 << 18  # rows, or else elements, from which that is faster than NumPy's reduction of each row
WHOLE = 1 << 15  # elements: below this NumPy adds all elements of an array faster than dot products do
WIDE = "AVX512", "X86_V4"  # instructions with which NumPy reads every other number of a line at once
FEW = 1 << 7  # rows: up to here adding them one by one is faster than preparing longer lines
CLOSE = 2.0**-16  # variance by the mean's square, up to which the rounding error of a float32 mean matters
LOW = 2.0**-90  # sums of squares of float32 below which squares that underflow could matter
LOW_DOUBLE = 2.0**-960  # likewise of float64


def total(x: Array, axes: Sizes, keepdims: bool, dtype: Any = None) -> Array:
    """As the generic kernel, in any order of axes in memory; up to six times as fast as NumPy, and more exact."""
    wide = wide_dtype(np, x.dtype)
    y = _total(x if wide == x.dtype else converted(x, wide), axes, keepdims)
    return y if dtype is None else y.astype(dtype, copy=False)


def settle_total(_: Function, x: Array, axes: Sizes, keepdims: bool, dtype: Any = None) -> Function | None:
    """`total` of such operands."""
    if axes == (0,) and len(x) <= FEW and not keepdims and dtype is None and x.dtype == wide_dtype(np, x.dtype):
        return _sum_of_rows
    return None


def _sum_of_rows(x: Array, *_: Any) -> Array:
    return np.add.reduce(x, 0)


def _total(x: Array, axes: Sizes, keepdims: bool) -> Array:
    if x.size < MANY or x.dtype.kind not in "fc" or (axes == (0,) and len(x) <= FEW):
        return x.sum(axis=axes, keepdims=keepdims)
    if x.flags.c_contiguous and x.dtype.char in "fd" and axes == tuple(range(x.ndim - len(axes), x.ndim)):
        if len(axes) == x.ndim and x.size < WHOLE:
            return x.sum(keepdims=keepdims)
        return _sums_of_rows(x.reshape(-1, prod(x.shape[a] for a in axes))).reshape(_kept(x, len(axes), keepdims))
    if x.flags.c_contiguous and axes == tuple(range(len(axes))) and prod(rest := x.shape[len(axes) :]) > 1:
        return _sums_of_columns(x.reshape(1, -1, prod(rest))).reshape((1,) * (len(axes) * keepdims) + rest)
    return _in_any_order(x, axes, keepdims)


def _in_any_order(x: Array, axes: Sizes, keepdims: bool) -> Array:
    order = innermost_first(x)[::-1]
    y = x.transpose(order)
    shape, last = _alternating(x.shape, axes, order)
    if not y.flags.c_contiguous:
        return _with_gaps(x, axes, keepdims, order)
    if len(shape) == 1 and not last:
        return x.sum(axis=axes, keepdims=keepdims)
    if last:
        y = _sums_of_rows(y.reshape(-1, shape.pop()))
    while len(shape) > 1:
        kept, count = shape.pop(), shape.pop()
        y = _sums_of_columns(y.reshape(-1, count, kept))
        shape.append(kept * (shape.pop() if shape else 1))
    y = y.reshape([1 if axis in axes else x.shape[axis] for axis in order])
    y = y.transpose(_inverse(order))
    return y if keepdims else y.squeeze(axes)


def _with_gaps(x: Array, axes: Sizes, keepdims: bool, order: Sizes) -> Array:
    """The sum of an array whose axes cannot be joined: the longest of those that are not innermost goes first, in runs.

    NumPy would add all lines one after another.
    """
    outer = [axis for axis in order[:-1] if axis in axes]
    if prod(x.shape[axis] for axis in outer) <= FEW:
        return x.sum(axis=axes, keepdims=keepdims)
    if x.shape[order[-1]] <= ROW:
        return total(contiguous(x.transpose(order)).transpose(_inverse(order)), axes, keepdims)
    axis = max(outer, key=x.shape.__getitem__)
    lines = np.moveaxis(x, axis, 0)
    run = min(RUN, len(lines))
    whole = len(lines) - len(lines) % run
    sums = np.add.reduce(lines[:whole].reshape(-1, run, *lines.shape[1:]), axis=1)
    if whole < len(lines):
        sums[0] += np.add.reduce(lines[whole:], axis=0)
    return total(np.moveaxis(sums, 0, axis), axes, keepdims)


def _inverse(order: Sizes) -> list[int]:
    return sorted(range(len(order)), key=order.__getitem__)


def _alternating(shape: Sizes, axes: Sizes, order: Sizes) -> tuple[list[int], bool]:
    """The shape in which neighbours that are both summed, or both kept, are one axis; whether the last is summed."""
    sizes: list[int] = []
    last = False
    for axis in order:
        if sizes and last == (axis in axes):
            sizes[-1] *= shape[axis]
        elif shape[axis] > 1:
            sizes.append(shape[axis])
            last = axis in axes
    return sizes, last


def _sums_of_rows(x: Array) -> Array:
    """The sum over the last of two axes."""
    n = x.shape[1]
    if n <= ROW:
        return np.einsum("ij->i", x)
    if x.dtype.kind == "c":
        return x.sum(axis=1)
    width = _width(n)
    if width < LINE < n and (whole := n - n % LINE) < n:
        return _sums_of_rows(x[:, :whole]) + x[:, whole:].sum(axis=1)
    ones = np.ones(width, x.dtype)
    return np.vecdot(x, ones) if width == n else np.vecdot(x.reshape(len(x), -1, width), ones).sum(axis=1)


def _sums_of_columns(x: Array) -> Array:
    """The sum over the middle of three axes; several short rows are added as one line."""
    count, kept = x.shape[1:]
    if count <= FEW:
        return _sums_of_lines(x, count)
    width = 1 << min((LINE // kept).bit_length(), count.bit_length() - 1)
    whole = count - count % width
    sums = x[:, :whole]
    for together in sorted({width, min(width, RUN), 1}, reverse=True):
        sums = _sums_of_lines(sums.reshape(len(x), -1, together * kept))
    if whole < count:
        sums += _sums_of_columns(x[:, whole:])
    return sums


def _sums_of_lines(x: Array, run: int = RUN) -> Array:
    """The sum over the middle of three axes, `run` terms at a time: short sums have little rounding error."""
    while x.shape[1] > run:
        whole = x.shape[1] - x.shape[1] % run
        sums = np.add.reduce(x[:, :whole].reshape(len(x), -1, run, x.shape[2]), axis=2)
        if whole < x.shape[1]:
            sums[:, 0] += np.add.reduce(x[:, whole:], axis=1)
        x = sums
    return np.add.reduce(x, axis=1)


def extreme(ufunc: np.ufunc, x: Array, axis: Any = None, keepdims: bool = False, **how: Any) -> Array:
    """`ufunc.reduce` for np.maximum and np.minimum, up to twenty times as fast on rows and channels of floats."""
    if axis.__class__ is int and x.ndim > 2 and x.strides[axis] == x.itemsize and x.size >= MANY:
        x = contiguous(x)  # of channels-last images
    if x.dtype.char in "eE" and x.size >= MANY and not how:  # which NumPy compares one by one
        return converted(extreme(ufunc, converted(x, FLOAT32), axis, keepdims), x.dtype)
    n = x.shape[-1] if x.ndim > 1 else x.size
    rows = x.size // n if n else 0
    if how or rows < ROWS or axis not in (-1, x.ndim - 1) or x.dtype.char not in "fd" or not x.flags.c_contiguous:
        return ufunc.reduce(x, axis=axis, keepdims=keepdims, **how)
    folded = (rows >= SEVERAL and x.size >= LINES) or x.size >= LARGE
    if folded and not has_loop("maximum", *WIDE):
        folded = n <= SHORT and x.size >= SHUFFLED
    if not folded and n > SHORT:
        return ufunc.reduce(x, axis=axis, keepdims=keepdims)
    lines = x.reshape(-1, n)
    y = _folded(ufunc, lines) if folded else ufunc.reduce(lines.T.copy(), axis=0)
    return y.reshape(_kept(x, 1, keepdims))


def truth(ufunc: np.ufunc, x: Array, axis: Any = None, keepdims: bool = False) -> Array:
    """np.all and np.any, which dispatch: for few elements in a third of the time."""
    return ufunc.reduce(x, axis=axis, dtype=bool, keepdims=keepdims)


def argmax(x: Array, axis: int | None = None, keepdims: bool = False) -> Array:
    """np.argmax, which dispatches."""
    return x.argmax(axis, keepdims=True) if keepdims else x.argmax(axis)


def argmin(x: Array, axis: int | None = None, keepdims: bool = False) -> Array:
    """np.argmin, which dispatches."""
    return x.argmin(axis, keepdims=True) if keepdims else x.argmin(axis)


def _folded(ufunc: np.ufunc, x: Array) -> Array:
    """The rows of x reduced. Neighbours are combined all at once, since NumPy needs 50 to 80 ns for a row."""
    y = np.empty(len(x), x.dtype)

    def block(rows: slice) -> None:
        y[rows] = _of_neighbours(ufunc, x[rows].reshape(-1), x.shape[1])

    in_blocks(block, blocks(len(x), max(1, BLOCK // x.shape[1])))
    return y


def _of_neighbours(ufunc: np.ufunc, x: Array, n: int) -> Array:
    """Every n elements of a line reduced to one."""
    while n <= LONG and not n % 2:
        x, n = ufunc(x[::2], x[1::2]), n // 2
    if n > SHORT:
        return ufunc.reduceat(x, np.arange(0, x.size, n))
    y = x[::n]
    for k in range(1, n):
        y = ufunc(y, x[k::n])
    return y


def sum_of_squares(x: Array, axis: Any, keepdims: bool) -> Array:
    """See `backends.generic.reduction.sum_of_squares`."""
    if x.size < MANY:
        return generic.sum_of_squares(np, x, axis, keepdims)
    axes = tuple(range(x.ndim)) if axis is None else axis if isinstance(axis, tuple) else (axis % x.ndim,)
    sums = _squares_in_lines(x, axes, keepdims)
    if sums is None:
        sums = total(generic.squares(x.astype(np.result_type(x, np.float64))), axes, keepdims)
    return sums


def euclidean(x: Array, axis: Any, keepdims: bool) -> Array:
    """See `backends.generic.reduction.euclidean`; nearly all sums can be formed without scaling."""
    axes = tuple(range(x.ndim)) if axis is None else axis if isinstance(axis, tuple) else (axis % x.ndim,)
    with np.errstate(over="ignore"):
        sums = _squares_in_lines(x, axes, keepdims)
        sums = total(generic.squares(x), axes, keepdims) if sums is None else sums
        if ((sums > LOW_DOUBLE) & (sums < np.inf)).all():
            return np.sqrt(sums)
    return generic.euclidean(np, x, axis, keepdims)


def _squares_in_lines(x: Array, axes: Sizes, keepdims: bool) -> Array | None:
    """Σx² over the last axes, if it can be summed quickly and, of float32, without loss; else None."""
    last = len(axes)
    if x.dtype.char not in "fd" or axes != tuple(range(x.ndim - last, x.ndim)):
        return None
    if x.size >= MANY and x.flags.c_contiguous and (n := prod(x.shape[x.ndim - last :])) < SHORT:
        sums = np.einsum("ri,ri->r", x.reshape(-1, n), x.reshape(-1, n))
    elif (lines := _lines(x, last)) is not None:
        sums = np.vecdot(lines, lines).sum(axis=1)
    else:
        return None
    if x.dtype.char == "f" and not ((sums > LOW) & (sums < np.inf)).all():
        return None
    return sums.reshape(_kept(x, last, keepdims))


def squared_deviations(x: Array, axes: Sizes, keepdims: bool) -> Array:
    """See `backends.generic.reduction.squared_deviations`; float64 sums what float32 cannot without loss."""
    n = prod(x.shape[a] for a in axes)
    if x.dtype == np.float32 and x.size >= MANY:
        mean = total(x, axes, True) / n
        d = x - mean
        sums = _squares_in_lines(d, axes, True)
        sums = total(np.square(d, out=d), axes, True) if sums is None else sums
        if ((sums > LOW) & (sums > mean * mean * (n * CLOSE)) & (sums < np.inf)).all():
            return sums if keepdims else sums.squeeze(axes)
    if x.dtype.char != "f":
        return generic.squared_deviations(np, x, axes, keepdims)
    wide = x.astype(np.float64)
    wide -= np.add.reduce(wide, axis=axes, keepdims=True) / (n or 1)
    wide *= wide  # which may be a NumPy scalar
    return wide.sum(axis=axes, keepdims=keepdims)


def vdot(a: Array, b: Array) -> Any:
    """np.vdot, in the memory order of the operands if they share one."""
    if a.flags.c_contiguous or a.strides != b.strides or a.shape != b.shape:
        return np.vdot(a, b)
    return np.vdot(a.ravel(order="K"), b.ravel(order="K"))


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
    """The length of the equal parts in which a row of n elements can be summed; 0 if dot products do not pay."""
    width = n if n <= 4 * LINE else gcd(n, 4 * LINE)
    return width if width >= SHORT else 0


def _kept(x: Array, last: int, keepdims: bool) -> Sizes:
    """The shape after a reduction over the last axes."""
    return (*x.shape[: x.ndim - last], *(1,) * last * keepdims)


def product(x: Array, axis: Any = None, keepdims: bool = False, dtype: Any = None) -> Array:
    """np.prod; long rows of floats are halved repeatedly by multiplying their two halves, short ones by neighbours."""
    if x.size >= MANY and x.dtype.char in "fd" and dtype == x.dtype and x.ndim and axis in (-1, x.ndim - 1):
        while x.shape[-1] > SHORT and not x.shape[-1] % 2:
            half = x.shape[-1] // 2
            x = x[..., :half] * x[..., half:]
        if x.size >= MANY and 1 < x.shape[-1] <= SHORT and x.flags.c_contiguous:
            return _folded(np.multiply, x.reshape(-1, x.shape[-1])).reshape(_kept(x, 1, keepdims))
    return np.prod(x, axis=axis, keepdims=keepdims, dtype=dtype)
