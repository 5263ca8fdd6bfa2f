"""Modules that declare what they keep, as dataclasses do, and layers that pass it to a function of `nn.functional`."""

from __future__ import annotations

from inspect import get_annotations
from typing import Any, ClassVar, dataclass_transform

from autograd_core import Tensor
from nn import functional as F
from nn.module import Module

CONSTRUCTOR = """\
def __init__(self, {parameters}):
    begin(self)
    {attributes} = {names}
    self._made()
"""


@dataclass_transform()
class Declared(Module):
    """Base of modules whose parameters are fields: annotated names in the class, with defaults.

    Classes of this package have an `__init__` with these parameters, in order, which become attributes; `_made` then
    checks and completes them. Unless `_shown` and `_passed` name others, all of them are shown by the representation,
    and passed to the function that the module calls.
    """

    _passed: ClassVar[tuple[str, ...]] = ()

    def __init_subclass__(cls, **options: Any) -> None:
        inside = cls.__module__.startswith("nn.") and "__init__" not in vars(cls)
        fields = get_annotations(cls) if inside else {}
        if fields := {name: kind for name, kind in fields.items() if not str(kind).startswith("ClassVar")}:
            own: Any = cls
            own._passed, own._shown = (vars(cls).get(name, tuple(fields)) for name in ("_passed", "_shown"))
            own.__init__ = _constructor(own, fields)
        super().__init_subclass__(**options)

    def _made(self) -> None:
        """Check and complete the attributes."""

    def _arguments(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self._passed}


class FunctionLayer(Declared):
    """Base of layers that are a function of one tensor."""

    _function: ClassVar[str]  # a name in `nn.functional`, looked up at every call, because programs may replace it

    def forward(self, input: Tensor) -> Any:
        return getattr(F, self._function)(input, **self._arguments())


def _constructor(cls: type, fields: dict[str, Any]) -> Any:
    """The `__init__` of a class with these fields, whose defaults move from the class to its parameters."""
    defaults = {name: vars(cls)[name] for name in fields if name in vars(cls)}
    for name in defaults:
        delattr(cls, name)
    parameters = [f"{name}=defaults[{name!r}]" if name in defaults else name for name in fields]
    attributes, names = (", ".join(owner + name for name in fields) for owner in ("self.", ""))
    source = CONSTRUCTOR.format(parameters=", ".join(parameters), attributes=attributes, names=names)
    place: dict[str, Any] = {"begin": Module.__init__, "defaults": defaults}
    exec(source, place)
    init = place["__init__"]
    init.__qualname__, init.__module__ = f"{cls.__qualname__}.__init__", cls.__module__
    init.__annotations__ = {**fields, "return": None}
    return init
