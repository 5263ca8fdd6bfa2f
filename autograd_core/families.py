"""Families of operations: a few are registered when the package is imported, the others on first use.

The index of the latter is generated; registering all of them would double the time of the import.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any

from autograd_core.compatibility.absent import refuse
from autograd_core.family_index import INDEX
from autograd_core.tensor import Tensor

# Where it is public ("det", "linalg.det", "Tensor.det") -> the module in `ops` that registers it.
FAMILY = {name: family for family, names in INDEX.items() for name in names.split()}


def load(name: str) -> bool:
    """Register the family that offers a name, if one does; whether there is one."""
    if name in FAMILY:
        import_module(f"autograd_core.ops.{FAMILY[name]}")
    return name in FAMILY


def load_all() -> None:
    """Register every operation there is."""
    from pathlib import Path  # a tenth of what it takes to import this package

    for found in sorted(Path(__file__).with_name("ops").glob("*/*.py")):
        import_module(f"autograd_core.ops.{found.parent.name}.{found.stem}")


def attribute(module: str, name: str) -> Any:
    """What a module of functions ("" for the top level) offers under a name that it has not loaded yet."""
    place = vars(sys.modules[f"autograd_core.{module or 'functional'}"])
    load(f"{module}.{name}" if module else name)
    return place[name] if name in place else refuse(module, name)


def foresee(rules: Any) -> None:
    """Let rules on arrays find operations that are not registered yet, not the library's functions of these names."""
    for name in FAMILY:
        if "." not in name:
            setattr(rules, name, _first_call(rules, name))


def _first_call(rules: Any, name: str) -> Callable[..., Any]:
    def call(*args: Any, **statics: Any) -> Any:
        load(name)
        if vars(rules)[name] is call:  # the library's function is the operation's forward
            setattr(rules, name, getattr(rules.forwards, name))
        return getattr(rules, name)(*args, **statics)

    return call


class _Unloaded:
    """A method whose family is registered when it is first asked for."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __get__(self, instance: Any, owner: type) -> Any:
        load(f"Tensor.{self._name}")
        return getattr(owner if instance is None else instance, self._name)


def install() -> None:
    """The methods of families that are not registered yet."""
    for name in FAMILY:
        if name.startswith("Tensor.") and name.removeprefix("Tensor.") not in vars(Tensor):
            setattr(Tensor, name.removeprefix("Tensor."), _Unloaded(name.removeprefix("Tensor.")))
