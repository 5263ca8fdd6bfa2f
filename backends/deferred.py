"""Libraries that are too expensive to import before they are used."""

from collections.abc import Callable
from importlib import import_module
from typing import Any


class Deferred:
    """A module, such as scipy.special, imported on the first access to a function.

    wrap: applied to each function, for example to adapt it to another array type.
    """

    def __init__(self, name: str, wrap: Callable[[Any], Any] | None = None) -> None:
        self._name, self._wrap = name, wrap

    def __getattr__(self, name: str) -> Any:
        function = getattr(import_module(self._name), name, None)
        if function is None:
            raise NotImplementedError(f"{self._name} has no function '{name}'; compute it on the CPU: x.cpu()")
        function = self._wrap(function) if self._wrap else function
        setattr(self, name, function)
        return function
