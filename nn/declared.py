"""Modules that declare what they keep, as dataclasses do, and layers that pass it to a function of `nn.functional`."""

from __future__ import annotations

from typing import Any, ClassVar

from autograd_core import Tensor, fields
from nn import functional as F
from nn.module import Module

FUNCTIONS = {name.replace("_", ""): name for name in F.__all__ if name[-1] != "_"}


class Named(Module):
    """Base of layers and losses that call the function of `nn.functional` with the name of their class.

    It is looked up at every call, because programs may replace it.
    """

    _function: ClassVar[str]  # as `nn.functional` spells it: "max_pool2d" for `MaxPool2d`

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if cls.__module__.startswith("nn.") and "_function" not in vars(cls) and cls.__name__.lower() in FUNCTIONS:
            cls._function = FUNCTIONS[cls.__name__.lower()]


class Declared(fields.Declared, Module):
    """Base of modules whose parameters are fields, which become attributes; `_made` then checks and completes them.

    Unless `_shown` and `_passed` name others, all of them are shown by the representation, and passed to the function
    that the module calls.
    """

    _package = "nn"
    _passed: ClassVar[tuple[str, ...]] = ()

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if "_fields" in vars(cls):
            cls._passed, cls._shown = (vars(cls).get(name, cls._fields) for name in ("_passed", "_shown"))

    def _construct(self, fields: dict[str, Any]) -> None:
        Module.__init__(self)
        for name, value in fields.items():
            setattr(self, name, value)
        self._made()

    def _made(self) -> None:
        """Check and complete the attributes."""

    def _arguments(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self._passed}


class FunctionLayer(Named, Declared):
    """Base of layers that are a function of one tensor."""

    def forward(self, input: Tensor) -> Any:
        return getattr(F, self._function)(input, **self._arguments())
