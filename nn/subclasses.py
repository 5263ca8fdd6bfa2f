"""What subclasses of `Module` get when they are defined: documentation, an `__init__` of their own, `__getattr__`."""

from __future__ import annotations

from types import FunctionType
from typing import Any

from nn.parts import REGISTRIES


def prepare(cls: Any, base: Any) -> None:
    """Complete a class that is derived from `base`."""
    if cls.__module__.startswith("nn.") and "__init__" not in vars(cls) and cls.__init__ is not base.__init__:
        cls.__init__ = _for(cls, cls.__init__)
    own = vars(cls).get("__doc__")
    if own and cls.__name__[0] != "_":
        cls.__doc__ = own.rstrip() + _shared_documentation(cls, base)
    if (hasattr(cls, "__getattr__") or _calls_getattr(cls)) and not issubclass(cls, _Attributes):
        cls.__bases__ += (_Attributes,)


def _for(cls: type, inherited: Any) -> Any:
    """The inherited `__init__` as one of the class, which errors about its arguments then name."""
    init = FunctionType(
        inherited.__code__, inherited.__globals__, "__init__", inherited.__defaults__, inherited.__closure__
    )
    init.__kwdefaults__, init.__annotations__ = inherited.__kwdefaults__, inherited.__annotations__
    init.__doc__, init.__module__ = inherited.__doc__, inherited.__module__
    init.__qualname__ = f"{cls.__name__}.__init__"
    return init


def _shared_documentation(cls: type, base: type) -> str:
    """What the nearest private base with more than one paragraph says after the first, which describes the base."""
    for c in cls.__mro__[1 : cls.__mro__.index(base)]:
        text = (vars(c).get("__doc__") or "").partition("\n\n")[2] if c.__name__[0] == "_" else ""
        if text:
            return f"\n\n{text.rstrip()}\n"
    return ""


class _Attributes:
    """What `super().__getattr__` means in modules that define `__getattr__`, which are asked for their parts by it, and
    what `self.__getattr__` means in those that call it.

    `Module` itself has none, since it would slow the look-up of every attribute.
    """

    __slots__ = ()

    def __getattr__(self, name: str) -> Any:
        own = vars(self)
        parts = next((own[registry] for registry in REGISTRIES if name in own.get(registry, ())), None)
        return object.__getattribute__(self, name) if parts is None else parts[name]


def _calls_getattr(cls: type) -> bool:
    """Whether a method of the class calls `__getattr__`."""
    if cls.__module__.startswith("nn."):
        return False
    methods = [value for value in vars(cls).values() if isinstance(value, FunctionType)]
    return any("__getattr__" in method.__code__.co_names for method in methods)
