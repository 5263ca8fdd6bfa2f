"""Euclidean distances between all pairs of rows, from their differences, in blocks that fit the cache.

Distances of many float32 rows of some length come from matrix products in float64, whose rounding errors matter only in
short distances. Those are recomputed, and so are those of short rows whose squares leave the range of float32.
"""

import math

import numpy as np

from autograd_core.engine.libraries import checks_values
from autograd_core.kinds import MATMUL
from autograd_core.ops.reductions.norms import WIDER
from autograd_core.registry import op, sample
from backends.generic.reduction import power_of_two

BLOCK = 1 << 16  # number of differences computed at a time
MANY = 25  # rows on either side from which products pay off
NEAR = 2.0**-20  # relative to the squared lengths; below it, differences are used
SHORT = 6  # elements of a row: up to here differences are faster, coordinate by coordinate
LOW = 2.0**-90  # squares of float32 below which underflow could matter


def _blocks(x1, x2, width):
    """Slices of the rows of x1, for `width` numbers for each pair of rows."""
    p, each = x1.shape[-2], math.prod(np.broadcast_shapes(x1.shape[:-2], x2.shape[:-2])) * x2.shape[-2] * width
    rows = max(BLOCK // max(each, 1), 1)
    return [slice(start, start + rows) for start in range(0, max(p, 1), rows)]


def _differences(x1, x2, block):
    return x1[..., block, None, :] - x2[..., None, :, :]


def _are_many(*operands):
    """Whether there are so many float32 rows that matrix products pay."""
    return checks_values(operands[0]) and all(x.dtype == np.float32 and x.shape[-2] > MANY for x in operands[-2:])


def _pull_rule(xp, g, w, x1, x2):
    return xp.sum(g * x1, dim=-1, keepdim=True) - xp.matmul(g, xp.swapped(x2))


@op(MATMUL, symbol="Σw(a-b)", method=False, wide=True,
    samples=(sample((2, 3), (2, 2), (3, 2)), sample((2, 1, 3), (2, 1, 2), (3, 2)), sample((0, 2), (0, 3), (2, 3))),
    reference=lambda w, x1, x2: (w[..., None] * (x1[..., :, None, :] - x2[..., None, :, :])).sum(-2),
    vjp=(_pull_rule, lambda xp, g, w: g * xp.sum(w, dim=-1, keepdim=True),
         lambda xp, g, w: -xp.matmul(xp.swapped(w), g)))
def pull(xp, w, x1, x2):
    """Σⱼ wᵢⱼ (aᵢ - bⱼ) for weights (..., P, R) and the rows of x1 (..., P, M) and x2 (..., R, M)."""
    if _are_many(w, x1, x2):
        return _many_pulls(xp, w, x1.astype(float), x2.astype(float)).astype(x1.dtype)
    parts = [xp.matmul(w[..., b, None, :], _differences(x1, x2, b))[..., 0, :] for b in _blocks(x1, x2, x1.shape[-1])]
    return xp.concatenate(parts, axis=-2)


def _many_pulls(xp, w, a, b):
    """`pull` in float64, by blocks of weights that lie together in memory."""
    if abs(w.strides[-1]) > abs(w.strides[-2]):
        columns = _blocks(b, a, 1)
        return sum(_weighted(xp, w[..., block], a, b[..., block, :]) for block in columns)
    return xp.concatenate([_weighted(xp, w[..., r, :], a[..., r, :], b) for r in _blocks(a, b, 1)], axis=-2)


def _weighted(xp, w, a, b):
    w = w.astype(float)
    return xp.sum(w, axis=-1, keepdims=True) * a - xp.matmul(w, b)


def _extended(xp, x, *columns):
    """Matrices with further columns."""
    shape = (*x.shape[:-1], 1)
    return xp.concatenate([x, *[xp.broadcast_to(xp.asarray(v), shape) for v in columns]], axis=-1)


def _many_distances(xp, x1, x2):
    """Distances of float32 rows: of short ones from differences in float32, of others from products in float64."""
    short = 0 < x1.shape[-1] <= SHORT
    y = xp.empty((*np.broadcast_shapes(x1.shape[:-2], x2.shape[:-2]), x1.shape[-2], x2.shape[-2]), xp.float32)
    rows, others = (x1, x2) if short else _with_squares(xp, x1, x2)
    columns = xp.ascontiguousarray(xp.swapaxes(others, -1, -2))
    for block in _blocks(x1, x2, 1):
        part = y[..., block, :]
        squares, exact = (_by_coordinates if short else _by_products)(xp, rows[..., block, :], columns)
        part[...] = xp.sqrt(squares)
        if exact is not None and not exact.all():
            _correct(xp, part, ~exact, x1[..., block, :], x2)
    return y


def _with_squares(xp, x1, x2):
    """Rows (a, a², 1) and (-2b, 1, b²) in float64, whose products are squared distances."""
    a, b = x1.astype(float), x2.astype(float)
    of_a, of_b = (xp.einsum("...pm,...pm->...p", x, x)[..., None] for x in (a, b))
    return _extended(xp, a, of_a, 1.0), _extended(xp, -2 * b, 1.0, of_b)


def _by_coordinates(xp, a, b):
    """Squared distances of the rows of a and the columns of b, and whether they are within the range of float32."""
    squares = 0
    for k in range(a.shape[-1]):
        d = a[..., k, None] - b[..., k, None, :]
        d *= d
        squares += d
    return squares, (squares >= LOW) & (squares < np.inf)


def _by_products(xp, a, b):
    """Squared distances, and whether cancellation left enough digits; None if it did everywhere."""
    squares = xp.matmul(a, b)
    of_a, of_b = a[..., -2, None], b[..., -1, None, :]
    if squares.size and squares.min() >= NEAR * (of_a.max() + of_b.max()):  # false for NaN, from infinite elements
        return squares, None
    return squares, squares >= NEAR * (of_a + of_b)


def _correct(xp, y, wrong, a, b):
    """Compute some distances anew, in place, from differences in float64."""
    at = xp.nonzero(wrong)
    a, b = (xp.broadcast_to(x, (*y.shape[:-2], *x.shape[-2:])) for x in (a, b))
    each = max(BLOCK // max(a.shape[-1], 1), 1)
    for start in range(0, len(at[0]), each):
        some = [v[start : start + each] for v in at]
        d = a[*some[:-1]].astype(float) - b[*some[:-2], some[-1]]
        y[*some] = xp.sqrt(xp.einsum("...m,...m->...", d, d))


def _distances_rule(xp, g, x1, x2, y, needs):
    """At a distance of 0 the minimum-norm subgradient, 0."""
    none = y == 0
    w = xp.where(none, 0, g) / (y + none)
    return (xp.pull(w, x1, x2) if needs[0] else None), (xp.pull(xp.swapped(w), x2, x1) if needs[1] else None)


@op(MATMUL, symbol="‖a-b‖", real_only=True, method=False, wide=True,
    samples=(sample((2, 3), (3, 3)), sample((2, 1, 2, 2), (3, 2)), sample((0, 3), (2, 3)), sample((2, 0), (3, 0))),
    reference=lambda x1, x2: np.sqrt(((x1[..., :, None, :] - x2[..., None, :, :]) ** 2).sum(-1)),
    joint=_distances_rule)
def euclidean_distances(xp, x1, x2):
    """Euclidean distances (..., P, R) between the rows of x1 (..., P, M) and x2 (..., R, M)."""
    if _are_many(x1, x2):
        return _many_distances(xp, x1, x2)
    a, b = (x.astype(WIDER.get(x.dtype, x.dtype), copy=False) for x in (x1, x2))
    factor, squares = 1, []
    if a.dtype == x1.dtype:  # in which squares could overflow
        factor = xp.minimum(power_of_two(xp, a, None), power_of_two(xp, b, None)).reshape(())
        a, b = a * factor, b * factor
    for block in _blocks(a, b, a.shape[-1]):
        d = _differences(a, b, block)
        squares.append(xp.einsum("...m,...m->...", d, d))
    return (xp.sqrt(xp.concatenate(squares, axis=-2)) / factor).astype(x1.dtype, copy=False)
