"""Attention in few passes over the scores; weights and gradients are computed in place."""

from functools import lru_cache
from math import inf, prod
from typing import NamedTuple

import numpy as np

from backends.buffers import FLOAT32, address, empty, empty_like
from backends.geometry import Array, Sizes, blocks
from backends.onednn import softmax
from backends.onednn.choice import active
from backends.onednn.elementwise import all_finite
from backends.onednn.passes import ADD
from backends.onednn.plans import DST, SRC, SRC1, Plan, Unsupported, Workshop, planned
from backends.onednn.products import product_into
from backends.strides import dense, is_dense

SMALL = 1 << 14  # scores: below this NumPy is as fast
PARTS, ROWS = 8, 64  # the most parts of causal attention, and the fewest queries in each


class Part(NamedTuple):
    """Queries that are computed together, the number of keys they see, and the position of their kept weights."""

    queries: slice
    keys: int
    kept: slice


def attention(
    query: Array, key: Array, value: Array, scale: float, is_causal: bool, mask: Array | None = None
) -> tuple[Array, Array] | None:
    """See `generic.attention.attention`; the weights of several parts are kept one after the other."""
    lead, (length, keys) = query.shape[:-2], (query.shape[-2], key.shape[-2])
    if not _suits(prod(lead) * length * keys, query, key, value, *[] if mask is None else [mask]):
        return None
    parts = _parts(prod(lead), length, keys, is_causal)
    kept, y = empty((parts[-1].kept.stop,)), empty_like(query, (*lead, length, value.shape[-1]))
    for part in parts:
        q, k, v = query[..., part.queries, :], key[..., : part.keys, :], value[..., : part.keys, :]
        scores = kept[part.kept].reshape(*lead, -1, part.keys)
        if not product_into(scores, q, k.swapaxes(-1, -2), scale):
            return None
        hidden = _later(part.queries.start, *scores.shape[-2:]) if is_causal else mask
        if hidden is not None:
            _add(scores, hidden)
        rows = scores.reshape(-1, part.keys)
        softmax.forward(rows.shape).run(rows, rows)
        if not product_into(y[..., part.queries, :], scores, v):
            return None
    return (y, kept if len(parts) > 1 else kept.reshape(*lead, length, keys)) if all_finite(y) else None


def attention_gradients(
    g: Array, query: Array, key: Array, value: Array, weights: Array, scale: float, masked: bool = False
) -> tuple[Array, Array, Array, Array | None] | None:
    """See `generic.attention.attention_gradients`."""
    in_parts = weights.ndim == 1  # a layout that only this module reads
    if not in_parts and not _suits(weights.size, g, query, key, value, weights):
        return None
    g, lead, (length, keys) = g.astype(FLOAT32, copy=False), query.shape[:-2], (query.shape[-2], key.shape[-2])
    of_query, of_key, of_value = _lying_as(query, key, value)
    kept, added = weights.reshape(-1), False
    early, late = (1.0, scale) if masked else (scale, 1.0)  # the gradient of masked scores has no factor
    for part in reversed(_parts(prod(lead), length, keys, in_parts)):  # the last part sees all keys
        rows, seen = (..., part.queries, slice(None)), (..., slice(part.keys), slice(None))
        w = kept[part.kept].reshape(*lead, -1, part.keys)
        of_scores = empty(w.shape)
        if not product_into(of_scores, g[rows], value[seen].swapaxes(-1, -2), early):
            return None
        softmax.backward((w.size // part.keys, part.keys)).run(w, of_scores, of_scores)
        if not (
            product_into(of_query[rows], of_scores, key[seen], late)
            and product_into(of_key[seen], of_scores.swapaxes(-1, -2), query[rows], late, added=added)
            and product_into(of_value[seen], w.swapaxes(-1, -2), g[rows], added=added)
        ):
            return None
        added = True
    return of_query, of_key, of_value, of_scores if masked else None


@lru_cache(maxsize=64)
def _parts(stack: int, length: int, keys: int, is_causal: bool) -> list[Part]:
    """Parts of causal attention with as many keys as queries, which skip most products with later keys."""
    count = max(1, min(PARTS, length // ROWS)) if is_causal and length == keys else 1
    parts, start = [], 0
    for queries in blocks(length, -(-length // count)):
        seen = queries.stop if count > 1 else keys
        size = stack * (queries.stop - queries.start) * seen
        parts.append(Part(queries, seen, slice(start, start + size)))
        start += size
    return parts


def _suits(scores: int, *arrays: Array) -> bool:
    return scores >= SMALL and all(v.dtype == FLOAT32 and v.size for v in arrays) and active()


def _lying_as(*arrays: Array) -> list[Array]:
    """Uninitialised arrays, adjacent in memory if the given ones are, so that joining them copies nothing."""
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


@lru_cache(maxsize=2 * PARTS)
def _later(first: int, length: int, keys: int) -> Array:
    """The mask added to the scores of queries from `first` on: -∞ for later keys."""
    return np.triu(np.full((length, keys), -inf, FLOAT32), 1 + first)


def _add(scores: Array, mask: Array) -> None:
    """Add a mask that broadcasts over the scores, in place."""
    for like in mask, np.broadcast_to(mask, scores.shape):
        like = np.ascontiguousarray(like).reshape(*(1,) * (scores.ndim - like.ndim), *like.shape)
        plan = _sum(scores.shape, like.shape)
        if plan is not None:
            plan.run(scores, like, scores)
            return


@planned
def _sum(workshop: Workshop, shape: Sizes, of_mask: Sizes) -> Plan:
    x, mask = (workshop.memory(sizes, dense(sizes)) for sizes in (shape, of_mask))
    desc = workshop.primitive("binary", ADD, x, mask, x)
    if "jit" not in workshop.implementation(desc):
        raise Unsupported("masks that repeat along such axes")
    return Plan(workshop, desc, (SRC, x), (SRC1, mask), (DST, x))
