"""Versions: which storage was written when, and how each view is reached from its base.

A write takes a number from the counter that numbers nodes. A node is stale if storage that it saved was written later.
A graph younger than the last write to anything needs no check, so recording pays nothing for versions.
"""

from __future__ import annotations

import sys
import weakref
from collections import deque
from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any

import numpy as np

from autograd_core.engine.libraries import LAYERS, LIBRARY
from autograd_core.engine.nodes import tick
from autograd_core.engine.redirection import REDIRECTED
from autograd_core.errors import InplaceError, users_frame
from autograd_core.tensor import Tensor
from backends.buffers import APART, Apart

# id of the counted array -> [number of writes (the version), (number, code, instruction) of recent ones, weak reference
# to the array]
_writes: dict[int, list[Any]] = {}
RECENT = 32
_last = 0


def last_write() -> int:
    """The number of the last write anywhere; 0 before the first."""
    return _last


def storage(array: Any, stop: type | None = None) -> Any:
    """The array that owns the memory (or borrowed it from something other than an array).

    stop: the type of base that ends the search.
    """
    while array.__class__ in LAYERS:
        array = array.held
    while True:
        base: Any = array.base
        while base.__class__ not in LIBRARY:
            if base is None or base.__class__ is stop:
                return array
            # NumPy's as_strided inserts an object of its own.
            base = base.origin if base.__class__ in APART else getattr(base, "base", None)
        array = base


def counted(array: Any) -> Any:
    """The array under which writes are counted: what owns the memory or, for the array of an `x.data`, that array."""
    if APART and getattr(array, "base", None).__class__ in APART:
        return array.base
    return storage(array, Apart)


def address(array: Any) -> int:
    """The address of the first element."""
    return int(array.ctypes.data if isinstance(array, np.ndarray) else array.data.ptr)


def record_write(array: Any, depth: int = 1) -> None:
    """Record that this array was written in place, by the caller `depth` frames up."""
    record_writes((array,), depth + 1)


def record_writes(arrays: Iterable[Any], depth: int = 1) -> None:
    """Record that these arrays were written in place, by the caller `depth` frames up."""
    global _last
    frame = sys._getframe(depth)
    if REDIRECTED:  # then calls pass through more frames
        frame = users_frame(frame)[0]
    _last = tick()
    write = _last, frame.f_code, frame.f_lasti  # a line number takes a search, done only for an error
    for array in arrays:
        entry = _writes.get(id(array))  # in bulk, for parameters that were written before
        if entry is None:
            root = counted(array)
            entry = _writes.get(id(root))
        if entry is None:
            _writes[id(root)] = [1, deque((write,), RECENT), weakref.ref(root, partial(_forget, id(root)))]
        else:
            entry[0] += 1
            entry[1].append(write)


def version(t: Tensor) -> int:
    """The number of in-place writes to the storage of a tensor."""
    entry = None if isinstance(t.array, np.generic) else _writes.get(id(counted(t.array)))
    return entry[0] if entry else 0


Tensor._version = property(version)  # type: ignore[attr-defined]


def _forget(key: int, _: Any) -> None:
    _writes.pop(key, None)


def check_unchanged(node: Any) -> Any:
    """What this node saved; raises if an array of it was written later and cannot be restored."""
    for name, v in zip(node.op.keep, node.saved, strict=True):
        for a in v if v.__class__ is tuple else (v,):
            entry = _written(a)
            if entry is None:
                continue
            version, recent, _ = entry
            number, code, instruction = recent[-1]
            if number < node.number and not _unread(node, name) and not _restored(node, name):
                since = sum(write[0] < node.number for write in recent)
                kept = f"{version - since}" if since < RECENT else f"{version - since} or earlier"
                line = next((line for start, end, line in code.co_lines() if start <= instruction < end), None)
                raise InplaceError(
                    f"{node.op.name}: '{name}' of shape {tuple(a.shape)}, kept for backward at version {kept}, is at "
                    f"version {version} now: it was written in place by {code.co_filename}:{line}; "
                    "write to a .clone() of it instead or, if an optimizer did, compute the loss again after its step"
                )
    return node.saved


