"""An array type that is not NumPy's and refuses to become NumPy's, with a namespace of the same function names.

It stands in for a GPU array: a kernel that calls `np.` on it, or hands it to NumPy, fails.
"""

from types import SimpleNamespace
from typing import Any

import numpy as np


class ForeignArray:
    """Wraps a NumPy array; `held` is for tests only."""

    def __init__(self, held: np.ndarray) -> None:
        self.held = held

    def __array__(self, *args: Any, **kwargs: Any) -> np.ndarray:
        raise TypeError("a foreign array was converted to NumPy")

    __array_ufunc__ = None

    def __getattr__(self, name: str) -> Any:
        value = getattr(self.held, name)
        return wrapped(value) if callable(value) else wrap(value)

    def __setitem__(self, index: Any, value: Any) -> None:
        self.held[unwrap(index)] = unwrap(value)

    def __bool__(self) -> bool:
        return bool(self.held)


def unwrap(value: Any) -> Any:
    if isinstance(value, ForeignArray):
        return value.held
    if isinstance(value, (tuple, list)):
        return type(value)(unwrap(item) for item in value)
    if isinstance(value, np.ndarray):
        raise TypeError("a NumPy array was mixed with foreign arrays")
    return value


def wrap(value: Any) -> Any:
    return ForeignArray(np.asarray(value)) if isinstance(value, (np.ndarray, np.generic)) else value


def wrapped(function: Any) -> Any:
    def call(*args: Any, **kwargs: Any) -> Any:
        result = function(*map(unwrap, args), **{name: unwrap(value) for name, value in kwargs.items()})
        return wrap(result)

    return call


def _operator(name: str) -> Any:
    def method(self: ForeignArray, *args: Any) -> Any:
        return wrap(getattr(self.held, name)(*map(unwrap, args)))

    return method


_BINARY = ("add", "sub", "mul", "truediv", "floordiv", "and", "or", "pow")
_NAMES = [f"__{prefix}{name}__" for name in _BINARY for prefix in ("", "r", "i")]
_NAMES += [f"__{name}__" for name in ("eq", "ne", "lt", "le", "gt", "ge", "neg", "invert", "getitem", "len")]
for _name in _NAMES:
    if hasattr(np.ndarray, _name):
        setattr(ForeignArray, _name, _operator(_name))


def namespace() -> SimpleNamespace:
    """NumPy's functions, over foreign arrays."""
    functions = {
        name: wrapped(value) if callable(value) and not isinstance(value, type) else value
        for name in np.__all__
        if (value := getattr(np, name, None)) is not None
    }
    functions["add"].at = wrapped(np.add.at)
    functions["lib"] = SimpleNamespace(
        stride_tricks=SimpleNamespace(as_strided=wrapped(np.lib.stride_tricks.as_strided))
    )
    return SimpleNamespace(**functions)
