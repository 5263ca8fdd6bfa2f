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
from backends.settled import Prepared, prepared
from backends.strides import channels_last_strides

SMALL = 1 << 11  # elements: below this NumPy is as fast
GLOBAL_STATISTICS, USE_SCALE, USE_SHIFT, FUSE_RELU = 1, 2, 4, 8


@prepared
def normalize_batch(x: Array, weight: Array | None, bias: Array | None, eps: float, relu: bool) -> Prepared:
    """See `generic.normalization.normalize_batch`; keeps the variance and, for a ReLU, a bit per element."""
    if not _suits(x):
        return None
    plan, channels, small = forward(x.shape, eps, relu), x.shape[1], FLOAT32.type(eps)
    make, run = maker(x.shape, channels_last_strides(x.shape)), plan.run
    make_mask = maker((plan.workspace,), dtype=UINT8) if plan.workspace else None

    def call(x: Array, weight: Array, bias: Array, *_: Any) -> Any:
        y, (mean, var) = make(), np.empty((2, channels), FLOAT32)
        if make_mask is None:
            mask = None
            run(x, y, mean, var, weight, bias)
        else:
            mask = make_mask()
            run(x, y, mean, var, weight, bias, mask)
        if relu and isnan(var @ weight + np.add.reduce(bias)):  # the fused ReLU would turn NaN into 0
            unfused: Any = normalize_batch(x, weight, bias, eps, False)
            return selection.rectify(unfused[0]), *unfused[1:]
        return y, mean, 1 / np.sqrt(var + small), (var, mask)

    return call, (to_channels_last(x), parameter(weight, 1, channels), parameter(bias, 0, channels))


@prepared
def batch_gradients(
    g: Array, x: Array, rectified: Array | None, weight: Array | None, mean: Array, scale: Array,
    kept: Any, eps: float, wanted: bool,
) -> Prepared:  # fmt: skip
    """See `backends.generic.normalization.batch_gradients`."""
    if not kept or g.dtype != FLOAT32:
        return None
    channels, masked = x.shape[1], kept[1] is not None
    if rectified is not None and not masked:
        g = selection.gate(g, rectified)
    make, run = maker(x.shape, channels_last_strides(x.shape)), backward(x.shape, eps, masked).run

    def call(g: Array, x: Array, _: Any, weight: Array, mean: Array, __: Any, kept: Any, *___: Any) -> Any:
        var, mask = kept
        if masked and mask is None:  # the ReLU was a pass of its own, because of NaN
            return None
        dx, (g_weight, g_bias) = make(), np.empty((2, channels), FLOAT32)
        run(x, g, dx, mean, var, weight, g_weight, g_bias, *((mask,) if masked else ()))
        return dx, g_weight, g_bias

    if not all(v is None or v.flags.c_contiguous for v in kept):
        kept = [v if v is None else np.ascontiguousarray(v) for v in kept]
    weight, mean = parameter(weight, 1, channels), np.ascontiguousarray(mean)
    return call, (to_channels_last(g), to_channels_last(x), None, weight, mean, None, kept)


def _suits(x: Array) -> bool:
    """Whether oneDNN should normalise this image."""
    return bool(x.dtype == FLOAT32 and x.size >= SMALL and active())


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
