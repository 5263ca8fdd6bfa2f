"""Normalisation by the statistics of a batch or of a row, and its gradients, for every array library."""

from math import prod
from typing import Any

from backends.geometry import Array, Sizes, wide_dtype

# The first argument of each is the namespace, with its kernels.


def normalize_batch(
    xp: Any, kernels: Any, x: Array, weight: Array | None, bias: Array | None, eps: float, relu: bool
) -> tuple[Array, Array, Array, Any]:
    """Zero mean and unit variance of each channel of x (N, C, *S), then scale, shift, and optionally a ReLU.

    Returns the result, the mean and 1/√(var + eps) of each channel, and further values that `batch_gradients` may use.
    For 16-bit x these are float32.
    """
    (axes, shape), n, dtype = around(x.shape), count(x.shape), x.dtype
    x = x.astype(wide_dtype(xp, dtype), copy=False)
    mean = x.sum(axis=axes) / n
    d = x - mean.reshape(shape)
    scale = 1 / xp.sqrt((d * d).sum(axis=axes) / n + eps)
    d *= (scale if weight is None else scale * weight).reshape(shape)
    if bias is not None:
        d += bias.reshape(shape)
    return (kernels.rectify(d) if relu else d).astype(dtype, copy=False), mean, scale, None


def batch_gradients(
    xp: Any,
    kernels: Any,
    g: Array,
    x: Array,
    rectified: Array | None,
    weight: Array | None,
    mean: Array,
    scale: Array,
    kept: Any,
    eps: float,
    wanted: bool,
) -> tuple[Array | None, Array, Array]:
    """The gradients of `normalize_batch` in x (None unless wanted), weight and bias, which share their sums.

    rectified: the result, if a ReLU was its last step. kept: the last value that `normalize_batch` returned. The
    equations are those of section 3 of Ioffe and Szegedy 2015.
    """
    (axes, shape), n = around(x.shape), count(x.shape)
    if rectified is not None:
        g = kernels.gate(g, rectified)
    d, dtype = (x - mean.reshape(shape)) * scale.reshape(shape), x.dtype
    g_bias, g_weight = g.sum(axis=axes), (g * d).sum(axis=axes)
    if not wanted:
        return None, g_weight, g_bias
    d = d * (g_weight / -n).reshape(shape)  # not in place: g may be batched while x is not
    d += g
    d -= (g_bias / n).reshape(shape)
    d *= (scale if weight is None else scale * weight).reshape(shape)
    return d.astype(dtype, copy=False), g_weight, g_bias


def scale_channels(xp: Any, kernels: Any, x: Array, scale: Array, shift: Array | None, relu: bool) -> Array:
    """x (N, C, *S) times a factor for each channel, plus a shift, and optionally a ReLU."""
    shape = around(x.shape)[1]
    y = x * scale.reshape(shape)
    if shift is not None:
        y += shift.reshape(shape)
    return (kernels.rectify(y) if relu else y).astype(x.dtype, copy=False)


def normalize_rows(
    xp: Any, kernels: Any, x: Array, weight: Array | None, bias: Array | None, eps: float, centered: bool
) -> tuple[Array, Array | None, Array]:
    """Zero mean (unless not `centered`) and unit mean square of each row of a matrix, then scale and shift.

    Returns the result, the mean (or None) and 1/√(mean square + eps) of each row, as columns.
    """
    n, mean = max(x.shape[1], 1), None
    if centered:
        mean = xp.add.reduce(x, axis=1, keepdims=True) / n
        x = x - mean
    scale = 1 / xp.sqrt(xp.einsum("ri,ri->r", x, x)[:, None] / n + eps)
    y = x * scale
    if weight is not None:
        y *= weight
    if bias is not None:
        y += bias
    return y, mean, scale


