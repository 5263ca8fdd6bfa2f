"""`Parts`: a module's dictionaries of parameters, buffers and submodules, kept in step with its attributes."""

from __future__ import annotations

import weakref
from collections.abc import Iterable, Mapping
from typing import Any

from backends.live import changed

REGISTRIES = ("_parameters", "_buffers", "_modules")


class Parts(dict[str, Any]):
    """Parts of a module by name; what programs exchange here, as in `model._modules["fc"] = ...`, is exchanged as an
    attribute of the module as well. A class that defines `__getattr__` is asked for its parts, which are only here.
    """

    __slots__ = ("_module",)

    def __init__(self, module: Any) -> None:
        super().__init__()
        self._module = weakref.ref(module)

    def __setitem__(self, name: str, part: Any) -> None:
        if self.get(name) is not part:
            changed()
        super().__setitem__(name, part)
        if (module := self._module()) is not None and not hasattr(type(module), "__getattr__"):
            vars(module)[name] = part  # a property of the same name stays in front of it

    def __delitem__(self, name: str) -> None:
        self.pop(name)

    def pop(self, name: str, *default: Any) -> Any:
        changed()
        if (module := self._module()) is not None and name in self:
            vars(module).pop(name, None)
        return super().pop(name, *default)

    def update(self, *parts: Any, **named: Any) -> None:
        for name, part in dict(*parts, **named).items():
            self[name] = part

    def __reduce__(self) -> Any:
        return dict, (dict(self),)  # whoever owns the copy makes it his own


class Registry:
    """The attribute of a module that holds `Parts`: a dictionary that a program puts there is copied, and its entries
    replace the earlier ones. It has no `__get__`, so reading it is as fast as any attribute.
    """

    def __init__(self, name: str) -> None:
        self._name = name

    def __set__(self, module: Any, parts: Mapping[str, Any] | Iterable[tuple[str, Any]]) -> None:
        own = vars(module)
        for name in own.get(self._name, ()):
            own.pop(name, None)
        own[self._name] = registry = Parts(module)
        registry.update(parts)
