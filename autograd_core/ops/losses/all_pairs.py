"""Euclidean distances between all pairs of rows, from the differences, a block that fits the cache at a time."""

import math

import numpy as np

from autograd_core.kinds import MATMUL
from autograd_core.ops.reductions.norms import WIDER, power_of_two
from autograd_core.registry import op, sample

BLOCK = 1 << 16  # differences at a time


def _blocks(x1, x2):
    """Slices of the rows of x1."""
    p, each = x1.shape[-2], math.prod(np.broadcast_shapes(x1.shape[:-2], x2.shape[:-2])) * x2.shape[-2] * x2.shape[-1]
    rows = max(BLOCK // max(each, 1), 1)
    return [slice(start, start + rows) for start in range(0, max(p, 1), rows)]


def _differences(x1, x2, block):
    return x1[..., block, None, :] - x2[..., None, :, :]


def _pull_rule(xp, g, w, x1, x2):
    return xp.sum(g * x1, dim=-1, keepdim=True) - xp.matmul(g, xp.swapped(x2))


@op(MATMUL, symbol="Σw(a-b)", method=False, wide=True,
    samples=(sample((2, 3), (2, 2), (3, 2)), sample((2, 1, 3), (2, 1, 2), (3, 2)), sample((0, 2), (0, 3), (2, 3))),
    reference=lambda w, x1, x2: (w[..., None] * (x1[..., :, None, :] - x2[..., None, :, :])).sum(-2),
    vjp=(_pull_rule, lambda xp, g, w: g * xp.sum(w, dim=-1, keepdim=True),
         lambda xp, g, w: -xp.matmul(xp.swapped(w), g)))  # fmt: skip
def pull(xp, w, x1, x2):
    """Σⱼ wᵢⱼ (aᵢ - bⱼ) for weights (..., P, R) and the rows of x1 (..., P, M) and x2 (..., R, M)."""
    parts = [xp.matmul(w[..., b, None, :], _differences(x1, x2, b))[..., 0, :] for b in _blocks(x1, x2)]
    return xp.concatenate(parts, axis=-2)


def _weights(xp, g, y):
    """Of the differences in the gradient; at a distance of 0 the subgradient of least norm, 0."""
    return xp.where(y == 0, 0, g) / xp.where(y == 0, 1, y)


@op(MATMUL, symbol="‖a-b‖", real_only=True, method=False, wide=True,
    samples=(sample((2, 3), (3, 3)), sample((2, 1, 2, 2), (3, 2)), sample((0, 3), (2, 3)), sample((2, 0), (3, 0))),
    reference=lambda x1, x2: np.sqrt(((x1[..., :, None, :] - x2[..., None, :, :]) ** 2).sum(-1)),
    vjp=(lambda xp, g, x1, x2, y: xp.pull(_weights(xp, g, y), x1, x2),
         lambda xp, g, x1, x2, y: xp.pull(xp.swapped(_weights(xp, g, y)), x2, x1)))  # fmt: skip
def euclidean_distances(xp, x1, x2):
    """Euclidean distances (..., P, R) between the rows of x1 (..., P, M) and x2 (..., R, M)."""
    a, b = (x.astype(WIDER.get(x.dtype, x.dtype), copy=False) for x in (x1, x2))
    factor = xp.minimum(power_of_two(xp, a, None), power_of_two(xp, b, None)).reshape(())
    a, b = a * factor, b * factor
    squares = []
    for block in _blocks(a, b):
        d = _differences(a, b, block)
        squares.append(xp.einsum("...m,...m->...", d, d))
    return (xp.sqrt(xp.concatenate(squares, axis=-2)) / factor).astype(x1.dtype, copy=False)
