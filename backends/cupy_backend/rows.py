"""Softmax, cross-entropy and the normalisation of rows, with a warp or a block for each row."""

from typing import Any

from backends.cupy_backend.launch import Gpu, threads_for, threads_for_columns, threads_for_rows, threads_that_hold
from backends.cupy_backend.layouts import along, empty_like, is_float, laid_out, name_of
from backends.geometry import Array, Sizes, wide_dtype

HOLDING = "softmax.softmax", "softmax.softmax_gradient", "losses.nll"  # kernels that hold rows in registers
PER_BLOCK, MOST_BLOCKS = 1 << 13, 1 << 8  # losses that a block of threads adds up, and blocks


def softmax(gpu: Gpu, x: Array, axis: Any) -> Array | None:
    """See `backends.generic.softmax.softmax`."""
    return _softmax(gpu, x, axis, logarithm=False)


def log_softmax(gpu: Gpu, x: Array, axis: Any) -> Array | None:
    """See `backends.generic.softmax.log_softmax`."""
    return _softmax(gpu, x, axis, logarithm=True)


def softmax_gradient(gpu: Gpu, g: Array, y: Array, axis: Any) -> Array | None:
    """See `backends.generic.softmax.softmax_gradient`."""
    return _softmax_gradient(gpu, g, y, axis, logarithm=False)


def log_softmax_gradient(gpu: Gpu, g: Array, y: Array, axis: Any) -> Array | None:
    """See `backends.generic.softmax.log_softmax_gradient`."""
    return _softmax_gradient(gpu, g, y, axis, logarithm=True)


def _softmax(gpu: Gpu, x: Array, axis: Any, logarithm: bool) -> Array | None:
    if not (is_float(x) and x.size and x.ndim and isinstance(axis, int)):
        return None
    x, outer, n, inner = along(gpu.xp, x, axis)
    y = empty_like(gpu.xp, x)
    _launch(gpu, "softmax.softmax", x.dtype, (logarithm,), (x, y), (outer, n, inner))
    return y


def _softmax_gradient(gpu: Gpu, g: Array, y: Array, axis: Any, logarithm: bool) -> Array | None:
    if not (is_float(g, y) and y.size and y.ndim and isinstance(axis, int)):
        return None
    y, outer, n, inner = along(gpu.xp, y, axis)
    g = laid_out(gpu.xp, g, y)
    dx = empty_like(gpu.xp, y)
    _launch(gpu, "softmax.softmax_gradient", y.dtype, (logarithm,), (g, y, dx), (outer, n, inner))
    return dx


def softmax_nll(
    gpu: Gpu,
    x: Array,
    target: Array,
    ignore_index: int | None,
    reduction: str,
    smoothing: float = 0.0,
    *,
    weight: Array | None = None,
) -> tuple[Array, Array, Array] | None:
    """See `backends.generic.softmax.softmax_nll`."""
    if not (_is_classified(x, target) and is_float(x, weight)):
        return None
    xp, wide, ignored = gpu.xp, wide_dtype(gpu.xp, x.dtype), _ignored(ignore_index)
    x, outer, n, inner = along(xp, x, 1)
    target, weight = _places(xp, x, target), None if weight is None else xp.ascontiguousarray(weight)
    losses, largest, sums = (empty_like(xp, target, dtype) for dtype in (x.dtype, wide, wide))
    operands = (x, target, weight, losses, largest, sums)
    _launch(gpu, "losses.nll", x.dtype, (), operands, (outer, n, inner), ignored, float(smoothing))
    return _total(gpu, losses, target, n, ignored, reduction, weight), largest[:, None], sums[:, None]


