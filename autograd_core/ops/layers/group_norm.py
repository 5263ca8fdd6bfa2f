"""Normalisation of groups of channels within each sample."""

import math

import numpy as np

from autograd_core.engine.precision import single
from autograd_core.errors import OperandError
from autograd_core.kinds import NORMALIZATION
from autograd_core.ops.layers.layer_norm import as_narrow
from autograd_core.ops.reductions.reduction import in_dtype
from autograd_core.registry import composition, op, sample


def _fast_rule(xp, g, input, weight, mean, scale, groups, eps, needs):
    found = xp.kernels.group_gradients(single(g), single(input), weight, mean, scale, groups, needs)
    return [v if v is None else in_dtype(xp, v, input.dtype) for v in found]


def _recorded_rule(xp, g, input, weight, scale, groups, eps):
    """The fast rule in terms of the input, with recomputed statistics, so that they are differentiated too."""
    n, channels, *rest = input.shape
    shape, each = (n, groups, channels // groups, math.prod(rest)), (2, 3)
    size = max(shape[2] * shape[3], 1)
    d, g = (in_dtype(xp, xp.reshape(v, shape=shape), scale.dtype) for v in (input, g))
    d = d - xp.sum(d, dim=each, keepdim=True) / size
    scale = xp.rsqrt(xp.sum(d * d, dim=each, keepdim=True) / size + eps)
    normal = d * scale
    of_weight, of_bias = (xp.reshape(xp.sum(v, dim=(0, 3)), shape=(channels,)) for v in (g * normal, g))
    if weight is not None:
        g = g * xp.reshape(weight, shape=(groups, shape[2], 1))
    d = g - normal * (xp.sum(g * normal, dim=each, keepdim=True) / size) - xp.sum(g, dim=each, keepdim=True) / size
    return [in_dtype(xp, v, input.dtype) for v in (xp.reshape(d * scale, shape=input.shape), of_weight, of_bias)]


def _slow_groups(x, weight=None, bias=None, *, groups, eps=1e-5):
    out = np.zeros(x.shape)
    rows, into = (v.reshape(x.shape[0] * groups, x[:1].size // groups) for v in (x, out))
    for row, place in zip(rows, into, strict=True):
        d = row - math.fsum(row) / max(row.size, 1)
        place[:] = d / math.sqrt(math.fsum(d * d) / max(row.size, 1) + eps)
    shape = (-1, *(1,) * (x.ndim - 2))
    return out * (1 if weight is None else weight.reshape(shape)) + (0 if bias is None else bias.reshape(shape))


@op(NORMALIZATION, symbol="group norm", residuals=("mean", "scale"), holomorphic=True, tolerance=1e-10,
    reference=_slow_groups,
    samples=(sample((2, 4), (4,), (4,), groups=2),
             sample((2, 4, 3), None, None, groups=4),
             sample((1, 2, 2, 2), (2,), None, groups=1, eps=1e-2),
             sample((2, 4, 0), (4,), (4,), groups=2)),
    joint=_fast_rule, composite=_recorded_rule)
def normalize_groups(xp, input, weight=None, bias=None, *, groups, eps=1e-5):
    """Zero mean and unit variance of each group of channels of (N, C, ...), then scale and shift of each channel."""
    y, mean, scale = xp.kernels.normalize_groups(single(input), weight, bias, groups, eps)
    return y.astype(input.dtype, copy=False), mean, scale


@composition(NORMALIZATION, real_only=True, tolerance=1e-10,
             reference=lambda x, num_groups, *args, **statics: _slow_groups(x, *args, groups=num_groups, **statics),
             samples=(sample((2, 4), 2, (4,), (4,)),
                      sample((2, 4, 3), 2),
                      sample((1, 2, 2, 2), 1, (2,), eps=1e-2),
                      sample((2, 4, 0), 2, (4,), (4,))))
def group_norm(input, num_groups, weight=None, bias=None, eps=1e-5):
    """Zero mean and unit variance of each group of channels of (N, C, ...), then scale and shift (Wu and He 2018)."""
    if input.ndim < 2 or num_groups < 1 or input.shape[1] % num_groups:
        raise OperandError(
            f"group_norm() takes (N, C, ...) with channels in {num_groups} equal groups, not shape {input.shape}"
        )
    n, channels, *rest = input.shape
    for parameter in (weight, bias):
        if parameter is not None and parameter.shape != (channels,):
            raise OperandError(
                f"group_norm(): input of shape {input.shape} has {channels} channels, a parameter {parameter.shape}"
            )
    if n * channels // num_groups * math.prod(rest) == 1:
        raise OperandError(f"group_norm() needs more than one value per group; input has shape {input.shape}")
    return as_narrow(normalize_groups(input, weight, bias, groups=num_groups, eps=eps), input)
