"""Helpers for user-defined distributions: broadcast parameters, probabilities and log-odds."""

from __future__ import annotations

import math

from numpy.typing import DTypeLike

from autograd_core import functional
from autograd_core.creation.making import ShapeLike
from autograd_core.distributions.distribution import broadcast_all as broadcast_all
from autograd_core.distributions.distribution import eps_of
from autograd_core.distributions.distribution import lazy_property as lazy_property
from autograd_core.distributions.distribution import sum_rightmost as _sum_rightmost  # noqa: F401  libraries import it
from autograd_core.tensor import Tensor


def tril_matrix_to_vec(mat: Tensor, diag: int = 0) -> Tensor:
    """The lower triangles of matrices (..., n, n), up to a diagonal, as vectors, row by row."""
    row, column = functional.tril_indices(mat.shape[-2], mat.shape[-1], diag, device=mat.device)
    return mat[..., row, column]


def vec_to_tril_matrix(vec: Tensor, diag: int = 0) -> Tensor:
    """Matrices with vectors (..., k) as their lower triangles: the inverse of `tril_matrix_to_vec`."""
    k = vec.shape[-1]
    n = round((math.sqrt((1 + 2 * diag) ** 2 + 8 * k + 4 * abs(diag) * (diag + 1)) - 1 - 2 * diag) / 2)
    row, column = functional.tril_indices(n, n, diag, device=vec.device)
    if len(row) != k:
        raise ValueError(f"{k} elements are no lower triangle up to the diagonal {diag}")
    made = functional.zeros((*vec.shape[:-1], n, n), dtype=vec.dtype, device=vec.device)
    made[..., row, column] = vec
    return made


def _standard_normal(shape: ShapeLike, dtype: DTypeLike | None, device: str | None) -> Tensor:
    """Standard normal numbers; libraries that define distributions draw with it."""
    return functional.randn(shape, dtype=dtype, device=device)


def clamp_probs(probs: Tensor) -> Tensor:
    """Probabilities clamped away from 0 and 1."""
    eps = eps_of(probs)
    return probs.clamp(eps, 1 - eps)


def logits_to_probs(logits: Tensor, is_binary: bool = False) -> Tensor:
    """Probabilities from unnormalised log-probabilities, or from log-odds."""
    return logits.sigmoid() if is_binary else functional.softmax(logits, -1)


def probs_to_logits(probs: Tensor, is_binary: bool = False) -> Tensor:
    """The logarithms, or log-odds, of probabilities clamped away from 0 and 1."""
    probs = clamp_probs(probs)
    return functional.logit(probs) if is_binary else probs.log()
