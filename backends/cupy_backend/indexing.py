"""Accumulation of rows at indices that may repeat."""

from math import prod
from typing import Any

from backends import determinism
from backends.cupy_backend.launch import Gpu, threads_for
from backends.cupy_backend.layouts import is_float
from backends.geometry import Array, Sizes, wide_dtype


def add_at(gpu: Gpu, shape: Sizes, dtype: Any, index: Any, values: Array) -> Array | None:
    """See `backends.generic.indexing.add_at`; for one array of row indices."""
    xp = gpu.xp
    named = index[0] if isinstance(index, tuple) and len(index) == 1 else index
    if getattr(getattr(named, "dtype", None), "name", "") not in ("int32", "int64") or not named.ndim:
        return None
    if not (is_float(values) and values.dtype == dtype and values.shape == (*named.shape, *shape[1:])):
        return None
    rows, width = shape[0], prod(shape[1:])
    numbers, values = xp.ascontiguousarray(named).reshape(-1), xp.ascontiguousarray(values)
    if determinism.wanted():
        numbers = numbers % rows if rows else numbers
        order, y = xp.argsort(numbers, kind="stable"), xp.zeros(shape, dtype=dtype)
        block = (min(256, max(32, -(-width // 32) * 32)), 1)
        types = (values.dtype, numbers.dtype)
        gpu.launch(
            "scatter.add_sorted_rows", types, (numbers.size,), block, values, numbers, order, y, numbers.size, width
        )
        return y
    y = xp.zeros(shape, dtype=wide_dtype(xp, values.dtype))
    types = (values.dtype, numbers.dtype)
    gpu.launch("scatter.add_rows", types, *threads_for(values.size), values, numbers, y, numbers.size, rows, width)
    return y.astype(dtype, copy=False)
