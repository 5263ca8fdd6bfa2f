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
                own: Any = cls
                own._fields = tuple([name for name, kind in fields.items() if kind not in (KW_ONLY, "KW_ONLY")])
                own.__init__ = _Constructor(cls, fields)
        super().__init_subclass__(**options)


class _Constructor:
    """The `__init__` of a class, compiled when it is first looked up: most are not, in a program."""

    def __init__(self, cls: Any, fields: dict[str, Any]) -> None:
        self.cls, self.fields = cls, fields
        self.defaults = {name: vars(cls)[name] for name in cls._fields if name in vars(cls)}
        for name in self.defaults:  # they move from the class to the parameters
            delattr(cls, name)

    def __get__(self, instance: Any, owner: type) -> Any:
        init = self.cls.__dict__["__init__"]
        if init is self:
            self.cls.__init__ = init = self._compiled()
        return init.__get__(instance, owner)

    def _compiled(self) -> Any:
        cls, names = self.cls, self.cls._fields
        declared = [f"{n}=defaults[{n!r}]" if n in self.defaults else n if n in names else "*" for n in self.fields]
        signature, passed = ", ".join(declared), ", ".join(f"{name}={name}" for name in names)
        head, tail = cls._around
        place: dict[str, Any] = {"defaults": self.defaults}
        exec(f"def __init__(self, {head}{signature}{tail}): self._construct({head}dict({passed}){tail})", place)
        init = place["__init__"]
        init.__qualname__, init.__module__ = f"{cls.__qualname__}.__init__", cls.__module__
        init.__annotations__ = {**{name: self.fields[name] for name in names}, "return": None}
        return init
