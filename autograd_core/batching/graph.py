"""How tensors enter a call of `vmap` and leave it: two linear operations, each the transpose of the other.

They appear in graphs like any other operation, so a walk passes through a call of `vmap` in either direction.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from autograd_core import functional
from autograd_core.batching.arrays import Batched
from autograd_core.batching.levels import Level, active
from autograd_core.batching.namespace import layer
from autograd_core.engine.entries import Op
from autograd_core.engine.inplace import writable
from autograd_core.engine.libraries import ELSEWHERE, LIBRARY, RULES, depth_of
from autograd_core.errors import VmapError
from autograd_core.kinds import SHAPE
from autograd_core.registry import private
from autograd_core.tensor import Tensor, wrap


def _enter(xp: Any, x: Any, *, level: Level, dim: int | None, at: int) -> Any:
    """A batch with the samples along `dim` of `input`, or (None) shared by all samples.

    at: the nesting depth of the new batch. Batches around it, made by a later call of `vmap` such as that over the rows
    of a Jacobian, remain around it.
    """
    if depth_of(x) >= at:
        held = _enter(xp, x.held, level=level, dim=_beyond(x, dim), at=at)
        return layer(LIBRARY[held.__class__])(held, x.level, x.frozen)
    x = raised(x, at - 1)
    cls = layer(LIBRARY[x.__class__])
    return cls(x, None, True) if dim is None else cls(cls.inner.moveaxis(x, dim, 0), level, True)


def _leave(xp: Any, x: Any, *, level: Level, dim: int | None, at: int) -> Any:
    """The samples of a batch along a new axis `dim`, or (None) their sum."""
    x = raised(x, at)
    if depth_of(x) > at:
        held = _leave(xp, x.held, level=level, dim=_beyond(x, dim), at=at)
        return layer(LIBRARY[held.__class__])(held, x.level, x.frozen)
    if x.level not in (None, level):
        raise VmapError("a tensor of another call of vmap was returned, or used after that call ended")
    if dim is None:
        return x.held * level.size if x.level is None else RULES[x.held.__class__].sum(x.held, dim=0)
    held = x.held if x.level is not None else x.inner.broadcast_to(x.held, (level.size, *x.held.shape))
    if x.frozen or getattr(held, "base", None) is not None:
        held = held.copy()
    return x.inner.moveaxis(held, 0, dim)


def _beyond(x: Batched, dim: int | None) -> int | None:
    """The axis `dim` of every sample, as an axis of the held array."""
    return dim if dim is None or x.level is None else dim + 1


def _transpose(name: str) -> Callable[..., Any]:
    def rule(xp: Any, g: Any, level: Level, dim: int | None, at: int) -> Any:
        o = OPERATIONS[name]
        return (
            o.call(g, level=level, dim=dim, at=at)
            if xp is functional
            else o.forward(xp, g, level=level, dim=dim, at=at)
        )

    return rule


OPERATIONS: dict[str, Op] = {
    "enter": private(_enter, SHAPE, "vmap", _transpose("leave")),
    "leave": private(_leave, SHAPE, "end of vmap", _transpose("enter")),
}
enter, leave = OPERATIONS["enter"].call, OPERATIONS["leave"].call


def admitted(t: Tensor, dim: int, level: Level) -> Tensor:
    """The tensor inside, where it can be written in place if it can be outside."""
    seen = t if t.node is None else _lifted(t, max(level.depth - 1, depth_of(t.array)), ())  # into the calls around
    x: Tensor = enter(seen, level=level, dim=dim, at=level.depth)
    x.array.frozen = not writable(t)
    return x


def raised(array: Any, depth: int) -> Any:
    """An array as a batch shared by all samples of the calls down to `depth`."""
    if array.__class__ in ELSEWHERE:
        raise NotImplementedError("sparse tensors do not enter or leave vmap(); .to_dense() gives one that does")
    while depth_of(array) < depth:
        array = layer(LIBRARY[array.__class__])(array, None, True)
    return array


def lifted(tensors: Sequence[Any]) -> list[Any]:
    """The tensors (or None) at one depth: those from outside a call of `vmap` enter it."""
    depth = max([depth_of(t.array) for t in tensors if t is not None])
    return [t if t is None else _lifted(t, depth, tensors) for t in tensors]


def inside(t: Tensor) -> Tensor:
    """The tensor inside all current calls of `vmap`, as each sample's own."""
    return _lifted(t, max(depth_of(t.array), len(active())), ())


def _lifted(t: Tensor, depth: int, beside: Sequence[Any]) -> Tensor:
    if t.node is None:
        return t if depth_of(t.array) == depth else wrap(raised(t.array, depth))
    for at in range(depth_of(t.array) + 1, depth + 1):
        t = enter(t, level=_level_at(at, beside), dim=None, at=at)
    return t


def _level_at(at: int, tensors: Sequence[Any]) -> Level:
    """The call of `vmap` of the batch at depth `at` in some of the tensors."""
    for t in tensors:
        x: Any = None if t is None else t.array
        while depth_of(x) > at:
            x = x.held
        if depth_of(x) == at and x.level is not None:
            return x.level
    if len(active()) < at:
        raise VmapError("a tensor of a call of vmap was used after that call ended")
    return active()[at - 1]
