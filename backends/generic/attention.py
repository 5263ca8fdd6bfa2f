"""Scaled dot-product attention and its gradients, for every array library."""

import math
from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import groupby, product
from typing import Any, NamedTuple

from backends.geometry import Array, Sizes, blocks, wide_dtype

# Bytes of weights in float32: the most that are kept for the gradients, and those that are computed at once if these
# compute the weights again.
KEPT, AT_ONCE = 1 << 28, 1 << 26
STEPS = 8  # parts of causal queries: each sees no keys after its last query


Operands = tuple[Array, Array, Array, Any]  # queries, keys, values and mask


class Part(NamedTuple):
    """Queries that are computed together, and the keys that they see: indices of all axes but the last."""

    rows: tuple[slice, ...]
    seen: tuple[slice, ...]

    @property
    def first(self) -> int:
        """The number of the first query."""
        return self.rows[-1].start or 0

    def of(self, query: Array, key: Array, value: Array, mask: Array | None) -> Operands:
        """Its queries, keys, values and mask."""
        if mask is not None:
            axes = (*self.rows, self.seen[-1])[len(self.rows) + 1 - mask.ndim :]
            mask = mask[tuple(s if n > 1 else slice(None) for n, s in zip(mask.shape, axes, strict=True))]
        return query[self.rows], key[self.seen], value[self.seen], mask


def are_kept(rows: Sizes, keys: int) -> bool:
    """Whether the weights of these rows are kept for the gradients."""
    return 4 * math.prod(rows) * keys <= KEPT


