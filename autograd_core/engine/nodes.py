"""The building blocks of a graph: nodes, leaves, hooks, and the counter of nodes."""

from __future__ import annotations

import itertools
import weakref
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from autograd_core.engine.libraries import LAYERS, VMAP
from autograd_core.engine.stand_ins import Hooked
from autograd_core.errors import VmapError

if TYPE_CHECKING:
    from autograd_core.tensor import Tensor

# Numbers nodes *and* in-place writes in descending order, so that a heap yields the newest node first.
tick = itertools.count(-1, -1).__next__


class Node:
    """One recorded operation: what a backward walk needs, without a reference to the output.

    It is made by `record`, or slot by slot in the binders, because a constructor would double its cost.
    """

    __slots__ = ("hooks", "number", "op", "parents", "saved", "shapes")
    op: Any
    parents: tuple[Any, ...]
    saved: Any
    shapes: Any
    number: int
    hooks: Any

    def name(self) -> str:
        """The operation's name; "leaf" for a leaf."""
        return str(self.op.name)

    @property
    def next_functions(self) -> tuple[tuple[Node | None, int], ...]:
        """For each operand, its node (None if it requires no gradient) and the output index in that node."""
        return tuple(map(source_of, self.parents))

    @property
    def metadata(self) -> dict[Any, Any]:
        """A dict for user data about this node."""
        return self._hooked().metadata

    def register_hook(self, hook: Callable[[Any, Any], Any]) -> Removable:
        """Call `hook(grad_inputs, grad_outputs)` after this node has computed the gradients of its operands. Both are
        tuples, with None for gradients that are not computed; a returned tuple replaces `grad_inputs`.
        """
        return add_hook(self._hooked(), "posthooks", hook)

    def register_prehook(self, hook: Callable[[Any], Any]) -> Removable:
        """Call `hook(grad_outputs)` before this node computes anything; a returned tuple replaces them."""
        return add_hook(self._hooked(), "prehooks", hook)

    def _hooked(self) -> Hooked:
        """The stand-in that holds the hooks, created if necessary."""
        if self.op.__class__ is not Hooked:
            self.op = Hooked(self.op)
        return self.op

    def __repr__(self) -> str:
        return f"<{self.name()}>"


def record(op: Any, parents: tuple[Any, ...], saved: Any, kind: type[Node] = Node) -> Any:
    """A node, of this class, with the next number."""
    n = kind()
    n.op, n.parents, n.saved, n.shapes, n.hooks, n.number = op, parents, saved, None, None, tick()
    return n


class Pick:
    """The pseudo-operation of a node that represents one output of an operation with several."""

    name, symbol = "output", "output"
    keep: tuple[str, ...] = ("index", "count")
    rules: tuple[Any, ...] = ()
    holds = plain = False


def source_of(node: Any) -> tuple[Any, int]:
    """The node of an operation, and the index of the output that a node represents."""
    return (node.parents[0], node.saved[0]) if node is not None and node.op is Pick else (node, 0)


class GradientEdge(NamedTuple):
    """The place to which a gradient flows: a node and an output index; `grad` accepts it as an input."""

    node: Node
    output_nr: int
    ownership_token: Any = None  # the node that represents this output

    def __eq__(self, other: object) -> bool:
        return isinstance(other, GradientEdge) and self[:2] == other[:2]

    def __hash__(self) -> int:
        return hash(self[:2])


def behind(nodes: Iterable[Any], since: float = 0) -> Iterator[Any]:
    """The nodes of a graph, these first, as far as they are younger than the number `since`."""
    seen = dict.fromkeys(n for n in nodes if n.number < since)
    stack = list(seen)
    while stack:
        n = stack.pop()
        yield n
        for m in n.parents:
            if m is not None and m.number < since and m not in seen:
                seen[m] = None
                stack.append(m)


def end_of(edge: GradientEdge, results: Iterable[Any]) -> Any:
    """The node that takes the gradient at an edge; one of several outputs has its own, in the graph of the results."""
    if edge.ownership_token is not None or not getattr(edge.node.op, "outputs", None):
        return edge.ownership_token or edge.node
    roots = [y.node for y in results if y.node is not None]
    return next((n for n in behind(roots) if n is not edge.node and source_of(n) == edge[:2]), edge.node)


