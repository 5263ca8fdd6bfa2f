"""Weighted sums of pixels read at points of an image, and the two transposes; each is the others' gradient."""

import numpy as np

from autograd_core.kinds import CONVOLUTION
from autograd_core.registry import integers, op, sample


def _pixels(x, index):
    """x (N, C, *S) at indices (N, P, K), as (N, C, P, K); zero at -1."""
    flat = x.reshape(*x.shape[:2], -1 if x.size else 0)
    found = np.zeros((*x.shape[:2], *index.shape[1:]))
    for n, c, p, k in np.ndindex(*found.shape):
        found[n, c, p, k] = flat[n, c, index[n, p, k]] if index[n, p, k] >= 0 else 0
    return found


def _slow_add(g, weights, index, shape):
    x = np.zeros(shape)
    flat = x.reshape(*shape[:2], -1 if x.size else 0)
    for n, p, k in np.ndindex(*index.shape):
        if index[n, p, k] >= 0:
            flat[n, :, index[n, p, k]] += g[n, :, p] * weights[n, p, k]
    return x


@op(CONVOLUTION, symbol="read",
    reference=lambda x, weights, index: np.einsum("ncpk,npk->ncp", _pixels(x, index), weights),
    samples=(sample((2, 2, 3), (2, 4, 2), integers((2, 4, 2), -1, 3)),
             sample((1, 1, 2, 3), (1, 3, 2), integers((1, 3, 2), -1, 6)),
             sample((0, 2, 3), (0, 4, 2), integers((0, 4, 2), -1, 3))),
    vjp=(lambda xp, g, x_shape, weights, index: xp.add_points(g, weights, index, shape=x_shape),
         lambda xp, g, x, index: xp.match_points(g, x, index),
         None))
def read_points(xp, x, weights, index):
    """At each of P points of x (N, C, ...), the weighted sum of K elements: (N, C, P).

    index (N, P, K) counts in the flattened plane; -1 reads zero.
    """
    return xp.kernels.read_points(x, weights, index)


@op(CONVOLUTION, symbol="readᵀ", reference=_slow_add,
    samples=(sample((2, 2, 4), (2, 4, 2), integers((2, 4, 2), -1, 3), shape=(2, 2, 3)),
             sample((0, 2, 4), (0, 4, 2), integers((0, 4, 2), -1, 3), shape=(0, 2, 3))),
    vjp=(lambda xp, g, weights, index: xp.read_points(g, weights, index),
         lambda xp, g, gradient, index: xp.match_points(gradient, g, index),
         None))
def add_points(xp, gradient, weights, index, *, shape):
    """The transpose of `read_points` with respect to its input."""
    return xp.kernels.add_points(gradient, weights, index, shape)


@op(CONVOLUTION, symbol="readᵂ",
    reference=lambda gradient, x, index: np.einsum("ncpk,ncp->npk", _pixels(x, index), gradient),
    samples=(sample((2, 2, 4), (2, 2, 3), integers((2, 4, 2), -1, 3)),
             sample((0, 2, 4), (0, 2, 3), integers((0, 4, 2), -1, 3))),
    vjp=(lambda xp, g, x, index: xp.read_points(x, g, index),
         lambda xp, g, gradient, x_shape, index: xp.add_points(gradient, g, index, shape=x_shape),
         None))
def match_points(xp, gradient, x, index):
    """The transpose of `read_points` with respect to the weights."""
    return xp.kernels.match_points(gradient, x, index)
