"""Linear layers, flattening and dropout."""

import math
from collections.abc import Sequence
from typing import Any

from autograd_core import Tensor
from autograd_core import functional as core
from nn import functional as F
from nn import init
from nn.declared import FunctionLayer
from nn.functions.noise import probability
from nn.module import Module
from nn.parameter import Parameter


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
        self.weight = Parameter(core.empty(out_features, in_features, device=device, dtype=dtype))
        self.register_parameter(
            "bias", Parameter(core.empty(out_features, device=device, dtype=dtype)) if bias else None
        )
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Reinitialise weight and bias."""
        reset(self.weight, self.bias)

    def forward(self, input: Tensor) -> Tensor:
        return F.linear(input, self.weight, self.bias)


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


class _Dropout(FunctionLayer):
    _passed = ("p", "training", "inplace")
    p: float = 0.5
    inplace: bool = False

    def _made(self) -> None:
        probability(self.p)


class Dropout(_Dropout):
    """Sets elements to zero with probability p, in training only (Srivastava et al. 2014)."""

    _function = "dropout"


class Dropout1d(_Dropout):
    """Sets whole channels of (N, C, L) or (C, L) to zero with probability p, in training only."""

    _function = "dropout1d"


class Dropout2d(_Dropout):
    """Sets whole channels of (N, C, H, W) or (C, H, W) to zero with probability p, in training only."""

    _function = "dropout2d"


class Dropout3d(_Dropout):
    """Sets whole channels of (N, C, D, H, W) or (C, D, H, W) to zero with probability p, in training only."""

    _function = "dropout3d"


class AlphaDropout(_Dropout):
    """Dropout that preserves zero mean and unit variance, for SELU networks (Klambauer et al. 2017)."""

    _function = "alpha_dropout"


class FeatureAlphaDropout(_Dropout):
    """`AlphaDropout` of whole channels of (N, C, ...)."""

    _function = "feature_alpha_dropout"
