"""The graph behind a tensor: its nodes, hooks on several gradients, and hooks on saved tensors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextvars import ContextVar
from typing import Any

from autograd_core.autograd.packing import allow_mutation_on_saved_tensors as allow_mutation_on_saved_tensors
from autograd_core.autograd.packing import disable_saved_tensors_hooks as disable_saved_tensors_hooks
from autograd_core.autograd.packing import save_on_cpu as save_on_cpu
from autograd_core.autograd.packing import saved_tensors_hooks as saved_tensors_hooks
from autograd_core.engine.nodes import Gathered, Removable, add_hook, source_of
from autograd_core.engine.nodes import GradientEdge as GradientEdge
from autograd_core.engine.nodes import Node as Node
from autograd_core.engine.versions import record_writes
from autograd_core.tensor import Tensor

_called: ContextVar[frozenset[int]] = ContextVar("called", default=frozenset())  # a walk runs in its own context


def get_gradient_edge(tensor: Tensor) -> GradientEdge:
    """The place in the graph to which a tensor's gradient flows; it keeps the graph alive but not the tensor."""
    if tensor.node is None:
        raise RuntimeError("get_gradient_edge() of a tensor that does not require a gradient")
    return GradientEdge(*source_of(tensor.node), tensor.node)


class _Handles:
    def __init__(self, handles: Sequence[Removable]) -> None:
        self._handles = handles

    def remove(self) -> None:
        """Remove the hooks."""
        for handle in self._handles:
            handle.remove()


def register_multi_grad_hook(tensors: Sequence[Tensor], fn: Callable[[Any], None], *, mode: str = "all") -> _Handles:
    """Call `fn` once in every walk that reaches one of the tensors.

    "all": at the end of the walk, before any `.grad` changes, with a list of gradients, None for tensors not reached.
    "any": with the first gradient that is computed.
    """
    if mode not in ("all", "any"):
        raise ValueError(f"register_multi_grad_hook(): mode must be 'all' or 'any', not {mode!r}")
    if missing := [i for i, t in enumerate(tensors) if t.node is None]:
        raise RuntimeError(f"register_multi_grad_hook(): tensor {missing[0]} does not require a gradient")

    def gathered(found: dict[int, Tensor]) -> None:
        fn([found.get(i) for i in range(len(tensors))])

    def first(gradient: Tensor) -> None:
        if id(gathered) not in _called.get():
            _called.set(_called.get() | {id(gathered)})
            fn(gradient)

    hooks = [Gathered(gathered, i) if mode == "all" else first for i in range(len(tensors))]
    return _Handles([add_hook(t.node, "hooks", hook) for t, hook in zip(tensors, hooks, strict=True)])


def increment_version(tensor: Tensor | Sequence[Tensor]) -> None:
    """Declare that tensors were written in place by foreign code, so that graphs that saved them become stale."""
    record_writes([t.array for t in ([tensor] if isinstance(tensor, Tensor) else tensor)], 2)
