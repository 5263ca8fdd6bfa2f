"""What nodes save for backward under PyTorch's names: `y.grad_fn._saved_self`, `_saved_result`, `_raw_saved_self`.

Operands have the names of parameters, the first and second of arithmetic are "self" and "other", and the result is
"result"; static parameters are there too. `dir(node)` lists what is saved.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from autograd_core.autograd.packing import Packed, _Packed, _tensor
from autograd_core.engine.entries import Op
from autograd_core.engine.libraries import is_array
from autograd_core.engine.nodes import Node
from autograd_core.engine.stand_ins import StandIn, uncovered
from autograd_core.tensor import Tensor, wrap

PREFIXES = {"_saved_": False, "_raw_saved_": True}  # whether the attribute gives the place instead of the value
# A class that defines `__getattr__` would slow the look-up of every attribute, so there is a property for every name:
# for these from the start, for others when `dir()` lists them.
COMMON = "self other result input weight bias target dim keepdim index indices mask condition exponent mean min max"


def _public(op: Any) -> dict[str, str]:
    """The names of what an operation saves -> those of its rules."""
    while isinstance(op, StandIn):
        op = op.op
    if not isinstance(op, Op):
        return {}  # of a leaf, or of a Function
    names = {"y": "result"}
    for (public, own, _), position in zip(op.public, (*op.inputs, *op.statics), strict=False):
        names[own or position] = {"input": "self"}.get(public, public) if len(position) == 1 else public
    saved = [name for name in op.keep if name.rpartition("_")[0] not in op.inputs]  # no shapes and dtypes
    return {names.get(name, name): name for name in saved}


class SavedTensor:
    """The place of a saved value in its node."""

    def __init__(self, node: Node, name: str) -> None:
        self._node, self._name = node, name

    def value(self) -> Any:
        """The saved value; a tensor for an array."""
        n = self._node
        op, saved = uncovered(n)
        held = saved[op.keep.index(self._name)]
        if held.__class__ is tuple and self._name not in op.statics:
            nodes = n.parents if op.variadic and self._name in op.inputs else (None,) * len(held)
            return tuple([_tensor(v, node) if is_array(v) else v for v, node in zip(held, nodes, strict=True)])
        if not is_array(held):
            return held
        if self._name == "y":
            return wrap(held, n)
        return _tensor(held, dict(zip(op.inputs, n.parents, strict=False)).get(self._name))

    def register_hooks(self, pack_hook: Callable[[Tensor], Any], unpack_hook: Callable[[Any], Tensor]) -> None:
        """Keep the result of `pack_hook` instead; `unpack_hook` gives the tensor back whenever a walk needs it."""
        n, value = self._node, self.value()
        if not isinstance(value, Tensor):
            raise RuntimeError("hooks can be registered for a saved tensor, not for another value")
        if n.op.__class__ is not _Packed:
            n.saved, n.op = ([*n.saved],), _Packed(n.op)
        if n.saved[0][n.op.op.keep.index(self._name)].__class__ is Packed:
            raise RuntimeError("this saved tensor has hooks already")
        with_hooks = value if self._name != "y" else value.detach()  # its node would make a reference cycle
        n.saved[0][n.op.op.keep.index(self._name)] = Packed(pack_hook, unpack_hook, with_hooks)


def _property(name: str, raw: bool) -> property:
    def find(node: Node) -> Any:
        names = _public(node.op)
        if name not in names:
            attribute = f"{'_raw' * raw}_saved_{name}"
            raise AttributeError(f"'{node.name()}' saves no {name!r}, but {sorted(names)}", name=attribute, obj=node)
        place = SavedTensor(node, names[name])
        return place if raw else place.value()

    return property(find)


def _listed(self: Node) -> list[str]:
    """The attributes, with those of saved values that the node has."""
    names = {} if self.saved is None else _public(self.op)
    _install(names)
    names = {name: own for name, own in names.items() if SavedTensor(self, own).value() is not None}
    others = [name for name in object.__dir__(self) if not name.startswith(tuple(PREFIXES))]
    return [*others, *[prefix + name for prefix in PREFIXES for name in names]]


def _install(names: Any) -> None:
    for name in names:
        for prefix, raw in PREFIXES.items():
            if prefix + name not in vars(Node):
                setattr(Node, prefix + name, _property(name, raw))


_install(COMMON.split())
Node.__dir__ = _listed  # type: ignore[method-assign, assignment]
