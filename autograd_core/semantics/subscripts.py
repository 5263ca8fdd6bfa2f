"""Translates the contents of `x[...]` to indices of the array library. No operations here."""

from typing import Any

import numpy as np

from autograd_core import dtypes, functional
from autograd_core.engine.libraries import LAYERS, LIBRARY
from autograd_core.engine.overriding import overrides, state
from autograd_core.tensor import Tensor

_BASIC = frozenset({int, slice, type(None), type(Ellipsis)})


def is_basic(index: Any) -> bool:
    """Whether an index expression has no arrays: then it means the same to every array library, and makes a view."""
    return _BASIC.issuperset(map(type, index)) if index.__class__ is tuple else index.__class__ in _BASIC


def plain_index(index: Any, like: Tensor) -> Any:
    """An index expression for the array library: tensors and lists become arrays."""
    if index.__class__ is list and len(index) < 32 and any(map(_is_part, index)):  # longer lists are positions
        index = tuple(index)
    if index.__class__ is tuple:
        return tuple([_plain_item(i, like) for i in index])
    return _plain_item(index, like)


def _is_part(item: Any) -> bool:
    """Whether an item of a list shows that the list stands for a tuple, as in `x[[slice(None), 0]]`."""
    return _moves_no_element(item) or bool(getattr(item, "ndim", 0))


def holds_batches(index: Any) -> bool:
    """Whether a plain index expression holds positions that differ between the samples of a `vmap`."""
    return bool(LAYERS) and any(i.__class__ in LAYERS for i in (index if index.__class__ is tuple else (index,)))


def _moves_no_element(i: Any) -> bool:
    return i is None or i is Ellipsis or i.__class__ is slice


def _plain_item(i: Any, like: Tensor) -> Any:
    if i.__class__ is int or _moves_no_element(i):
        return i
    if isinstance(i, np.integer):
        return int(i)
    if i.__class__ is not Tensor and isinstance(i, Tensor) and state.classes and overrides(i.__class__):
        raise IndexError(f"{type(i).__name__} does not say what an index of that class means")
    i = i.array if hasattr(i, "array") else list(i) if isinstance(i, range) else i
    if i.__class__ is not like.array.__class__ and isinstance(i, list | tuple | bool | np.ndarray):
        i = functional.as_tensor(i, device=like.device).array
    dtype = getattr(i, "dtype", None)
    if dtype is None or dtype.kind in "bi":
        return i
    if not getattr(i, "size", 1):
        return i.astype(np.int64)
    if dtype.kind == "u":
        raise IndexError(f"{dtype} tensors are no index; say .long() for positions, or .bool() for a mask")
    raise IndexError(f"tensors used as indices must hold integers or booleans, not {dtype}")


def steps(index: Any, ndim: int) -> tuple[Any, ...]:
    """The plain index expression as one step, or as two steps where PyTorch differs from NumPy.

    An integer separated from index arrays, as in x[0, :, [1, 2]], counts as an array in NumPy, which then moves their
    axes to the front; PyTorch applies it first. True and False are arrays in NumPy too; in PyTorch they insert an
    axis of length 1 or 0. An ellipsis that stands for none of the `ndim` axes does not separate arrays in PyTorch.
    """
    if getattr(index, "ndim", 0):
        return (index,)
    items = index if index.__class__ is tuple else (index,)
    if not any(hasattr(i, "ndim") for i in items):
        return (index,)
    items = tuple([int(i) if _is_scalar(i) and i.dtype.kind in dtypes.INTEGERS else i for i in items])
    if any(i is Ellipsis for i in items) and sum(map(axes_taken, items)) == ndim:
        items = tuple([i for i in items if i is not Ellipsis])
    arrays = [k for k, i in enumerate(items) if hasattr(i, "ndim")]
    picks = [k for k, i in enumerate(items) if i.__class__ is int]
    chosen = sorted(picks + arrays)
    if not any(map(_is_scalar, items)) and (not picks or not arrays or chosen[-1] - chosen[0] < len(chosen)):
        return (items if index.__class__ is tuple else items[0],)
    first = [
        (None,) if _is_scalar(i) else (slice(None),) * axes_taken(i) if hasattr(i, "ndim") else (i,) for i in items
    ]
    second = [
        _all_or_nothing(i) if _is_scalar(i) else i if hasattr(i, "ndim") or i is Ellipsis else slice(None)
        for i in items
        if i.__class__ is not int
    ]
    return tuple([i for part in first for i in part]), tuple(second)


def _is_scalar(item: Any) -> bool:
    return getattr(item, "ndim", 1) == 0


def axes_taken(item: Any) -> int:
    """The number of axes that a part of an index expression replaces, without those of an ellipsis."""
    if hasattr(item, "ndim"):
        return item.ndim if item.dtype.kind == "b" else 1
    return int(item is not None and item is not Ellipsis)


def _all_or_nothing(flag: Any) -> Any:
    return LIBRARY[flag.__class__].zeros(int(flag.item()), np.int64)


def may_repeat(index: Any) -> bool:
    """Whether an index expression can select a place twice."""
    if is_basic(index):
        return False
    return any(getattr(i, "ndim", 0) and i.dtype.kind != "b" for i in (index if index.__class__ is tuple else (index,)))


def assign(target: Any, index: Any, values: Any) -> None:
    """target[index] = values; at repeated positions the last value remains, whatever the memory layout."""
    if may_repeat(index):
        xp = LIBRARY[target.__class__]
        parts = index if index.__class__ is tuple else (index,)
        index = tuple([xp.ascontiguousarray(i) if getattr(i, "ndim", 0) else i for i in parts])
        xp.kernels.put_at(target, index, xp.ascontiguousarray(values))
    else:
        target[index] = values
