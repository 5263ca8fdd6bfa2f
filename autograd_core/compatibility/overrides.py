"""PyTorch's `torch.overrides`, which libraries ask before they use a value that may stand for a tensor."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from typing import Any

from autograd_core.compatibility.named import TorchFunctionMode as TorchFunctionMode
from autograd_core.engine.arguments import overridden
from autograd_core.tensor import Tensor


def has_torch_function(relevant_args: Iterable[Any]) -> bool:
    """Whether the class of an argument may replace a function: that of a tensor never does."""
    return any(hasattr(type(arg), "__torch_function__") for arg in relevant_args)


def has_torch_function_variadic(*relevant_args: Any) -> bool:
    """`has_torch_function` of separate arguments."""
    return has_torch_function(relevant_args)


has_torch_function_unary = has_torch_function_variadic


def handle_torch_function(
    public_api: Callable[..., Any], relevant_args: Iterable[Any], *args: Any, **kwargs: Any
) -> Any:
    """The answer of the first class that has one, TypeError if none of them has; the function's own without any."""
    if not has_torch_function(relevant_args := list(relevant_args)):
        return public_api(*args, **kwargs)
    if (result := overridden(public_api, args, kwargs)) is NotImplemented:
        raise TypeError(f"no implementation of {public_api.__name__}() for {[type(arg) for arg in relevant_args]}")
    return result


def is_tensor_like(inp: Any) -> bool:
    """Whether a value is a tensor, or stands for one."""
    return isinstance(inp, Tensor) or hasattr(type(inp), "__torch_function__")


def wrap_torch_function(dispatcher: Callable[..., Any]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """A decorator: classes among the arguments that `dispatcher` names may replace the function."""

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            relevant = list(dispatcher(*args, **kwargs))
            if has_torch_function(relevant):
                return handle_torch_function(call, relevant, *args, **kwargs)
            return function(*args, **kwargs)

        return call

    return decorate
