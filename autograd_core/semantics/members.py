"""The members of subclasses of Tensor: those of Tensor, which ask `__torch_function__` first."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from types import FunctionType
from typing import Any

from autograd_core.engine.arguments import is_operand
from autograd_core.engine.entries import Composition, Op, public_names
from autograd_core.engine.overriding import answered, call, overrides
from autograd_core.families import Unloaded
from autograd_core.registry import LISTENERS, OPS
from autograd_core.semantics.writing import OPERATORS
from autograd_core.tensor import Tensor

# Members about which nobody is asked.
INTERNAL = {
    "__array_function__", "__array_ufunc__", "__copy__", "__hash__", "__init_subclass__", "__iter__", "__new__",
    "__torch_function__", "_make_subclass", "as_subclass",
}  # fmt: skip
LOGICAL = ("eq", "ne", "bitwise_and", "bitwise_or", "bitwise_xor", "bitwise_not")  # known by their operators


class Subclassed(Tensor):
    """Between Tensor and each of its subclasses: the same members, which ask `__torch_function__` first."""

    __slots__ = ()


@cache
def add_members() -> None:
    """Add the members, and those of entries that are registered later."""
    name_methods()
    for name, member in own_members().items():
        asking = _asking_property(member) if isinstance(member, property) else _asking(name)
        setattr(Subclassed, name, asking)
    LISTENERS.append(_offer)


def _offer(entry: Op | Composition) -> None:
    """Add the methods of an entry that is registered later."""
    for module, name in public_names(entry):
        if entry.method and not module:
            setattr(Subclassed, name, _asking(name))


def own_members() -> dict[str, Any]:
    """The methods and properties of Tensor about which somebody is asked; none that a program has added."""
    found = {}
    for name, member in vars(Tensor).items():
        made = getattr(member, "fget", member)
        known = isinstance(made, FunctionType) and made.__module__.partition(".")[0] in ("autograd_core", "nn")
        if name not in INTERNAL and (known or isinstance(made, Unloaded)):
            found[name] = member
    return found


@cache
def name_methods() -> None:
    """Give methods their own names, by which classes may look up what to do."""
    for name, member in own_members().items():
        if isinstance(member, FunctionType) and member.__name__ not in vars(Tensor):
            member.__name__ = name


def spelled(name: str) -> str:
    """The method that `__torch_function__` is asked about if this one is called."""
    entry = _operators().get(name)
    if entry is None or entry.name in LOGICAL:
        return f"{OPERATORS[name]}_" if name in OPERATORS else name
    return entry.name


def _asking(name: str) -> Callable[..., Any]:
    """A method or operator of Tensor that asks first, on behalf of the public function that computes it."""
    entry, public = _operators().get(name), spelled(name)
    straight = entry is not None and f"__{name[3:]}" in entry.operators
    binary = name in OPERATORS or (entry is not None and len(entry.inputs) == 2)

    def method(self: Tensor, *args: Any, **kwargs: Any) -> Any:
        if binary and not (is_operand(args[0]) or overrides(args[0].__class__)):
            return NotImplemented
        func, operands = getattr(Tensor, public), (self, *args)
        if straight and isinstance(args[0], Tensor):
            operands = (args[0], self)
        elif straight and entry and not entry.commutative:
            func = getattr(Tensor, name)
        return (answered if binary else call)(func, func, operands, kwargs)

    method.__name__ = method.__qualname__ = name
    return method


@cache
def _operators() -> dict[str, Op]:
    return {name: o for o in OPS.values() for name in o.operators}


def _asking_property(member: property) -> property:
    """A property that asks first, on behalf of its `__get__`, `__set__` or `__delete__`."""

    def asking(name: str, plainly: Any) -> Any:
        func = getattr(member, name)
        return plainly and (lambda *args: call(func, plainly, args, {}))

    fget, fset, fdel = member.fget, member.fset, member.fdel
    return property(asking("__get__", fget), asking("__set__", fset), asking("__delete__", fdel), member.__doc__)
