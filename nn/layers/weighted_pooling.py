"""Pooling by sums and by distance-weighted means, which PyTorch lacks."""

from __future__ import annotations

import math

from autograd_core import Tensor
from autograd_core import functional as core
from autograd_core.ops.images.planes import window_of
from nn import functional as F
from nn.layers.convolution import Size
from nn.module import Module


class _Windows(Module):
    rank: int
    _shown: tuple[str, ...] = ("kernel_size", "stride", "padding")

    def __init__(
        self, kernel_size: Size, stride: Size | None = None, padding: Size = 0, ceil_mode: bool = False
    ) -> None:
        super().__init__()
        self.kernel_size, self.stride, self.padding, _ = window_of(kernel_size, stride, padding, 1, self.rank)
        self.ceil_mode = ceil_mode


class _SumPool(_Windows):
    """Base of pooling by sums.

    Padding counts as zeros.
    """

    def forward(self, input: Tensor) -> Tensor:
        batched = input.ndim > self.rank + 1
        window = window_of(self.kernel_size, self.stride, self.padding, 1, self.rank)
        y = core.avg_pool(input if batched else input.unsqueeze(0), window=window, ceil_mode=self.ceil_mode, divisor=1)
        return y if batched else y.squeeze(0)


class SumPool1d(_SumPool):
    """Sum of every window of (N, C, L)."""

    rank = 1


class SumPool2d(_SumPool):
    """Sum of every window of (N, C, H, W)."""

    rank = 2


class SumPool3d(_SumPool):
    """Sum of every window of (N, C, D, H, W)."""

    rank = 3


class _DistanceWeightedPool(_Windows):
    """Base of pooling by weighted means.

    The weights are exp(-d² / 2σ²), normalised to sum 1, where d is the distance from the centre.
    """

    _shown = (*_Windows._shown, "sigma")

    def __init__(self, kernel_size: Size, stride: Size | None = None, padding: Size = 0, sigma: float = 1.0) -> None:
        super().__init__(kernel_size, stride, padding)
        if sigma <= 0:
            raise ValueError(f"{type(self).__name__}() needs a positive sigma, not {sigma}")
        self.sigma = sigma
        kernel = core.ones((1,) * self.rank, dtype="float64")
        for axis, k in enumerate(self.kernel_size):
            falling = [math.exp(-(((i - (k - 1) / 2) / sigma) ** 2) / 2) for i in range(k)]
            factor = core.tensor(falling, dtype="float64")
            kernel = kernel * factor.reshape([-1 if i == axis else 1 for i in range(self.rank)])
        self.register_buffer("kernel", kernel / kernel.sum(), persistent=False)

    kernel: Tensor

    def forward(self, input: Tensor) -> Tensor:
        channels = input.shape[-self.rank - 1]
        weight = core.expand(self.kernel.to(input.dtype), (channels, 1, *self.kernel_size))
        return getattr(F, f"conv{self.rank}d")(input, weight, None, self.stride, self.padding, 1, channels)


class DistanceWeightedPool1d(_DistanceWeightedPool):
    """Means of windows of (N, C, L), weighted by the distance from their centre."""

    rank = 1


class DistanceWeightedPool2d(_DistanceWeightedPool):
    """Means of windows of (N, C, H, W), weighted by the distance from their centre."""

    rank = 2


class DistanceWeightedPool3d(_DistanceWeightedPool):
    """Means of windows of (N, C, D, H, W), weighted by the distance from their centre."""

    rank = 3
