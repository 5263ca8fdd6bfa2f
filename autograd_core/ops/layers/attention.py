"""Scaled dot-product attention: averages of values, weighted by how well their keys match a query."""

import math

import numpy as np

from autograd_core import functional
from autograd_core.engine.libraries import checks_values, holds
from autograd_core.errors import OperandError
from autograd_core.kinds import MATMUL
from autograd_core.ops.reductions.reduction import in_dtype
from autograd_core.registry import Interval, Values, composition, op, sample
from backends.geometry import spreads


def _slow_weights(query, key, attn_mask=None, is_causal=False, scale=None, enable_gqa=False):
    if enable_gqa:
        key = np.repeat(key, query.shape[-3] // key.shape[-3], -3)
    scores = np.einsum("...le,...se->...ls", query, key) * (query.shape[-1] ** -0.5 if scale is None else scale)
    if is_causal:
        scores = np.where(np.tri(*scores.shape[-2:]) > 0, scores, -np.inf)
    if attn_mask is not None:
        scores = np.where(attn_mask, scores, -np.inf) if attn_mask.dtype == bool else scores + attn_mask
    weights = np.exp(scores)
    return weights / weights.sum(-1, keepdims=True)


@composition(MATMUL, method=False, real_only=True, reference=_slow_weights,
             samples=(sample((2, 3), (4, 3)),
                      sample((2, 2, 3), (2, 4, 3), (2, 4), scale=0.5),
                      sample((3, 2), (3, 2), is_causal=True),
                      sample((2, 3, 2), (2, 3, 2), (3, 3), is_causal=True),
                      sample((4, 2, 3), (2, 2, 3), enable_gqa=True),
                      sample((0, 3), (2, 3))))
def attention_weights(query, key, attn_mask=None, is_causal=False, scale=None, enable_gqa=False):
    """softmax(query keyᵀ·scale + mask), of shape (..., L, S); a fully masked query has weights 0."""
    query = query * (1 / math.sqrt(query.shape[-1] or 1) if scale is None else scale)
    scores = functional.matmul(query, functional.swapaxes(_shared(key, query, enable_gqa), -1, -2))
    mask = None if attn_mask is None else _numbers(attn_mask, query)
    if is_causal:
        later = functional.full(scores.shape[-2:], -math.inf, dtype=scores.dtype, device=scores.device)
        later = functional.triu(later, 1)
        if mask is None:
            return functional.softmax(scores + later, dim=-1)
        mask = mask + later
    return functional.softmax(scores, dim=-1) if mask is None else _masked_softmax(scores, mask)


def _shared(heads, query, enable_gqa):
    """Keys or values (..., H / n, S, E), each for n neighbouring heads of the query (..., H, L, E)."""
    if not enable_gqa:
        return heads
    if min(heads.ndim, query.ndim) < 3 or query.shape[-3] % heads.shape[-3]:
        raise OperandError(
            "scaled_dot_product_attention(): with enable_gqa the heads of query must be a multiple of those of key and "
            f"value, which shapes {query.shape} and {heads.shape} are not"
        )
    return functional.repeat_interleave(heads, query.shape[-3] // heads.shape[-3], dim=-3)


def _numbers(mask, query):
    """A mask, boolean or not, as numbers to be added to scores."""
    if mask.dtype.kind == "b":
        return functional.where(mask, functional.zeros((), dtype=query.dtype, device=query.device), -math.inf)
    if mask.dtype not in (query.dtype, np.float32):
        raise OperandError(
            f"attn_mask must hold booleans or numbers of the dtype of query, {query.dtype}, not {mask.dtype}"
        )
    return functional.astype(mask, query.dtype)


def _masked_softmax(scores, mask):
    """The softmax along the last axis under a mask of numbers; 0 where everything is masked."""
    scores, nothing = scores + mask, (mask.detach() == -math.inf).all(dim=-1, keepdim=True)
    if not scores.shape[-1] or (checks_values(scores) and holds(~nothing)):
        return functional.softmax(scores, dim=-1)
    # Selected before and after the softmax, so that no NaN reaches a gradient.
    return functional.where(nothing, 0, functional.softmax(functional.where(nothing, 0, scores), dim=-1))


def _slow_attention(query, key, value, attn_mask=None, enable_gqa=False, **statics):
    if enable_gqa:
        value = np.repeat(value, query.shape[-3] // value.shape[-3], -3)
    return _slow_weights(query, key, attn_mask, enable_gqa=enable_gqa, **statics) @ value


def _fast_rule(xp, g, query, key, value, mask, mask_shape, y, weights, scale, is_causal, needs):
    """In the dtype of the weights: of 16 bits they are computed, and rounded, as the result is."""
    given = [g, query, key, value, mask, y, weights]
    if "attend" not in xp.kernels.wide:
        given = [v if v is None or v.dtype.itemsize > 2 else in_dtype(xp, v, np.float32) for v in given]
    *found, of_scores = xp.kernels.attention_gradients(*given, scale, is_causal, needs[3])
    found.append(xp.sum_to(of_scores, shape=mask_shape) if needs[3] else None)
    return [v if v is None else in_dtype(xp, v, query.dtype) for v in found]


def _recorded_rule(xp, g, query, key, value, mask, scale, is_causal):
    """The fast rule with recomputed weights, so that they are differentiated too."""
    weights = attention_weights(query, key, mask, is_causal, scale)
    p = xp.matmul(g, xp.swapped(value)) * weights
    of_scores = p - weights * xp.sum(p, dim=-1, keepdim=True)
    of_mask = None if mask is None else xp.sum_to(of_scores, shape=mask.shape)
    of_scores = of_scores * scale
    of_key, of_value = (xp.matmul(xp.swapped(v), w) for v, w in ((of_scores, query), (weights, g)))
    return xp.matmul(of_scores, key), of_key, of_value, of_mask


@op(MATMUL, symbol="attend", method=False, real_only=True, wide=True, broadcasts=False, residuals=("weights",),
    reference=lambda query, key, value, mask=None, *, scale, is_causal=False: _slow_attention(
        query, key, value, mask, scale=scale, is_causal=is_causal),
    samples=(sample((2, 3), (4, 3), (4, 2), scale=0.5),
             sample((2, 3, 2), (2, 3, 2), (2, 3, 2), scale=1.0, is_causal=True),
             sample((2, 2, 2), (2, 3, 2), (2, 3, 2), Values((1, 3), Interval(-1, 1)), scale=0.5),
             sample((0, 2, 3), (0, 4, 3), (0, 4, 2), scale=0.5)),
    joint=_fast_rule, composite=_recorded_rule)
def attend(xp, query, key, value, mask=None, *, scale, is_causal=False):
    """softmax(query keyᵀ·scale + mask) value, of the same leading axes; 0 where a query's keys are all masked."""
    return xp.kernels.attention(query, key, value, scale, is_causal, mask)


@composition(MATMUL, method=False, real_only=True, reference=_slow_attention,
             samples=(sample((2, 3), (4, 3), (4, 2)),
                      sample((2, 2, 3), (2, 4, 3), (2, 4, 3), (2, 4), scale=0.5),
                      sample((4, 2, 3), (2, 2, 3), (2, 2, 3), is_causal=True, enable_gqa=True),
                      sample((0, 3), (2, 3), (2, 3))))
def attention(query, key, value, attn_mask=None, is_causal=False, scale=None, enable_gqa=False, dropout=None):
    """softmax(query keyᵀ·scale + mask) value (Vaswani et al. 2017), for (..., L, E), (..., S, E) and (..., S, V).

    attn_mask (..., L, S): numbers to add to the scores, or True at keys to attend to. is_causal: attend to no later
    keys. scale: by default 1/√E. enable_gqa: each head of key and value serves several heads of the query.
    dropout: a function applied to the weights.
    """
    fits = min(query.ndim, key.ndim, value.ndim) > 1
    if not (fits and query.shape[-1] == key.shape[-1] and key.shape[-2] == value.shape[-2]):
        raise OperandError("scaled_dot_product_attention() takes query (..., L, E), key (..., S, E) and value "
                           f"(..., S, V), not {query.shape}, {key.shape} and {value.shape}")
    if not query.dtype == key.dtype == value.dtype:
        raise OperandError("scaled_dot_product_attention() takes query, key and value of one dtype, not "
                           f"{query.dtype}, {key.dtype} and {value.dtype}")
    alike = query.shape[:-2] == key.shape[:-2] == value.shape[:-2] and key.shape[-2] == value.shape[-2] > 0
    if dropout is None and not enable_gqa and alike and not (is_causal and attn_mask is not None):
        scale = 1 / math.sqrt(query.shape[-1] or 1) if scale is None else scale
        mask = None if attn_mask is None else _numbers(attn_mask, query)
        if mask is None or spreads(mask.shape, (*query.shape[:-1], key.shape[-2])):
            return attend(query, key, value, mask, scale=scale, is_causal=is_causal)
    weights = attention_weights(query, key, attn_mask, is_causal, scale, enable_gqa)
    return functional.matmul(weights if dropout is None else dropout(weights), _shared(value, query, enable_gqa))
