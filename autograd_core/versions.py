"""Writes and views: which storage was written when, and how each view is reached from its base.

A write takes a number from the counter that numbers nodes. A node older than the last write to storage it saved is
stale; a graph younger than the last write anywhere needs no check at all, so recording pays nothing for versions.
"""

from __future__ import annotations

import sys
import weakref
from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any

import numpy as np

from autograd_core.errors import InplaceError
from autograd_core.tensor import Tensor, tick

# id of the owning array -> [number of the last write, how many, (file, line) of the last, weak reference to the array]
_writes: dict[int, list[Any]] = {}
_last = 0


def last_write() -> int:
    """The number of the last write anywhere; 0 before the first."""
    return _last


def storage(array: Any) -> Any:
    """The array that owns the memory (or that borrowed it from something that is not an array)."""
    kind = array.__class__
    while array.base.__class__ is kind:
        array = array.base
    return array


def record_write(array: Any, depth: int = 1) -> None:
    """Note that this array was written in place, by the caller `depth` frames up."""
    record_writes((array,), depth + 1)


def record_writes(arrays: Iterable[Any], depth: int = 1) -> None:
    """Note that these arrays were written in place, by the caller `depth` frames up."""
    global _last
    frame = sys._getframe(depth)
    where = frame.f_code.co_filename, frame.f_lineno
    _last = number = tick()
    for array in arrays:
        root = storage(array)
        entry = _writes.get(id(root))
        if entry is None:
            _writes[id(root)] = [number, 1, where, weakref.ref(root, partial(_forget, id(root)))]
        else:
            entry[0], entry[2] = number, where
            entry[1] += 1


def _forget(key: int, _: Any) -> None:
    _writes.pop(key, None)


def check_unchanged(node: Any) -> None:
    """Raise if an array that this node saved was written since."""
    for name, v in zip(node.op.keep, node.saved, strict=True):
        for a in v if v.__class__ is tuple else (v,):
            if not hasattr(a, "base") or isinstance(a, np.generic | np.dtype):
                continue
            w = _writes.get(id(storage(a)))
            if w and w[0] < node.number:
                raise InplaceError(
                    f"{node.op.name}: '{name}' of shape {tuple(a.shape)}, kept for backward, was written in place "
                    f"by {w[2][0]}:{w[2][1]} (write {w[1]} to that storage); write to a .clone() of it instead"
                )


class View:
    """How to get a view from its base: a path of (op, parameters, which of several outputs)."""

    __slots__ = ("base", "path")

    def __init__(self, base: Tensor, path: tuple[tuple[Any, dict[str, Any], int | None], ...]) -> None:
        self.base, self.path = base, path


class Views:
    """The live views of a base, held weakly."""

    __slots__ = ("_refs", "_room")

    def __init__(self) -> None:
        self._refs: list[weakref.ref[Tensor]] = []
        self._room = 8

    def add(self, t: Tensor) -> None:
        if len(self._refs) >= self._room:
            self._refs = [r for r in self._refs if r() is not None]
            self._room = 2 * len(self._refs) + 8
        self._refs.append(weakref.ref(t))

    def __iter__(self) -> Iterator[Tensor]:
        return iter([t for r in self._refs if (t := r()) is not None])


def note_view(t: Tensor, source: Tensor, op: Any, statics: dict[str, Any], which: int | None = None) -> None:
    """Remember that `t` is `op(source)`, or output number `which` of it, on the same storage."""
    a = t.array
    if isinstance(a, np.generic) or getattr(a, "base", None) is None or storage(a) is not storage(source.array):
        return
    alias = getattr(source, "_alias", None)
    base, path = (alias.base, alias.path) if alias.__class__ is View else (source, ())
    t._alias = View(base, (*path, (op, statics, which)))
    if not hasattr(base, "_alias"):
        base._alias = Views()
    base._alias.add(t)
