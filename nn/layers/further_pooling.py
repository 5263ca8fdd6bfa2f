"""Pooling by norms, sums and distance-weighted means, and fractional max pooling."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from autograd_core import Tensor
from autograd_core import functional as core
from autograd_core.ops.images.planes import each, window_of
from nn import functional as F
from nn.layers.convolution import Size
from nn.module import Module


class _LPPool(Module):
    """Base of pooling by norms.

    (Σ xᵖ)^(1/p), with p = `norm_type`.
    """

    _function: str  # see _Activation
    _shown = ("norm_type", "kernel_size", "stride", "ceil_mode")

    def __init__(
        self, norm_type: float, kernel_size: Size, stride: Size | None = None, ceil_mode: bool = False
    ) -> None:
        super().__init__()
        self.norm_type, self.kernel_size, self.stride, self.ceil_mode = norm_type, kernel_size, stride, ceil_mode

    def forward(self, input: Tensor) -> Tensor:
        return getattr(F, self._function)(input, float(self.norm_type), self.kernel_size, self.stride, self.ceil_mode)


class LPPool1d(_LPPool):
    """The norm of order `norm_type` of every window of (N, C, L)."""

    _function = "lp_pool1d"


class LPPool2d(_LPPool):
    """The norm of order `norm_type` of every window of (N, C, H, W)."""

    _function = "lp_pool2d"


class LPPool3d(_LPPool):
    """The norm of order `norm_type` of every window of (N, C, D, H, W)."""

    _function = "lp_pool3d"


class _FractionalMaxPool(Module):
    """Base of fractional max pooling.

    (Graham 2014.) Takes output_size, or output_ratio, the ratio of output size to input size.
    """

    rank: int
    _function: str  # see _Activation
    _random_samples: Tensor | None

    def __init__(
        self,
        kernel_size: Size,
        output_size: Size | None = None,
        output_ratio: float | Sequence[float] | None = None,
        return_indices: bool = False,
        _random_samples: Tensor | None = None,
    ) -> None:
        super().__init__()
        if (output_size is None) == (output_ratio is None):
            raise ValueError(f"{type(self).__name__} takes either output_size or output_ratio")
        self.kernel_size = each(kernel_size, self.rank, "kernel_size")
        self.output_size = None if output_size is None else each(output_size, self.rank, "output_size")
        single = isinstance(output_ratio, (int, float))
        self.output_ratio: Any = (output_ratio,) * self.rank if single else output_ratio
        self.return_indices = return_indices
        self.register_buffer("_random_samples", _random_samples)

    def forward(self, input: Tensor) -> Any:
        return getattr(F, self._function)(
            input, self.kernel_size, self.output_size, self.output_ratio, self.return_indices, self._random_samples
        )


class FractionalMaxPool2d(_FractionalMaxPool):
    """Largest elements of windows of random steps over (N, C, H, W)."""

    rank = 2
    _function = "fractional_max_pool2d"


class FractionalMaxPool3d(_FractionalMaxPool):
    """Largest elements of windows of random steps over (N, C, D, H, W)."""

    rank = 3
    _function = "fractional_max_pool3d"


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
