"""Layers and losses as functions, under the names of PyTorch's `torch.nn.functional`.

Most are operations of `autograd_core` handed on; this module adds what is random, has a mode, or writes in place.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from autograd_core import Tensor
from autograd_core import functional as core
from autograd_core.errors import OperandError
from autograd_core.functional import (
    avg_pool1d,
    avg_pool2d,
    avg_pool3d,
    batch_norm,
    binary_cross_entropy,
    binary_cross_entropy_with_logits,
    conv1d,
    conv2d,
    conv3d,
    cross_entropy,
    gelu,
    hardshrink,
    huber_loss,
    kl_div,
    l1_loss,
    linear,
    log_softmax,
    logsigmoid,
    max_pool1d,
    max_pool2d,
    max_pool3d,
    mse_loss,
    nll_loss,
    one_hot,
    pad,
    prelu,
    sigmoid,
    smooth_l1_loss,
    softmax,
    softshrink,
    softsign,
    tanh,
    tanhshrink,
)
from autograd_core.inplace import write
from autograd_core.ops.activation import SELU_ALPHA, SELU_SCALE
from autograd_core.random import keep_mask

__all__ = [
    "adaptive_avg_pool1d", "adaptive_avg_pool2d", "adaptive_avg_pool3d", "alpha_dropout", "avg_pool1d", "avg_pool2d",
    "avg_pool3d", "batch_norm", "binary_cross_entropy", "binary_cross_entropy_with_logits", "celu", "conv1d",
    "conv2d", "conv3d", "cross_entropy", "dropout", "dropout1d", "dropout2d", "dropout3d", "elu", "gelu",
    "hardshrink", "hardsigmoid", "hardswish", "hardtanh", "huber_loss", "kl_div", "l1_loss", "leaky_relu", "linear",
    "log_softmax", "logsigmoid", "max_pool1d", "max_pool2d", "max_pool3d", "mish", "mse_loss", "nll_loss", "one_hot",
    "pad", "prelu", "relu", "relu6", "selu", "sigmoid", "silu", "smooth_l1_loss", "softmax", "softplus", "softshrink",
    "softsign", "tanh", "tanhshrink", "threshold",
]  # fmt: skip


def _either(function: Callable[..., Tensor], input: Tensor, inplace: bool, *parameters: Any) -> Tensor:
    """The result as a new tensor, or written into the input."""
    if inplace:
        return write(input, lambda x: function(x, *parameters))
    return function(input, *parameters)


def relu(input: Tensor, inplace: bool = False) -> Tensor:
    """max(x, 0)."""
    return _either(core.relu, input, inplace)


def leaky_relu(input: Tensor, negative_slope: float = 0.01, inplace: bool = False) -> Tensor:
    """x above 0, `negative_slope`·x elsewhere."""
    return _either(core.leaky_relu, input, inplace, negative_slope)


def elu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """x above 0, alpha·(exp(x) - 1) elsewhere."""
    return _either(core.elu, input, inplace, alpha)


def celu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """x above 0, alpha·(exp(x / alpha) - 1) elsewhere."""
    return _either(core.celu, input, inplace, alpha)


def selu(input: Tensor, inplace: bool = False) -> Tensor:
    """Self-normalising ELU."""
    return _either(core.selu, input, inplace)


def silu(input: Tensor, inplace: bool = False) -> Tensor:
    """x·sigmoid(x)."""
    return _either(core.silu, input, inplace)


def mish(input: Tensor, inplace: bool = False) -> Tensor:
    """x·tanh(softplus(x))."""
    return _either(core.mish, input, inplace)


def hardtanh(input: Tensor, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> Tensor:
    """x clipped to [min_val, max_val]."""
    return _either(core.hardtanh, input, inplace, min_val, max_val)


def relu6(input: Tensor, inplace: bool = False) -> Tensor:
    """x clipped to [0, 6]."""
    return _either(core.relu6, input, inplace)


def hardsigmoid(input: Tensor, inplace: bool = False) -> Tensor:
    """The logistic function in three straight pieces."""
    return _either(core.hardsigmoid, input, inplace)


def hardswish(input: Tensor, inplace: bool = False) -> Tensor:
    """x·hardsigmoid(x)."""
    return _either(core.hardswish, input, inplace)


def threshold(input: Tensor, threshold: float, value: float, inplace: bool = False) -> Tensor:
    """x above `threshold`, `value` elsewhere."""
    return _either(core.threshold, input, inplace, threshold, value)


def softplus(input: Tensor, beta: float = 1.0, threshold: float = 20.0) -> Tensor:
    """log(1 + exp(beta·x)) / beta. PyTorch's `threshold` is accepted and not needed: the result is exact everywhere."""
    return core.softplus(input, beta)


