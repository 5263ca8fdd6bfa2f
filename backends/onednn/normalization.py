"""Normalisation by the statistics of a batch, with the ReLU in the same pass."""

from math import isnan
from typing import Any

import numpy as np

from backends.buffers import FLOAT32, UINT8, maker
from backends.geometry import Array, Sizes
from backends.numpy_backend import selection
from backends.numpy_backend.normalization import lies_in_planes
from backends.onednn.choice import multiplies
from backends.onednn.layouts import to_channels_last
from backends.onednn.plans import BACKWARD, INFERENCE, OF_WORKSPACE, TRAINING, Plan, Workshop, planned
from backends.settled import Prepared, prepared
from backends.strides import channels_last_strides

SMALL = 1 << 11  # elements: below this NumPy is as fast
LARGE = 1 << 18  # elements of an image in C order, from which copying it costs less than what follows gains
UNFILLED = "batch normalisation of channels that do not fill registers"
GLOBAL_STATISTICS, USE_SCALE, USE_SHIFT, FUSE_RELU = 1, 2, 4, 8
OF_CHANNELS = "mean", "variance", "scale", "shift"


@prepared
def normalize_batch(x: Array, weight: Array | None, bias: Array | None, eps: float, relu: bool) -> Prepared:
    """See `generic.normalization.normalize_batch`; keeps the variance and, for a ReLU, a bit per element."""
    if not _suits(x):
        return None
    plan, channels = forward(x.shape, eps, relu, x.dtype), x.shape[1]
    return plan.normalized, (to_channels_last(x), parameter(weight, 1, channels), parameter(bias, 0, channels))


@prepared
def batch_gradients(
    g: Array, x: Array, rectified: Array | None, weight: Array | None, mean: Array, scale: Array,
    kept: Any, eps: float, wanted: bool,
) -> Prepared:  # fmt: skip
    """See `backends.generic.normalization.batch_gradients`."""
    if not kept or g.dtype != x.dtype:
        return None
    masked = kept[1] is not None
    if rectified is not None and not masked:
        g = selection.gate(g, rectified)
    if not all(v is None or v.flags.c_contiguous for v in kept):
        kept = [v if v is None else np.ascontiguousarray(v) for v in kept]
    plan = backward(x.shape, eps, masked, False, x.dtype)
    weight, mean = parameter(weight, 1, x.shape[1]), np.ascontiguousarray(mean)
    return plan.gradients, (to_channels_last(g), to_channels_last(x), None, weight, mean, None, kept)


def _suits(x: Array) -> bool:
    """Whether oneDNN should normalise this image."""
    return bool(x.size >= SMALL and multiplies(x, x))


