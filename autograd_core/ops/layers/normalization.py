"""Normalisation of each channel: batch and instance normalisation."""

import math
from typing import Any

import numpy as np

from autograd_core import dtypes, functional
from autograd_core.engine.libraries import LAYERS, LIBRARY, depth_of
from autograd_core.engine.versions import record_write, record_writes
from autograd_core.errors import DeviceError, DtypeError, InplaceError, OperandError
from autograd_core.kinds import CHANNELWISE, NORMALIZATION
from autograd_core.ops.layers.group_norm import group_norm
from autograd_core.ops.reductions.reduction import in_dtype
from autograd_core.registry import Interval, Values, composition, op, sample
from backends.generic.normalization import around, count


def _around(x):
    return around(x.shape)


def _recorded_rule(xp, g, x, rectified, weight, eps):
    """The fast rule in terms of the input, with recomputed statistics, so that they are differentiated too."""
    (dims, shape), n = _around(x), count(x.shape)
    if rectified is not None:
        g = xp.gate(g, rectified)
    d = x - xp.sum(x, dim=dims, keepdim=True) / n
    scale = xp.rsqrt(xp.sum(d * d, dim=dims, keepdim=True) / n + eps)
    normal = d * scale
    g_bias = xp.sum(g, dim=dims, keepdim=True)
    g_weight = xp.sum(g * normal, dim=dims, keepdim=True)
    slope = scale if weight is None else scale * xp.reshape(weight, shape=shape)
    flat = (x.shape[1],)
    dx = slope * (g - g_bias / n - normal * (g_weight / n))
    return dx, None if weight is None else xp.reshape(g_weight, shape=flat), xp.reshape(g_bias, shape=flat)


def _channels(x, v):
    return v.reshape(_around(x)[1])


def _slow_batch(x, weight, bias, eps=1e-5, relu=False):
    dims, shape = _around(x)
    mean, var = x.mean(dims, keepdims=True), x.var(dims, keepdims=True)
    y = (x - mean) / np.sqrt(var + eps)
    y = y if weight is None else y * weight.reshape(shape) + bias.reshape(shape)
    return np.maximum(y, 0) if relu else y, mean.reshape(-1), 1 / np.sqrt(var + eps).reshape(-1)


@op(NORMALIZATION, symbol="batch norm", outputs=("output", "mean", "scale"), detached=("mean", "scale"), promotes=False,
    tolerance=1e-10, residuals=("rectified", "kept"),
    samples=(sample((4, 3), (3,), (3,)),
             sample((2, 2, 3, 2), (2,), (2,), eps=1e-2),
             sample((3, 2, 4), None, None),
             sample((3, 3), Values((3,), Interval(1, 2)), Values((3,), Interval(-0.1, 0.1)), relu=True),
             sample((2, 0, 3), (0,), (0,))),
    reference=_slow_batch,
    joint=lambda xp, g, input, rectified, weight, mean, scale, kept, eps, needs: xp.kernels.batch_gradients(
        g[0], input, rectified, weight, mean, scale, kept, eps, needs[0]),
    composite=lambda xp, g, input, rectified, weight, eps: _recorded_rule(xp, g[0], input, rectified, weight, eps))
def normalize_batch(xp, input, weight=None, bias=None, *, eps=1e-5, relu=False):
    """Zero mean and unit variance of each channel of (N, C, ...), then scale, shift, and optionally ReLU.

    Also returns the mean and 1/√(var + eps) of each channel. For 16-bit input the statistics are float32, and weight
    and bias may be.
    """
    y, mean, scale, kept = xp.kernels.normalize_batch(input, weight, bias, eps, relu)
    return (y, mean, scale), y if relu else None, kept


def _scaled(x, scale, shift=None):
    return x * _channels(x, scale) + (0 if shift is None else _channels(x, shift))


SCALED: dict[str, Any] = {
    "method": False,
    "promotes": False,
    "real_only": True,
    "samples": (
        sample((2, 3), (3,), (3,)),
        sample((2, 2, 3, 2), (2,), None),
        sample((2, 3, 2), Values((3,), Interval(1, 2)), Values((3,), Interval(-0.1, 0.1))),
        sample((2, 0, 3), (0,), (0,)),
    ),
    "vjp": (
        lambda xp, g, input_dtype, scale: in_dtype(xp, xp.scale_channels(g, scale), input_dtype),
        lambda xp, g, input, scale_dtype: xp.sum(in_dtype(xp, g, scale_dtype) * input, dim=_around(input)[0]),
        lambda xp, g, shift_dtype: xp.sum(in_dtype(xp, g, shift_dtype), dim=around(g.shape)[0]),
    ),
}


@op(CHANNELWISE, symbol="×c+c", reference=_scaled, **SCALED)
def scale_channels(xp, input, scale, shift=None):
    """input (N, C, ...) times a factor for each channel, plus a shift."""
    return xp.kernels.scale_channels(input, scale, shift, False)


@op(CHANNELWISE, symbol="relu(×c+c)", reference=lambda *args: np.maximum(_scaled(*args), 0),
    before=lambda xp, g, y: xp.gate(g, y), **SCALED)
