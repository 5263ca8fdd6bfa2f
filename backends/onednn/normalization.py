"""Normalisation by the statistics of a batch, with the ReLU in the same pass."""

from math import isnan
from typing import Any

import numpy as np

from backends.buffers import FLOAT32, UINT8, empty, maker
from backends.geometry import Array, Sizes
from backends.numpy_backend import selection
from backends.onednn.choice import active
from backends.onednn.layouts import to_channels_last
from backends.onednn.plans import (
    BACKWARD,
    DIFF_DST,
    DIFF_SCALE,
    DIFF_SHIFT,
    DIFF_SRC,
    DST,
    INFERENCE,
    MEAN,
    OF_WORKSPACE,
    SCALE,
    SHIFT,
    SRC,
    TRAINING,
    VARIANCE,
    WORKSPACE,
    Plan,
    Workshop,
    planned,
)
from backends.settled import Function, for_layout
from backends.strides import channels_last_strides, is_channels_last

SMALL = 1 << 11  # elements: below this NumPy is as fast
GLOBAL_STATISTICS, USE_SCALE, USE_SHIFT, FUSE_RELU = 1, 2, 4, 8


def normalize_batch(
    x: Array, weight: Array | None, bias: Array | None, eps: float, relu: bool
) -> tuple[Array, Array, Array, Any] | None:
    """See `generic.normalization.normalize_batch`; keeps the variance and, for a ReLU, a bit per element."""
    if not _suits(x):
        return None
    plan, channels = forward(x.shape, eps, relu), x.shape[1]
    x = to_channels_last(x)
    weight, bias = parameter(weight, 1, channels), parameter(bias, 0, channels)
    y = empty(x.shape, channels_last_strides(x.shape))
    mean, var = np.empty((2, channels), FLOAT32)
    mask = empty((plan.workspace,), dtype=UINT8) if plan.workspace else None
    plan.run(x, y, mean, var, weight, bias, *(() if mask is None else (mask,)))
    if relu and isnan(var @ weight + np.add.reduce(bias)):  # the fused ReLU would turn NaN into 0
        unfused: Any = normalize_batch(x, weight, bias, eps, False)
        return selection.rectify(unfused[0]), *unfused[1:]
    return y, mean, 1 / np.sqrt(var + FLOAT32.type(eps)), (var, mask)


def batch_gradients(
    g: Array,
    x: Array,
    rectified: Array | None,
    weight: Array | None,
    mean: Array,
    scale: Array,
    kept: Any,
    eps: float,
    wanted: bool,
) -> tuple[Array, Array, Array] | None:
    """See `backends.generic.normalization.batch_gradients`."""
    var, mask = kept or (None, None)
    if not kept or g.dtype != FLOAT32:
        return None
    plan = backward(x.shape, eps, mask is not None)
    if rectified is not None and mask is None:
        g = selection.gate(g, rectified)
    dx = empty(x.shape, channels_last_strides(x.shape))
    g_weight, g_bias = np.empty((2, x.shape[1]), FLOAT32)
    weight = parameter(weight, 1, x.shape[1])
    mean, var, *rest = map(np.ascontiguousarray, (mean, var) if mask is None else (mean, var, mask))
    plan.run(to_channels_last(x), to_channels_last(g), dx, mean, var, weight, g_weight, g_bias, *rest)
    return dx, g_weight, g_bias


def settle_normalize_batch(
    general: Function, x: Array, weight: Array | None, bias: Array | None, eps: float, relu: bool
) -> Function | None:
    """`normalize_batch` of such operands; None if NumPy computes it. general: computes it for all."""
    if not _suits(x):
        return None
    plan, channels = forward(x.shape, eps, relu), x.shape[1]
    if not (_is_image(x) and _is_parameter(weight, channels) and _is_parameter(bias, channels)):
        return general
    make, run, small = maker(x.shape, x.strides), plan.run, FLOAT32.type(eps)
    make_mask = maker((plan.workspace,), dtype=UINT8) if plan.workspace else None

    def call(x: Array, weight: Array, bias: Array, *rest: Any) -> Any:
        y, (mean, var) = make(), np.empty((2, channels), FLOAT32)
        if make_mask is None:
            mask = None
            run(x, y, mean, var, weight, bias)
        else:
            mask = make_mask()
            run(x, y, mean, var, weight, bias, mask)
            if isnan(var @ weight + np.add.reduce(bias)):
                return general(x, weight, bias, *rest)
        return y, mean, 1 / np.sqrt(var + small), (var, mask)

    return for_layout(general, call, x, weight, bias)


