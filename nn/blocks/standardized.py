"""Convolution with standardised weights, for networks without normalisation (Brock et al. 2021)."""

from __future__ import annotations

from typing import Any

from autograd_core import Tensor
from autograd_core import functional as core
from nn.layers.convolution import Conv2d, Size
from nn.parameter import Parameter


class WSConv2d(Conv2d):
    """`Conv2d` whose kernels have mean 0 and variance 1 / fan_in, times a learned `gain` for each output channel."""

    gain: Tensor

    def __init__(
        self, in_channels: int, out_channels: int, kernel_size: Size, *args: Any, eps: float = 1e-4, **kwargs: Any
    ) -> None:
        super().__init__(in_channels, out_channels, kernel_size, *args, **kwargs)
        self.eps = eps
        self.gain = Parameter(core.ones_like(self.weight.detach()[:, :1, :1, :1]))

    def standardized(self) -> Tensor:
        """The weight that the convolution uses."""
        variance, mean = core.var_mean(self.weight, dim=(1, 2, 3), correction=0, keepdim=True)
        fan_in = self.weight[0].numel()
        scale = core.rsqrt(core.clamp(variance * fan_in, min=self.eps)) * self.gain
        return (self.weight - mean) * scale

    def forward(self, input: Tensor) -> Tensor:
        return self._conv_forward(input, self.standardized(), self.bias)