class Leaf(Node):
    """The end of a gradient. Holds its Tensor weakly: no cycle, and a dead leaf needs no gradient."""

    __slots__ = ("__weakref__", "after", "notes", "tensor")
    op, parents, saved, shapes = None, (), (), None
    followed = False  # whether any leaf ever got a post-accumulate hook
    after: tuple[Callable[[Tensor], Any], ...] | None
    tensor: Callable[[], Tensor | None]

    def __init__(self, tensor: Tensor) -> None:
        if LAYERS:
            _check_inside(tensor)
        self.tensor, self.hooks, self.number = weakref.ref(tensor), None, tick()
        self.after = None  # post-accumulate hooks

    def name(self) -> str:
        return "leaf"

    @property
    def metadata(self) -> dict[Any, Any]:
        """A dict for user data about this leaf."""
        if not hasattr(self, "notes"):
            self.notes: dict[Any, Any] = {}
        return self.notes

    @property
    def variable(self) -> Tensor | None:
        """The tensor of this leaf, if it still exists."""
        return self.tensor()

    def register_hook(self, hook: Callable[[Any, Any], Any]) -> Removable:
        """Call `hook((), (gradient,))` after a backward walk has added the gradient to the tensor's `.grad`."""
        Leaf.followed = True
        return add_hook(self, "after", OfLeaf(hook))

    def register_prehook(self, hook: Callable[[Any], Any]) -> Removable:
        """Call `hook((gradient,))` before the gradient is accumulated, after the hooks of the tensor; a returned tuple
        replaces it, and nothing is accumulated for None.
        """
        return add_hook(self, "hooks", OfLeaf(hook))


Leaf.__name__ = "AccumulateGrad"  # by which programs for PyTorch find leaves


def _check_inside(tensor: Tensor) -> None:
    """Raise if the gradient would be ambiguous inside `vmap`: per sample, or for all samples together."""
    if LAYERS.get(tensor.array.__class__, 0) < len(VMAP.active()):
        raise VmapError(
            "a tensor that all samples share cannot be made to require a gradient inside vmap; do so outside, "
            "or use func.grad() inside, which gives each sample its own gradient"
        )


def add_hook(owner: Any, attribute: str, hook: Any, first: bool = False) -> Removable:
    """Append a hook to the list in an attribute, or let it be the first; those of a leaf's node are the last."""
    there = getattr(owner, attribute) or ()
    if any(h is hook for h in there):
        hook = partial(hook)  # which its own handle removes, and no other one
    hooks = (hook, *there) if first else (*there, hook)
    setattr(owner, attribute, tuple(sorted(hooks, key=lambda h: h.__class__ is OfLeaf)))
    return Removable(owner, attribute, hook)


class Removable:
    """The handle of a hook: `remove()` removes it, and so does leaving the handle as a context manager."""

    def __init__(self, owner: Any, attribute: str, hook: Any) -> None:
        self._owner, self._attribute, self._hook = owner, attribute, hook

    def remove(self) -> None:
        hooks = getattr(self._owner, self._attribute) or ()
        setattr(self._owner, self._attribute, tuple(h for h in hooks if h is not self._hook) or None)

    def __enter__(self) -> Removable:
        return self

    def __exit__(self, *_: object) -> None:
        self.remove()


class OfLeaf:
    """A hook of a leaf's node, which takes gradients as tuples, as those of other nodes do."""

    __slots__ = ("function",)

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function


class Late:
    """A hook that is called at the end of the walk, with the gradient that results from all other hooks."""

    __slots__ = ()


class RetainGrad(Late):
    """The hook behind `retain_grad`: the engine commits its gradient together with those of the leaves."""

    __slots__ = ("tensor",)

    def __init__(self, tensor: Callable[[], Tensor | None]) -> None:
        self.tensor = tensor


class Gathered(Late):
    """One of the gradients that a function waits for, by position."""

    __slots__ = ("function", "position")

    def __init__(self, function: Callable[[dict[int, Any]], None], position: int) -> None:
        self.function, self.position = function, position
