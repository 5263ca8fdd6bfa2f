"""The end of a walk: `.grad` of all leaves is set at once, from arrays that nobody else holds."""

from __future__ import annotations

from collections import deque
from contextvars import copy_context
from itertools import starmap
from operator import call
from typing import Any

from autograd_core import dtypes
from autograd_core import functional as operations
from autograd_core.engine.binders import LARGE
from autograd_core.engine.libraries import LIBRARY
from autograd_core.engine.nodes import Gathered, Leaf, OfLeaf, RetainGrad
from autograd_core.engine.versions import record_write
from autograd_core.engine.walk import shown
from autograd_core.grad_mode import set_grad_enabled
from autograd_core.tensor import Tensor, new, wrap
from backends.buffers import is_alone
from backends.live import recorded
from backends.locks import shared_lock

_commit = shared_lock()
_exhaust = deque[Any](maxlen=0).extend  # runs an iterator to its end, in C
# The slots' own setters, called from C.
_set_grad: Any = Tensor._grad.__set__
_set_array: Any = Tensor.array.__set__


def commit(pairs: list[tuple[Tensor, Any]], retained: list[Any], given: list[Any], create_graph: bool) -> None:
    """Write `.grad` of leaves and of tensors that retain theirs, all at once."""
    if retained:
        # A view that was written through another has two nodes; the gradient of the newer one comes first and counts.
        newest = {id(hook.tensor): (hook.tensor(), g) for hook, g in reversed(retained) if isinstance(hook, RetainGrad)}
        pairs += [(x, g) for x, g in newest.values() if x is not None]
        _deliver([(hook, g) for hook, g in retained if isinstance(hook, Gathered)], create_graph)
    taken = set(map(id, given))
    puts: list[tuple[Any, Any, Any]] = []
    with _commit:
        for x, g in pairs:
            before = x._grad
            if g.__class__ is not Tensor:
                g = owned(g, taken, x) if before is None else wrap(g)
            if x.array.itemsize == 2:
                g = narrowed(g, x)
            if before is not None:
                puts.append(_addition(x, before, g, create_graph))
                continue
            if create_graph:
                g = copy_context().run(_copy, g)
            puts.append((_set_grad, x, g))
        # One C loop: neither an interrupt nor another thread sees a partial update.
        _exhaust(starmap(call, puts))
    if Leaf.followed:
        for x, g in pairs:
            for hook in getattr(x.node, "after", None) or ():
                with set_grad_enabled(create_graph):
                    result = hook.function((), (shown(g, create_graph),)) if hook.__class__ is OfLeaf else hook(x)
                if result is not None and result is not x:
                    raise RuntimeError(f"a hook after accumulation must return None, not {result!r}")


def _addition(x: Tensor, before: Tensor, g: Tensor, create_graph: bool) -> tuple[Any, Any, Any]:
    """The sum of a tensor's gradient and a new one, and how and where to put it."""
    total = copy_context().run(added, before, g, create_graph)
    if create_graph or before.node is not None or before.dtype != total.dtype:
        return _set_grad, x, total
    # Holders of the previous gradient, or of a view of its memory, see the sum.
    if hasattr(before, "_alias") or recorded():
        record_write(before.array, 5)
        return LIBRARY[before.array.__class__].copyto, before.array, total.array
    return _set_array, before, total.array  # values that a graph saved of it stay unchanged


def _deliver(found: list[tuple[Gathered, Any]], create_graph: bool) -> None:
    """Call each function that waits for several gradients with those that exist."""
    groups: dict[Any, dict[int, Any]] = {}
    for hook, g in found:
        groups.setdefault(hook.function, {})[hook.position] = shown(g, create_graph)
    for function, grads in groups.items():
        with set_grad_enabled(create_graph):
            function(grads)


def narrowed(g: Tensor, x: Tensor) -> Tensor:
    """A gradient in the dtype of a 16-bit tensor; rules may have computed it in a wider one."""
    return g if g.dtype == x.dtype or g.dtype.kind not in dtypes.FLOATS else operations.astype(g, x.dtype)


def added(before: Any, g: Any, create_graph: bool) -> Any:
    """Add gradients in a separate context, so that an interrupt cannot leave the caller another mode."""
    set_grad_enabled(create_graph)
    return before + g


def _copy(g: Tensor) -> Any:
    """A recorded copy: the Tensors of a recorded walk may share memory with each other, or with those of the user."""
    set_grad_enabled(True)
    return operations.clone(g)


def _copied(library: Any, g: Any) -> Any:
    """A copy of a large array, in C order."""
    return library.kernels.converted(g, g.dtype) if g.flags.c_contiguous else library.ascontiguousarray(g)


def owned(g: Any, taken: set[int], x: Tensor | None = None) -> Tensor:
    """A Tensor with exclusive storage: views, seeds and arrays already handed out, which are `taken`, are copied.

    x: the tensor whose gradient this is; a whole view may have its layout.
    """
    if id(g) in taken or not (g.base is None or is_alone(g, None if x is None else x.array.strides)):
        g = g.copy() if g.size < LARGE else _copied(LIBRARY[g.__class__], g)
    else:
        taken.add(id(g))
    t = new(Tensor)
    t.array = g
    t.node = t._grad = None
    return t
