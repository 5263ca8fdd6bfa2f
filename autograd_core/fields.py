"""Constructors that follow from the fields of a class: annotated names with defaults, as in dataclasses."""

from __future__ import annotations

from dataclasses import KW_ONLY
from inspect import get_annotations
from typing import Any, ClassVar, dataclass_transform


@dataclass_transform()
class Declared:
    """Base of classes that have an `__init__` with their fields as parameters, in order, which `_construct` receives.

    Fields are the annotated names of the class itself, but class variables; those after `_: KW_ONLY` are passed by name
    alone. A class that defines `__init__`, or lies outside the package, such as one of a program, is left as it is.
    """

    _package: ClassVar[str] = ""  # of the classes with fields
    _around: ClassVar[tuple[str, str]] = "", ""  # parameters before and after the fields, passed on as they are
    _fields: ClassVar[tuple[str, ...]]

    def __init_subclass__(cls, **options: Any) -> None:
        if cls.__module__.partition(".")[0] == cls._package and "__init__" not in vars(cls):
            fields = {name: kind for name, kind in get_annotations(cls).items() if "ClassVar" not in str(kind)}
            if fields:
                _complete(cls, fields)
        super().__init_subclass__(**options)


def _complete(cls: Any, fields: dict[str, Any]) -> None:
    """Give a class its `__init__`; the defaults move from the class to the parameters."""
    cls._fields = tuple([name for name, kind in fields.items() if kind not in (KW_ONLY, "KW_ONLY")])
    defaults = {name: vars(cls)[name] for name in cls._fields if name in vars(cls)}
    for name in defaults:
        delattr(cls, name)
    parameters = [f"{n}=defaults[{n!r}]" if n in defaults else n if n in cls._fields else "*" for n in fields]
    signature, passed = ", ".join(parameters), ", ".join(f"{name}={name}" for name in cls._fields)
    head, tail = cls._around
    source = f"def __init__(self, {head}{signature}{tail}): self._construct({head}dict({passed}){tail})"
    place: dict[str, Any] = {"defaults": defaults}
    exec(source, place)
    cls.__init__ = place["__init__"]
    cls.__init__.__qualname__, cls.__init__.__module__ = f"{cls.__qualname__}.__init__", cls.__module__
    cls.__init__.__annotations__ = {**{name: fields[name] for name in cls._fields}, "return": None}
