"""Softmax, cross-entropy and the normalisation of rows: a warp or a block for each row."""

from typing import Any

from backends.cupy_backend.launch import Gpu, threads_for, threads_for_columns, threads_for_rows
from backends.cupy_backend.layouts import alike, along, empty_like, is_float
from backends.cupy_backend.normalization import add_parts
from backends.geometry import Array, wide_dtype


def softmax(gpu: Gpu, x: Array, axis: int) -> Array | None:
    """exp(x) / Σ exp(x) along an axis."""
    return _softmax(gpu, x, axis, logarithm=False)


def log_softmax(gpu: Gpu, x: Array, axis: int) -> Array | None:
    """log(softmax(x)) along an axis."""
    return _softmax(gpu, x, axis, logarithm=True)


def softmax_gradient(gpu: Gpu, g: Array, y: Array, axis: int) -> Array | None:
    """The gradient of `softmax` in x, from its result y."""
    return _softmax_gradient(gpu, g, y, axis, logarithm=False)


def log_softmax_gradient(gpu: Gpu, g: Array, y: Array, axis: int) -> Array | None:
    """The gradient of `log_softmax` in x, from its result y."""
    return _softmax_gradient(gpu, g, y, axis, logarithm=True)


def _softmax(gpu: Gpu, x: Array, axis: int, logarithm: bool) -> Array | None:
    if not (is_float(x) and x.size and x.ndim):
        return None
    x, outer, n, inner = along(gpu.xp, x, axis)
    y = empty_like(gpu.xp, x)
    _launch(gpu, "softmax", x.dtype, (logarithm,), (x, y), (outer, n, inner))
    return y


def _softmax_gradient(gpu: Gpu, g: Array, y: Array, axis: int, logarithm: bool) -> Array | None:
    if not (is_float(g, y) and y.size and y.ndim):
        return None
    y, outer, n, inner = along(gpu.xp, y, axis)
    g = _as(gpu.xp, g, y)
    dx = empty_like(gpu.xp, y)
    _launch(gpu, "softmax_gradient", y.dtype, (logarithm,), (g, y, dx), (outer, n, inner))
    return dx


def softmax_nll(gpu: Gpu, x: Array, target: Array, ignore_index: int, reduction: str) -> Array | None:
    """-log softmax(x)[target] along axis 1, and its sum or mean over the targets that count."""
    if not _is_classified(x, target):
        return None
    xp = gpu.xp
    x, outer, n, inner = along(xp, x, 1)
    target = _places(xp, x, target)
    losses = empty_like(xp, target, x.dtype)
    _launch(gpu, "nll", x.dtype, (), (x, target, losses), (outer, n, inner), ignore_index)
    if reduction == "none":
        return losses
    y = xp.empty((), dtype=x.dtype)
    operands = (losses, target, y, target.size, ignore_index, int(reduction == "mean"))
    gpu.launch("softmax.nll_total", (x.dtype,), (1,), (1024,), *operands)
    return y


def softmax_nll_gradient(
    gpu: Gpu, g: Array, x: Array, target: Array, ignore_index: int, reduction: str
) -> Array | None:
    """The gradient of `softmax_nll` in x."""
    if not (_is_classified(x, target) and is_float(g, x)):
        return None
    xp, valid = gpu.xp, None
    x, outer, n, inner = along(xp, x, 1)
    target = _places(xp, x, target)
    g = _as(xp, g, target) if reduction == "none" else g
    if reduction == "mean":
        valid = xp.empty((), dtype=wide_dtype(xp, x.dtype))
        operands = (target, valid, target.size, ignore_index)
        gpu.launch("softmax.nll_count", (valid.dtype,), (1,), (1024,), *operands)
    dx = empty_like(xp, x)
    arrays = (g, int(reduction == "none"), valid, x, target, dx)
    _launch(gpu, "nll_gradient", x.dtype, (), arrays, (outer, n, inner), ignore_index)
    return dx


