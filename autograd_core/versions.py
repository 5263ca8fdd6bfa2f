"""Writes and views: which storage was written when, and how each view is reached from its base.

A write takes a number from the counter that numbers nodes. A node older than the last write to storage it saved is
stale; a graph younger than the last write anywhere needs no check at all, so recording pays nothing for versions.
"""

from __future__ import annotations

import sys
import weakref

import numpy as np

from autograd_core.errors import InplaceError
from autograd_core.tensor import tick

_writes = {}  # id of the owning array -> (number of the last write, count, where, weak reference)
_last = 0


def last_write():
    """The number of the last write anywhere; 0 before the first."""
    return _last


def storage(array):
    """The array that owns the memory (or that borrowed it from something that is not an array)."""
    kind = type(array)
    while isinstance(getattr(array, "base", None), kind):
        array = array.base
    return array


def record_write(array, depth=1):
    """Note that this array was written in place, by the caller `depth` frames up."""
    global _last
    root, frame = storage(array), sys._getframe(depth)
    key = id(root)
    count = _writes[key][1] + 1 if key in _writes else 1
    _last = tick()
    _writes[key] = (_last, count, f"{frame.f_code.co_filename}:{frame.f_lineno}",
                    weakref.ref(root, lambda _: _writes.pop(key, None)))  # fmt: skip


def check_unchanged(node):
    """Raise if an array that this node saved was written since."""
    for name, v in zip(node.op.keep, node.saved, strict=True):
        for a in v if v.__class__ is tuple else (v,):
            if not hasattr(a, "base") or isinstance(a, np.generic):
                continue
            w = _writes.get(id(storage(a)))
            if w and w[0] < node.number:
                raise InplaceError(
                    f"{node.op.name}: '{name}' of shape {tuple(a.shape)}, kept for backward, was written in place since, "
                    f"by {w[2]} (write {w[1]} to that storage); write to a .clone() of it instead"
                )


class View:
    """How to get a view from its base: a path of (op, parameters)."""

    __slots__ = ("base", "path")

    def __init__(self, base, path):
        self.base, self.path = base, path


class Views:
    """The live views of a base, held weakly."""

    __slots__ = ("_refs", "_room")

    def __init__(self):
        self._refs, self._room = [], 8

    def add(self, t):
        if len(self._refs) >= self._room:
            self._refs = [r for r in self._refs if r() is not None]
            self._room = 2 * len(self._refs) + 8
        self._refs.append(weakref.ref(t))

    def __iter__(self):
        return iter([t for r in self._refs if (t := r()) is not None])


def note_view(t, source, op, statics):
    """Remember that `t` is `op(source)` on the same storage."""
    a = t.array
    if isinstance(a, np.generic) or getattr(a, "base", None) is None or storage(a) is not storage(source.array):
        return
    alias = getattr(source, "_alias", None)
    base, path = (alias.base, alias.path) if alias.__class__ is View else (source, ())
    t._alias = View(base, (*path, (op, statics)))
    if not hasattr(base, "_alias"):
        base._alias = Views()
    base._alias.add(t)
