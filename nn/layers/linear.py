"""Linear and bilinear layers, and flattening."""

import math
from collections.abc import Sequence
from typing import Any

from autograd_core import Tensor
from autograd_core import functional as core
from nn import functional as F
from nn import init
from nn.declared import FunctionLayer
from nn.module import Module
from nn.parameter import allocate


class Identity(Module):
    """Returns its input; accepts and ignores any constructor arguments, so it can replace another layer."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__()

    def forward(self, input: Tensor) -> Tensor:
        return input


class Linear(Module):
    """Fully connected layer: (..., in_features) to (..., out_features).

    weight (out, in) and bias (out) start uniform within ±1/√in_features.
    """

    weight: Tensor
    bias: Tensor | None
    _shown = ("in_features", "out_features", "bias")

    def __init__(
        self, in_features: int, out_features: int, bias: bool = True, device: Any = None, dtype: Any = None
    ) -> None:
        super().__init__()
        self.in_features, self.out_features = in_features, out_features
        allocate(self, device, dtype, weight=(out_features, in_features), bias=(out_features,) if bias else None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Reinitialise weight and bias."""
        reset(self.weight, self.bias)

    def forward(self, input: Tensor) -> Tensor:
        return F.linear(input, self.weight, self.bias)


class Bilinear(Module):
    """x1ᵀ A x2 + b for each output feature: (..., in1), (..., in2) to (..., out)."""

    weight: Tensor
    bias: Tensor | None
    _shown = ("in1_features", "in2_features", "out_features", "bias")

    def __init__(
        self,
        in1_features: int,
        in2_features: int,
        out_features: int,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        if in1_features <= 0:
            raise ValueError(f"in1_features must be > 0, but got {in1_features}")
        self.in1_features, self.in2_features, self.out_features = in1_features, in2_features, out_features
        allocate(
            self,
            device,
            dtype,
            weight=(out_features, in1_features, in2_features),
            bias=(out_features,) if bias else None,
        )
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Reinitialise weight and bias, uniform within ±1/√in1_features."""
        bound = 1 / math.sqrt(self.in1_features)
        for p in self.parameters():
            init.uniform_(p, -bound, bound)

    def forward(self, input1: Tensor, input2: Tensor) -> Tensor:
        return F.bilinear(input1, input2, self.weight, self.bias)


def reset(weight: Tensor, bias: Tensor | None) -> None:
    """PyTorch's initialisation of linear and convolutional layers: uniform within ±1/√fan_in."""
    init.kaiming_uniform_(weight, a=math.sqrt(5))
    if bias is not None:
        fan_in, _ = init.fans(weight)
        bound = 1 / math.sqrt(fan_in) if fan_in else 0.0
        init.uniform_(bias, -bound, bound)


class Flatten(FunctionLayer):
    """Flattens axes `start_dim` to `end_dim` into one."""

    start_dim: int = 1
    end_dim: int = -1

    def forward(self, input: Tensor) -> Tensor:
        return core.flatten(input, self.start_dim, self.end_dim)


class Unflatten(FunctionLayer):
    """Splits axis `dim` into axes of the lengths `unflattened_size`."""

    dim: int
    unflattened_size: Sequence[int]

    def _made(self) -> None:
        self.unflattened_size = tuple(self.unflattened_size)

    def forward(self, input: Tensor) -> Tensor:
        return core.unflatten(input, self.dim, self.unflattened_size)
