"""Convolution and its two adjoints, in one to three spatial dimensions.

Images are channels-last in memory: plain (N, C, *S) takes oneDNN two to six times as long, and its faster blocked
layouts would have to be converted for all other operations. Kernels keep their layout and are reordered by every call,
which takes microseconds.
"""

from math import prod
from typing import Any

import numpy as np

from backends.buffers import FLOAT32, maker
from backends.geometry import Array, Geometry, Sizes, channels_first, channels_last, check_gradient, convolution_sizes
from backends.onednn.choice import multiplies
from backends.onednn.layouts import as_float32, can_be_described, canonical, to_channels_last
from backends.onednn.plans import OF_DIFF_WEIGHTS, OF_WEIGHTS, RELU, SUM, TRAINING, Plan, Workshop, dims, planned, state
from backends.settled import Function, Prepared, prepared
from backends.strides import channels_last_strides, dense

DIRECT = 1
SMALL = 1 << 9  # multiplications: from here the plans pay, of which every new shape needs three of 0.2 ms
WIDE = 16  # channels from which kernels based on matrix products (brg) are the fastest; measured
MANY = 1 << 13  # pairs of channels from which AVX2 computes gradients of kernels faster by columns; measured


class _Convolution(Plan):
    """A convolution or one of its adjoints, and the plan that converts kernels to or from its layout.

    make: makes an array for the result.
    """

    reorder: Plan | None = None
    weights_size = 0

    def __init__(self, workshop: Workshop, desc: Any, make: Function, **operands: Any) -> None:
        super().__init__(workshop, desc, **operands)
        self.make = make

    def image(self, x: Array, w: Array, _: Any = None, bias: Array | None = None) -> Array:
        """The image that kernels make of another one."""
        return self.onto(self.make(), x, w, None, bias)

    def onto(self, y: Array, x: Array, w: Array, _: Any = None, bias: Array | None = None) -> Array:
        """The same, in an array that exists."""
        if self.reorder is not None:
            inside = state.lend(self.weights_size, "weights")
            self.reorder.run(w, inside)
            w = inside
        self.run(x, w, y, *(() if bias is None else (bias,)))
        if self.reorder is not None:
            state.workspaces["weights"] = w
        return y

    def kernels(self, g: Array, x: Array) -> Array:
        """The gradient of kernels."""
        dw: Array = self.make()
        if self.reorder is None:
            self.run(x, g, dw)
        else:
            inside = state.lend(self.weights_size, "weights")
            self.run(x, g, inside)
            self.reorder.run(inside, dw)
            state.workspaces["weights"] = inside
        return dw


def _suits(x: Array, other: Array, w_shape: Sizes, bias: Array | None = None) -> bool:
    """Whether oneDNN should compute with this image, or its gradient, another operand, and kernels of this shape."""
    large = x.size > 0 and x.ndim == len(w_shape) and x.size // x.shape[1] * prod(w_shape) >= SMALL
    added = bias is None or (bias.shape, bias.dtype) == (w_shape[:1], other.dtype)
    return large and added and multiplies(x, other)


@prepared
def convolve(x: Array, w: Array, geometry: Geometry, bias: Array | None = None, relu: bool = False) -> Prepared:
    """See `backends.generic.im2col.convolve`."""
    if not _suits(x, w, w.shape, bias):
        return None
    if _spans(x.shape, w.shape, geometry):
        return convolve.prepare(_joined(x), _joined_kernels(w), _plain(geometry), bias, relu)
    plan, operands = _planned_forward(x, w, geometry, bias, RELU if relu else ())
    return plan.image, operands


def _planned_forward(
    x: Array, w: Array, geometry: Geometry, bias: Array | None, steps: tuple[Any, ...]
) -> tuple[_Convolution, tuple[Any, ...]]:
    """A convolution with steps behind it, and its operands as it reads them."""
    x, w, bias = to_channels_last(x), _described(w), bias if bias is None else np.ascontiguousarray(bias)
    plan = _forward(x.dtype, x.shape, w.shape, as_float32(w), geometry, bias is not None, steps)
    return plan, (x, w, None, bias)


@prepared
def convolve_relu(x: Array, w: Array, geometry: Geometry, bias: Array | None = None) -> Prepared:
    """max(convolve(...), 0); for few channels a second pass is faster than a ReLU within the convolution."""
    return convolve.prepare(x, w, geometry, bias, True) if _is_wide(w.shape, geometry.groups) else None


