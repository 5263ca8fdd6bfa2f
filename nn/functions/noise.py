"""Random functions: dropout, randomised leaky ReLU, Gumbel softmax."""

from __future__ import annotations

import math
from typing import Any

from autograd_core import Tensor
from autograd_core import functional as core
from autograd_core.creation.sampling import keep_mask
from autograd_core.errors import OperandError, warn
from autograd_core.ops.pointwise.activation import SELU_ALPHA, SELU_SCALE
from nn.functions.inplace import either


def probability(p: Any) -> float:
    """The number, or that in a tensor, unless it is no probability."""
    if isinstance(p, str) or (isinstance(p, Tensor) and p.numel() != 1):
        raise TypeError(f"dropout probability has to be a number between 0 and 1, not {p!r:.40}")
    if not 0.0 <= p <= 1.0:
        raise OperandError(f"dropout probability has to be between 0 and 1, but got {p}")
    return p if p.__class__ is float else float(p)


def _dropped(x: Tensor, like: Tensor, p: float) -> Tensor:
    """x times a random mask in the shape of `like`, scaled to preserve the mean."""
    if p == 1.0:
        return x * 0.0
    return core.drop(x, keep_mask(like, p), scale=1.0 / (1.0 - p))


def dropout(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Elements set to zero with probability p, the others divided by 1 - p; the identity outside training."""
    p = probability(p)
    if not training or p == 0.0:
        return input
    return either(lambda x: _dropped(x, x, p), input, inplace)


def _dropout_channels(input: Tensor, p: float, training: bool, inplace: bool, rank: int, channel: int = 1) -> Tensor:
    """Dropout of whole channels of (N, C, ...), or of (C, ...) with `channel` 0."""
    p = probability(p)
    if input.ndim not in (rank + 1, rank + 2):
        wanted = f"dropout{rank}d() takes {rank + 1} or {rank + 2} axes, not shape {input.shape}"
        if rank == 1 or input.ndim < 2:
            raise OperandError(wanted)
        warn(f"{wanted}; channels are its second axis")
    if not training or p == 0.0:
        return input
    return either(lambda x: _dropped(x, _first(x, channel), p), input, inplace)


def _first(x: Tensor, channel: int = 1) -> Tensor:
    """The first element of each channel."""
    return x.detach()[(*[slice(None)] * (channel + 1), *[slice(1)] * (x.ndim - channel - 1))]


def dropout1d(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Whole channels of (N, C, L) or (C, L) set to zero with probability p."""
    return _dropout_channels(input, p, training, inplace, 1, input.ndim - 2)


def dropout2d(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Whole channels of (N, C, H, W) or (N, C, L) set to zero with probability p (Tompson et al. 2015)."""
    return _dropout_channels(input, p, training, inplace, 2)


def dropout3d(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Whole channels of (N, C, D, H, W) or (C, D, H, W) set to zero with probability p."""
    return _dropout_channels(input, p, training, inplace, 3, int(input.ndim != 4))


def _saturated(input: Tensor, like: Tensor, p: float) -> Tensor:
    """Elements set to the lower limit of SELU where the mask is False, then scaled and shifted."""
    low = -SELU_ALPHA * SELU_SCALE
    scale = 1.0 / math.sqrt((1.0 - p) * (1.0 + p * low * low)) if p < 1.0 else 0.0
    return scale * core.where(keep_mask(like, p), input, low) - scale * low * p


def alpha_dropout(input: Tensor, p: float = 0.5, training: bool = False, inplace: bool = False) -> Tensor:
    """Elements set to the lower limit of SELU with probability p, then rescaled to preserve mean and variance."""
    p = probability(p)
    if not training or p == 0.0:
        return input
    return either(lambda x: _saturated(x, x, p), input, inplace)


def feature_alpha_dropout(input: Tensor, p: float = 0.5, training: bool = False, inplace: bool = False) -> Tensor:
    """`alpha_dropout` of whole channels of (N, C, ...)."""
    p = probability(p)
    if not training or p == 0.0:
        return input
    if input.ndim < 2:
        raise OperandError(f"feature_alpha_dropout() takes (N, C, ...), not a tensor of shape {input.shape}")
    return either(lambda x: _saturated(x, _first(x), p), input, inplace)


def rrelu(
    input: Tensor, lower: float = 1 / 8, upper: float = 1 / 3, training: bool = False, inplace: bool = False
) -> Tensor:
    """x above 0, slope·x elsewhere: random slopes in [lower, upper] in training, else their mean (Xu et al. 2015)."""
    if lower > upper:
        raise OperandError(f"rrelu() needs lower <= upper, not {lower} and {upper}")

    def leak(x: Tensor) -> Tensor:
        if not training:
            return core.leaky_relu(x, (lower + upper) / 2)
        return core.where(x > 0, x, x * (lower + (upper - lower) * core.rand_like(x.detach())))

    return either(leak, input, inplace)


def gumbel_softmax(logits: Tensor, tau: float = 1, hard: bool = False, eps: float = 1e-10, dim: int = -1) -> Tensor:
    """A relaxed sample of the classes along `dim` with these logits, at temperature `tau` (Jang et al. 2017).

    hard: one-hot, with the gradient of the soft sample. PyTorch's `eps` is accepted and has no effect there either.
    """
    noise = -core.empty_like(logits.detach()).exponential_().log()
    soft = core.softmax((logits + noise) / tau, dim=dim)
    if not hard:
        return soft
    chosen = core.argmax(soft.detach(), dim=dim, keepdim=True)
    ones = core.ones(chosen.shape, dtype=soft.dtype, device=soft.device)
    return core.spread(ones, chosen, dim=dim, shape=soft.shape) - soft.detach() + soft
