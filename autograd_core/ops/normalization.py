"""Normalisation by statistics of each channel: of a batch, or of each of its samples."""

import math

import numpy as np

from autograd_core import functional
from autograd_core.errors import OperandError
from autograd_core.kinds import NORMALIZATION
from autograd_core.registry import Interval, Values, composition, op, sample
from autograd_core.tensor import no_grad
from autograd_core.versions import record_write

REAL = Interval(-2, 2)


def _around(x):
    """All axes but the channels, and the shape in which channels broadcast."""
    return (0, *range(2, x.ndim)), (1, x.shape[1], *(1,) * (x.ndim - 2))


def _count(x):
    """How many elements of each channel there are; 1 where there are none, to divide by."""
    return max(x.shape[0] * math.prod(x.shape[2:]), 1)


def _fast_rule(xp, g, x, weight, mean, scale, needs):
    """Ioffe and Szegedy 2015, the equations of section 3, with the sums shared."""
    dims, shape = _around(x)
    normal = (x - mean.reshape(shape)) * scale.reshape(shape)
    g_bias = xp.sum(g, dim=dims)
    g_weight = xp.sum(g * normal, dim=dims)
    if not needs[0]:
        return None, g_weight, g_bias
    n = _count(x)
    slope = scale if weight is None else scale * weight
    d = normal * (g_weight / -n).reshape(shape)
    d += g
    d -= (g_bias / n).reshape(shape)
    d *= slope.reshape(shape)
    return d, g_weight, g_bias


def _recorded_rule(xp, g, x, weight, eps):
    """The same in terms of the input, with the statistics computed again, so that they are differentiated too."""
    dims, shape = _around(x)
    n = _count(x)
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


def _reference(x, weight, bias, eps=1e-5):
    dims, shape = _around(x)
    mean, var = x.mean(dims, keepdims=True), x.var(dims, keepdims=True)
    y = (x - mean) / np.sqrt(var + eps)
    y = y if weight is None else y * weight.reshape(shape) + bias.reshape(shape)
    return y, mean.reshape(-1), 1 / np.sqrt(var + eps).reshape(-1)


@op(
    NORMALIZATION,
    symbol="batch norm",
    domain=REAL,
    outputs=("output", "mean", "scale"),
    detached=("mean", "scale"),
    method=False,
    wide=True,
    samples=(
        sample((4, 3), (3,), (3,)),
        sample((2, 2, 3, 2), (2,), (2,), eps=1e-2),
        sample((3, 2, 4), None, None),
        sample((2, 0, 3), (0,), (0,)),
    ),
    reference=_reference,
    tolerance=1e-10,
    joint=lambda xp, g, input, weight, mean, scale, eps, needs: _fast_rule(xp, g[0], input, weight, mean, scale, needs),
    composite=lambda xp, g, input, weight, eps: _recorded_rule(xp, g[0], input, weight, eps),
)
def normalize_batch(xp, input, weight=None, bias=None, *, eps=1e-5):
    """Zero mean and unit variance of each channel of (N, C, ...), then scale and shift.

    Also the mean and 1/√(var + eps) of each channel.
    """
    (dims, shape), n = _around(input), _count(input)
    mean = input.sum(axis=dims) / n
    d = input - mean.reshape(shape)
    scale = 1 / xp.sqrt((d * d).sum(axis=dims) / n + eps)
    d *= (scale if weight is None else scale * weight).reshape(shape)
    if bias is not None:
        d += bias.reshape(shape)
    return d, mean, scale


