"""Transposed convolution, and the remaining public forms of convolution."""

from typing import Any

import numpy as np

from autograd_core import functional
from autograd_core.errors import OperandError
from autograd_core.kinds import CONVOLUTION
from autograd_core.ops.images.convolution import batched, check_bias, convolve_input, slow_convolution
from autograd_core.ops.images.padding import pad
from autograd_core.ops.images.planes import each
from autograd_core.registry import composition, sample
from backends.geometry import Geometry


def _conv_transpose(input, weight, bias, stride, padding, output_padding, groups, dilation, rank):
    name = f"conv_transpose{rank}d"
    x, single = batched(input, weight, rank, name)
    stride, padding, output_padding, dilation = (
        each(v, rank, n)
        for v, n in (
            (stride, "stride"), (padding, "padding"), (output_padding, "output_padding"), (dilation, "dilation"))
    )
    _check(name, input, x, weight, stride, padding, output_padding, dilation, groups)
    outputs = weight.shape[1] * groups
    check_bias(bias, outputs, name)
    size = [
        (n - 1) * s - 2 * p + d * (k - 1) + o + 1
        for n, s, p, d, k, o in zip(
            x.shape[2:], stride, padding, dilation, weight.shape[2:], output_padding, strict=True
        )
    ]
    if min(size) < 0:
        raise OperandError(f"{name}(): input of shape {input.shape} with kernels {weight.shape[2:]} and padding "
                           f"{padding} gives the size {tuple(size)}, which is negative")
    if any(o >= s for o, s in zip(output_padding, stride, strict=True)):
        x = pad(x, [w for o, s in zip(output_padding[::-1], stride[::-1], strict=True) for w in (0, o // s)])
    y = convolve_input(x, weight, input_shape=(x.shape[0], outputs, *size),
                       geometry=Geometry(stride, padding, dilation, groups))
    if bias is not None:
        y = y + bias.reshape((-1,) + (1,) * rank)
    return y.squeeze(0) if single else y


def _check(name, input, x, weight, stride, padding, output_padding, dilation, groups):
    if min(stride) < 1 or min(dilation) < 1 or min(padding) < 0 or min(output_padding) < 0:
        raise OperandError(f"{name}(): stride {stride} and dilation {dilation} must be positive, "
                           f"padding {padding} and output_padding {output_padding} not negative")
    if any(o >= max(s, d) for o, s, d in zip(output_padding, stride, dilation, strict=True)):
        raise OperandError(f"{name}(): output_padding {output_padding} must be smaller than stride {stride} "
                           f"or dilation {dilation}")
    if x.shape[1] != weight.shape[0] or groups < 1 or weight.shape[0] % groups:
        raise OperandError(
            f"{name}(): input of shape {input.shape} has {x.shape[1]} channels, but weight of shape {weight.shape} "
            f"takes {weight.shape[0]} in groups={groups}"
        )


def _slow_transposed(x, weight, bias=None, stride=1, padding=0, output_padding=0, groups=1, dilation=1):
    """Every input element adds its scaled kernel to the output."""
    rank = weight.ndim - 2
    s, p, o, d = (np.broadcast_to(v, rank) for v in (stride, padding, output_padding, dilation))
    spatial, kernel = np.array(x.shape[2:]), np.array(weight.shape[2:])
    full = (spatial - 1) * s + d * (kernel - 1) + 1 + np.maximum(o, p)
    y = np.zeros((x.shape[0], weight.shape[1] * groups, *full))
    ins, outs = weight.shape[0] // groups, weight.shape[1]
    for c in range(weight.shape[0]):
        channels = slice(c // ins * outs, (c // ins + 1) * outs)
        for at in np.ndindex(*spatial):
            stamp = tuple(slice(i * a, i * a + e * (k - 1) + 1, e) for i, a, e, k in zip(at, s, d, kernel, strict=True))
            y[(slice(None), channels, *stamp)] += x[(slice(None), c, *at)].reshape(-1, *[1] * (rank + 1)) * weight[c]
    size = (spatial - 1) * s - 2 * p + d * (kernel - 1) + o + 1
    part: Any = (..., *[slice(a, a + m) for a, m in zip(p, size, strict=True)])
    y = y[part]
    return y if bias is None else y + bias.reshape(-1, *[1] * rank)


@composition(CONVOLUTION, reference=_slow_transposed,
             samples=(sample((1, 2, 3), (2, 1, 2), (1,), stride=2, padding=1, output_padding=1),
                      sample((1, 2, 3), (2, 2, 2), None, 1, 0, 2, 2, 3),
                      sample((2, 1, 1), (1, 1, 2), None, 1, 1),
                      sample((0, 1, 3), (1, 1, 2))))
def conv_transpose1d(input, weight, bias=None, stride=1, padding=0, output_padding=0, groups=1, dilation=1):
    """Transposed convolution of (N, C, L) with kernels (C, O / groups, K); see `conv_transpose2d`."""
    return _conv_transpose(input, weight, bias, stride, padding, output_padding, groups, dilation, 1)


@composition(CONVOLUTION, reference=_slow_transposed,
             samples=(sample((1, 2, 2, 2), (2, 1, 2, 3), (1,), stride=(2, 1)),
                      sample((1, 2, 2, 2), (2, 1, 2, 2), (2,), stride=2, padding=(1, 0), output_padding=(0, 1),
                             groups=2),
                      sample((0, 1, 2, 2), (1, 2, 2, 2))))
def conv_transpose2d(input, weight, bias=None, stride=1, padding=0, output_padding=0, groups=1, dilation=1):
    """The transpose of `conv2d`: images (N, C, H, W) with kernels (C, O / groups, KH, KW) to (N, O, H', W').

    H' = (H - 1)·stride - 2·padding + dilation·(KH - 1) + output_padding + 1. output_padding selects among the
    sizes that `conv2d` with this stride maps to the same size.
    """
    return _conv_transpose(input, weight, bias, stride, padding, output_padding, groups, dilation, 2)


@composition(CONVOLUTION, reference=_slow_transposed,
             samples=(sample((1, 1, 2, 1, 2), (1, 2, 2, 2, 1), (2,), stride=(1, 2, 1)),
                      sample((0, 1, 2, 2, 2), (1, 1, 2, 2, 2))))
def conv_transpose3d(input, weight, bias=None, stride=1, padding=0, output_padding=0, groups=1, dilation=1):
    """Transposed convolution of volumes (N, C, D, H, W) with kernels (C, O / groups, KD, KH, KW)."""
    return _conv_transpose(input, weight, bias, stride, padding, output_padding, groups, dilation, 3)


def _slow_general(x, weight, bias, stride, padding, dilation, transposed, output_padding, groups):
    if transposed:
        return _slow_transposed(x, weight, bias, stride, padding, output_padding, groups, dilation)
    return slow_convolution(x, weight, bias, stride, padding, dilation, groups)


@composition(CONVOLUTION, reference=_slow_general,
             samples=(sample((1, 1, 4), (2, 1, 2), (2,), 2, 1, 1, False, 0, 1),
                      sample((1, 2, 2, 2), (2, 1, 2, 2), None, 2, 0, 1, True, 1, 1),
                      sample((0, 1, 4), (2, 1, 2), None, 1, 0, 1, False, 0, 1)))
def convolution(input, weight, bias, stride, padding, dilation, transposed, output_padding, groups):
    """Convolution or, if `transposed`, its transpose, with as many spatial axes as the kernels have."""
    rank = weight.ndim - 2
    if rank not in (1, 2, 3):
        raise OperandError(f"convolution() takes kernels with 1 to 3 spatial axes; weight has shape {weight.shape}")
    if transposed:
        return _conv_transpose(input, weight, bias, stride, padding, output_padding, groups, dilation, rank)
    return getattr(functional, f"conv{rank}d")(input, weight, bias, stride, padding, dilation, groups)


@composition(CONVOLUTION,
             samples=(sample((4, 2, 2), (3, 2, 1), (1,)),
                      sample((3, 1, 2), (2, 2, 2), (2,), 1),
                      sample((3, 0, 2), (2, 2, 1), (1,))),
             reference=lambda x, weight, bias, pad=0: _slow_general(
                 x.transpose(1, 2, 0), weight.transpose(2, 1, 0), bias, 1, pad, 1, False, 0, 1).transpose(2, 0, 1))
def conv_tbc(input, weight, bias, pad=0):
    """Convolution of (L, N, C) with kernels (K, C, O): time first, channels last."""
    if input.ndim != 3 or weight.ndim != 3:
        raise OperandError(f"conv_tbc() takes input (L, N, C) and kernels (K, C, O), not {input.shape}, {weight.shape}")
    y = functional.conv1d(input.permute((1, 2, 0)), weight.permute((2, 1, 0)), bias, padding=pad)
    return y.permute((2, 0, 1))