@lru_cache(maxsize=64)
def parts(rows: Sizes, keys: int, is_causal: bool, at_once: int = 0) -> list[Part]:
    """The parts of attention from `rows`, the leading axes and that of the queries; a single one if it is small.

    at_once: bytes of weights of a part, if not AT_ONCE.
    """
    if are_kept(rows, keys):
        return [Part(*([tuple([slice(n) for n in sizes]) for sizes in (rows, (*rows[:-1], keys))]))]
    axes: list[Sequence[slice]] = []
    below = 4 * keys
    for size in reversed(rows):
        most = -(-size // STEPS) if is_causal and not axes else size
        axes.append(blocks(size, max(1, min((at_once or AT_ONCE) // below, most))))
        below *= size
    return [
        Part((*lead, queries), (*lead, slice(min(keys, queries.stop) if is_causal else keys)))
        for *lead, queries in product(*reversed(axes))
    ]


def attention(
    xp: Any,
    kernels: Any,
    query: Array,
    key: Array,
    value: Array,
    scale: float,
    is_causal: bool,
    mask: Array | None = None,
) -> tuple[Array, Array | None]:
    """softmax(query keyᵀ·scale + mask) value, and the softmax for the gradients, or None if it is large.

    If causal, a query ignores later keys. mask: numbers of the same dtype that broadcast over the scores; a query all
    of whose keys are masked by -∞ gives 0.
    """

    def attend(query: Array, key: Array, value: Array, mask: Array | None, first: int) -> tuple[Array, Array]:
        weights = _weights(xp, kernels, query, key, scale, first if is_causal else None, mask)
        return kernels.product(weights, value), weights

    found = in_parts(xp, attend, (query, key, value, mask), is_causal)
    assert found is not None
    return found


def in_parts(
    xp: Any, attend: Callable[..., Any], operands: Operands, is_causal: bool, at_once: int = 0
) -> tuple[Array, Array | None] | None:
    """The results of attend(*operands, number of the first query), or of its parts, without weights.

    None as soon as `attend` gives None. at_once: as for `parts`.
    """
    query, key, value, _ = operands
    some = parts(query.shape[:-1], key.shape[-2], is_causal, at_once)
    if len(some) == 1:
        found = attend(*operands, 0)
        return found if found is None or are_kept(query.shape[:-1], key.shape[-2]) else (found[0], None)
    y = xp.empty((*query.shape[:-1], value.shape[-1]), dtype=query.dtype)
    for part in some:
        found = attend(*part.of(*operands), part.first)
        if found is None:
            return None
        y[part.rows] = found[0]
    return y, None


def attention_gradients(
    xp: Any,
    kernels: Any,
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
) -> tuple[Array, Array, Array, Array | None]:
    """The gradients of `attention` in query, key, value and, if `masked`, in the masked scores.

    weights: what `attention` returned beside y; weights of another shape are those of another kernel.
    """
    if weights is not None and weights.shape == (*query.shape[:-1], key.shape[-2]):
        return _gradients(kernels, g, query, key, value, weights, scale, masked)

    def gradients(g: Array, query: Array, key: Array, value: Array, mask: Array | None, first: int) -> Any:
        weights = _weights(xp, kernels, query, key, scale, first if is_causal else None, mask)
        return _gradients(kernels, g, query, key, value, weights, scale, masked)

    return gradients_in_parts(xp, gradients, g, (query, key, value, mask), is_causal)


def gradients_in_parts(
    xp: Any, gradients: Callable[..., Any], g: Array, operands: Operands, is_causal: bool, at_once: int = 0
) -> Any:
    """The sums of gradients(g, *operands, number of the first query) of the parts.

    None as soon as `gradients` gives None. at_once: as for `parts`.
    """
    query, key, value, _ = operands
    some = parts(query.shape[:-1], key.shape[-2], is_causal, at_once)
    if len(some) == 1:
        return gradients(g, *operands, 0)
    wide, of_scores = wide_dtype(xp, query.dtype), None
    of_query, of_key, of_value = (xp.zeros(x.shape, dtype=x.dtype) for x in (query, key, value))
    for _, group in groupby(some, lambda part: part.rows[:-1]):
        sums: list[Array] = []
        for part in reversed([*group]):  # the last part sees most keys
            found = gradients(g[part.rows], *part.of(*operands), part.first)
            if found is None:
                return None
            of_query[part.rows] = found[0]
            if found[3] is not None:
                if of_scores is None:
                    of_scores = xp.zeros((*query.shape[:-1], key.shape[-2]), dtype=found[3].dtype)
                of_scores[(*part.rows, part.seen[-1])] = found[3]
            addends = [v.astype(wide, copy=False) for v in found[1:3]]
            if not sums:
                sums, seen = addends, part.seen
                continue
            for total, addend in zip(sums, addends, strict=True):
                total[..., part.seen[-1], :] += addend
        of_key[seen], of_value[seen] = (total.astype(key.dtype, copy=False) for total in sums)
    return of_query, of_key, of_value, of_scores


def _weights(
    xp: Any, kernels: Any, query: Array, key: Array, scale: float, first: int | None, mask: Array | None
) -> Array:
    """first: the number of the first query if later keys are ignored."""
    scores, hidden = kernels.product(query * scale, key.swapaxes(-1, -2)), None
    if mask is not None:
        hidden = (mask == -math.inf).all(axis=-1, keepdims=True)
        scores = scores + xp.where(hidden, 0, mask)
    if first is not None:
        scores = xp.where(xp.tri(*scores.shape[-2:], first, dtype=bool), scores, -math.inf)
    weights = kernels.softmax(scores, scores.ndim - 1)
    return weights if hidden is None else xp.where(hidden, 0, weights)


def _gradients(
    kernels: Any, g: Array, query: Array, key: Array, value: Array, weights: Array, scale: float, masked: bool
) -> tuple[Array, Array, Array, Array | None]:
    product = kernels.product
    of_scores = kernels.softmax_gradient(product(g, value.swapaxes(-1, -2)), weights, weights.ndim - 1)
    of_key = product(of_scores.swapaxes(-1, -2), query) * scale
    return product(of_scores, key) * scale, of_key, product(weights.swapaxes(-1, -2), g), of_scores if masked else None