def settle_batch_gradients(
    general: Function, g: Array, x: Array, rectified: Array | None, weight: Array | None, mean: Array, scale: Array,
    kept: Any, eps: float, wanted: bool,
) -> Function | None:  # fmt: skip
    """`batch_gradients` of such operands."""
    var, mask = kept or (None, None)
    if not kept or g.dtype != FLOAT32:
        return None
    plan = backward(x.shape, eps, mask is not None)
    parameters = all(_is_parameter(v, x.shape[1]) for v in (weight, mean, var))
    if not (parameters and _is_image(x) and _is_image(g)) or (rectified is not None and mask is None):
        return general
    make, run, channels, masked = maker(x.shape, x.strides), plan.run, x.shape[1], mask is not None

    def call(*operands: Any) -> Any:
        g, x, _, weight, mean, _, (var, mask), *_ = operands
        if masked and mask is None:  # the ReLU was a pass of its own, because of NaN
            return general(*operands)
        dx, (g_weight, g_bias) = make(), np.empty((2, channels), FLOAT32)
        run(x, g, dx, mean, var, weight, g_weight, g_bias, *((mask,) if masked else ()))
        return dx, g_weight, g_bias

    return for_layout(general, call, g, x, None, weight, mean)


def _suits(x: Array) -> bool:
    """Whether oneDNN should normalise this image."""
    return bool(x.dtype == FLOAT32 and x.size >= SMALL and active())


def _is_image(x: Array) -> bool:
    return is_channels_last(x.shape, x.strides) and x.strides == channels_last_strides(x.shape)


def _is_parameter(v: Array | None, channels: int) -> bool:
    return v is not None and v.dtype == FLOAT32 and v.shape == (channels,) and v.flags.c_contiguous


def scale_channels(x: Array, scale: Array, shift: Array | None, relu: bool) -> Array | None:
    """See `backends.generic.normalization.scale_channels`: a normalisation with mean 0 and variance 1."""
    if not _suits(x):
        return None
    plan, channels = scaling(x.shape), x.shape[1]
    x, y = to_channels_last(x), empty(x.shape, channels_last_strides(x.shape))
    mean, var = np.zeros(channels, FLOAT32), np.ones(channels, FLOAT32)
    plan.run(x, y, mean, var, parameter(scale, 1, channels), parameter(shift, 0, channels))
    return selection.rectify(y) if relu else y


def parameter(v: Array | None, default: int, channels: int) -> Array:
    """The scale or shift of channels, or its neutral values if there is none."""
    if v is None:
        return np.full(channels, default, FLOAT32)
    if v.shape != (channels,):
        raise ValueError(f"a normalisation of {channels} channels takes as many factors and summands, not {v.shape}")
    return np.ascontiguousarray(v, FLOAT32)


class _Normalization(Plan):
    """A normalisation, and the number of bytes that its ReLU keeps."""

    workspace = 0


def _described(
    workshop: Workshop, shape: Sizes, eps: float, relu: bool, fixed: bool = False
) -> tuple[Any, Any, int, Any]:
    """Descriptors of an image, of the forward primitive, its flags, and of the values that a ReLU keeps."""
    x = workshop.memory(shape, channels_last_strides(shape))
    flags = USE_SCALE | USE_SHIFT | FUSE_RELU * relu | GLOBAL_STATISTICS * fixed
    desc = workshop.primitive("batch_normalization_forward", TRAINING, x, x, eps, flags)
    workshop.compiled(desc, "batch normalisation of channels that do not fill registers")
    return x, desc, flags, workshop.asked(desc, OF_WORKSPACE)


@planned
def forward(workshop: Workshop, shape: Sizes, eps: float, relu: bool) -> Plan:
    """The plan of a normalisation; operands: x, y, mean, variance, scale, shift, and what a ReLU keeps."""
    x, desc, _, mask = _described(workshop, shape, eps, relu)
    channel = workshop.memory(shape[1:2], (4,))
    rest = [(kind, channel) for kind in (MEAN, VARIANCE, SCALE, SHIFT)] + [(WORKSPACE, mask)] * (mask is not None)
    plan = _Normalization(workshop, desc, (SRC, x), (DST, x), *rest)
    plan.workspace = workshop.size(mask) if mask else 0
    return plan


@planned
def backward(workshop: Workshop, shape: Sizes, eps: float, relu: bool, fixed: bool = False) -> Plan:
    """The plan of the gradients of a normalisation, also by statistics that are `fixed`."""
    x, hint, flags, mask = _described(workshop, shape, eps, relu, fixed)
    desc = workshop.primitive("batch_normalization_backward", BACKWARD, x, x, x, eps, flags, hint)
    channel = workshop.memory(shape[1:2], (4,))
    rest = [(kind, channel) for kind in (MEAN, VARIANCE, SCALE, DIFF_SCALE, DIFF_SHIFT)]
    rest += [(WORKSPACE, mask)] * (mask is not None)
    return Plan(workshop, desc, (SRC, x), (DIFF_DST, x), (DIFF_SRC, x), *rest)


@planned
def scaling(workshop: Workshop, shape: Sizes) -> Plan:
    """The plan of a normalisation by given statistics; operands: x, y, mean, variance, scale, shift."""
    x, channel = workshop.memory(shape, channels_last_strides(shape)), workshop.memory(shape[1:2], (4,))
    flags = GLOBAL_STATISTICS | USE_SCALE | USE_SHIFT
    desc = workshop.primitive("batch_normalization_forward", INFERENCE, x, x, 0.0, flags)
    return Plan(workshop, desc, (SRC, x), (DST, x), *[(kind, channel) for kind in (MEAN, VARIANCE, SCALE, SHIFT)])
