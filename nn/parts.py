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
            own = vars(module)
            if name not in own and (shown := getattr(type(module), name, None)).__class__ is property:
                setattr(type(module), name, InFront(name, shown))
            own[name] = part

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


class InFront(property):
    """A property of the same name as a part: as in PyTorch, it shows the part where its function has no attribute."""

    def __init__(self, name: str, shown: property) -> None:
        super().__init__(shown.fget, shown.fset, shown.fdel)  # its docstring is that of the first
        self._name = name

    def __get__(self, module: Any, owner: type | None = None) -> Any:
        try:
            return super().__get__(module, owner)
        except AttributeError:
            if self._name not in vars(module):
                raise
            return vars(module)[self._name]


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
