"""Pooling by norms."""

from __future__ import annotations

from nn.declared import FunctionLayer
from nn.layers.convolution import Size


class _LPPool(FunctionLayer):
    """Base of pooling by norms.

    (Σ xᵖ)^(1/p), with p = `norm_type`.
    """

    norm_type: float
    kernel_size: Size
    stride: Size | None = None
    ceil_mode: bool = False


class LPPool1d(_LPPool):
    """The norm of order `norm_type` of every window of (N, C, L)."""


class LPPool2d(_LPPool):
    """The norm of order `norm_type` of every window of (N, C, H, W)."""


class LPPool3d(_LPPool):
    """The norm of order `norm_type` of every window of (N, C, D, H, W)."""
