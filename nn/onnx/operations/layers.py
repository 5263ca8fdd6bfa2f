"""Operations of layers: products, convolutions, pooling, normalisation, attention."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd_core.ops.images.taps import cells
from backends.geometry import Geometry, Window
from nn.onnx.writer import OPERATIONS, Ref, Writer, writes

OPERATIONS.update(
    matmul=lambda g, a, b: g("MatMul", a, b),
    linear_relu=lambda g, x, weight, bias=None: g("Relu", _linear(g, x, weight, bias)),
    scale_channels_relu=lambda g, x, scale, shift=None: g("Relu", _scale_channels(g, x, scale, shift)),
)


@writes("euclidean_distances")
def _euclidean_distances(g: Writer, a: Ref, b: Ref) -> Ref:
    away = g("Sub", g("Unsqueeze", a, [-2]), g("Unsqueeze", b, [-3]))
    return g("ReduceL2", away, [-1], keepdims=0)


@writes("linear")
def _linear(g: Writer, x: Ref, weight: Ref, bias: Ref | None = None) -> Ref:
    if x.ndim == weight.ndim == 2:
        return g("Gemm", x, weight, bias, transB=1)
    y = g("MatMul", x, g("Transpose", weight, perm=[1, 0]) if weight.ndim == 2 else weight)
    return y if bias is None else g("Add", y, bias)


def _windows(**lengths: Any) -> dict[str, Any]:
    """Attributes of windows: padding is a number, or a pair, for each axis."""
    pairs = [p if isinstance(p, tuple) else (p, p) for p in lengths.pop("padding")]
    given = {name: [int(k) for k in value] for name, value in lengths.items()}
    return {**given, "pads": [int(p[side]) for side in (0, 1) for p in pairs]}


@writes("convolve")
def _convolve(g: Writer, x: Ref, weight: Ref, bias: Ref | None = None, *, geometry: Geometry) -> Ref:
    stride, padding, dilation, groups = geometry
    windows = _windows(strides=stride, padding=padding, dilations=dilation, kernel_shape=weight.shape[2:])
    return g("Conv", x, weight, bias, group=groups, **windows)


@writes("convolve_relu")
def _convolve_relu(g: Writer, x: Ref, weight: Ref, bias: Ref | None = None, *, geometry: Geometry) -> Ref:
    return g("Relu", _convolve(g, x, weight, bias, geometry=geometry))


@writes("convolve_input")
def _convolve_input(g: Writer, x: Ref, weight: Ref, *, input_shape: Any, geometry: Geometry) -> Ref:
    stride, padding, dilation, groups = geometry
    kernel = weight.shape[2:]
    windows = _windows(strides=stride, padding=padding, dilations=dilation, kernel_shape=kernel)
    low, high = np.split(np.array(windows["pads"]), 2)
    span = np.array(dilation) * (np.array(kernel) - 1) + 1
    least = (np.array(x.shape[2:]) - 1) * stride - low - high + span
    further = (np.array(input_shape[2:]) - least).tolist()
    return g("ConvTranspose", x, weight, group=groups, output_padding=further, **windows)


@writes("max_of_windows")
def _max_of_windows(g: Writer, x: Ref, *, window: Window, ceil_mode: bool) -> Ref:
    kernel, stride, padding, dilation = window
    windows = _windows(strides=stride, padding=padding, dilations=dilation, kernel_shape=kernel)
    return g("MaxPool", x, ceil_mode=int(ceil_mode), **windows)


@writes("max_pool")
def _max_pool(g: Writer, x: Ref, **given: Any) -> tuple[Ref, None]:
    return _max_of_windows(g, x, **given), None  # positions count differently: those of the whole tensor


@writes("max_pool_cells")
def _max_pool_cells(g: Writer, x: Ref, *, output_size: Any) -> tuple[Ref, None]:
    """Cells of uneven size: the largest element of each along one axis after the other."""
    for axis, (n, m) in enumerate(zip(x.shape[2:], output_size, strict=True), start=2):
        at = [axis]
        bounds = [np.array(b, np.int64).reshape(-1, 1) for b in cells(n, m)]
        parts = [g("ReduceMax", g("Slice", x, start, stop, at), at) for start, stop in zip(*bounds, strict=True)]
        x = g("Concat", *parts, axis=axis)
    return x, None


@writes("grid_sample")
def _grid_sample(g: Writer, x: Ref, grid: Ref, *, mode: str, padding_mode: str, align_corners: bool) -> Ref:
    mode = {"bilinear": "linear", "bicubic": "cubic"}.get(mode, mode)
    return g("GridSample", x, grid, mode=mode, padding_mode=padding_mode, align_corners=int(align_corners))


@writes("avg_pool")
def _avg_pool(
    g: Writer, x: Ref, *, window: Window, ceil_mode: bool, count_include_pad: bool, divisor: int | None
) -> Ref:
    windows = _windows(strides=window.stride, padding=window.padding, kernel_shape=window.kernel)
    counted = count_include_pad or divisor is not None
    y = g("AveragePool", x, ceil_mode=int(ceil_mode), count_include_pad=int(counted), **windows)
    return y if divisor is None else g("Mul", y, float(np.prod(window.kernel)) / divisor)


@writes("resample")
def _resample(g: Writer, x: Ref, *, dim: int, taps: Any) -> Ref:
    """A linear map along one axis: a Gather if it picks elements, otherwise a product with its matrix."""
    at = dim % x.ndim
    if len(taps.columns) == 1 and (taps.weights == 1).all() and len(taps.to) == taps.count:
        return g("Gather", x, taps.of[np.argsort(taps.to)].astype(np.int64), axis=at)
    matrix = np.zeros((taps.count, taps.size))
    np.add.at(matrix, (taps.to, taps.of), taps.weights)
    matrix = matrix.astype(x.dtype)
    if at == x.ndim - 2:
        return g("MatMul", matrix, x)
    order = [i for i in range(x.ndim) if i != at] + [at]
    if at != x.ndim - 1:
        x = g("Transpose", x, perm=order)
    y = g("MatMul", x, np.ascontiguousarray(matrix.T))
    return y if at == len(order) - 1 else g("Transpose", y, perm=[int(i) for i in np.argsort(order)])


def _by_channel(g: Writer, x: Ref, v: Ref) -> Ref:
    """A vector of channels, shaped to act on (N, C, ...)."""
    return v if x.ndim == 2 else g("Reshape", v, [1, -1, *[1] * (x.ndim - 2)])


@writes("scale_channels")
def _scale_channels(g: Writer, x: Ref, scale: Ref, shift: Ref | None = None) -> Ref:
    y = g("Mul", x, _by_channel(g, x, scale))
    return y if shift is None else g("Add", y, _by_channel(g, x, shift))


@writes("normalize_rows")
def _normalize_rows(
    g: Writer, x: Ref, weight: Ref | None = None, bias: Ref | None = None, *, dims: int, eps: float, centered: bool
) -> Ref:
    if centered:
        scale = np.ones(x.shape[x.ndim - dims :], x.dtype) if weight is None else weight
        return g("LayerNormalization", x, scale, bias, axis=-dims, epsilon=eps)
    square = g("ReduceMean", g("Mul", x, x), np.arange(-dims, 0), keepdims=1)
    y = g("Div", x, g("Sqrt", g("Add", square, eps)))
    y = y if weight is None else g("Mul", y, weight)
    return y if bias is None else g("Add", y, bias)


@writes("normalize_groups")
def _normalize_groups(
    g: Writer, x: Ref, weight: Ref | None = None, bias: Ref | None = None, *, groups: int, eps: float
) -> Ref:
    parts = g("Reshape", x, [0, groups, -1])
    y = g("InstanceNormalization", parts, np.ones(groups, x.dtype), np.zeros(groups, x.dtype), epsilon=eps)
    y = g("Reshape", y, np.array([0, *x.shape[1:]], np.int64))
    y = y if weight is None else g("Mul", y, _by_channel(g, x, weight))
    return y if bias is None else g("Add", y, _by_channel(g, x, bias))


@writes("normalize_batch")
def _normalize_batch(
    g: Writer, x: Ref, weight: Ref | None = None, bias: Ref | None = None, *, eps: float, relu: bool
) -> tuple[Ref, None, None]:
    """Statistics of the batch itself, as without running statistics."""
    axes = [0, *range(2, x.ndim)]
    away = g("Sub", x, g("ReduceMean", x, axes, keepdims=1))
    variance = g("ReduceMean", g("Mul", away, away), axes, keepdims=1)
    y = g("Div", away, g("Sqrt", g("Add", variance, eps)))
    y = y if weight is None else g("Mul", y, _by_channel(g, x, weight))
    y = y if bias is None else g("Add", y, _by_channel(g, x, bias))
    return g("Relu", y) if relu else y, None, None


@writes("attend")
def _attend(
    g: Writer, query: Ref, key: Ref, value: Ref, mask: Ref | None = None, *, scale: float, is_causal: bool
) -> Ref:
    *first, a, b = range(key.ndim)
    scores = g("MatMul", g("Mul", query, scale), g("Transpose", key, perm=[*first, b, a]))
    if is_causal:
        visible = np.tril(np.ones((query.shape[-2], key.shape[-2]), bool))
        scores = g("Where", visible, scores, np.asarray(-np.inf, query.dtype))
    if mask is not None:
        scores = g("Add", scores, mask)
    return g("MatMul", g("Softmax", scores, axis=-1), value)
