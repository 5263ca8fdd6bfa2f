"""Attention by cuDNN or by products whose sums stay in float32 until the softmax has read them.

Tensor cores multiply 16-bit operands. Large weights are not kept: their parts are computed again for the gradients.
"""

from collections.abc import Sequence
from math import prod
from typing import Any

from backends.cupy_backend import flash
from backends.cupy_backend.copying import in_c_order
from backends.cupy_backend.launch import Gpu, threads_for_rows
from backends.cupy_backend.layouts import is_float
from backends.cupy_backend.products import matmul
from backends.generic.attention import gradients_in_parts, in_parts
from backends.geometry import Array, wide_dtype

AT_ONCE = 1 << 30  # bytes of weights that are computed at once if there are more: every part costs Python 20 launches


def attention(
    gpu: Gpu, query: Array, key: Array, value: Array, scale: float, is_causal: bool, mask: Array | None = None
) -> tuple[Array, Array | None] | None:
    """See `backends.generic.attention.attention`; by cuDNN, it returns logarithms of sums beside the result."""
    if not is_float(query, key, value, mask):
        return None
    found = flash.attention(gpu, query, key, value, scale, is_causal) if mask is None else None
    if found is not None:
        return found
    query, key, value = _stacks(gpu, query, key, value)

    def attend(query: Array, key: Array, value: Array, mask: Array | None, first: int) -> tuple[Array, Array] | None:
        weights = _weights(gpu, query, key, scale, first if is_causal else None, mask)
        y = None if weights is None else matmul(gpu, weights, value)
        return None if y is None else (y, weights)

    return in_parts(gpu.xp, attend, (query, key, value, mask), is_causal, AT_ONCE)


def attention_gradients(
    gpu: Gpu,
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
    """See `backends.generic.attention.attention_gradients`."""
    if not is_float(g, query, key, value, mask):
        return None
    kept = weights if weights is not None and weights.shape[-1] == key.shape[-2] else None
    if weights is not None and kept is None:
        found = flash.attention_gradients(gpu, g, query, key, value, y, weights, scale, is_causal)
        if found is not None:
            return *found, None
    g, query, key, value = _stacks(gpu, g, query, key, value)
    if kept is not None:
        return _gradients(gpu, g, query, key, value, kept, scale, masked)

    def gradients(g: Array, query: Array, key: Array, value: Array, mask: Array | None, first: int) -> Any:
        weights = _weights(gpu, query, key, scale, first if is_causal else None, mask)
        return None if weights is None else _gradients(gpu, g, query, key, value, weights, scale, masked)

    return gradients_in_parts(gpu.xp, gradients, g, (query, key, value, mask), is_causal, AT_ONCE)


def _stacks(gpu: Gpu, *arrays: Array) -> Sequence[Array]:
    """The arrays as products take them: with several leading axes in C order only."""
    return in_c_order(gpu, *arrays) if arrays[0].ndim > 3 else arrays


def _weights(gpu: Gpu, query: Array, key: Array, scale: float, first: int | None, mask: Array | None) -> Array | None:
    """first: the number of the first query if later keys are ignored."""
    scores = matmul(gpu, query, key.swapaxes(-1, -2), dtype=wide_dtype(gpu.xp, query.dtype))
    if scores is None:
        return None
    return _by_rows(gpu, "attention_weights", scores, (), query.dtype, scale, *_hiding(gpu, scores, first, mask))


def _hiding(gpu: Gpu, scores: Array, first: int | None, mask: Array | None) -> tuple[Any, ...]:
    """What hides keys: the number of queries, that of the first or -1, the mask, and how to find its numbers."""
    queries, first = scores.shape[-2], -1 if first is None else first
    if mask is None:
        return queries, first, None, 1, 0, 0, 0, 0
    whole = flash.by_heads(gpu.xp.broadcast_to(mask, scores.shape))
    return queries, first, whole, whole.shape[1], *[step // mask.dtype.itemsize for step in whole.strides]


def _gradients(
    gpu: Gpu, g: Array, query: Array, key: Array, value: Array, weights: Array, scale: float, masked: bool
) -> tuple[Array, Array, Array, Array | None] | None:
    of_weights = matmul(gpu, g, value.swapaxes(-1, -2), dtype=wide_dtype(gpu.xp, g.dtype))
    if of_weights is None:
        return None
    weights = gpu.xp.ascontiguousarray(weights)
    early, late = (1.0, scale) if masked else (scale, None)  # the gradient of masked scores has no factor
    of_scores = _by_rows(gpu, "attention_slopes", of_weights, (weights,), g.dtype, early)
    of_query, of_key = matmul(gpu, of_scores, key), matmul(gpu, of_scores.swapaxes(-1, -2), query)
    of_value = matmul(gpu, weights.swapaxes(-1, -2), g)
    if of_query is None or of_key is None or of_value is None:
        return None
    if late is not None:
        of_query, of_key = of_query * late, of_key * late
    return of_query, of_key, of_value, of_scores if masked else None


def _by_rows(gpu: Gpu, name: str, x: Array, others: tuple[Array, ...], dtype: Any, scale: float, *rest: Any) -> Array:
    """Apply a kernel to the rows of a contiguous stack of matrices."""
    y, n = gpu.xp.empty(x.shape, dtype=dtype), x.shape[-1]
    v, rows = gpu.vector(x.dtype, n, arrays=(x, *others, y)), prod(x.shape[:-1])
    operands = (x, *others, y, rows, n, float(scale), *rest)
    gpu.launch(f"attention.{name}", (dtype, v), *threads_for_rows(rows, n // v), *operands)
    return y
