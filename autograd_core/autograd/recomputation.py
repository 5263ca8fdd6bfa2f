"""`checkpoint` trades time for memory: what a function saves is dropped, and recomputed when backward needs it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack, nullcontext
from contextvars import ContextVar, copy_context
from typing import Any

from autograd_core import random, trees
from autograd_core.batching.levels import Level, repeatable
from autograd_core.engine.casting import casting_anew
from autograd_core.engine.nodes import Node, Pick, behind, tick
from autograd_core.engine.stand_ins import Kept
from autograd_core.engine.versions import check_unchanged, written_since
from autograd_core.errors import CheckpointError
from autograd_core.grad_mode import enable_grad, grad_enabled
from autograd_core.tensor import Tensor, wrap
from backends.buffers import apart

# Context managers around the first call that the repeated one needs again, such as a replacement of parameters.
repeated: ContextVar[tuple[Callable[[], AbstractContextManager[Any]], ...]] = ContextVar("repeated", default=())


def checkpoint(
    function: Callable[..., Any],
    *args: Any,
    use_reentrant: bool | None = None,
    preserve_rng_state: bool = True,
    context_fn: Callable[[], tuple[AbstractContextManager[Any], AbstractContextManager[Any]]] | None = None,
    determinism_check: str = "default",
    debug: bool = False,
    early_stop: bool = True,
    **kwargs: Any,
) -> Any:
    """Call function(*args, **kwargs), but keep only the arguments for backward, and recompute the function there.

    preserve_rng_state: random functions draw the same numbers again. context_fn: returns two context managers, for the
    first call and for recomputation. The other options are accepted for compatibility: the one implementation supports
    tensors in closures, nested checkpoints and higher derivatives, and always checks that recomputation repeats the
    first call.

    >>> from autograd_core import tensor
    >>> x = tensor(2.0, requires_grad=True)
    >>> checkpoint(lambda x: (x * x).sin(), x).backward()
    >>> x.grad
    tensor(-2.6146)
    """
    first, again = context_fn() if context_fn else (nullcontext(), nullcontext())
    if not grad_enabled():
        with first:
            return function(*args, **kwargs)
    region = _Region(function, args, kwargs, preserve_rng_state, again)
    start = tick()
    with first, casting_anew(), repeatable(region.levels):
        result = function(*args, **kwargs)
    region.drop(_nodes(result, start))
    return result


def checkpoint_sequential(
    functions: Any, segments: int, input: Any, use_reentrant: bool | None = None, preserve_rng_state: bool = True
) -> Any:
    """Call the functions (or the layers of a module) in sequence, in `segments` checkpoints of equal length.

    The last segment is not checkpointed, because backward needs it first.
    """
    layers = list(functions.children()) if hasattr(functions, "children") else list(functions)
    length = max(len(layers) // segments, 1)
    x, last = input, max(0, length * (min(segments, len(layers) // length) - 1))
    for k in range(0, last, length):
        x = checkpoint(_chain(layers[k : k + length]), x, preserve_rng_state=preserve_rng_state)
    return _chain(layers[last:])(x)


def _chain(functions: Sequence[Callable[..., Any]]) -> Callable[[Any], Any]:
    def run(x: Any) -> Any:
        for function in functions:
            x = function(x)
        return x

    return run


class _Region:
    """A call that can be repeated. It knows its nodes by position only, which avoids reference cycles."""

    def __init__(
        self,
        function: Callable[..., Any],
        args: Any,
        kwargs: Any,
        preserve_rng_state: bool,
        surroundings: AbstractContextManager[Any],
    ) -> None:
        self._function, self._number, self._surroundings = function, tick(), surroundings
        frozen = {id(x): _frozen(x) for x in trees.leaves((args, kwargs))}  # one argument given twice remains one
        self._inputs = trees.mapped(lambda x: frozen[id(x)], (args, kwargs))
        self._arrays = tuple([x.array for x in trees.leaves(self._inputs) if isinstance(x, Tensor)])
        self._states = random.rng_states() if preserve_rng_state else None
        self._context, self._lock = copy_context(), threading.Lock()
        self._names: list[str] = []
        self.levels: list[Level] = []  # the calls of `vmap` inside
        self._again: dict[int, Node] = {}  # position -> node of the repeated call

    def drop(self, nodes: list[Node]) -> None:
        """Drop the saved values of the nodes."""
        self._names = [n.op.name for n in nodes]
        for position, n in enumerate(nodes):
            if n.op.holds:
                n.op, n.saved = _Dropped(n.op, self, position), ()

    def restored(self, n: Node, stand_in: _Dropped, position: int) -> tuple[Any, Any]:
        """Restore the operation and saved values of a node."""
        with self._lock:
            if position not in self._again:
                self._context.copy().run(self._compute)
            made = self._again.pop(position)
            op, n.saved = made.op, _unnoticed(check_unchanged(made), self._start)
            if n.op is stand_in:
                n.op = op
            else:  # it got hooks in the meantime
                n.op.op = op
        check_unchanged(n)
        return op, n.saved

    def _compute(self) -> None:
        args, kwargs = self._inputs
        check_unchanged(_Arguments(self._number, self._arrays))
        self._start = start = tick()
        resumed = nullcontext() if self._states is None else random.resumed(self._states)
        again = repeatable(self.levels, again=True)
        with ExitStack() as around, enable_grad(), casting_anew(), resumed, again, self._surroundings:
            for make in repeated.get():
                around.enter_context(make())
            nodes = _nodes(self._function(*args, **kwargs), start)
        names = [n.op.name for n in nodes]
        if names != self._names:
            k = next((i for i, (a, b) in enumerate(zip(names, self._names, strict=False)) if a != b), None)
            what = f"{len(names)} operations, not {len(self._names)}" if k is None else f"'{names[k]}' as operation {k}"
            first = "" if k is None else f", where it was '{self._names[k]}'"
            raise CheckpointError(
                f"checkpoint(): recomputation recorded {what}{first}; the function must do the same both times: "
                "let it depend only on its arguments, and keep preserve_rng_state=True"
            )
        self._again = {position: n for position, n in enumerate(nodes) if n.op.holds}


class _Arguments:
    """The arguments of a region in the form of a node, to check that they were not written in place."""

    class op:
        name, keep = "checkpoint", ("arguments",)

    def __init__(self, number: int, arrays: tuple[Any, ...]) -> None:
        self.number, self.saved = number, (arrays,)


class _Dropped(Kept):
    """The stand-in of a node whose saved values were dropped; the walk asks it to restore them."""

    keep = ()

    def __init__(self, op: Any, region: _Region, position: int) -> None:
        super().__init__(op)
        self._region, self._position = region, position

    def restored(self, n: Node) -> tuple[Any, Any]:
        return self._region.restored(n, self, self._position)


def _unnoticed(saved: tuple[Any, ...], start: int) -> Any:
    """Saved values as of now: the first call's nodes are older, and would notice what the repeated one wrote before."""
    return trees.mapped(lambda a: apart(a) if written_since(a, start) else a, saved)


def _frozen(x: Any) -> Any:
    """A tensor in its current state, unaffected by later assignments to it."""
    if not isinstance(x, Tensor):
        return x
    frozen = wrap(x.array, x.node)
    if x.__class__ is not Tensor:
        frozen.__class__ = x.__class__
        vars(frozen).update(vars(x))
    return frozen


def _nodes(result: Any, start: int) -> list[Node]:
    """The nodes behind a result that are younger than `start`, in order of creation."""
    ends = [x.node for x in trees.leaves(result) if isinstance(x, Tensor) and x.node is not None]
    found = [n for n in behind(ends, start) if n.op is not None and n.op is not Pick]
    return sorted(found, key=lambda n: n.number, reverse=True)
