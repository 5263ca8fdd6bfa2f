"""Pooling to a given output size."""

from __future__ import annotations

from collections.abc import Sequence

from nn.declared import FunctionLayer

OutputSize = int | Sequence[int | None] | None


class _AdaptivePool(FunctionLayer):
    """Base of pooling over a grid of cells.

    output_size: a length for all axes, or one for each; None keeps the length of an axis.
    """

    output_size: OutputSize


class AdaptiveAvgPool1d(_AdaptivePool):
    """Means of (N, C, L) over `output_size` cells."""


class AdaptiveAvgPool2d(_AdaptivePool):
    """Means of (N, C, H, W) over a grid of `output_size` cells; None keeps the length of an axis."""


class AdaptiveAvgPool3d(_AdaptivePool):
    """Means of (N, C, D, H, W) over a grid of `output_size` cells; None keeps the length of an axis."""


class _AdaptiveMaxPool(_AdaptivePool):
    _shown = ("output_size",)
    output_size: OutputSize
    return_indices: bool = False


class AdaptiveMaxPool1d(_AdaptiveMaxPool):
    """Largest elements of (N, C, L) in `output_size` cells; with `return_indices` also their indices."""


class AdaptiveMaxPool2d(_AdaptiveMaxPool):
    """Largest elements of (N, C, H, W) in a grid of `output_size` cells."""


class AdaptiveMaxPool3d(_AdaptiveMaxPool):
    """Largest elements of (N, C, D, H, W) in a grid of `output_size` cells."""
