"""Instance normalisation: each channel of each sample by itself (Ulyanov et al. 2016)."""

from __future__ import annotations

from typing import Any

from autograd_core import Tensor
from autograd_core.errors import warn
from nn import functional as F
from nn.layers.normalization import _NormBase


class _InstanceNorm(_NormBase):
    """Base of instance normalisations; ndims: the number of axes of a sample and of a batch.

    Each channel of each sample is normalised by its own statistics (Ulyanov et al. 2016); in evaluation with
    `track_running_stats`, by running ones. With `affine`, weight and bias (num_features) scale and shift the result.
    """

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float = 0.1,
        affine: bool = False,
        track_running_stats: bool = False,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__(num_features, eps, momentum, affine, track_running_stats, device, dtype, bias=bias)

    def forward(self, input: Tensor) -> Tensor:
        self._check(input)
        batch = input if input.ndim == self.ndims[1] else input.unsqueeze(0)
        by_sample = self.training or not self.track_running_stats
        mean, variance, momentum = self.running_mean, self.running_var, self.momentum or 0.0
        y = F.instance_norm(batch, mean, variance, self.weight, self.bias, by_sample, momentum, self.eps)
        return y if batch is input else y.squeeze(0)

    def _check(self, input: Tensor) -> None:
        self._check_input_dim(input)
        channels = input.shape[-self.ndims[0]]
        if channels == self.num_features:
            return
        what = f"{type(self).__name__}({self.num_features}) was given {channels} channels, in shape {input.shape}"
        if self.affine or self.track_running_stats:
            raise ValueError(f"{what}; it holds a value for each of {self.num_features}")
        warn(f"{what}; without affine it does not matter")


class InstanceNorm1d(_InstanceNorm):
    """Instance normalisation of (N, C, L) or (C, L)."""

    ndims = (2, 3)


class InstanceNorm2d(_InstanceNorm):
    """Instance normalisation of (N, C, H, W) or (C, H, W)."""

    ndims = (3, 4)


class InstanceNorm3d(_InstanceNorm):
    """Instance normalisation of (N, C, D, H, W) or (C, D, H, W)."""

    ndims = (4, 5)
