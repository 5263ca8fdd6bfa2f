"""Euclidean distances between all pairs of rows."""

import numpy as np

from autograd_core.kinds import MATMUL
from autograd_core.registry import op, sample


@op(MATMUL, symbol="Σw(a-b)", method=False, wide=True,
    samples=(sample((2, 3), (2, 2), (3, 2)), sample((2, 1, 3), (2, 1, 2), (3, 2)), sample((0, 2), (0, 3), (2, 3))),
    reference=lambda w, x1, x2: (w[..., None] * (x1[..., :, None, :] - x2[..., None, :, :])).sum(-2),
    vjp=(lambda xp, g, w, x1, x2: xp.sum(g * x1, dim=-1, keepdim=True) - xp.matmul(g, xp.swapped(x2)),
         lambda xp, g, w: g * xp.sum(w, dim=-1, keepdim=True), lambda xp, g, w: -xp.matmul(xp.swapped(w), g)))
def pull(xp, w, x1, x2):
    """Σⱼ wᵢⱼ (aᵢ - bⱼ) for weights (..., P, R) and the rows of x1 (..., P, M) and x2 (..., R, M)."""
    return xp.kernels.pull(w, x1, x2)


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
    return xp.kernels.distances(x1, x2)