@prepared
def convolve_onto(
    y: Array, x: Array, w: Array, geometry: Geometry, bias: Array | None = None, relu: bool = False
) -> Prepared:
    """y + convolve(...), or max(that, 0), in place of y."""
    if not (_suits(x, w, w.shape, bias) and _is_wide(w.shape, geometry.groups)) or _spans(x.shape, w.shape, geometry):
        return None
    shape = (x.shape[0], w.shape[0], *convolution_sizes(x.shape, w.shape, geometry))
    if not x.dtype == y.dtype == FLOAT32 or (y.shape, y.strides) != (shape, channels_last_strides(shape, 4)):
        return None
    plan, operands = _planned_forward(x, w, geometry, bias, (SUM, *RELU) if relu else (SUM,))
    return plan.onto, (y, *operands)


@prepared
def convolve_input(g: Array, w: Array, x_shape: Sizes, geometry: Geometry) -> Prepared:
    """See `backends.generic.im2col.convolve_input`."""
    if not _suits(g, w, w.shape):
        return None
    if _spans(x_shape, w.shape, geometry):
        call, operands = convolve_input.prepare(g, _joined_kernels(w), _joined_shape(x_shape), _plain(geometry))
        parted = x_shape[0], *x_shape[2:], x_shape[1]
        return lambda *operands: channels_first(channels_last(call(*operands)).reshape(parted)), operands
    g, w = to_channels_last(g), _described(w)
    return _input(g.dtype, x_shape, g.shape, w.shape, as_float32(w), geometry).image, (g, w)


@prepared
def convolve_weight(g: Array, x: Array, w_shape: Sizes, geometry: Geometry) -> Prepared:
    """See `backends.generic.im2col.convolve_weight`."""
    if not _suits(g, x, w_shape):
        return None
    if _spans(x.shape, w_shape, geometry):
        call, operands = convolve_weight.prepare(g, _joined(x), _joined_shape(w_shape), _plain(geometry))
        return lambda *operands: _parted_kernels(call(*operands), w_shape), operands
    plan = _weight(x.dtype, x.shape, g.shape, w_shape, geometry)
    return plan.kernels, (to_channels_last(g), to_channels_last(x))


def _spans(x_shape: Sizes, w_shape: Sizes, geometry: Geometry) -> bool:
    """Whether kernels are as wide as an image of few channels, as over the embeddings of words.

    Neighbouring pixels of a row are then like channels, of which there are enough for kernels based on matrix products.
    """
    _, padding, dilation, groups = geometry
    whole = WIDE <= w_shape[-1] == x_shape[-1] and dilation[-1] == 1 and not padding[-1]
    return whole and w_shape[1] < WIDE and groups == 1


def _plain(geometry: Geometry) -> Geometry:
    return geometry._replace(stride=(*geometry.stride[:-1], 1))


def _joined_shape(shape: Sizes) -> Sizes:
    """(N, C, *S, W) as (N, W * C, *S, 1)."""
    return shape[0], shape[1] * shape[-1], *shape[2:-1], 1


def _joined(x: Array) -> Array:
    """An image (N, C, *S, W) as (N, W * C, *S, 1)."""
    return channels_first(channels_last(to_channels_last(x)).reshape(x.shape[0], *x.shape[2:-1], 1, -1))


def _joined_kernels(w: Array) -> Array:
    """Kernels (O, C, *K, W) as (O, W * C, *K, 1)."""
    last = w.ndim - 1
    return w.transpose(0, last, *range(1, last)).reshape(w.shape[0], -1, *w.shape[2:-1], 1)


def _parted_kernels(w: Array, shape: Sizes) -> Array:
    """The inverse of `_joined_kernels`."""
    return np.ascontiguousarray(np.moveaxis(w.reshape(shape[0], shape[-1], *shape[1:-1]), 1, -1))


def _described(w: Array) -> Array:
    return w if can_be_described(w.shape, as_float32(w)) else np.ascontiguousarray(w)


def _image(workshop: Workshop, dtype: Any, shape: Sizes) -> Any:
    return workshop.memory(shape, channels_last_strides(shape), dtype)


