"""Pooling by norms."""

from __future__ import annotations

from autograd_core import Tensor
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
