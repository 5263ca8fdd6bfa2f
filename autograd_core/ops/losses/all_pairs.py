"""Euclidean distances between all pairs of rows, from their differences, in blocks that fit the cache.

Distances of many float32 rows come from matrix products in float64, whose rounding errors matter only in short
distances; those are recomputed.
"""

import math

import numpy as np

from autograd_core.engine.libraries import checks_values
from autograd_core.kinds import MATMUL
from autograd_core.ops.reductions.norms import WIDER, power_of_two
from autograd_core.registry import op, sample

BLOCK = 1 << 16  # number of differences computed at a time
MANY = 25  # rows on either side from which products pay off
NEAR = 2.0**-20  # relative to the squared lengths; below it, differences are used


def _blocks(x1, x2):
    """Slices of the rows of x1."""
    p, each = x1.shape[-2], math.prod(np.broadcast_shapes(x1.shape[:-2], x2.shape[:-2])) * x2.shape[-2] * x2.shape[-1]
    rows = max(BLOCK // max(each, 1), 1)
    return [slice(start, start + rows) for start in range(0, max(p, 1), rows)]


def _differences(x1, x2, block):
    return x1[..., block, None, :] - x2[..., None, :, :]


def _by_products(*operands):
    """Whether matrix products are quicker than differences, and exact enough in float64."""
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
    if _by_products(w, x1, x2):
        w, a, b = (v.astype(float) for v in (w, x1, x2))
        return (w.sum(axis=-1, keepdims=True) * a - xp.matmul(w, b)).astype(x1.dtype)
    parts = [xp.matmul(w[..., b, None, :], _differences(x1, x2, b))[..., 0, :] for b in _blocks(x1, x2)]
    return xp.concatenate(parts, axis=-2)


def _squares_by_products(xp, a, b):
    lengths = [xp.einsum("...m,...m->...", x, x) for x in (a, b)]
    scale = lengths[0][..., :, None] + lengths[1][..., None, :]
    squares = scale - 2 * xp.matmul(a, xp.swapaxes(b, -1, -2))
    near = xp.nonzero(~(squares >= NEAR * scale))  # NaN too, from infinite elements
    a, b = (xp.broadcast_to(x, (*squares.shape[:-2], *x.shape[-2:])) for x in (a, b))
    each = max(BLOCK // max(a.shape[-1], 1), 1)
    for start in range(0, len(near[0]), each):
        at = [v[start : start + each] for v in near]
        d = a[*at[:-1]] - b[*at[:-2], at[-1]]
        squares[*at] = xp.einsum("...m,...m->...", d, d)
    return squares


def _weights(xp, g, y):
    """Weights of the differences in the gradient; at a distance of 0 the minimum-norm subgradient, 0."""
    return xp.where(y == 0, 0, g) / xp.where(y == 0, 1, y)


@op(MATMUL, symbol="‖a-b‖", real_only=True, method=False, wide=True,
    samples=(sample((2, 3), (3, 3)), sample((2, 1, 2, 2), (3, 2)), sample((0, 3), (2, 3)), sample((2, 0), (3, 0))),
    reference=lambda x1, x2: np.sqrt(((x1[..., :, None, :] - x2[..., None, :, :]) ** 2).sum(-1)),
    vjp=(lambda xp, g, x1, x2, y: xp.pull(_weights(xp, g, y), x1, x2),
         lambda xp, g, x1, x2, y: xp.pull(xp.swapped(_weights(xp, g, y)), x2, x1)))
def euclidean_distances(xp, x1, x2):
    """Euclidean distances (..., P, R) between the rows of x1 (..., P, M) and x2 (..., R, M)."""
    a, b = (x.astype(WIDER.get(x.dtype, x.dtype), copy=False) for x in (x1, x2))
    if _by_products(x1, x2):
        return xp.sqrt(_squares_by_products(xp, a, b)).astype(x1.dtype)
    factor = xp.minimum(power_of_two(xp, a, None), power_of_two(xp, b, None)).reshape(())
    a, b = a * factor, b * factor
    squares = []
    for block in _blocks(a, b):
        d = _differences(a, b, block)
        squares.append(xp.einsum("...m,...m->...", d, d))
    return (xp.sqrt(xp.concatenate(squares, axis=-2)) / factor).astype(x1.dtype, copy=False)
