"""Batch renormalisation: training uses the same statistics as evaluation (Ioffe 2017)."""

from __future__ import annotations

from typing import Any

from autograd_core import Tensor, no_grad
from autograd_core import functional as core
from nn.layers.normalization import BatchNorm1d, BatchNorm2d, BatchNorm3d, _BatchNorm


class _BatchRenorm(_BatchNorm):
    """Base of batch renormalisations of every rank.

    Batch statistics are corrected towards the running ones by r = σ_batch / σ and d = (μ_batch - μ) / σ (Ioffe 2017).
    r is clipped to [1 / r_max, r_max] and d to [-d_max, d_max]; both count as constants. With r_max 1 and d_max 0 this
    is batch normalisation, with which training should begin: raise the two attributes as it proceeds.
    """

    _shown = (*_BatchNorm._shown, "r_max", "d_max")
    running_mean: Tensor
    running_var: Tensor
    momentum: float

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float = 0.1,
        affine: bool = True,
        r_max: float = 3.0,
        d_max: float = 5.0,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(num_features, eps, momentum, affine, device=device, dtype=dtype)
        self.r_max, self.d_max = r_max, d_max

    def forward(self, input: Tensor) -> Tensor:
        if not self.training or not input.numel():
            return super().forward(input)
        self._check(input)
        dims = (0, *range(2, input.ndim))
        shape = (1, -1, *(1,) * (input.ndim - 2))
        mean = input.mean(dim=dims)
        variance = core.square(input - mean.reshape(shape)).mean(dim=dims)
        r, d = self._correction(mean.detach(), variance.detach(), input.shape[0] * input[0, 0].numel())
        scale = r * core.rsqrt(variance + self.eps)
        y = (input - mean.reshape(shape)) * scale.reshape(shape) + d.reshape(shape)
        if self.weight is not None and self.bias is not None:
            y = y * self.weight.reshape(shape) + self.bias.reshape(shape)
        return y

    @no_grad()
    def _correction(self, mean: Tensor, variance: Tensor, count: int) -> tuple[Tensor, Tensor]:
        """r and d from the running statistics, which are then updated."""
        running_mean, running_var, momentum = self.running_mean, self.running_var, self.momentum
        scale = core.rsqrt(running_var + self.eps)
        r = (core.sqrt(variance + self.eps) * scale).clamp(1 / self.r_max, self.r_max)
        d = ((mean - running_mean) * scale).clamp(-self.d_max, self.d_max)
        running_mean += momentum * (mean - running_mean)
        running_var += momentum * (variance * (count / max(count - 1, 1)) - running_var)
        if self.num_batches_tracked is not None:
            self.num_batches_tracked.add_(1)
        return r, d


class BatchRenorm1d(_BatchRenorm):
    """Batch renormalisation of (N, C) or (N, C, L), channel by channel."""

    ndims = BatchNorm1d.ndims


class BatchRenorm2d(_BatchRenorm):
    """Batch renormalisation of (N, C, H, W), channel by channel."""

    ndims = BatchNorm2d.ndims


class BatchRenorm3d(_BatchRenorm):
    """Batch renormalisation of (N, C, D, H, W), channel by channel."""

    ndims = BatchNorm3d.ndims
