"""Attention in few passes over the scores; weights and gradients are computed in place."""

from functools import lru_cache
from itertools import accumulate
from math import inf, prod

import numpy as np

from backends.buffers import FLOAT32, address, empty, empty_like
from backends.generic.attention import Part, parts
from backends.geometry import Array, Sizes, blocks
from backends.onednn import Unsupported, softmax
from backends.onednn.choice import active
from backends.onednn.elementwise import all_finite
from backends.onednn.passes import ADD, chained
from backends.onednn.products import product_into
from backends.strides import is_dense

SMALL = 1 << 14  # scores: below this NumPy is as fast
PARTS, ROWS = 8, 64  # the most parts of causal attention, and the fewest queries in each


def attention(
    query: Array, key: Array, value: Array, scale: float, is_causal: bool, mask: Array | None = None
) -> tuple[Array, Array | None] | None:
    """See `generic.attention.attention`; the weights of several parts are kept one after the other."""
    rows, keys = query.shape[:-1], key.shape[-2]
    if not _suits(prod(rows) * keys, query, key, value, *[] if mask is None else [mask]):
        return None
    some, ends = _parts(rows, keys, is_causal)
    kept, y = None if ends is None else empty((ends[-1],)), empty_like(query, (*rows, value.shape[-1]))
    for i, part in enumerate(some):
        q, k, v, hidden = part.of(query, key, value, mask)
        weights = _weights(q, k, scale, part.first if is_causal else None, hidden, _piece(kept, ends, i))
        product_into(y[part.rows], weights, v)
    if kept is not None and len(some) == 1:
        kept = kept.reshape(*rows, keys)
    return (y, kept) if all_finite(y) else None


def attention_gradients(
    g: Array,
    query: Array,
    key: Array,
    value: Array,
    mask: Array | None,
    y: Array,
    weights: Array | None,
    scale: float,
    is_causal: bool,
    masked: bool = False,
) -> tuple[Array, Array, Array, Array | None] | None:
    """See `generic.attention.attention_gradients`."""
    rows, keys, g = query.shape[:-1], key.shape[-2], g.astype(FLOAT32, copy=False)
    in_parts = weights is not None and weights.ndim == 1  # a layout that only this module reads
    if not (in_parts or _suits(prod(rows) * keys, g, query, key, value)) or (masked and weights is None):
        return None
    some, ends = _parts(rows, keys, is_causal and (in_parts or weights is None))
    if (weights is None) is not (ends is None):  # they are another kernel's
        return None
    kept, sums = None if weights is None else weights.reshape(-1), _lying_as(query, key, value)
    added = ends is None  # else the last part sees all keys
    if added:
        sums[1][...], sums[2][...] = 0, 0
    early, late = (1.0, scale) if masked else (scale, 1.0)  # the gradient of masked scores has no factor
    for i, part in reversed([*enumerate(some)]):
        q, k, v, hidden = part.of(query, key, value, mask)
        w = _piece(kept, ends, i)
        if w is None:
            w = _weights(q, k, scale, part.first if is_causal else None, hidden, None)
        w = w.reshape(*q.shape[:-1], -1)
        of_scores = _slopes(w, g[part.rows], v, early)
        product_into(sums[0][part.rows], of_scores, k, late)
        product_into(sums[1][part.seen], of_scores.swapaxes(-1, -2), q, late, added=added)
        product_into(sums[2][part.seen], w.swapaxes(-1, -2), g[part.rows], added=added)
        added = True
    return *sums, of_scores if masked else None


def _weights(query: Array, key: Array, scale: float, first: int | None, mask: Array | None, out: Array | None) -> Array:
    """The weights of a part, in memory that is given; first: the number of its first query if causal."""
    shape = (*query.shape[:-1], key.shape[-2])
    scores = empty(shape) if out is None else out.reshape(shape)
    product_into(scores, query, key.swapaxes(-1, -2), scale)
    hidden = mask if first is None else _later(first, *shape[-2:])
    if hidden is not None:
        _add(scores, hidden)
    lines = scores.reshape(-1, shape[-1])
    softmax.forward(lines.shape).run(lines, lines)
    return scores


def _slopes(weights: Array, g: Array, value: Array, scale: float) -> Array:
    """`scale` times the gradient in the scores."""
    of_scores = empty(weights.shape)
    product_into(of_scores, g, value.swapaxes(-1, -2), scale)
    lines = (weights.size // weights.shape[-1], weights.shape[-1])
    softmax.slopes(lines, weights, of_scores, of_scores)
    return of_scores


def _piece(kept: Array | None, ends: list[int] | None, i: int) -> Array | None:
    """The kept weights of part i."""
    return None if kept is None or ends is None else kept[ends[i - 1] if i else 0 : ends[i]]


@lru_cache(maxsize=64)
def _parts(rows: Sizes, keys: int, is_causal: bool) -> tuple[list[Part], list[int] | None]:
    """The parts of attention, and where their weights end if they are kept.

    Causal attention with as many keys as queries is divided so that most products with later keys are skipped.
    """
    some = parts(rows, keys, is_causal)
    if len(some) > 1:
        return some, None
    *lead, length = rows
    if is_causal and length == keys and (count := min(PARTS, length // ROWS)) > 1:
        every = tuple([slice(n) for n in lead])
        some = [Part((*every, q), (*every, slice(q.stop))) for q in blocks(length, -(-length // count))]
    counts = [prod(lead) * (p.rows[-1].stop - p.first) * p.seen[-1].stop for p in some]
    return some, [*accumulate(counts)]


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
    like = mask.reshape(*(1,) * (scores.ndim - mask.ndim), *mask.shape)
    try:
        plan = chained(scores.shape, ADD, (), like.shape)
    except Unsupported:
        like = np.broadcast_to(like, scores.shape)
        plan = chained(scores.shape, ADD, (), like.shape)
    plan.run(scores, np.ascontiguousarray(like), scores)