def check_probability(p: float) -> None:
    """Raise unless p is a probability."""
    if not 0.0 <= p <= 1.0:
        raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")


def _dropped(x: Tensor, like: Tensor, p: float) -> Tensor:
    """x times a random mask in the shape of `like`, and so that the mean stays."""
    if p == 1.0:
        return x * 0.0
    return x * core.astype(keep_mask(like, p), x.dtype) * (1.0 / (1.0 - p))


def dropout(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Elements set to zero with probability p, the others divided by 1 - p; nothing happens outside training."""
    check_probability(p)
    if not training or p == 0.0:
        return input
    return _either(lambda x: _dropped(x, x, p), input, inplace)


def _dropout_channels(input: Tensor, p: float, training: bool, inplace: bool, rank: int) -> Tensor:
    check_probability(p)
    if input.ndim not in (rank + 1, rank + 2):
        raise OperandError(
            f"dropout{rank}d() takes (N, C, ...) or (C, ...) with {rank} more axes, not shape {input.shape}"
        )
    if not training or p == 0.0:
        return input
    channels = (..., *[slice(1)] * rank)
    return _either(lambda x: _dropped(x, x.detach()[channels], p), input, inplace)


def dropout1d(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Whole channels of (N, C, L) or (C, L) set to zero with probability p."""
    return _dropout_channels(input, p, training, inplace, 1)


def dropout2d(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Whole channels of (N, C, H, W) or (C, H, W) set to zero with probability p (Tompson et al. 2015)."""
    return _dropout_channels(input, p, training, inplace, 2)


def dropout3d(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Whole channels of (N, C, D, H, W) or (C, D, H, W) set to zero with probability p."""
    return _dropout_channels(input, p, training, inplace, 3)


def alpha_dropout(input: Tensor, p: float = 0.5, training: bool = False, inplace: bool = False) -> Tensor:
    """Elements set to the lower limit of SELU with probability p, then scaled and shifted to keep mean and variance."""
    check_probability(p)
    if not training or p == 0.0:
        return input
    low = -SELU_ALPHA * SELU_SCALE
    scale = 1.0 / math.sqrt((1.0 - p) * (1.0 + p * low * low)) if p < 1.0 else 0.0
    shift = -scale * low * p
    return _either(lambda x: scale * core.where(keep_mask(x, p), x, low) + shift, input, inplace)


def _adaptive_avg_pool(input: Tensor, output_size: int | Sequence[int | None] | None, rank: int) -> Tensor:
    """Means of cells from ⌊i·n / o⌋ to ⌈(i + 1)·n / o⌉ along every axis, one axis after the other."""
    if input.ndim not in (rank + 1, rank + 2):
        raise OperandError(
            f"adaptive_avg_pool{rank}d() takes (N, C, ...) or (C, ...) with {rank} more axes, not shape {input.shape}"
        )
    sizes = (output_size,) * rank if output_size is None or isinstance(output_size, int) else tuple(output_size)
    if len(sizes) != rank or any(size is not None and size < 0 for size in sizes):
        raise OperandError(f"adaptive_avg_pool{rank}d(): output_size={output_size} does not name {rank} lengths")
    if all(size == 1 for size in sizes):
        return input.mean(dim=tuple(range(-rank, 0)), keepdim=True)
    x = input
    for dim, size in zip(range(-rank, 0), sizes, strict=True):
        n = x.shape[dim]
        if size is not None and size != n:
            cells = [(i * n // size, -(-(i + 1) * n // size)) for i in range(size)]
            means = [x.narrow(dim, low, high - low).mean(dim=dim, keepdim=True) for low, high in cells]
            x = core.cat(means, dim=dim) if means else x.narrow(dim, 0, 0)
    return x


def adaptive_avg_pool1d(input: Tensor, output_size: int | Sequence[int]) -> Tensor:
    """Means over as many cells as `output_size` says."""
    return _adaptive_avg_pool(input, output_size, 1)


def adaptive_avg_pool2d(input: Tensor, output_size: int | Sequence[int | None] | None) -> Tensor:
    """Means over a grid of `output_size` cells; None keeps the length of an axis."""
    return _adaptive_avg_pool(input, output_size, 2)


def adaptive_avg_pool3d(input: Tensor, output_size: int | Sequence[int | None] | None) -> Tensor:
    """Means over a grid of `output_size` cells; None keeps the length of an axis."""
    return _adaptive_avg_pool(input, output_size, 3)
