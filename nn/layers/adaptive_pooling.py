"""Pooling to a given output size."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from autograd_core import Tensor
from nn import functional as F
from nn.module import Module


class _AdaptivePool(Module):
    """Base of pooling over a grid of cells.

    output_size: a length for all axes, or one for each; None keeps the length of an axis.
    """

    _function: str  # see _Activation
    _shown = ("output_size",)

    def __init__(self, output_size: int | Sequence[int | None] | None) -> None:
        super().__init__()
        self.output_size: Any = output_size

    def forward(self, input: Tensor) -> Any:
        return getattr(F, self._function)(input, self.output_size)


class AdaptiveAvgPool1d(_AdaptivePool):
    """Means of (N, C, L) over `output_size` cells."""

    _function = "adaptive_avg_pool1d"


class AdaptiveAvgPool2d(_AdaptivePool):
    """Means of (N, C, H, W) over a grid of `output_size` cells; None keeps the length of an axis."""

    _function = "adaptive_avg_pool2d"


class AdaptiveAvgPool3d(_AdaptivePool):
    """Means of (N, C, D, H, W) over a grid of `output_size` cells; None keeps the length of an axis."""

    _function = "adaptive_avg_pool3d"


class _AdaptiveMaxPool(_AdaptivePool):
    def __init__(self, output_size: int | Sequence[int | None] | None, return_indices: bool = False) -> None:
        super().__init__(output_size)
        self.return_indices = return_indices

    def forward(self, input: Tensor) -> Any:
        return getattr(F, self._function)(input, self.output_size, self.return_indices)


class AdaptiveMaxPool1d(_AdaptiveMaxPool):
    """Largest elements of (N, C, L) in `output_size` cells; with `return_indices` also their indices."""

    _function = "adaptive_max_pool1d"


class AdaptiveMaxPool2d(_AdaptiveMaxPool):
    """Largest elements of (N, C, H, W) in a grid of `output_size` cells."""

    _function = "adaptive_max_pool2d"


class AdaptiveMaxPool3d(_AdaptiveMaxPool):
    """Largest elements of (N, C, D, H, W) in a grid of `output_size` cells."""

    _function = "adaptive_max_pool3d"
