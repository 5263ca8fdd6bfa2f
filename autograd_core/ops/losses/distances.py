"""Distances and cosine similarity of vectors: of two tensors, within one, between all pairs."""

import itertools
import math

import numpy as np

from autograd_core import dtypes, functional
from autograd_core.errors import DtypeError, OperandError
from autograd_core.kinds import REDUCTION
from autograd_core.ops.losses.all_pairs import euclidean_distances
from autograd_core.ops.reductions.norms import norm, vector_norm
from autograd_core.registry import composition, sample

BY_PRODUCTS = "use_mm_for_euclid_dist"
MODES = ("use_mm_for_euclid_dist_if_necessary", BY_PRODUCTS, "donot_use_mm_for_euclid_dist")


def _np_norms(d, p):
    """Norms over the last axis."""
    return np.array([np.linalg.norm(row, p) for row in d.reshape(-1, d.shape[-1])]).reshape(d.shape[:-1])


@composition(REDUCTION,
             samples=(sample((2, 3), (2, 3)), sample((2, 1), (3,), 3), sample((3,), (3,), p=1), sample((0, 3), (3,))),
             reference=lambda x, y, p=2: np.linalg.norm((x - y).ravel(), p))
def dist(input, other, p=2):
    """The norm of order `p` of the difference, over all its elements."""
    return norm(input - other, p)


@composition(REDUCTION, method=False,
             samples=(sample((2, 3), (2, 3)),
                      sample((3,), (2, 3), p=3.0, keepdim=True),
                      sample((3,), (3,), 1, eps=0.5),
                      sample((0, 3), (3,))),
             reference=lambda x, y, p=2.0, eps=1e-6, keepdim=False: _np_norms(
                 (x - y + eps)[..., None, :], p).squeeze(() if keepdim else -1))
def pairwise_distance(x1, x2, p=2.0, eps=1e-6, keepdim=False):
    """Norms of order `p` of x1 - x2 + eps along the last axis, for corresponding vectors."""
    return vector_norm(x1 - x2 + eps, p, -1, keepdim)


def _np_cosine(x, y, dim=1, eps=1e-8):
    lengths = [np.maximum(np.linalg.norm(v, axis=dim, keepdims=True), eps) for v in np.broadcast_arrays(x, y)]
    return (x / lengths[0] * (y / lengths[1])).sum(dim)


@composition(REDUCTION, method=False,
             samples=(sample((2, 3), (2, 3)),
                      sample((3, 1), (3, 2), dim=0),
                      sample((2, 3), (3,), -1, eps=9.0),
                      sample((0, 3), (0, 3))),
             reference=_np_cosine)
def cosine_similarity(x1, x2, dim=1, eps=1e-8):
    """Cosines of the angles between vectors along `dim`; lengths below `eps` count as `eps`.

    >>> from autograd_core import tensor
    >>> cosine_similarity(tensor([1.0, 0.0]), tensor([2.0, 0.0]), dim=0)
    tensor(1.)
    """
    if x1.shape != x2.shape:
        x1, x2 = functional.broadcast_tensors(x1, x2)
    if x1.dtype != x2.dtype:
        dtype = dtypes.result_type(x1, x2)
        x1, x2 = functional.astype(x1, dtype), functional.astype(x2, dtype)
    lengths = [functional.clamp(vector_norm(x, 2, dim, keepdim=True), min=eps) for x in (x1, x2)]
    return functional.sum(x1 / lengths[0] * (x2 / lengths[1]), dim=dim)


def _check_rows(x1, x2):
    if x1.ndim < 2 or x2.ndim < 2 or x1.shape[-1] != x2.shape[-1]:
        raise OperandError(
            f"cdist() takes rows of equal length, (..., P, M) and (..., R, M), not {x1.shape} and {x2.shape}"
        )
    for x in (x1, x2):
        if x.dtype.kind not in dtypes.FLOATS:
            raise DtypeError(f"cdist() needs floating point elements, not {x.dtype}; convert them first: x.float()")


def _by_products(x1, x2):
    """√(|a|² + |b|² - 2ab): fast, but loses half the digits for nearby rows."""
    a, b = (functional.sum(x * x, dim=-1, keepdim=True) for x in (x1, x2))
    squares = a + functional.swapped(b) - 2 * functional.matmul(x1, functional.swapped(x2))
    near = squares <= 0
    return functional.where(near, 0, functional.sqrt(functional.where(near, 1, squares)))


@composition(REDUCTION, method=False,
             samples=(sample((2, 3), (3, 3)),
                      sample((2, 1, 2, 2), (3, 2), p=1.0),
                      sample((2, 3), (2, 3), p=3.0),
                      sample((2, 3), (3, 3), compute_mode=BY_PRODUCTS),
                      sample((0, 3), (2, 3))),
             reference=lambda x, y, p=2.0, compute_mode="": _np_norms(x[..., :, None, :] - y[..., None, :, :], p))
def cdist(x1, x2, p=2.0, compute_mode=MODES[0]):
    """Distances (..., P, R), norms of order `p`, between all rows of x1 (..., P, M) and of x2 (..., R, M).

    Computed from differences, which is accurate; compute_mode="use_mm_for_euclid_dist" uses matrix products, which is
    faster and less accurate. The gradient of a distance of 0 is 0.
    """
    _check_rows(x1, x2)
    if p < 0:
        raise OperandError(f"cdist() takes p ≥ 0, not {p}")
    mode = MODES[compute_mode] if isinstance(compute_mode, int) and 0 <= compute_mode < len(MODES) else compute_mode
    if mode is not None and mode not in MODES:
        raise ValueError(f"cdist(): compute_mode must be one of {', '.join(MODES)}, not {compute_mode!r}")
    if p == 2 and mode == BY_PRODUCTS:
        return _by_products(x1, x2)
    if p == 2:
        return euclidean_distances(x1, x2)
    return _lengths(functional.unsqueeze(x1, -2) - functional.unsqueeze(x2, -3), p)


def _lengths(differences, p):
    """Norms over the last axis; 0 if it is empty, NaN if a difference is, also where those from 0 are counted."""
    lengths = vector_norm(differences, p if differences.shape[-1] else 2, -1)
    return lengths if p else lengths.masked_fill(differences.isnan().any(-1), math.nan)


@composition(REDUCTION, method=False,
             reference=lambda x, p=2.0: np.array([np.linalg.norm(a - b, p) for a, b in itertools.combinations(x, 2)]),
             samples=(sample((4, 3)), sample((3, 2), p=1.0), sample((3, 2), 3), sample((0, 3))))
def pdist(input, p=2.0):
    """Distances, norms of order `p`, between the rows of a matrix: of 0 to 1, 0 to 2, ..., 1 to 2, ..."""
    if input.ndim != 2:
        raise OperandError(f"pdist() takes a matrix of rows, not shape {input.shape}")
    if p < 0:
        raise OperandError(f"pdist() takes p ≥ 0, not {p}")
    first, second = np.triu_indices(input.shape[0], 1)
    if p == 2 and input.dtype.kind == "f":
        return euclidean_distances(input, input)[first, second]
    return _lengths(input[first] - input[second], p)
