"""Attention by products whose sums stay in float32 until the softmax has read them, even for 16-bit operands."""

from math import prod
from typing import Any

from backends.cupy_backend.launch import Gpu, threads_for_rows
from backends.cupy_backend.layouts import is_float
from backends.cupy_backend.products import matmul
from backends.geometry import Array, wide_dtype


def attention(
    gpu: Gpu, query: Array, key: Array, value: Array, scale: float, is_causal: bool, mask: Array | None = None
) -> tuple[Array, Array] | None:
    """See `backends.generic.attention.attention`."""
    if mask is not None or not is_float(query, key, value):
        return None
    scores = matmul(gpu, query, key.swapaxes(-1, -2), dtype=wide_dtype(gpu.xp, query.dtype))
    if scores is None:
        return None
    weights = _by_rows(gpu, "attention_weights", scores, (), query.dtype, query.shape[-2] if is_causal else 0, scale)
    y = matmul(gpu, weights, value)
    return None if y is None else (y, weights)


def attention_gradients(
    gpu: Gpu, g: Array, query: Array, key: Array, value: Array, weights: Array, scale: float, masked: bool = False
) -> tuple[Array, Array, Array, None] | None:
    """See `backends.generic.attention.attention_gradients`."""
    if masked or not is_float(g, query, key, value, weights):
        return None
    of_weights = matmul(gpu, g, value.swapaxes(-1, -2), dtype=wide_dtype(gpu.xp, g.dtype))
    if of_weights is None:
        return None
    weights = gpu.xp.ascontiguousarray(weights)
    of_scores = _by_rows(gpu, "attention_slopes", of_weights, (weights,), g.dtype, 0, scale)
    found = (
        matmul(gpu, of_scores, key),
        matmul(gpu, of_scores.swapaxes(-1, -2), query),
        matmul(gpu, weights.swapaxes(-1, -2), g),
    )
    return None if any(v is None for v in found) else (*found, None)


def _by_rows(gpu: Gpu, name: str, x: Array, others: tuple[Array, ...], dtype: Any, queries: int, scale: float) -> Array:
    """Apply a kernel to the rows of a contiguous stack of matrices."""
    y, n = gpu.xp.empty(x.shape, dtype=dtype), x.shape[-1]
    v, rows = gpu.vector(x.dtype, n, arrays=(x,)), prod(x.shape[:-1])
    operands = (x, *others, y, rows, n, queries, float(scale))
    gpu.launch(f"softmax.{name}", (dtype, v), *threads_for_rows(rows, n // v), *operands)
    return y
