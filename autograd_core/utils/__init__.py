"""Helpers under the names of PyTorch's `torch.utils`."""

from importlib import import_module
from typing import Any
from weakref import ref

from autograd_core.compatibility import above
from autograd_core.engine.nodes import Leaf
from autograd_core.engine.versions import View
from autograd_core.tensor import Tensor
from autograd_core.utils import checkpoint as checkpoint

_SLOTS = ("__dict__", "_grad", "_name", "_role", "array", "node")


def swap_tensors(t1: Tensor, t2: Tensor) -> None:
    """Exchange all that two leaves are: elements, gradient, hooks, attributes, and whether they are parameters.

    Whoever holds one of the objects then sees the other tensor. Tensors with views, and views, are refused.
    """
    if any(_in_views(t) or not t.is_leaf for t in (t1, t2)):
        raise RuntimeError("swap_tensors() takes leaves that have no views and are none")
    before = [[getattr(t, slot, None) for slot in _SLOTS] for t in (t2, t1)]
    for t, values in zip((t1, t2), before, strict=True):
        for slot, value in zip(_SLOTS, values, strict=True):
            setattr(t, slot, value)
        if isinstance(t.node, Leaf):
            t.node.tensor = ref(t)


def _in_views(t: Tensor) -> bool:
    """Whether a tensor is a view, or has views."""
    alias = getattr(t, "_alias", ())
    return isinstance(alias, View) or any(True for _ in alias)


def __getattr__(name: str) -> Any:
    if (place := f"utils.{name}") in above.PLACES:
        return above.find(place)
    if name in ("_pytree", "dlpack", "flop_counter", "hooks"):
        return import_module(f"autograd_core.utils.{name}")
    raise AttributeError(f"module 'autograd_core.utils' has no attribute {name!r}")
