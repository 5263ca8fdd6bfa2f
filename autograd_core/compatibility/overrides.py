"""PyTorch's `torch.overrides`, which libraries ask before they use a value that may stand for a tensor."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from typing import Any

from autograd_core.compatibility import leading
from autograd_core.engine.overriding import asked, call, overrides, state
from autograd_core.semantics.subclasses import unconverted
from autograd_core.tensor import Tensor


class TorchFunctionMode:
    """A context that is asked before every public function, method and property that is called in it.

    Its `__torch_function__(func, types, args, kwargs)` returns the result, usually `func(*args, **kwargs)`, and is not
    asked meanwhile. Outside of such contexts nothing is paid for them; each takes some milliseconds to enter.
    """

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        raise NotImplementedError

    def __enter__(self) -> TorchFunctionMode:
        leading.enter(self)
        return self

    def __exit__(self, *_: object) -> None:
        leading.leave()


class BaseTorchFunctionMode(TorchFunctionMode):
    """A mode that changes nothing."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return func(*args, **(kwargs or {}))


def get_default_nowrap_functions() -> set[Any]:
    """The functions whose results `Tensor.__torch_function__` leaves as they are."""
    return set(unconverted())


def has_torch_function(relevant_args: Iterable[Any]) -> bool:
    """Whether a mode or the class of an argument may replace a function: that of a plain tensor never does."""
    return bool(state.modes or asked(relevant_args, {}))


def has_torch_function_variadic(*relevant_args: Any) -> bool:
    """`has_torch_function` of separate arguments."""
    return has_torch_function(relevant_args)


has_torch_function_unary = has_torch_function_variadic


def handle_torch_function(
    public_api: Callable[..., Any], relevant_args: Iterable[Any], *args: Any, **kwargs: Any
) -> Any:
    """The answer of the first class that has one, TypeError if none of them has; the function's own without any."""
    return call(public_api, public_api, args, kwargs)


def is_tensor_like(inp: Any) -> bool:
    """Whether a value is a tensor, or stands for one."""
    return isinstance(inp, Tensor) or overrides(type(inp))


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