def written_since(value: Any, number: int) -> bool:
    """Whether the memory of a saved value was written since a number was taken."""
    entry = _written(value) if _last < number else None
    return entry is not None and bool(entry[1][-1][0] < number)


def _written(value: Any) -> list[Any] | None:
    """The entry of the memory of a saved value; None if nothing has been written there, or if it is no array."""
    if not hasattr(value, "base") or isinstance(value, np.generic | np.dtype):
        return None
    return _writes.get(id(counted(value)))


def _unread(node: Any, name: str) -> bool:
    """Whether only the rule of an operand without a gradient reads the elements."""
    return getattr(node.op, "crossed", False) and node.parents[1 - node.op.inputs.index(name)] is None


def _restored(node: Any, name: str) -> bool:
    """Whether the operand that was written is computed again from the result, or the result is not needed."""
    inverse = getattr(node.op, "inverse", None)
    if inverse is None or name == "y":
        return inverse is not None
    y = node.saved[0]
    if written_since(y, node.number):
        return False
    node.saved = y, inverse(LIBRARY[y.__class__], y)
    return True


class View:
    """The derivation of a view from its base: a path of (op, parameters, output index).

    by: the name of the `Function` that returned the view, or one that this is a view of. Such a view cannot be derived
    again, because the graph knows only the Function's backward.
    """

    __slots__ = ("base", "by", "path")

    def __init__(self, base: Tensor, path: tuple[tuple[Any, dict[str, Any], int | None], ...], by: str = "") -> None:
        self.base, self.path, self.by = base, path, by


def base_of(t: Tensor) -> Tensor | None:
    """The tensor that `t` is a view of, as PyTorch's `_base`; None if it is no view."""
    alias = getattr(t, "_alias", None)
    return alias.base if alias.__class__ is View else None


Tensor._base = property(base_of)  # type: ignore[attr-defined]
Tensor._is_view = lambda t: base_of(t) is not None  # type: ignore[attr-defined]


class Views:
    """The live views of a base, held weakly."""

    __slots__ = ("_refs", "_room")

    def __init__(self, first: Tensor) -> None:
        self._refs = [weakref.ref(first)]
        self._room = 8

    def add(self, t: Tensor) -> None:
        refs = self._refs
        if len(refs) >= self._room:
            self._refs = refs = [r for r in refs if r() is not None]
            self._room = 2 * len(refs) + 8
        refs.append(weakref.ref(t))

    def discard(self, t: Tensor) -> None:
        """Forget a tensor that is a view no longer."""
        self._refs = [r for r in self._refs if r() is not t]

    def __iter__(self) -> Iterator[Tensor]:
        return iter([t for r in self._refs if (t := r()) is not None])


def note_view(t: Tensor, source: Tensor, op: Any, statics: dict[str, Any], which: int | None = None) -> None:
    """Record that `t` is `op(source)`, or output number `which` of it, on the same storage."""
    a, b = t.array, source.array
    base = getattr(a, "base", None)
    if base is None or (base is not b and base is not b.base and storage(a) is not storage(b)):
        return
    alias, step = getattr(source, "_alias", None), (op, statics, which)
    if alias is None:
        t._alias, source._alias = View(source, (step,)), Views(t)
    elif alias.__class__ is View:
        t._alias = View(alias.base, (*alias.path, step), alias.by)
        alias.base._alias.add(t)
    else:
        t._alias = View(source, (step,))
        alias.add(t)


def returned_by(t: Tensor) -> str:
    """The name of the `Function` that returned this view, or one that it is a view of; otherwise empty."""
    alias = getattr(t, "_alias", None)
    return alias.by if alias.__class__ is View else ""
