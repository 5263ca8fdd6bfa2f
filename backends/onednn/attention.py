"""Attention in few passes over the scores, which become weights where they lie, and so do gradients."""

from functools import lru_cache
from math import inf, prod

import numpy as np

from backends.buffers import FLOAT32, address, dense, empty, empty_like
from backends.geometry import Array
from backends.onednn import softmax
from backends.onednn.choice import active
from backends.onednn.elementwise import all_finite, is_dense
from backends.onednn.passes import ADD
from backends.onednn.plans import DST, LINEAR, SRC, SRC1, Plan, Workshop, planned
from backends.onednn.products import product_into

SMALL = 1 << 14  # scores below which NumPy's calls are as quick


def attention(query: Array, key: Array, value: Array, scale: float, is_causal: bool) -> tuple[Array, Array] | None:
    """See `generic.attention.attention`."""
    lead, (length, keys) = query.shape[:-2], (query.shape[-2], key.shape[-2])
    if not _suits(prod(lead) * length * keys, query, key, value):
        return None
    scores = empty((*lead, length, keys))
    if not product_into(scores, query, key.swapaxes(-1, -2), 1.0 if is_causal else scale):
        return None
    stack = prod(lead), length, keys
    if is_causal:
        flat = scores.reshape(stack)
        _less_later(stack, scale).run(flat, _later(length, keys), flat)
    softmax.forward((stack[0] * length, keys)).run(scores, scores)
    y = empty_like(query, (*lead, length, value.shape[-1]))
    return (y, scores) if product_into(y, scores, value) and all_finite(y) else None


def attention_gradients(
    g: Array, query: Array, key: Array, value: Array, weights: Array, scale: float
) -> tuple[Array, Array, Array] | None:
    """See `generic.attention.attention_gradients`."""
    if not _suits(weights.size, g, query, key, value, weights):
        return None
    of_scores = empty(weights.shape)
    if not product_into(of_scores, g, value.swapaxes(-1, -2)):
        return None
    softmax.backward((weights.size // weights.shape[-1], weights.shape[-1])).run(weights, of_scores, of_scores)
    of_query, of_key, of_value = _lying_as(query, key, value)
    done = (
        product_into(of_query, of_scores, key, scale)
        and product_into(of_key, of_scores.swapaxes(-1, -2), query, scale)
        and product_into(of_value, weights.swapaxes(-1, -2), g)
    )
    return (of_query, of_key, of_value) if done else None


def _suits(scores: int, *arrays: Array) -> bool:
    return scores >= SMALL and all(v.dtype == FLOAT32 and v.size for v in arrays) and active()


def _lying_as(*arrays: Array) -> list[Array]:
    """Uninitialised arrays, side by side in memory if these are: then nothing is copied where they are joined."""
    first, *others = arrays
    step = address(others[0]) - address(first)
    shape, strides = (len(arrays), *first.shape), (step, *first.strides)
    alike = all(
        v.shape == first.shape and v.strides == first.strides and address(v) - address(first) == i * step
        for i, v in enumerate(arrays)
    )
    if alike and step > 0 and is_dense(shape, strides):
        return list(empty(shape, strides))
    return [empty_like(v) for v in arrays]


@lru_cache(maxsize=2)
def _later(length: int, keys: int) -> Array:
    """What is added to the scores of keys: -∞ to those that come later than a query."""
    later: Array = np.triu(np.full((1, length, keys), -inf, FLOAT32), 1)
    return later


@planned
def _less_later(workshop: Workshop, shape: tuple[int, int, int], scale: float) -> Plan:
    x = workshop.memory(shape, dense(shape))
    later = workshop.memory((1, *shape[1:]), dense((1, *shape[1:])))
    steps = workshop.attributes(("eltwise", LINEAR, scale, 0.0))
    desc = workshop.primitive("binary", ADD, x, later, x, attributes=steps)
    return Plan(workshop, desc, (SRC, x), (SRC1, later), (DST, x))
