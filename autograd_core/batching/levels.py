"""The calls of `vmap` in progress, outermost first."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(frozen=True, eq=False, slots=True)
class Level:
    """One call of `vmap`: its number of samples, nesting depth, and treatment of random functions."""

    size: int
    depth: int
    randomness: str


_active: ContextVar[tuple[Level, ...]] = ContextVar("vmap", default=())
active = _active.get


@contextmanager
def entered(size: int, randomness: str) -> Iterator[Level]:
    """A new innermost level, for the current thread or async task."""
    outer = active()
    level = Level(size, len(outer) + 1, randomness)
    token = _active.set((*outer, level))
    try:
        yield level
    finally:
        _active.reset(token)


@contextmanager
def outside(level: Level) -> Iterator[None]:
    """Temporarily leave the innermost level."""
    token = _active.set(active()[: level.depth - 1])
    try:
        yield
    finally:
        _active.reset(token)
