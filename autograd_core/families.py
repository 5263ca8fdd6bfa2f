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

# Public name ("det", "linalg.det", "Tensor.det") -> the module in `ops` that registers it.
FAMILY = {name: family for family, names in INDEX.items() for name in names.split()}
# Methods that PyTorch offers as functions too, beside those of elementwise operations.
METHODS = {
    "addmv_", "as_strided_", "conj_physical_", "detach_", "gcd_", "index_put_", "lcm_", "resize_as_", "xlogy_",
}  # fmt: skip


def load(name: str) -> bool:
    """Register the family that provides a name, if any; returns whether there is one."""
    if name in FAMILY:
        import_module(f"autograd_core.ops.{FAMILY[name]}")
    return name in FAMILY


def load_all() -> None:
    """Register all operations."""
    from pathlib import Path  # this takes a tenth of the package's import time

    for found in sorted(Path(__file__).with_name("ops").glob("*/*.py")):
        import_module(f"autograd_core.ops.{found.parent.name}.{found.stem}")


def attribute(module: str, name: str) -> Any:
    """The attribute of a module of functions ("" for the top level) whose family is not yet registered."""
    place = vars(sys.modules[f"autograd_core.{module or 'functional'}"])
    load(f"{module}.{name}" if module else name)
    if name in place:
        return place[name]
    return getattr(Tensor, name) if not module and name in METHODS else refuse(module, name)


def names(module: str) -> list[str]:
    """The names of a module of functions ("" for the top level), also those not yet registered."""
    prefix = f"{module}." if module else ""
    later = {name.removeprefix(prefix) for name in FAMILY if name.startswith(prefix)}
    now = vars(sys.modules[f"autograd_core.{module or 'functional'}"])["__all__"]
    return sorted({*now, *(name for name in later if "." not in name)})


def foresee(rules: Any) -> None:
    """Let rules on arrays find operations not yet registered, instead of library functions of the same name."""
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


class Unloaded:
    """A method whose family is registered on first use."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __get__(self, instance: Any, owner: type) -> Any:
        load(f"Tensor.{self._name}")
        return getattr(owner if instance is None else instance, self._name)


def install() -> None:
    """Add the methods of families not yet registered."""
    for name in FAMILY:
        if name.startswith("Tensor.") and name.removeprefix("Tensor.") not in vars(Tensor):
            setattr(Tensor, name.removeprefix("Tensor."), Unloaded(name.removeprefix("Tensor.")))