def picked_nll(gpu: Gpu, x: Array, target: Array, ignore_index: int | None, reduction: str) -> Array | None:
    """See `backends.generic.softmax.picked_nll`."""
    if not _is_classified(x, target):
        return None
    ignored, (x, *sizes) = _ignored(ignore_index), along(gpu.xp, x, 1)
    target = _places(gpu.xp, x, target)
    losses = empty_like(gpu.xp, target, x.dtype)
    gpu.launch("losses.picked", (x.dtype,), *threads_for(target.size), x, target, losses, *sizes, ignored)
    return _total(gpu, losses, target, sizes[1], ignored, reduction)


def _total(
    gpu: Gpu, losses: Array, target: Array, n: int, ignored: int, reduction: str, weight: Array | None = None
) -> Array:
    """The losses, or their sum, or their mean over the targets that count."""
    if reduction == "none":
        return losses
    return _counted(gpu, losses, target, n, ignored, int(reduction == "mean"), losses.dtype, weight)


def _counted(
    gpu: Gpu,
    losses: Array | None,
    target: Array,
    n: int,
    ignored: int,
    mean: int,
    dtype: Any,
    weight: Array | None = None,
) -> Array:
    """The sum of the losses, or their mean over the targets that count; without losses, what those weigh."""
    blocks = min(MOST_BLOCKS, -(-target.size // PER_BLOCK))
    y, shared = gpu.xp.empty((), dtype=dtype), gpu.shared(blocks, 2, wide_dtype(gpu.xp, dtype))
    operands = (losses, target, weight, *shared, y, target.size, n, ignored, mean)
    types = dtype, dtype if weight is None else weight.dtype
    gpu.launch("losses.nll_total", types, (blocks,), (1024,), *operands)
    return y


def softmax_nll_gradient(
    gpu: Gpu,
    g: Array,
    x: Array,
    target: Array,
    shift: Array,
    total: Array,
    ignore_index: int | None,
    reduction: str,
    smoothing: float = 0.0,
    *,
    weight: Array | None = None,
) -> Array | None:
    """See `backends.generic.softmax.softmax_nll_gradient`."""
    if not (_is_classified(x, target) and is_float(g, x, weight)):
        return None
    xp, ignored = gpu.xp, _ignored(ignore_index)
    x, outer, n, inner = along(xp, x, 1)
    target, largest, sums = (_places(xp, x, v) for v in (target, shift[:, 0], total[:, 0]))
    g = _places(xp, x, g) if reduction == "none" else g
    wide, weight = wide_dtype(xp, x.dtype), None if weight is None else xp.ascontiguousarray(weight)
    valid = _counted(gpu, None, target, n, ignored, 0, wide, weight) if reduction == "mean" else None
    dx = empty_like(xp, x)
    operands = (g, int(reduction == "none"), valid, x, target, weight, largest, sums, dx)
    _launch(gpu, "losses.nll_gradient", x.dtype, (), operands, (outer, n, inner), ignored, float(smoothing))
    return dx


smoothed_nll, smoothed_nll_gradient = softmax_nll, softmax_nll_gradient


def weighted_nll(gpu: Gpu, x: Array, target: Array, weight: Array, *options: Any) -> tuple[Array, Array, Array] | None:
    """See `backends.generic.weighted_loss.weighted_nll`."""
    return softmax_nll(gpu, x, target, *options, weight=weight)


def weighted_nll_gradient(gpu: Gpu, g: Array, x: Array, target: Array, weight: Array, *options: Any) -> Array | None:
    """See `backends.generic.weighted_loss.weighted_nll_gradient`."""
    return softmax_nll_gradient(gpu, g, x, target, *options, weight=weight)


def nll_gradient(
    gpu: Gpu, g: Array, target: Array, shape: Sizes, dtype: Any, ignore_index: int | None, reduction: str
) -> Array | None:
    """See `backends.generic.softmax.nll_gradient`."""
    dx = gpu.xp.zeros(shape, dtype=dtype)
    if not (_is_classified(dx, target) and is_float(g, dx)):
        return None
    ignored, target = _ignored(ignore_index), gpu.xp.ascontiguousarray(target)
    wide = wide_dtype(gpu.xp, dx.dtype)
    valid = _counted(gpu, None, target, shape[1], ignored, 0, wide) if reduction == "mean" else None
    sizes = shape[0], shape[1], target.size // shape[0]
    operands = gpu.xp.ascontiguousarray(g), int(reduction == "none"), valid, target, dx
    gpu.launch("losses.picked_gradient", (dx.dtype,), *threads_for(target.size), *operands, *sizes, ignored)
    return dx


def _ignored(ignore_index: int | None) -> int:
    """The target that is ignored, or a number that is not a target if all count."""
    return -(2**63) if ignore_index is None else ignore_index


def _is_classified(x: Array, target: Array) -> bool:
    return is_float(x) and x.size > 0 and name_of(target.dtype) == "int64"


def _places(xp: Any, x: Array, values: Array) -> Array:
    """Values for each target (N, *S), in the memory order of x (N, C, *S) without the channels."""
    return laid_out(xp, values, x[:, 0])


def _launch(
    gpu: Gpu,
    name: str,
    dtype: Any,
    parameters: tuple[Any, ...],
    arrays: tuple[Any, ...],
    sizes: tuple[int, int, int],
    *options: float,
) -> None:
    """Start "<name>_rows" if the axis is innermost in memory, else "<name>_columns"."""
    outer, n, inner = sizes
    if inner == 1:
        v = gpu.vector(dtype, n, arrays=tuple(a for a in arrays if getattr(a, "size", 0) >= n * outer))
        threads: Any = threads_for_rows(outer, n // v)
        if name in HOLDING:
            *threads, held = threads_that_hold(dtype, outer, n, v)
            parameters = (held, *parameters)
        gpu.launch(f"{name}_rows", (dtype, v, *parameters), *threads, *arrays, outer, n, *options)
    else:
        types = (dtype, *parameters)
        gpu.launch(f"{name}_columns", types, *threads_for(outer * inner), *arrays, *sizes, *options)


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
    v = gpu.vector(x.dtype, n, arrays=(x, y, weight, bias))
    *threads, held = threads_that_hold(x.dtype, rows, n, v)
    operands = (x, weight, bias, y, mean, scale, rows, n, float(eps))
    gpu.launch("rows.normalize_rows", (x.dtype, v, held), *threads, *operands)
    return y, mean, scale


def row_gradients(
    gpu: Gpu, g: Array, x: Array, weight: Array | None, mean: Array | None, scale: Array, needs: tuple[bool, ...]
) -> tuple[Array | None, Array | None, Array | None] | None:
    """See `backends.generic.normalization.row_gradients`."""
    if not (is_float(g, x, weight) and x.size):
        return None
    xp, (rows, n), dx, of_weight, of_bias = gpu.xp, x.shape, None, None, None
    g, x, weight = (v if v is None else xp.ascontiguousarray(v) for v in (g, x, weight))
    if needs[0]:
        dx = xp.empty(x.shape, dtype=x.dtype)
        v = gpu.vector(x.dtype, n, arrays=(g, x, dx, weight))
        *threads, held = threads_that_hold(x.dtype, rows, n, v)
        operands: tuple[Any, ...] = (g, x, weight, mean, scale, dx, rows, n)
        gpu.launch("rows.row_gradients", (x.dtype, v, held), *threads, *operands)
    if needs[1] or needs[2]:
        of_weight, of_bias = (xp.empty((n,), dtype=x.dtype) if need else None for need in needs[1:])
        v = gpu.vector(x.dtype, n, arrays=(g, x))
        grid, block, chunk = threads_for_columns(rows, n // v)
        operands = (g, x, mean, scale, *gpu.shared(grid[1], 2 * n, scale.dtype), of_bias, of_weight, rows, n, chunk)
        gpu.launch("columns.row_parameter_sums", (x.dtype, v), grid, block, *operands)
    return dx, of_weight, of_bias
