"""The grad mode, which decides whether operations are recorded: `no_grad`, `enable_grad` and the like."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any, Self, TypeVar, cast, overload

F = TypeVar("F", bound=Callable[..., Any])
_grad_mode = ContextVar("grad_mode", default=True)
grad_enabled = _grad_mode.get


class set_grad_enabled:
    """Turn recording of operations on or off: a context manager, a decorator, or a plain call with a lasting effect.

    It affects only the current thread or async task.

    >>> from autograd_core import tensor, set_grad_enabled
    >>> x = tensor(2.0, requires_grad=True)
    >>> with set_grad_enabled(False):
    ...     (x * x).requires_grad
    False
    """

    def __init__(self, mode: bool) -> None:
        given: Any = mode
        if isinstance(given, str):  # "no" is true
            raise TypeError(f"set_grad_enabled() takes True or False, not {mode!r:.40}")
        self._mode, self._before = bool(mode), [grad_enabled()]
        _grad_mode.set(self._mode)

    def __enter__(self) -> None:
        return None

    def __exit__(self, *_: object) -> None:
        _grad_mode.set(self._before.pop())

    def __call__(self, function: F) -> F:
        _grad_mode.set(self._before[0])
        return _decorated(function, lambda: set_grad_enabled(self._mode))


class _GradMode:
    _mode: bool

    @overload
    def __new__(cls) -> Self: ...
    @overload
    def __new__(cls, function: Callable[..., Any]) -> Any: ...
    def __new__(cls, function: Callable[..., Any] | None = None) -> Any:
        # Without parentheses, @no_grad is handed the function to decorate.
        return super().__new__(cls) if function is None else cls()(function)

    def __init__(self) -> None:
        self._before: list[Any] = []

    def __enter__(self) -> None:
        self._before.append(grad_enabled())
        _grad_mode.set(self._mode)

    def __exit__(self, *_: object) -> None:
        _grad_mode.set(self._before.pop())

    def __call__(self, function: F) -> F:
        return _decorated(function, type(self))


class no_grad(_GradMode):
    """Do not record operations: a context manager or a decorator.

    >>> from autograd_core import tensor, no_grad
    >>> x = tensor(2.0, requires_grad=True)
    >>> with no_grad():
    ...     (x * x).requires_grad
    False
    """

    _mode = False


class enable_grad(_GradMode):
    """Record operations again inside a `no_grad` block: a context manager or a decorator."""

    _mode = True


_inference = ContextVar("inference", default=False)
is_inference_mode_enabled = _inference.get


class inference_mode(_GradMode):
    """`no_grad`, reported by `is_inference_mode_enabled`; with False, `enable_grad`."""

    @overload
    def __new__(cls, mode: bool = True) -> Self: ...
    @overload
    def __new__(cls, mode: Callable[..., Any]) -> Any: ...
    def __new__(cls, mode: Any = True) -> Any:
        return super().__new__(cls, mode) if callable(mode) else super().__new__(cls)

    def __init__(self, mode: bool = True) -> None:
        super().__init__()
        self._inference, self._mode = bool(mode), not mode

    def __enter__(self) -> None:
        super().__enter__()
        self._before.append(_inference.set(self._inference))

    def __exit__(self, *_: object) -> None:
        _inference.reset(self._before.pop())
        super().__exit__()

    def __call__(self, function: F) -> F:
        return _decorated(function, lambda: inference_mode(self._inference))


def _decorated(function: F, mode: Callable[[], Any]) -> F:
    if inspect.isgeneratorfunction(function):
        return _decorated_generator(function, mode)

    @functools.wraps(function)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        with mode():
            return function(*args, **kwargs)

    return cast(F, wrapped)


def _decorated_generator(function: F, mode: Callable[[], Any]) -> F:
    """Apply the mode while the generator runs, but not in the code to which it yields."""

    @functools.wraps(function)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        generator = function(*args, **kwargs)
        resume, value = generator.send, cast(Any, None)
        while True:
            try:
                with mode():
                    result = resume(value)
            except StopIteration as end:
                return end.value
            try:
                resume, value = generator.send, (yield result)
            except BaseException as e:
                resume, value = generator.throw, e

    return cast(F, wrapped)