def _is_classified(x: Array, target: Array) -> bool:
    return is_float(x) and x.size > 0 and target.dtype.name == "int64"


def _places(xp: Any, x: Array, target: Array) -> Array:
    """Targets (N, *S), in the order in memory of x (N, C, *S) without its channels."""
    return _as(xp, target, x[:, 0])


def _as(xp: Any, x: Array, like: Array) -> Array:
    """x with its axes in memory in the order of those of `like`, which has its shape; a copy where needed."""
    y = empty_like(xp, like, x.dtype)
    if alike(x, y):
        return x
    y[...] = x
    return y


def _launch(
    gpu: Gpu,
    name: str,
    dtype: Any,
    parameters: tuple[Any, ...],
    arrays: tuple[Any, ...],
    sizes: tuple[int, int, int],
    *options: int,
) -> None:
    """Start "<name>_rows" where the axis lies innermost in memory, else "<name>_columns"."""
    outer, n, inner = sizes
    if inner == 1:
        v = gpu.vector(dtype, n, arrays=tuple(a for a in arrays if not isinstance(a, int)))
        threads = threads_for_rows(outer, n // v)
        gpu.launch(f"softmax.{name}_rows", (dtype, v, *parameters), *threads, *arrays, outer, n, *options)
    else:
        types = (dtype, *parameters)
        gpu.launch(f"softmax.{name}_columns", types, *threads_for(outer * inner), *arrays, *sizes, *options)


def normalize_rows(
    gpu: Gpu, x: Array, weight: Array | None, bias: Array | None, eps: float, centered: bool
) -> tuple[Array, Array | None, Array] | None:
    """See `backends.generic.normalization.normalize_rows`."""
    if not (is_float(x, weight, bias) and x.size):
        return None
    xp, wide, (rows, n) = gpu.xp, wide_dtype(gpu.xp, x.dtype), x.shape
    x, weight, bias = (v if v is None else xp.ascontiguousarray(v) for v in (x, weight, bias))
    y, scale = xp.empty(x.shape, dtype=x.dtype), xp.empty((rows, 1), dtype=wide)
    mean = xp.empty((rows, 1), dtype=wide) if centered else None
    v = gpu.vector(x.dtype, n, arrays=(x, y))
    threads = threads_for_rows(rows, n // v)
    gpu.launch("rows.normalize_rows", (x.dtype, v), *threads, x, weight, bias, y, mean, scale, rows, n, float(eps))
    return y, mean, scale


def row_gradients(
    gpu: Gpu,
    g: Array,
    x: Array,
    weight: Array | None,
    mean: Array | None,
    scale: Array,
    needs: tuple[bool, ...],
) -> tuple[Array | None, Array | None, Array | None] | None:
    """See `backends.generic.normalization.row_gradients`."""
    if not (is_float(g, x, weight) and x.size):
        return None
    xp, (rows, n), dx, of_weight, of_bias = gpu.xp, x.shape, None, None, None
    g, x, weight = (v if v is None else xp.ascontiguousarray(v) for v in (g, x, weight))
    if needs[0]:
        dx = xp.empty(x.shape, dtype=x.dtype)
        v = gpu.vector(x.dtype, n, arrays=(g, x, dx))
        threads = threads_for_rows(rows, n // v)
        gpu.launch("rows.row_gradients", (x.dtype, v), *threads, g, x, weight, mean, scale, dx, rows, n)
    if needs[1] or needs[2]:
        of_weight, of_bias = (xp.empty((n,), dtype=x.dtype) if need else None for need in needs[1:])
        grid, block, chunk = threads_for_columns(rows, n)
        parts = xp.empty((grid[1], n, 2), dtype=wide_dtype(xp, x.dtype))
        operands = (g, x, mean, scale, parts, rows, n, chunk)
        gpu.launch("columns.row_parameter_sums", (x.dtype,), grid, block, *operands)
        add_parts(gpu, parts, None, of_bias, of_weight)
    return dx, of_weight, of_bias