def row_gradients(
    xp: Any,
    kernels: Any,
    g: Array,
    x: Array,
    weight: Array | None,
    mean: Array | None,
    scale: Array,
    needs: tuple[bool, ...],
) -> tuple[Array | None, Array | None, Array | None]:
    """The gradients of `normalize_rows` in x, weight and bias, those that are needed (Ba et al. 2016)."""
    n = max(x.shape[1], 1)
    normal = (x if mean is None else x - mean) * scale
    g_weight = xp.einsum("ri,ri->i", g, normal) if needs[1] else None
    g_bias = xp.add.reduce(g, axis=0) if needs[2] else None
    if not needs[0]:
        return None, g_weight, g_bias
    g = g if weight is None else g * weight
    normal = normal * (xp.einsum("ri,ri->r", g, normal)[:, None] / -n)  # as above
    normal += g
    if mean is not None:
        normal -= xp.add.reduce(g, axis=1, keepdims=True) / n
    normal *= scale
    return normal, g_weight, g_bias


def normalize_groups(
    xp: Any, kernels: Any, x: Array, weight: Array | None, bias: Array | None, groups: int, eps: float
) -> tuple[Array, Array, Array]:
    """Zero mean and unit variance of each group of channels of x (N, C, *S), then scale and shift of each channel.

    Returns the result, and the mean and 1/√(var + eps) of each group of each sample, as columns.
    """
    rows, mean, scale = kernels.normalize_rows(x.reshape(of_groups(x.shape, groups)), None, None, eps, True)
    y = rows.reshape(x.shape[0] * x.shape[1], prod(x.shape[2:]))
    if kernels.fused is not None and weight is not None and bias is not None:
        columns = (v.reshape(around(x.shape)[1]) for v in (weight, bias))
        shifted = kernels.fused(_scaled_and_shifted, rows.reshape(x.shape), *columns)
        if shifted is not None:
            return shifted, mean, scale
    if weight is not None:
        y = kernels.multiply(y, _repeated(xp, weight, len(x)))
    if bias is not None:
        y = kernels.add(y, _repeated(xp, bias, len(x)))
    return y.reshape(x.shape), mean, scale


def group_gradients(
    xp: Any,
    kernels: Any,
    g: Array,
    x: Array,
    weight: Array | None,
    mean: Array,
    scale: Array,
    groups: int,
    needs: tuple[bool, ...],
) -> tuple[Array | None, Array | None, Array | None]:
    """The gradients of `normalize_groups` in x, weight and bias, those that are needed."""
    rows, (axes, shape), dx = x.reshape(of_groups(x.shape, groups)), around(x.shape), None
    g_weight = None
    if needs[1]:
        terms = kernels.fused and kernels.fused(_times_normal, g.reshape(rows.shape), rows, mean, scale)
        terms = _times_normal(xp, g.reshape(rows.shape), rows, mean, scale) if terms is None else terms
        g_weight = terms.reshape(x.shape).sum(axis=axes)
    g_bias = g.sum(axis=axes) if needs[2] else None
    if needs[0]:
        g = g if weight is None else g * weight.reshape(shape)
        dx, _, _ = kernels.row_gradients(g.reshape(rows.shape), rows, None, mean, scale, (True, False, False))
        dx = dx.reshape(x.shape)
    return dx, g_weight, g_bias


def _repeated(xp: Any, values: Array, times: int) -> Array:
    """A vector repeated as a whole, as a column."""
    return xp.broadcast_to(values, (times, *values.shape)).reshape(-1, 1)


def _scaled_and_shifted(xp: Any, x: Array, weight: Array, bias: Array) -> Array:
    return x * weight + bias


def _times_normal(xp: Any, g: Array, x: Array, mean: Array, scale: Array) -> Array:
    return g * ((x - mean) * scale)


def of_groups(shape: Sizes, groups: int) -> tuple[int, int]:
    """The shape of a matrix with a row for each group of each sample."""
    return shape[0] * groups, prod(shape[1:]) // groups


def around(shape: Sizes) -> tuple[Sizes, Sizes]:
    """All axes but the channels, and the shape in which a vector of channels broadcasts."""
    return (0, *range(2, len(shape))), (1, shape[1], *(1,) * (len(shape) - 2))


def count(shape: Sizes) -> int:
    """The number of elements in each channel, at least 1, to divide by."""
    return max(shape[0] * prod(shape[2:]), 1)