@composition(
    NORMALIZATION,
    domain=REAL,
    method=False,
    reference=lambda x, mean, var, weight=None, bias=None, training=False, eps=1e-5: (
        _reference(x, weight, bias, eps)[0]
        if training
        else (x - _channels(x, mean)) / np.sqrt(_channels(x, var) + eps) * _channels(x, weight) + _channels(x, bias)
    ),
    samples=(
        sample((4, 3), None, None, (3,), (3,), training=True),
        sample((2, 3, 2), (3,), Values((3,), Interval(0.5, 2)), (3,), (3,)),
        sample((2, 0, 3), None, None, (0,), (0,), training=True),
    ),
)
def batch_norm(
    input, running_mean=None, running_var=None, weight=None, bias=None, training=False, momentum=0.1, eps=1e-5
):
    """Batch normalisation of (N, C, ...), channel by channel (Ioffe and Szegedy 2015).

    In training by the statistics of the batch, which also move the running ones by `momentum` (the variance unbiased);
    otherwise by the running ones.
    """
    if input.shape == (0,):  # no samples, of however many channels
        return functional.clone(input)
    if input.ndim < 2:
        raise OperandError(f"batch_norm() takes (N, C, ...), not a tensor of shape {input.shape}")
    if eps < 0 or (training and eps == 0):
        raise ValueError(f"batch_norm(): eps must be positive, but is {eps}")
    if not training and running_mean is not None:
        shape = _around(input)[1]
        scale = functional.rsqrt(running_var + eps)
        scale = scale if weight is None else scale * weight
        y = (input - running_mean.reshape(shape)) * scale.reshape(shape)
        return y if bias is None else y + bias.reshape(shape)
    if training and math.prod((input.shape[0], *input.shape[2:])) == 1:
        raise OperandError(
            f"batch_norm() in training needs more than one value per channel; input has shape {input.shape}. "
            "Use a larger batch, or model.eval()"
        )
    y, mean, scale = normalize_batch(input, weight, bias, eps=eps)
    if training and input.numel():
        _track(running_mean, running_var, mean, scale, _count(input), momentum, eps)
    return y


def _track(running_mean, running_var, mean, scale, n, momentum, eps):
    """Move running statistics, where there are any, towards those of n elements."""
    with no_grad():
        if running_mean is not None:
            _move(running_mean, mean, momentum)
        if running_var is not None:
            _move(running_var, (1 / (scale * scale) - eps) * (n / max(n - 1, 1)), momentum)


def _move(running, value, momentum):
    """By samples where there are several statistics of each channel: towards their mean."""
    value = value.array.reshape(-1, *running.shape).mean(axis=0).astype(running.array.dtype)
    running.array += momentum * (value - running.array)
    record_write(running.array)


def _slow_instances(x, mean=None, var=None, weight=None, bias=None, use_input_stats=True, eps=1e-5):
    def normal(sample):
        return _reference(sample[None], weight, np.zeros(x.shape[1]) if bias is None else bias, eps)[0][0]

    if use_input_stats:
        return np.array([normal(sample) for sample in x]).reshape(x.shape)
    return (x - _channels(x, mean)) / np.sqrt(_channels(x, var) + eps)


@composition(
    NORMALIZATION,
    domain=REAL,
    method=False,
    tolerance=1e-10,
    reference=_slow_instances,
    samples=(
        sample((2, 3, 4), None, None, (3,), (3,)),
        sample((2, 2, 2, 2), eps=1e-2),
        sample((2, 3, 2), (3,), Values((3,), Interval(0.5, 2)), use_input_stats=False),
        sample((0, 3, 2), None, None, (3,), (3,)),
    ),
)
def instance_norm(
    input,
    running_mean=None,
    running_var=None,
    weight=None,
    bias=None,
    use_input_stats=True,
    momentum=0.1,
    eps=1e-5,
):
    """Normalisation of each channel of each sample of (N, C, ...) by itself (Ulyanov et al. 2016).

    By statistics of the input, whose mean over the samples also moves the running ones by `momentum`; or, with
    use_input_stats=False, by the running ones.
    """
    if not use_input_stats:
        if running_mean is None or running_var is None:
            raise OperandError("instance_norm() with use_input_stats=False needs running_mean and running_var")
        return batch_norm(input, running_mean, running_var, weight, bias, False, momentum, eps)
    if input.ndim < 2:
        raise OperandError(f"instance_norm() takes (N, C, ...), not a tensor of shape {input.shape}")
    n, channels, *rest = input.shape
    if math.prod(rest) == 1:
        raise OperandError(f"instance_norm() needs more than one value per channel; input has shape {input.shape}")
    weight, bias = (p if p is None else functional.ravel(functional.expand(p, (n, channels))) for p in (weight, bias))
    y, mean, scale = normalize_batch(functional.reshape(input, (1, n * channels, *rest)), weight, bias, eps=eps)
    if input.numel():
        _track(running_mean, running_var, mean, scale, math.prod(rest), momentum, eps)
    return functional.reshape(y, input.shape)
