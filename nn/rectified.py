"""Layers that do the ReLU behind them themselves: which, and how."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from autograd_core import Tensor
from autograd_core import functional as core
from nn.failures import locate
from nn.layers.convolution import Conv1d, Conv2d, Conv3d, _Conv
from nn.layers.linear import Linear
from nn.layers.normalization import BatchNorm1d, BatchNorm2d, BatchNorm3d, _BatchNorm
from nn.module import Module


def _linear(layer: Linear, x: Tensor) -> Tensor:
    return core.linear_relu(x, layer.weight, layer.bias)


def _convolution(layer: _Conv, x: Tensor) -> Tensor:
    return layer.convolved(x, core.conv_relu)


def _normalization(layer: _BatchNorm, x: Tensor) -> Tensor:
    return layer.normalized(x, core.batch_norm_relu)


# By class, not by isinstance: a subclass may compute something else.
RECTIFIED: dict[type, Callable[[Any, Tensor], Tensor]] = {
    Linear: _linear,
    **dict.fromkeys((Conv1d, Conv2d, Conv3d), _convolution),
    **dict.fromkeys((BatchNorm1d, BatchNorm2d, BatchNorm3d), _normalization),
}


def rectified(module: Module, x: Any) -> Tensor:
    """relu(module(x)): in one operation, if the table has the module's class and nobody watches what lies between."""
    run = RECTIFIED.get(module.__class__)
    if run is None or module._hooks is not None:
        return core.relu(module(x))
    try:
        return run(module, x)
    except Exception as e:
        locate(e, module)
        raise