def _grouped(shape: Sizes, groups: int) -> Sizes:
    """Kernels (O, C / groups, *K) as (groups, O / groups, C / groups, *K)."""
    return shape if groups == 1 else (groups, shape[0] // groups, *shape[1:])


def _kernels(workshop: Workshop, dtype: Any, shape: Sizes, strides: Sizes, groups: int) -> Any:
    strides = canonical(shape, strides)
    if groups > 1:
        strides = (strides[0] * (shape[0] // groups), *strides)
    return workshop.memory(_grouped(shape, groups), strides, dtype)


def _steps(geometry: Geometry) -> tuple[Any, ...]:
    stride, padding, dilation, _ = geometry
    return dims(stride), dims(d - 1 for d in dilation), dims(padding), dims(padding)


@planned
def _forward(
    workshop: Workshop,
    dtype: Any,
    x_shape: Sizes,
    w_shape: Sizes,
    w_strides: Sizes,
    geometry: Geometry,
    biased: bool,
    steps: tuple[Any, ...],
) -> Plan:
    out = convolution_sizes(x_shape, w_shape, geometry)
    shape = (x_shape[0], w_shape[0], *out)
    x, y = _image(workshop, dtype, x_shape), _image(workshop, dtype, shape)
    bias = workshop.memory((w_shape[0],), (4,), dtype) if biased else None
    desc = workshop.primitive(
        "convolution_forward",
        TRAINING,
        DIRECT,
        x,
        workshop.any_layout(_grouped(w_shape, geometry.groups), dtype),
        bias,
        y,
        *_steps(geometry),
        attributes=workshop.attributes(*steps),
        avoid="ref" if _is_wide(w_shape, geometry.groups) else "brg",
    )
    inside = workshop.asked(desc, OF_WEIGHTS)
    make = maker(shape, channels_last_strides(shape, dtype.itemsize), dtype)
    plan = _Convolution(workshop, desc, make, src=x, weights=inside, dst=y, bias=bias)
    _reordered(workshop, plan, inside, _kernels(workshop, dtype, w_shape, w_strides, geometry.groups), into=True)
    return plan


def _reordered(workshop: Workshop, plan: _Convolution, inside: Any, outside: Any, into: bool) -> None:
    """Let a plan reorder kernels if its layout differs."""
    if not workshop.same(inside, outside):
        plan.weights_size = workshop.size(inside)
        plan.reorder = workshop.reorder(outside, inside) if into else workshop.reorder(inside, outside)


def _is_wide(w_shape: Sizes, groups: int) -> bool:
    """Whether there are enough channels for kernels based on matrix products."""
    return min(w_shape[0] // groups, w_shape[1]) >= WIDE


def _of_adjoint(
    workshop: Workshop, name: str, dtype: Any, x_shape: Sizes, g_shape: Sizes, w_shape: Sizes, geometry: Geometry
) -> tuple[Any, Any, Any, Any]:
    """The operands of an adjoint, and the forward primitive that it requires, whose choice does not affect it."""
    out = convolution_sizes(x_shape, w_shape, geometry)
    check_gradient(name, g_shape, (x_shape[0], w_shape[0], *out))
    x, g = _image(workshop, dtype, x_shape), _image(workshop, dtype, g_shape)
    weights = workshop.any_layout(_grouped(w_shape, geometry.groups), dtype)
    hint = workshop.primitive("convolution_forward", TRAINING, DIRECT, x, weights, None, g, *_steps(geometry))
    return x, g, weights, hint


@planned
def _input(
    workshop: Workshop, dtype: Any, x_shape: Sizes, g_shape: Sizes, w_shape: Sizes, w_strides: Sizes, geometry: Geometry
) -> Plan:
    x, g, weights, hint = _of_adjoint(workshop, "convolve_input", dtype, x_shape, g_shape, w_shape, geometry)
    avoid, steps = "brgconv_strided" if _is_wide(w_shape, geometry.groups) else "brg", _steps(geometry)
    desc = workshop.primitive("convolution_backward_data", DIRECT, x, weights, g, *steps, hint, avoid=avoid)
    inside = workshop.asked(desc, OF_WEIGHTS)
    make = maker(x_shape, channels_last_strides(x_shape, dtype.itemsize), dtype)
    plan = _Convolution(workshop, desc, make, diff_dst=g, weights=inside, diff_src=x)
    _reordered(workshop, plan, inside, _kernels(workshop, dtype, w_shape, w_strides, geometry.groups), into=True)
    return plan


@planned
def _weight(workshop: Workshop, dtype: Any, x_shape: Sizes, g_shape: Sizes, w_shape: Sizes, geometry: Geometry) -> Plan:
    x, g, weights, hint = _of_adjoint(workshop, "convolve_weight", dtype, x_shape, g_shape, w_shape, geometry)
    avoid, steps = "jit:avx2" if prod(w_shape[:2]) // geometry.groups >= MANY else "ref", _steps(geometry)
    desc = workshop.primitive("convolution_backward_weights", DIRECT, x, weights, None, g, *steps, hint, avoid=avoid)
    inside = workshop.asked(desc, OF_DIFF_WEIGHTS)
    plan = _Convolution(workshop, desc, maker(w_shape, None, dtype), src=x, diff_dst=g, diff_weights=inside)
    _reordered(workshop, plan, inside, _kernels(workshop, dtype, w_shape, dense(w_shape), geometry.groups), into=False)
    return plan
