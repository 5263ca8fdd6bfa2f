"""Namespaces whose members are made on first use: of libraries that are expensive to import, or adapted."""

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


class Adapted:
    """The members of a module or another namespace, each as `adapt(name, member)` gives it on first use."""

    def __init__(self, members: Any, adapt: Callable[[str, Any], Any]) -> None:
        self._members, self._adapt = members, adapt

    def __getattr__(self, name: str) -> Any:
        member = self._adapt(name, getattr(self._members, name))
        setattr(self, name, member)
        return member
