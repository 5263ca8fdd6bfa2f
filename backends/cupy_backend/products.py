"""Matrix products by cuBLASLt, with any strides that it supports, also of stacks, and with a bias in the same pass."""

from math import prod
from typing import Any

from backends import precision
from backends.cupy_backend.cublaslt_plans import ALIGNED, TYPES, CublasLt, Layout, Product, layout_of
from backends.cupy_backend.launch import Gpu
from backends.cupy_backend.layouts import name_of
from backends.geometry import Array


def product(gpu: Gpu, a: Array, b: Array) -> Array | None:
    """See `backends.generic.products.product`."""
    return matmul(gpu, a, b)


def linear(gpu: Gpu, x: Array, w: Array, bias: Array) -> Array | None:
    """See `backends.generic.products.linear`."""
    if not _suits(x, w) or bias.dtype != x.dtype or bias.shape != w.shape[:1]:
        return None
    return _multiplied(gpu, x, w.T, gpu.xp.ascontiguousarray(bias))


def dot(gpu: Gpu, a: Array, b: Array, out: Array | None = None) -> Array | None:
    """NumPy's `dot` for vectors and matrices, where it equals `matmul`."""
    return matmul(gpu, a, b, out) if a.ndim in (1, 2) and b.ndim in (1, 2) else None


def matmul(gpu: Gpu, a: Array, b: Array, out: Array | None = None, dtype: Any = None) -> Array | None:
    """NumPy's `matmul`; by CuPy's if `out` is given. dtype: float32 for unrounded sums of 16-bit products."""
    if out is not None or not _suits(a, b):
        return None
    if a.ndim == 1:
        y = matmul(gpu, a[None], b if b.ndim > 1 else b[:, None])
        return None if y is None else y[..., 0, 0] if b.ndim == 1 else y[..., 0, :]
    if b.ndim == 1:
        y = matmul(gpu, a, b[:, None])
        return None if y is None else y[..., 0]
    if a.ndim > 2 and b.ndim == 2:  # one product for all rows
        y = _multiplied(gpu, a.reshape(prod(a.shape[:-1]), a.shape[-1]), b)
        return None if y is None else y.reshape(*a.shape[:-1], b.shape[-1])
    if a.ndim == b.ndim == 2:
        return _multiplied(gpu, a, b, dtype=dtype)
    lead = a.shape[:-2]
    if lead != b.shape[:-2]:
        lead = gpu.xp.broadcast_shapes(lead, b.shape[:-2])
    y = _multiplied(gpu, _stack(gpu, a, lead), _stack(gpu, b, lead), dtype=dtype)
    return y if y is None or len(lead) == 1 else y.reshape(*lead, *y.shape[1:])


def _suits(a: Array, b: Array) -> bool:
    return a.dtype == b.dtype and name_of(a.dtype) in TYPES and a.size > 0 and b.size > 0 and a.ndim > 0 and b.ndim > 0


def _stack(gpu: Gpu, x: Array, lead: tuple[int, ...]) -> Array:
    """Matrices (..., rows, columns) as one stack (count, rows, columns)."""
    if len(lead) == 1 and x.shape[:-2] == lead:
        return x
    count = prod(lead)
    if x.ndim == 2 or prod(x.shape[:-2]) == 1:
        return gpu.xp.broadcast_to(x.reshape(x.shape[-2:]), (count, *x.shape[-2:]))
    return gpu.xp.broadcast_to(x, (*lead, *x.shape[-2:])).reshape(count, *x.shape[-2:])


def _multiplied(gpu: Gpu, a: Array, b: Array, bias: Array | None = None, dtype: Any = None) -> Array | None:
    """The product of two matrices, or of two stacks of equal length."""
    if a.shape[-1] != b.shape[-2]:
        return None  # the generic kernel raises the error
    (a, of_a), (b, of_b) = _described(gpu, a), _described(gpu, b)
    count = a.shape[0] if a.ndim == 3 else 1
    y = gpu.xp.empty((*a.shape[:-1], b.shape[-1]), dtype=dtype or a.dtype)
    aligned = ALIGNED
    for v in (a, b, y, bias):
        if v is not None:
            aligned = min(aligned, gpu.address(v) & -gpu.address(v))
    tf32 = name_of(a.dtype) == "float32" and precision.get_float32_matmul_precision() != "highest"
    sizes = (count, a.shape[-2], b.shape[-1], a.shape[-1])
    key = Product(name_of(a.dtype), *sizes, of_a, of_b, bias is not None, tf32, aligned, name_of(y.dtype))
    return y if gpu.library(CublasLt).run(key, a, b, bias, y) else None


def _described(gpu: Gpu, x: Array) -> tuple[Array, Layout]:
    """A matrix or a stack, copied if necessary, and its layout."""
    layout = layout_of(x)
    if layout is None:
        x = gpu.xp.ascontiguousarray(x)
        rows, columns = x.shape[-2:]
        layout = Layout(False, columns, rows * columns)
    return x, layout
