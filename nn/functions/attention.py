"""Attention with dropout of its weights, by itself and with several heads and their projections."""

from __future__ import annotations

import math

from autograd_core import Tensor
from autograd_core import functional as core
from nn.functions.noise import dropout, probability

Three = tuple[Tensor, Tensor, Tensor]


def scaled_dot_product_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Tensor:
    """softmax(query keyᵀ·scale + mask) value (Vaswani et al. 2017), with dropout of the weights.

    query (..., L, E), key (..., S, E), value (..., S, V). attn_mask (..., L, S): numbers to add to
    the scores, or True at keys to attend to. is_causal: attend to no later keys. scale: by default 1/√E. enable_gqa:
    each head of key and value serves several heads of the query. A query without any key gives 0.
    """
    dropout_p = probability(dropout_p)
    drop = None if dropout_p == 0.0 else lambda weights: dropout(weights, dropout_p)
    return core.attention(query, key, value, attn_mask, is_causal, scale, enable_gqa, drop)


def multi_head_attention_forward(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    embed_dim_to_check: int,
    num_heads: int,
    in_proj_weight: Tensor | None,
    in_proj_bias: Tensor | None,
    bias_k: Tensor | None,
    bias_v: Tensor | None,
    add_zero_attn: bool,
    dropout_p: float,
    out_proj_weight: Tensor,
    out_proj_bias: Tensor | None,
    training: bool = True,
    key_padding_mask: Tensor | None = None,
    need_weights: bool = True,
    attn_mask: Tensor | None = None,
    use_separate_proj_weight: bool = False,
    q_proj_weight: Tensor | None = None,
    k_proj_weight: Tensor | None = None,
    v_proj_weight: Tensor | None = None,
    static_k: Tensor | None = None,
    static_v: Tensor | None = None,
    average_attn_weights: bool = True,
    is_causal: bool = False,
) -> tuple[Tensor, Tensor | None]:
    """Multi-head attention (Vaswani et al. 2017) of (L, N, E) to (S, N, E), or of one sample without N.

    Returns the output (L, N, E) and, with need_weights, the weights: their mean over the heads (N, L, S), or all
    (N, H, L, S). Masks are True at positions to ignore, or numbers to add to the scores: key_padding_mask (N, S),
    attn_mask (L, S) or (N·H, L, S). is_causal is a hint that attn_mask is causal. bias_k and bias_v are one additional
    key and value, and so are zeros with add_zero_attn. static_k and static_v (N·H, S, E / H) replace the projected
    ones. Where everything is masked, the output is the bias of the output projection.
    """
    _check(query, key, value, key_padding_mask, attn_mask, embed_dim_to_check, num_heads, use_separate_proj_weight)
    if is_causal and attn_mask is None:
        raise RuntimeError("is_causal is a hint that attn_mask is causal; pass attn_mask as well")
    batched = query.ndim == 3
    if not batched:
        query, key, value = (x.unsqueeze(1) for x in (query, key, value))
        key_padding_mask = None if key_padding_mask is None else key_padding_mask.unsqueeze(0)
    length, n, width = query.shape
    mask = _merged(attn_mask, key_padding_mask, n, num_heads, query, key.shape[0])
    separate = (q_proj_weight, k_proj_weight, v_proj_weight) if use_separate_proj_weight else None
    q, k, v = _projected((query, key, value), in_proj_weight, in_proj_bias, separate)
    k, v, added = _with_biases(k, v, bias_k, bias_v, static_k is not None or static_v is not None)
    q, k, v = (x.reshape(x.shape[0], n, num_heads, width // num_heads).permute(1, 2, 0, 3) for x in (q, k, v))
    k, v = (x if s is None else _static(s, n, num_heads, width // num_heads) for x, s in ((k, static_k), (v, static_v)))
    if add_zero_attn:
        k, v, added = *(core.cat([x, core.zeros_like(x.detach()[..., :1, :])], dim=-2) for x in (k, v)), added + 1
    if mask is not None and added:
        mask = core.pad(mask, (0, added))
    weights = None
    if need_weights or (training and dropout_p):
        weights = dropout(core.attention_weights(q, k, mask), dropout_p, training)
        out = core.matmul(weights, v)
    else:
        alone = is_causal and key_padding_mask is None and not added
        out = core.attention(q, k, v, None if alone else mask, is_causal=alone)
    out = core.linear(out.permute(2, 0, 1, 3).reshape(length, n, width), out_proj_weight, out_proj_bias)
    if not batched:
        out = out.squeeze(1)
    if not need_weights or weights is None:
        return out, None
    weights = weights.mean(dim=1) if average_attn_weights else weights
    return out, weights if batched else weights.squeeze(0)


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise AssertionError(f"multi_head_attention_forward(): {message}")


def _check(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    key_padding_mask: Tensor | None,
    attn_mask: Tensor | None,
    width: int,
    heads: int,
    separate: bool,
) -> None:
    shapes = f"{query.shape}, {key.shape} and {value.shape}"
    _require(
        query.ndim in (2, 3) and query.ndim == key.ndim == value.ndim,
        f"query, key and value have three axes, or two without batches, not the shapes {shapes}",
    )
    _require(
        key.shape == value.shape or (separate and key.shape[:-1] == value.shape[:-1]),
        f"key and value do not match: {key.shape} and {value.shape}",
    )
    _require(query.shape[-1] == width, f"query has {query.shape[-1]} features, but {width} were expected")
    _require(width % heads == 0, f"{width} features cannot be divided among {heads} heads")
    if key_padding_mask is not None:
        wanted = (*key.shape[1:-1], key.shape[0])
        _require(
            key_padding_mask.shape == wanted, f"key_padding_mask must have shape {wanted}, not {key_padding_mask.shape}"
        )
    if attn_mask is not None:
        _require(attn_mask.ndim in (2, 3), f"attn_mask must have two or three axes, not shape {attn_mask.shape}")
        flat = query.shape[0], key.shape[0]
        full = (heads * math.prod(query.shape[1:-1]), *flat)
        if attn_mask.shape not in (flat, full):
            raise RuntimeError(f"attn_mask must have shape {flat} or {full}, not {attn_mask.shape}")


def _merged(
    attn_mask: Tensor | None, key_padding_mask: Tensor | None, n: int, heads: int, like: Tensor, sources: int
) -> Tensor | None:
    """Both masks, combined into numbers to add to scores (N, H, L, S)."""
    masks = []
    if attn_mask is not None:
        shape = (n, heads, *attn_mask.shape[1:]) if attn_mask.ndim == 3 else attn_mask.shape
        masks.append(_additive(attn_mask, like).reshape(shape))
    if key_padding_mask is not None:
        masks.append(_additive(key_padding_mask, like).reshape(n, 1, 1, sources))
    return sum(masks[1:], masks[0]) if masks else None


def _additive(mask: Tensor, like: Tensor) -> Tensor:
    if mask.dtype.kind == "b":
        return core.where(mask, -math.inf, core.zeros((), dtype=like.dtype, device=like.device))
    _require(mask.is_floating_point(), f"masks hold booleans or floating point numbers, not {mask.dtype}")
    return mask.to(like.dtype)


def _projected(
    operands: Three, packed: Tensor | None, bias: Tensor | None, separate: tuple[Tensor | None, ...] | None
) -> Three:
    """Query, key and value after their projections, whose weights are packed into one or separate."""
    query, key, value = operands
    if separate is None and packed is not None and query is key is value:
        q, k, v = core.chunk(core.linear(query, packed, bias), 3, dim=-1)
        return q, k, v
    given = separate if separate is not None else (None,) * 3 if packed is None else core.chunk(packed, 3)
    weights = [w for w in given if w is not None]
    _require(len(weights) == 3, "a projection weight is missing")
    biases = (None,) * 3 if bias is None else core.chunk(bias, 3)
    q, k, v = (core.linear(x, w, b) for x, w, b in zip(operands, weights, biases, strict=True))
    return q, k, v


def _with_biases(
    k: Tensor, v: Tensor, bias_k: Tensor | None, bias_v: Tensor | None, static: bool
) -> tuple[Tensor, Tensor, int]:
    """Keys and values with the additional ones appended, and how many those are."""
    _require((bias_k is None) == (bias_v is None), "bias_k and bias_v go together")
    if bias_k is None or bias_v is None:
        return k, v, 0
    _require(not static, "biases cannot be added to static keys or values")
    k, v = (core.cat([x, b.expand(1, *x.shape[1:])], dim=0) for x, b in ((k, bias_k), (v, bias_v)))
    return k, v, 1


def _static(x: Tensor, n: int, heads: int, width: int) -> Tensor:
    _require(
        x.ndim == 3 and x.shape[0] == n * heads and x.shape[2] == width,
        f"static keys and values have the shape ({n * heads}, S, {width}), not {x.shape}",
    )
    return x.reshape(n, heads, x.shape[1], width)
