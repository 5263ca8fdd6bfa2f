"""Convolution in any number of spatial dimensions, and its two transposes, each of which is the others' gradient."""

import itertools
from typing import Any

import numpy as np

from autograd_core.errors import OperandError
from autograd_core.kinds import CONVOLUTION
from autograd_core.ops.images.padding import pad
from autograd_core.ops.images.planes import each, slow_transpose, with_batch
from autograd_core.registry import composition, op, sample
from backends.geometry import Geometry

CASES = (
    sample((2, 2, 4, 3), (2, 2, 3, 2), (2,), geometry=Geometry((1, 1), (1, 0), (1, 1), 1)),
    sample((1, 2, 5, 3), (4, 1, 2, 2), None, geometry=Geometry((2, 1), (1, 1), (2, 1), 2)),
    sample((2, 2, 7), (3, 2, 3), (3,), geometry=Geometry((2,), (2,), (1,), 1)),
    sample((1, 1, 3, 3, 3), (2, 1, 2, 2, 2), None, geometry=Geometry((1, 2, 1), (0, 1, 0), (1, 1, 2), 1)),
    sample((0, 2, 4), (3, 2, 2), (3,), geometry=Geometry((1,), (0,), (1,), 1)),
)


def _slow(x: Any, weight: Any, stride: Any, padding: Any, dilation: Any, groups: int) -> Any:
    """Convolution by its definition."""
    rank = x.ndim - 2
    x = np.pad(x, [(0, 0), (0, 0), *[(p, p) for p in padding]])
    kernel = weight.shape[2:]
    size = [(x.shape[2 + i] - dilation[i] * (kernel[i] - 1) - 1) // stride[i] + 1 for i in range(rank)]
    y: Any = np.zeros((x.shape[0], weight.shape[0], *size))
    per_group, outs = weight.shape[1], weight.shape[0] // groups
    for o in range(weight.shape[0]):
        channels = slice(o // outs * per_group, (o // outs + 1) * per_group)
        for at in itertools.product(*map(range, size)):
            window = tuple(
                slice(at[i] * stride[i], at[i] * stride[i] + dilation[i] * (kernel[i] - 1) + 1, dilation[i])
                for i in range(rank)
            )
            y[:, o, *at] = (x[:, channels, *window] * weight[o]).sum(tuple(range(1, x.ndim)))
    return y


def _slow_transpose(which):
    """A transpose of the definition, which is linear in each operand."""

    def reference(g, other, geometry, **shape):
        def forward(unit):
            x, weight = (unit, other) if which == "input" else (other, unit)
            return _slow(x, weight, *geometry)

        (target,) = shape.values()
        return slow_transpose(forward, target, g)

    return reference


@op(CONVOLUTION, symbol="conv", samples=CASES,
    reference=lambda x, weight, bias=None, *, geometry: _slow(x, weight, *geometry) + (
        0 if bias is None else bias.reshape(-1, *[1] * (x.ndim - 2))),
    vjp=(lambda xp, g, weight, input_shape, geometry: xp.convolve_input(
            g, weight, input_shape=input_shape, geometry=geometry),
         lambda xp, g, input, weight_shape, geometry: xp.convolve_weight(
            g, input, weight_shape=weight_shape, geometry=geometry),
         lambda xp, g: xp.sum(g, dim=(0, *range(2, g.ndim)))))
def convolve(xp, input, weight, bias=None, *, geometry):
    """Cross-correlation of (N, C, *size) with kernels (O, C / groups, *kernel), as networks call convolution."""
    return xp.kernels.convolve(input, weight, geometry, bias)


@op(CONVOLUTION, symbol="convᵀ", reference=_slow_transpose("input"),
    samples=(sample((1, 2, 3, 3), (2, 1, 2, 2), input_shape=(1, 1, 4, 4),
                    geometry=Geometry((1, 1), (0, 0), (1, 1), 1)),
             sample((1, 2, 2), (2, 1, 2), input_shape=(1, 2, 4), geometry=Geometry((2,), (1,), (2,), 2)),
             sample((0, 2, 3), (2, 1, 2), input_shape=(0, 1, 4), geometry=Geometry((1,), (0,), (1,), 1))),
    vjp=(lambda xp, g, weight, geometry: xp.convolve(g, weight, geometry=geometry),
         lambda xp, g, gradient, weight_shape, geometry: xp.convolve_weight(
             gradient, g, weight_shape=weight_shape, geometry=geometry)))
def convolve_input(xp, gradient, weight, *, input_shape, geometry):
    """The transpose of convolution with respect to its input."""
    return xp.kernels.convolve_input(gradient, weight, input_shape, geometry)


@op(CONVOLUTION, symbol="convᵂ", reference=_slow_transpose("weight"),
    samples=(sample((1, 2, 3, 3), (1, 1, 4, 4), weight_shape=(2, 1, 2, 2),
                    geometry=Geometry((1, 1), (0, 0), (1, 1), 1)),
             sample((1, 2, 2), (1, 2, 4), weight_shape=(2, 1, 2), geometry=Geometry((2,), (1,), (2,), 2)),
             sample((0, 2, 3), (0, 1, 4), weight_shape=(2, 1, 2), geometry=Geometry((1,), (0,), (1,), 1))),
    vjp=(lambda xp, g, input, geometry: xp.convolve(input, g, geometry=geometry),
         lambda xp, g, gradient, input_shape, geometry: xp.convolve_input(
             gradient, g, input_shape=input_shape, geometry=geometry)))
def convolve_weight(xp, gradient, input, *, weight_shape, geometry):
    """The transpose of convolution with respect to its kernels."""
    return xp.kernels.convolve_weight(gradient, input, weight_shape, geometry)


def _same(input, kernel, stride, dilation):
    """Padding that keeps the size; an odd total puts the extra element at the end."""
    if any(s != 1 for s in stride):
        raise OperandError(f"padding='same' needs stride 1, not {stride}")
    totals = [d * (k - 1) for d, k in zip(dilation, kernel, strict=True)]
    if any(t % 2 for t in totals):
        input = pad(input, [w for t in reversed(totals) for w in (0, t % 2)])
    return input, tuple(t // 2 for t in totals)


def batched(input, weight, rank, name):
    """(input with a batch, whether it had none), after checking the number of axes."""
    if not hasattr(input, "ndim"):
        raise TypeError(f"{name}() takes a tensor, not {type(input).__name__}; make one with tensor(...)")
    if weight.ndim != rank + 2:
        raise OperandError(f"{name}() takes kernels with {rank} spatial axes, but weight has shape {weight.shape}")
    return with_batch(input, rank, name)


def check_bias(bias, channels, name):
    """Raise unless there is one bias for every channel."""
    if bias is not None and bias.shape != (channels,):
        raise OperandError(f"{name}(): bias must have shape {(channels,)}, not {bias.shape}")


def convolution(input, weight, bias, stride, padding, dilation, groups, rank, run=None):
    """Check and complete the arguments of the public functions, then call `run`, by default `convolve`."""
    name = f"conv{rank}d"
    input, single = batched(input, weight, rank, name)
    stride, dilation = each(stride, rank, "stride"), each(dilation, rank, "dilation")
    if padding == "same":
        input, padding = _same(input, weight.shape[2:], stride, dilation)
    if isinstance(padding, str) and padding != "valid":
        raise OperandError(f"{name}(): padding must be numbers, 'valid' or 'same', not {padding!r}")
    padding = (0,) * rank if padding == "valid" else each(padding, rank, "padding")
    if min(stride) < 1 or min(dilation) < 1 or min(padding) < 0:
        raise OperandError(
            f"{name}(): stride {stride} and dilation {dilation} must be positive, padding {padding} not negative"
        )
    if input.shape[1] != (taken := weight.shape[1] * groups) or weight.shape[0] % groups:
        last = input.shape[-1] == taken != input.shape[1]
        raise OperandError(
            f"{name}(): input of shape {input.shape} has {input.shape[1]} channels, but weight of shape {weight.shape} "
            f"with groups={groups} takes {taken} and gives {weight.shape[0]}"
            + f"; channels come before the spatial axes: input.movedim(-1, {-1 - rank})" * last
        )
    check_bias(bias, weight.shape[0], name)
    y = (run or convolve)(input, weight, bias, geometry=Geometry(stride, padding, dilation, groups))
    return y.squeeze(0) if single else y


def slow_convolution(x, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    """Convolution by its definition, with the parameters of the public functions."""
    rank = weight.ndim - 2
    stride, dilation = (np.broadcast_to(v, rank).tolist() for v in (stride, dilation))
    if padding == "same":
        total = [d * (k - 1) for d, k in zip(dilation, weight.shape[2:], strict=True)]
        x = np.pad(x, [(0, 0), (0, 0), *[(t // 2, t - t // 2) for t in total]])
        padding = 0
    y = _slow(x, weight, stride, np.broadcast_to(padding, rank).tolist(), dilation, groups)
    return y if bias is None else y + bias.reshape(-1, *[1] * rank)


@composition(CONVOLUTION, reference=slow_convolution,
             samples=(sample((1, 2, 5), (3, 2, 2), (3,), stride=2),
                      sample((1, 1, 4), (1, 1, 3), None, padding=1),
                      sample((0, 1, 4), (1, 1, 3))))
def conv1d(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    """Convolution of (N, C, L) with kernels (O, C / groups, K); see `conv2d`."""
    return convolution(input, weight, bias, stride, padding, dilation, groups, 1)


@composition(CONVOLUTION, reference=slow_convolution,
             samples=(sample((1, 1, 4, 3), (2, 1, 2, 2), (2,), padding="same"),
                      sample((1, 2, 3, 4), (2, 1, 3, 3), None, 1, 1, 1, 2),
                      sample((0, 1, 3, 3), (2, 1, 2, 2))))
def conv2d(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    """Convolution (cross-correlation) of images (N, C, H, W) with kernels (O, C / groups, KH, KW) to (N, O, H', W').

    H' = ⌊(H + 2·padding - dilation·(KH - 1) - 1) / stride⌋ + 1. padding: a number, one for each axis, "valid" or
    "same". Input channels and kernels are split into independent `groups`.
    """
    return convolution(input, weight, bias, stride, padding, dilation, groups, 2)


@composition(CONVOLUTION, reference=slow_convolution,
             samples=(sample((1, 1, 3, 3, 3), (2, 1, 2, 2, 2), (2,), stride=(1, 2, 1)),
                      sample((0, 1, 2, 2, 2), (2, 1, 2, 2, 2))))
def conv3d(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    """Convolution of volumes (N, C, D, H, W) with kernels (O, C / groups, KD, KH, KW); see `conv2d`."""
    return convolution(input, weight, bias, stride, padding, dilation, groups, 3)