def scale_channels(x: Array, scale: Array, shift: Array | None, relu: bool) -> Array | None:
    """See `backends.generic.normalization.scale_channels`: a normalisation with mean 0 and variance 1."""
    if not _suits(x) or (x.size < LARGE and lies_in_planes(x)):
        return None
    plan, channels = scaling(x.shape, x.dtype), x.shape[1]
    x, y = to_channels_last(x), plan.make()
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
    """A normalisation, or its gradients; operands: images, values of channels, and perhaps what a ReLU keeps."""

    def __init__(
        self,
        workshop: Workshop,
        desc: Any,
        shape: Sizes,
        dtype: Any,
        eps: float,
        mask: Any,
        images: tuple[str, ...],
        channels: tuple[str, ...],
    ) -> None:
        x, channel = _image(workshop, shape, dtype), workshop.memory(shape[1:2], (4,))
        super().__init__(workshop, desc, **dict.fromkeys(images, x), **dict.fromkeys(channels, channel), workspace=mask)
        self.make, self.channels = maker(shape, channels_last_strides(shape, dtype.itemsize), dtype), shape[1]
        self.eps, self.added = eps, FLOAT32.type(eps)
        self.make_mask = None if mask is None else maker((workshop.size(mask),), dtype=UINT8)

    def normalized(self, x: Array, weight: Array, bias: Array) -> Any:
        """The image, the means, the factors, and what else the gradients need."""
        y, (mean, var), mask = self.make(), np.empty((2, self.channels), FLOAT32), None
        if self.make_mask is None:
            self.run(x, y, mean, var, weight, bias)
        else:
            mask = self.make_mask()
            self.run(x, y, mean, var, weight, bias, mask)
            if isnan(var @ weight + np.add.reduce(bias)):  # the fused ReLU would turn NaN into 0
                unfused: Any = normalize_batch(x, weight, bias, self.eps, False)
                return selection.rectify(unfused[0]), *unfused[1:]
        return y, mean, 1 / np.sqrt(var + self.added), (var, mask)

    def gradients(self, g: Array, x: Array, _: Any, weight: Array, mean: Array, __: Any, kept: Any) -> Any:
        """Those of the image, the weight and the bias."""
        var, mask = kept
        if mask is None is not self.make_mask:  # the ReLU was a pass of its own, because of NaN
            return None
        dx, (g_weight, g_bias) = self.make(), np.empty((2, self.channels), FLOAT32)
        self.run(x, g, dx, mean, var, weight, g_weight, g_bias, *(() if mask is None else (mask,)))
        return dx, g_weight, g_bias


def _image(workshop: Workshop, shape: Sizes, dtype: Any) -> Any:
    return workshop.memory(shape, channels_last_strides(shape), dtype)


def _described(workshop: Workshop, x: Any, eps: float, relu: bool, fixed: bool = False) -> tuple[Any, int, Any]:
    """Descriptors of the forward primitive, its flags, and of the values that a ReLU keeps."""
    flags = USE_SCALE | USE_SHIFT | FUSE_RELU * relu | GLOBAL_STATISTICS * fixed
    desc = workshop.primitive("batch_normalization_forward", TRAINING, x, x, eps, flags)
    workshop.compiled(desc, UNFILLED)
    return desc, flags, workshop.asked(desc, OF_WORKSPACE)


@planned
def forward(workshop: Workshop, shape: Sizes, eps: float, relu: bool, dtype: Any = FLOAT32) -> Plan:
    """The plan of a normalisation; operands: x, y, mean, variance, scale, shift, and what a ReLU keeps."""
    desc, _, mask = _described(workshop, _image(workshop, shape, dtype), eps, relu)
    return _Normalization(workshop, desc, shape, dtype, eps, mask, ("src", "dst"), OF_CHANNELS)


@planned
def backward(
    workshop: Workshop, shape: Sizes, eps: float, relu: bool, fixed: bool = False, dtype: Any = FLOAT32
) -> Plan:
    """The plan of the gradients of a normalisation, also by statistics that are `fixed`."""
    x = _image(workshop, shape, dtype)
    hint, flags, mask = _described(workshop, x, eps, relu, fixed)
    desc = workshop.primitive("batch_normalization_backward", BACKWARD, x, x, x, eps, flags, hint)
    of_channels = "mean", "variance", "scale", "diff_scale", "diff_shift"
    return _Normalization(workshop, desc, shape, dtype, eps, mask, ("src", "diff_dst", "diff_src"), of_channels)


@planned
def scaling(workshop: Workshop, shape: Sizes, dtype: Any = FLOAT32) -> Plan:
    """The plan of a normalisation by given statistics; operands: x, y, mean, variance, scale, shift."""
    x, flags = _image(workshop, shape, dtype), GLOBAL_STATISTICS | USE_SCALE | USE_SHIFT
    desc = workshop.primitive("batch_normalization_forward", INFERENCE, x, x, 0.0, flags)
    workshop.compiled(desc, UNFILLED)
    return _Normalization(workshop, desc, shape, dtype, 0.0, None, ("src", "dst"), OF_CHANNELS)
