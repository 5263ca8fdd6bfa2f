"""The parameter `inplace` of activations and dropout."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from autograd_core import Tensor
from autograd_core.engine.inplace import write


def either(function: Callable[..., Tensor], input: Tensor, inplace: bool, *parameters: Any) -> Tensor:
    """The result as a new tensor, or written into the input."""
    if inplace:
        return write(input, lambda x: function(x, *parameters), depth=4)
    return function(input, *parameters)
