"""Scaled dot-product attention and its gradients, for every array library."""

import math
from typing import Any

from backends.geometry import Array


def attention(
    xp: Any,
    kernels: Any,
    query: Array,
    key: Array,
    value: Array,
    scale: float,
    is_causal: bool,
    mask: Array | None = None,
) -> tuple[Array, Array]:
    """softmax(query keyᵀ·scale + mask) value, and the softmax; if causal, a query ignores later keys.

    mask: numbers of the same dtype that broadcast over the scores.
    """
    scores = kernels.product(query * scale, key.swapaxes(-1, -2))
    if mask is not None:
        scores = scores + mask
    if is_causal:
        scores = xp.where(xp.tri(*scores.shape[-2:], dtype=bool), scores, -math.inf)
    weights = kernels.softmax(scores, scores.ndim - 1)
    return kernels.product(weights, value), weights


def attention_gradients(
    xp: Any,
    kernels: Any,
    g: Array,
    query: Array,
    key: Array,
    value: Array,
    weights: Array,
    scale: float,
    masked: bool = False,
) -> tuple[Array, Array, Array, Array | None]:
    """The gradients of `attention` in query, key, value and, if `masked`, in the masked scores."""
    product = kernels.product
    of_scores = kernels.softmax_gradient(product(g, value.swapaxes(-1, -2)), weights, weights.ndim - 1)
    of_key = product(of_scores.swapaxes(-1, -2), query) * scale
    return product(of_scores, key) * scale, of_key, product(weights.swapaxes(-1, -2), g), of_scores if masked else None
