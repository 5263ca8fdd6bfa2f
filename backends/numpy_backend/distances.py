"""Distances between many rows of float32.

They come from matrix products in float64, whose rounding errors matter only in short distances. Those are recomputed,
and so are those of short rows whose squares leave the range of float32.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from backends.generic.distances import BLOCK, row_blocks
from backends.geometry import Array
from backends.numpy_backend.products import matmul

MANY = 25  # rows on either side from which products pay off
NEAR = 2.0**-20  # relative to the squared lengths; below it, differences are used
SHORT = 6  # elements of a row: up to here differences are faster, coordinate by coordinate
LOW = 2.0**-90  # squares of float32 below which underflow could matter


def distances(plain: Callable[..., Array], a: Array, b: Array) -> Array:
    """See `backends.generic.distances.distances`, here `plain`."""
    if not _are_many(a, b):
        return plain(a, b)
    short = 0 < a.shape[-1] <= SHORT
    y = np.empty((*np.broadcast_shapes(a.shape[:-2], b.shape[:-2]), a.shape[-2], b.shape[-2]), np.float32)
    rows, others = (a, b) if short else _with_squares(a, b)
    columns = np.ascontiguousarray(np.swapaxes(others, -1, -2))
    for block in row_blocks(a, b, 1):
        part = y[..., block, :]
        squares, exact = (_by_coordinates if short else _by_products)(rows[..., block, :], columns)
        part[...] = np.sqrt(squares)
        if exact is not None and not exact.all():
            _correct(part, ~exact, a[..., block, :], b)
    return y


def pull(plain: Callable[..., Array], w: Array, a: Array, b: Array) -> Array:
    """See `backends.generic.distances.pull`, here `plain`; by blocks of weights that lie together in memory."""
    if not _are_many(a, b):
        return plain(w, a, b)
    x, y = a.astype(float), b.astype(float)
    if abs(w.strides[-1]) > abs(w.strides[-2]):
        found = sum(_weighted(w[..., at], x, y[..., at, :]) for at in row_blocks(y, x, 1))
    else:
        found = np.concatenate([_weighted(w[..., at, :], x[..., at, :], y) for at in row_blocks(x, y, 1)], axis=-2)
    return found.astype(a.dtype)


def _are_many(*operands: Array) -> bool:
    """Whether there are so many float32 rows that matrix products pay."""
    return all(x.dtype == np.float32 and x.shape[-2] > MANY for x in operands)


def _weighted(w: Array, a: Array, b: Array) -> Array:
    w = w.astype(float)
    return w.sum(axis=-1, keepdims=True) * a - matmul(w, b)


def _extended(x: Array, *columns: Any) -> Array:
    """Matrices with further columns."""
    shape = (*x.shape[:-1], 1)
    return np.concatenate([x, *[np.broadcast_to(np.asarray(v), shape) for v in columns]], axis=-1)


def _with_squares(a: Array, b: Array) -> tuple[Array, Array]:
    """Rows (a, a², 1) and (-2b, 1, b²) in float64, whose products are squared distances."""
    a, b = a.astype(float), b.astype(float)
    of_a, of_b = (np.einsum("...pm,...pm->...p", x, x)[..., None] for x in (a, b))
    return _extended(a, of_a, 1.0), _extended(-2 * b, 1.0, of_b)


def _by_coordinates(a: Array, b: Array) -> tuple[Array, Array | None]:
    """Squared distances of the rows of a and the columns of b, and whether they are within the range of float32."""
    squares = a[..., 0, None] - b[..., 0, None, :]
    squares *= squares
    for k in range(1, a.shape[-1]):
        d = a[..., k, None] - b[..., k, None, :]
        d *= d
        squares += d
    return squares, (squares >= LOW) & (squares < np.inf)


def _by_products(a: Array, b: Array) -> tuple[Array, Array | None]:
    """Squared distances, and whether cancellation left enough digits; None if it did everywhere."""
    squares = matmul(a, b)
    of_a, of_b = a[..., -2, None], b[..., -1, None, :]
    if squares.size and squares.min() >= NEAR * (of_a.max() + of_b.max()):  # false for NaN, from infinite elements
        return squares, None
    return squares, squares >= NEAR * (of_a + of_b)


def _correct(y: Array, wrong: Array, a: Array, b: Array) -> None:
    """Compute some distances anew, in place, from differences in float64."""
    at = np.nonzero(wrong)
    a, b = (np.broadcast_to(x, (*y.shape[:-2], *x.shape[-2:])) for x in (a, b))
    each = max(BLOCK // max(a.shape[-1], 1), 1)
    for start in range(0, len(at[0]), each):
        some = [v[start : start + each] for v in at]
        d = a[*some[:-1]].astype(float) - b[*some[:-2], some[-1]]
        y[*some] = np.sqrt(np.einsum("...m,...m->...", d, d))
