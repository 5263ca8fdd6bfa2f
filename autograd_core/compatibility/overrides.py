"""PyTorch's `torch.overrides`, which libraries ask before they use a tensor: `__torch_function__` is never called."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from autograd_core.compatibility.named import TorchFunctionMode as TorchFunctionMode
from autograd_core.tensor import Tensor


def has_torch_function(relevant_args: Iterable[Any]) -> bool:
    """Whether a function is to be replaced by one of its arguments: no."""
    return False


has_torch_function_unary = has_torch_function


def has_torch_function_variadic(*relevant_args: Any) -> bool:
    """Whether a function is to be replaced by one of its arguments: no."""
    return False


def handle_torch_function(
    public_api: Callable[..., Any], relevant_args: Iterable[Any], *args: Any, **kwargs: Any
) -> Any:
    """Call the function."""
    return public_api(*args, **kwargs)


def is_tensor_like(inp: Any) -> bool:
    """Whether a value is a tensor."""
    return isinstance(inp, Tensor)


def wrap_torch_function(dispatcher: Callable[..., Any]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """A decorator that returns the function itself."""
    return lambda function: function