def scale_channels_relu(xp, input, scale, shift=None):
    """relu of `scale_channels`."""
    return xp.kernels.scale_channels(input, scale, shift, True)


def _fitting(parameter, dtype):
    """A parameter in the dtype of the input, or in float32 if that has 16 bits."""
    wide = np.dtype(np.float32) if dtype.itemsize == 2 else dtype
    return parameter if parameter is None or parameter.dtype in (dtype, wide) else parameter.to(wide)


def _single(parameter):
    """A parameter in float32 if it has 16 bits: factors and summands of channels are not rounded."""
    return parameter if parameter is None or parameter.dtype.itemsize > 2 else parameter.to(np.float32)


def _require_floats(name, input):
    if input.dtype.kind in dtypes.EXACT:
        raise DtypeError(f"{name}() takes floating point elements, not {input.dtype}; convert them: x.float()")


def _require_channels(function, shape, *given):
    for name, v in zip(("running_mean", "running_var", "weight", "bias"), given, strict=True):
        if v is not None and v.shape != shape:
            raise OperandError(f"{function}(): {name} must have the channels' shape {shape}, not {v.shape}")


def _require_together(name, input, *others):
    """What is not an operand of an operation, such as running statistics, must be on the device of the input too."""
    kind = getattr(input, "array", input).__class__
    for v in others:
        if v is not None and getattr(v, "array", v).__class__ is not kind and v.device != input.device:
            raise DeviceError(f"{name}(): the input is on {input.device}, but a buffer on {v.device}; move the model")


def _normalized(input, weight, bias, eps, relu=False):
    """`normalize_batch`; samples of vmap that share the input share its statistics, whatever their parameters are."""
    inner = max(depth_of(getattr(p, "array", p)) for p in (weight, bias)) if LAYERS else 0
    if not inner or inner <= depth_of(input.array):
        return normalize_batch(input, weight, bias, eps=eps, relu=relu)
    y, mean, scale = normalize_batch(input, eps=eps)
    weight = functional.ones_like(bias) if weight is None else weight
    return (scale_channels_relu if relu else scale_channels)(y, weight, bias), mean, scale


def _by_channels(input, running_mean, running_var, weight, bias, training, momentum, eps, counted, relu):
    shape = tuple(input.shape)
    if shape == (0,):  # no samples, with any number of channels
        _count(counted)
        return functional.clone(input)
    if len(shape) < 2:
        raise OperandError(f"batch_norm() takes (N, C, ...), not a tensor of shape {input.shape}")
    _require_floats("batch_norm", input)
    if eps < 0 or (training and eps == 0):
        raise ValueError(f"batch_norm(): eps must be positive, but is {eps}")
    _require_channels("batch_norm", shape[1:2], running_mean, running_var, weight, bias)
    _require_together("batch_norm", input, running_mean, running_var, counted)
    weight, bias = (_fitting(p, input.dtype) for p in (weight, bias))
    if not training:
        if running_mean is None or running_var is None:
            raise RuntimeError("batch_norm() needs running_mean and running_var, or training=True")
        running_mean, running_var, weight, bias = map(_single, (running_mean, running_var, weight, bias))
        scale = functional.rsqrt(running_var + eps)
        scale = scale if weight is None else scale * weight
        shift = -running_mean * scale if bias is None else bias - running_mean * scale
        return (scale_channels_relu if relu else scale_channels)(input, scale, shift)
    if math.prod((shape[0], *shape[2:])) == 1:
        raise OperandError(
            f"batch_norm() in training needs more than one value per channel; input has shape {input.shape}. "
            "Use a larger batch, or model.eval()"
        )
    y, mean, scale = _normalized(input, weight, bias, eps, relu)
    if input.numel():
        _track(running_mean, running_var, mean.array, scale.array, count(shape), momentum, eps, counted)
    else:
        _count(counted)
    return y


def _slow_batch_norm(x, mean, var, weight=None, bias=None, training=False, momentum=0.1, eps=1e-5):
    if training:
        return _slow_batch(x, weight, bias, eps)[0]
    return (x - _channels(x, mean)) / np.sqrt(_channels(x, var) + eps) * _channels(x, weight) + _channels(x, bias)


BY_BATCH_AND_RUNNING = (
    sample((4, 3), None, None, (3,), (3,), training=True),
    sample((2, 3, 2), (3,), Values((3,), Interval(0.5, 2)), (3,), (3,)),
    sample((2, 0, 3), None, None, (0,), (0,), training=True),
)


@composition(NORMALIZATION, reference=_slow_batch_norm, samples=BY_BATCH_AND_RUNNING)
def batch_norm(
    input, running_mean=None, running_var=None, weight=None, bias=None, training=False, momentum=0.1, eps=1e-5, *,
    num_batches_tracked=None,
):
    """Batch normalisation of (N, C, ...), channel by channel (Ioffe and Szegedy 2015).

    Training uses the statistics of the batch and updates the running ones with `momentum` (the variance unbiased), and
    adds 1 to `num_batches_tracked`; otherwise the running ones are used.
    """
    return _by_channels(
        input, running_mean, running_var, weight, bias, training, momentum, eps, num_batches_tracked, False
    )


