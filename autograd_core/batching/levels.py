"""The calls of `vmap` in progress, outermost first, and those that batches among some values belong to."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import astuple, dataclass
from typing import Any

from autograd_core.engine.libraries import LAYERS
from autograd_core.errors import VmapError


@dataclass(frozen=True, eq=False, slots=True)
class Level:
    """One call of `vmap`: its number of samples, nesting depth, and treatment of random functions."""

    size: int
    depth: int
    randomness: str


_active: ContextVar[tuple[Level, ...]] = ContextVar("vmap", default=())
active = _active.get
# The levels that are to be made once more, and the lists that record levels.
_repeated: ContextVar[tuple[Iterator[Level], tuple[list[Level], ...]]] = ContextVar("repeated", default=(iter(()), ()))


@contextmanager
def entered(size: int, randomness: str) -> Iterator[Level]:
    """A new innermost level, for the current thread or async task."""
    outer = active()
    level = Level(size, len(outer) + 1, randomness)
    earlier, records = _repeated.get()
    before = next(earlier, None)
    if before and astuple(before) == astuple(level):
        level = before
    for levels in records:
        levels.append(level)
    token = _active.set((*outer, level))
    try:
        yield level
    finally:
        _active.reset(token)


@contextmanager
def repeatable(levels: list[Level], again: bool = False) -> Iterator[None]:
    """Record the levels that a function enters; or (again) enter these, so that what it computes once more fits what
    it computed before."""
    earlier, records = _repeated.get()
    token = _repeated.set((iter(levels), ()) if again else (earlier, (*records, levels)))
    try:
        yield
    finally:
        _repeated.reset(token)


@contextmanager
def outside(level: Level) -> Iterator[None]:
    """Temporarily leave the innermost level."""
    token = _active.set(active()[: level.depth - 1])
    try:
        yield
    finally:
        _active.reset(token)


def differs(cls: Any, x: Any) -> bool:
    """Whether a value is a batch of this type whose samples may differ; batches of other depths count as arrays."""
    return x.__class__ is cls and x.level is not None


def held_by(cls: Any, x: Any) -> Any:
    """The held array of a batch of this type; any other value itself."""
    return x.held if x.__class__ is cls else x


def aligned(cls: Any, x: Any, ndim: int) -> Any:
    """The held array, with axes inserted so that samples broadcast to `ndim` axes."""
    if x.__class__ is not cls:
        return x
    if x.level is None or x.ndim == ndim:
        return x.held
    return x.held.reshape(x.held.shape[:1] + (1,) * (ndim - x.ndim) + x.held.shape[1:])


def level_of(*values: Any, depth: int) -> Level | None:
    """The call of `vmap` that batches among these values (also nested) belong to; None if all are shared."""
    found: Level | None = None
    for x in _batches(values, depth):
        if x.level is not None and x.level is not found:
            if found is not None:
                raise VmapError("tensors of two calls of vmap were mixed; one of them outlived its call")
            found = x.level
    return found


def _batches(values: Any, depth: int) -> Iterator[Any]:
    """The batches of one depth among nested values."""
    for x in values:
        if LAYERS.get(x.__class__) == depth:
            yield x
        elif isinstance(x, tuple | list):
            yield from _batches(x, depth)
        elif isinstance(x, dict):
            yield from _batches(x.values(), depth)
