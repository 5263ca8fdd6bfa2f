"""Normalisation within each sample: layer, RMS, group and local response normalisation."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

from autograd_core import Tensor
from autograd_core import functional as core
from nn import functional as F
from nn.declared import FunctionLayer
from nn.layers.affine import Affine
from nn.parameter import Parameter


def _sizes(shape: int | Sequence[int]) -> tuple[int, ...]:
    return (operator.index(shape),) if hasattr(shape, "__index__") else tuple(shape)


class LayerNorm(Affine):
    """Zero mean and unit variance over the last axes, of shape `normalized_shape` (Ba et al. 2016)."""

    _unnamed, _shown = ("normalized_shape",), ("eps", "elementwise_affine", "bias")

    def __init__(
        self,
        normalized_shape: int | Sequence[int],
        eps: float = 1e-5,
        elementwise_affine: bool = True,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.normalized_shape = _sizes(normalized_shape)
        self.eps, self.elementwise_affine = eps, elementwise_affine
        self._affine(self.normalized_shape, elementwise_affine, elementwise_affine and bias, device, dtype)

    def forward(self, input: Tensor) -> Tensor:
        return F.layer_norm(input, self.normalized_shape, self.weight, self.bias, self.eps)


class RMSNorm(Affine):
    """Root mean square 1 over the last axes, of shape `normalized_shape` (Zhang and Sennrich 2019)."""

    _unnamed, _shown = ("normalized_shape",), ("eps", "elementwise_affine")

    def __init__(
        self,
        normalized_shape: int | Sequence[int],
        eps: float | None = None,
        elementwise_affine: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.normalized_shape = _sizes(normalized_shape)
        self.eps, self.elementwise_affine = eps, elementwise_affine
        weight = Parameter(core.ones(self.normalized_shape, device=device, dtype=dtype)) if elementwise_affine else None
        self.register_parameter("weight", weight)

    def forward(self, input: Tensor) -> Tensor:
        return F.rms_norm(input, self.normalized_shape, self.weight, self.eps)


class GroupNorm(Affine):
    """Zero mean and unit variance of each of `num_groups` groups of channels of (N, C, ...) (Wu and He 2018)."""

    _unnamed, _shown = ("num_groups", "num_channels"), ("eps", "affine", "bias")

    def __init__(
        self,
        num_groups: int,
        num_channels: int,
        eps: float = 1e-5,
        affine: bool = True,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__()
        if num_groups < 1 or num_channels % num_groups:
            raise ValueError(f"num_channels ({num_channels}) must be divisible by num_groups ({num_groups})")
        self.num_groups, self.num_channels, self.eps, self.affine = num_groups, num_channels, eps, affine
        self._affine(num_channels, affine, affine and bias, device, dtype)

    def forward(self, input: Tensor) -> Tensor:
        return F.group_norm(input, self.num_groups, self.weight, self.bias, self.eps)


class LocalResponseNorm(FunctionLayer):
    """x / (k + alpha·mean of x² over `size` neighbouring channels)^beta (Krizhevsky et al. 2012)."""

    _unnamed = ("size",)
    size: int
    alpha: float = 1e-4
    beta: float = 0.75
    k: float = 1.0
