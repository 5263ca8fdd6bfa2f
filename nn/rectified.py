"""Layers that do a ReLU behind them themselves: which, and how. `Sequential` looks here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from autograd_core import Tensor
from autograd_core import functional as core
from nn.activation import ReLU
from nn.convolution import Conv1d, Conv2d, Conv3d, _Conv
from nn.layers import Linear
from nn.module import Module


def _linear(layer: Linear, x: Tensor) -> Tensor:
    return core.linear_relu(x, layer.weight, layer.bias)


def _convolution(layer: _Conv, x: Tensor) -> Tensor:
    return layer.convolved(x, core.conv_relu)


# By class, not by isinstance: a subclass may compute something else.
RECTIFIED: dict[type, Callable[[Any, Tensor], Tensor]] = {
    Linear: _linear,
    **dict.fromkeys((Conv1d, Conv2d, Conv3d), _convolution),
}


def can_follow(module: Module, after: Any) -> bool:
    """Whether a ReLU may be done by the layer before it: nobody is to see what lies between."""
    return after.__class__ is ReLU and module._hooks is None and after._hooks is None


def rectified(module: Module, x: Any) -> Any:
    """relu(module(x)) in one operation, for a module of a class in the table."""
    try:
        return RECTIFIED[module.__class__](module, x)
    except Exception as e:
        e.add_note(f"in {module!r}")
        raise
