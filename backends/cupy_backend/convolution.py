"""Convolution and its two gradients by cuDNN, in one to three spatial dimensions.

Images and kernels are brought into channels-last memory, as tensor cores expect; kernels are stored in PyTorch's layout
and copied by every call, which is cheap compared with the images.
"""

from typing import Any

from backends import determinism, precision
from backends.cupy_backend.cudnn_plans import TYPES, Convolution, Cudnn
from backends.cupy_backend.launch import Gpu
from backends.cupy_backend.layouts import name_of
from backends.geometry import Array, Geometry, Sizes, channels_first, channels_last, check_gradient, convolution_sizes

NARROW = 8  # channels of 16-bit images that tensor cores read at once: cuDNN would pad fewer on each call


def convolve(gpu: Gpu, x: Array, w: Array, geometry: Geometry, bias: Array | None = None) -> Array | None:
    """See `backends.generic.im2col.convolve`."""
    if not _suits(x, w) or (bias is not None and bias.dtype != x.dtype):
        return None
    out = convolution_sizes(x.shape, w.shape, geometry)
    xs, ws = _widened(gpu, x, geometry.groups), _widened(gpu, w, geometry.groups)
    y = gpu.xp.empty((x.shape[0], *out, w.shape[0]), dtype=x.dtype)
    key = _key("y", xs, ws, y, geometry, bias is not None)
    operands = (xs, ws) if bias is None else (xs, ws, gpu.xp.ascontiguousarray(bias))
    return channels_first(y) if gpu.library(Cudnn).run(key, *operands, y) else None


def convolve_input(gpu: Gpu, g: Array, w: Array, x_shape: Sizes, geometry: Geometry) -> Array | None:
    """See `backends.generic.im2col.convolve_input`."""
    out = convolution_sizes(x_shape, w.shape, geometry)
    check_gradient("convolve_input", g.shape, (x_shape[0], w.shape[0], *out))
    g = g.astype(w.dtype, copy=False)
    if not _suits(g, w):
        return None
    gs, ws = _widened(gpu, g, 0), _widened(gpu, w, geometry.groups)
    dx = gpu.xp.empty((x_shape[0], *x_shape[2:], ws.shape[-1] * geometry.groups), dtype=g.dtype)
    key = _key("x", dx, ws, gs, geometry, False)
    return channels_first(dx)[:, : x_shape[1]] if gpu.library(Cudnn).run(key, gs, ws, dx) else None


def convolve_weight(gpu: Gpu, g: Array, x: Array, w_shape: Sizes, geometry: Geometry) -> Array | None:
    """See `backends.generic.im2col.convolve_weight`."""
    out = convolution_sizes(x.shape, w_shape, geometry)
    check_gradient("convolve_weight", g.shape, (x.shape[0], w_shape[0], *out))
    g = g.astype(x.dtype, copy=False)
    if not _suits(g, x):
        return None
    xs, gs = _widened(gpu, x, geometry.groups), _widened(gpu, g, 0)
    dw = gpu.xp.empty((w_shape[0], *w_shape[2:], xs.shape[-1] // geometry.groups), dtype=g.dtype)
    key = _key("w", xs, dw, gs, geometry, False)
    if not gpu.library(Cudnn).run(key, xs, gs, dw):
        return None
    kernels = channels_first(dw)
    return kernels if kernels.shape == w_shape else kernels[:, : w_shape[1]]


def _suits(a: Array, b: Array) -> bool:
    return a.dtype == b.dtype and name_of(a.dtype) in TYPES and a.size > 0 and b.size > 0 and 3 <= a.ndim <= 5


def _widened(gpu: Gpu, x: Array, groups: int) -> Array:
    """An image or kernels (N, C, *S) as contiguous (N, *S, C); few 16-bit channels are padded with zeros."""
    pixels = channels_last(x)
    if x.dtype.itemsize > 2 or groups != 1 or x.shape[1] >= NARROW:
        return gpu.xp.ascontiguousarray(pixels)
    wide = gpu.xp.zeros((*pixels.shape[:-1], NARROW), dtype=x.dtype)
    wide[..., : x.shape[1]] = pixels
    return wide


def _key(result: str, x: Array, w: Array, y: Array, geometry: Geometry, biased: bool) -> Convolution:
    """The key of a convolution of channels-last arrays; one-dimensional signals are images of one row."""
    stride, padding, dilation, _ = geometry
    line = x.ndim == 3
    if line:
        padding, stride, dilation = (0, *padding), (1, *stride), (1, *dilation)
    strict = name_of(x.dtype) == "float32" and precision.get_float32_matmul_precision() == "highest"
    shapes = {name: _shape(a.shape, line) for name, a in (("x", x), ("w", w), ("y", y))}
    return Convolution(
        result,
        name_of(x.dtype),
        **shapes,
        padding=padding,
        stride=stride,
        dilation=dilation,
        biased=biased,
        strict=strict,
        deterministic=determinism.wanted(),
    )


def _shape(shape: Sizes, line: bool) -> Sizes:
    """(N, *S, C) as (N, C, *S)."""
    sizes: Any = shape[1:-1]
    return (shape[0], shape[-1], *((1,) if line else ()), *sizes)