@composition(NORMALIZATION, samples=BY_BATCH_AND_RUNNING,
             reference=lambda *args, **given: np.maximum(_slow_batch_norm(*args, **given), 0))
def batch_norm_relu(
    input, running_mean=None, running_var=None, weight=None, bias=None, training=False, momentum=0.1, eps=1e-5, *,
    num_batches_tracked=None,
):
    """relu of `batch_norm`, in the same pass over memory."""
    return _by_channels(
        input, running_mean, running_var, weight, bias, training, momentum, eps, num_batches_tracked, True
    )


def _count(counted):
    if counted is not None:
        counted.array += 1  # nothing is recorded: add_() would take five times as long
        record_write(counted.array)


def _track(running_mean, running_var, mean, scale, n, momentum, eps, counted=None):
    """Update the running statistics, if any, with those of n elements; `mean` and `scale` are arrays."""
    kernel = None if mean.__class__ in LAYERS else LIBRARY[mean.__class__].kernels.track
    if kernel is not None and running_mean is not None and running_var is not None:
        written = running_mean.array, running_var.array, *([] if counted is None else [counted.array])
        if kernel(mean, scale, n, momentum, eps, *written):
            record_writes(written)
            return
    _count(counted)
    if running_mean is not None:
        _move(running_mean, mean, momentum)
    if running_var is not None:
        with np.errstate(all="ignore"):  # of a channel with non-finite elements
            var = LIBRARY[scale.__class__].maximum(1 / (scale * scale) - eps, 0)  # which rounding makes negative
            _move(running_var, var * (n / max(n - 1, 1)), momentum)


def _move(running, value, momentum):
    """Update with the mean over samples, if each has its own statistics."""
    if value.shape != running.shape:
        value = value.reshape(-1, *running.shape).mean(axis=0)
    if value.__class__ in LAYERS and running.array.__class__ is not value.__class__:
        raise InplaceError(
            "running statistics that all samples of vmap share cannot be updated inside it; "
            "func.replace_all_batch_norm_modules_(model) makes the model do without them"
        )
    step = value.astype(running.array.dtype, copy=False) - running.array
    running.array += getattr(momentum, "array", momentum) * step
    record_write(running.array)


def _slow_instances(x, mean=None, var=None, weight=None, bias=None, use_input_stats=True, eps=1e-5):
    def normal(sample):
        return _slow_batch(sample[None], weight, np.zeros(x.shape[1]) if bias is None else bias, eps)[0][0]

    if use_input_stats:
        return np.array([normal(sample) for sample in x]).reshape(x.shape)
    return (x - _channels(x, mean)) / np.sqrt(_channels(x, var) + eps)


@composition(NORMALIZATION, tolerance=1e-10, real_only=True, reference=_slow_instances,
             samples=(sample((2, 3, 4), None, None, (3,), (3,)),
                      sample((2, 2, 2, 2), eps=1e-2),
                      sample((2, 3, 2), (3,), Values((3,), Interval(0.5, 2)), use_input_stats=False),
                      sample((0, 3, 2), None, None, (3,), (3,))))
def instance_norm(
    input, running_mean=None, running_var=None, weight=None, bias=None, use_input_stats=True, momentum=0.1, eps=1e-5
):
    """Normalisation of each channel of each sample of (N, C, ...) (Ulyanov et al. 2016).

    It uses the statistics of the input, whose mean over the samples updates the running ones with `momentum`; or, with
    use_input_stats=False, the running ones.
    """
    if not use_input_stats:
        if running_mean is None or running_var is None:
            raise OperandError("instance_norm() with use_input_stats=False needs running_mean and running_var")
        return batch_norm(input, running_mean, running_var, weight, bias, False, momentum, eps)
    if input.ndim < 2:
        raise OperandError(f"instance_norm() takes (N, C, ...), not a tensor of shape {input.shape}")
    _require_floats("instance_norm", input)
    _require_channels("instance_norm", tuple(input.shape[1:2]), running_mean, running_var, weight, bias)
    _require_together("instance_norm", input, running_mean, running_var)
    n, channels, *rest = input.shape
    if math.prod(rest) == 1:
        raise OperandError(f"instance_norm() needs more than one value per channel; input has shape {input.shape}")
    weight, bias = (_fitting(p, input.dtype) for p in (weight, bias))
    if running_mean is running_var is None:
        return group_norm(input, max(channels, 1), weight, bias, eps)
    weight, bias = (p if p is None else functional.ravel(functional.expand(p, (n, channels))) for p in (weight, bias))
    y, mean, scale = _normalized(functional.reshape(input, (1, n * channels, *rest)), weight, bias, eps)
    if input.numel():
        _track(running_mean, running_var, mean.array, scale.array, math.prod(rest), momentum, eps)
    return functional.reshape(y, input.shape)
