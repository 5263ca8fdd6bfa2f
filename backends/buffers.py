"""Aligned memory for the results of kernels, reused once no array refers to it.

Fresh memory costs a page fault every 4 KiB, more than many kernels. The owner of the memory is the last base of every
array and view on it; when it is deleted, the pool keeps the memory for the next array of that size.
"""

import ctypes
import sys
from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np

from backends import heap
from backends.geometry import Sizes
from backends.locks import shared_lock
from backends.strides import dense, innermost_first

FLOAT32, UINT8 = np.dtype(np.float32), np.dtype(np.uint8)
ALIGNMENT = 64
SMALL = 1 << 16  # bytes below which the allocator has warm memory at hand
LIMIT = heap.KEPT  # bytes kept for later
# CPython keeps the address of an array's data right behind the object's head: a third of the time of array.ctypes.
_HEAD = object.__basicsize__
_pointer = ctypes.c_void_p


def _address(array: Any) -> Any:
    return _pointer.from_address(id(array) + _HEAD).value


_probe = np.empty(3)[1:]
address = _address if _address(_probe) == _probe.ctypes.data else lambda array: array.ctypes.data


class Pool:
    """Unused memory by size, with sizes in the order of their last use."""

    def __init__(self, limit: int) -> None:
        self.limit, self.held = limit, 0
        self.free: dict[int, list[Any]] = {}
        self.lock = shared_lock()

    def take(self, size: int) -> Any:
        """The owner of `size` bytes."""
        with self.lock:
            free = self.free.get(size)
            if free:
                self.held -= size
                return free.pop().view(_Owner)
        return _Memory((size,), np.uint8).view(_Owner)

    def put(self, memory: Any) -> None:
        """Keep memory to which no reference is left; the least recently used sizes are dropped to make room."""
        if memory.__class__ is not _Memory:  # of an array that a program made of an owner
            return
        size = memory.nbytes
        if size > self.limit:
            return
        with self.lock:
            free = self.free.pop(size, [])
            free.append(memory)
            self.free[size] = free
            self.held += size
            while self.held > self.limit and self.free:
                oldest = next(iter(self.free))
                if self.free[oldest]:
                    self.free[oldest].pop()
                    self.held -= oldest
                else:
                    del self.free[oldest]


pool = Pool(LIMIT)


class _Memory(np.ndarray):
    """What the pool keeps. A separate type, because NumPy follows the bases of a view only while their types agree."""


class _Owner(np.ndarray):
    """The base of the array on some memory and of all its views; when deleted, it returns the memory to the pool."""

    holds_one_array = True  # for code that asks, by its base, whether an array is a view of another

    def __del__(self, put: Any = pool.put) -> None:  # bound here: at the end of the interpreter there are no globals
        put(self.base)


class Apart(np.ndarray):
    """The base of what `apart` returns. Two of them in a row, because NumPy skips a single one."""


# Classes of other libraries' arrays that stand between an array and its memory in the same way: their instances are the
# base of what `apart` returns and of all its views, and name the array as their `origin`.
APART: set[Any] = set()


def apart(array: Any) -> Any:
    """A view of an array that is no longer seen as one: the base of its own views is this view, or in `APART`.

    An array of a library that has no such views is returned itself.
    """
    if array.__class__ is np.ndarray:
        return array.view(Apart).view(Apart).view(np.ndarray)
    make = getattr(array.__class__, "apart", None)
    return array if make is None else make(array)


def rejoined(array: Any) -> Any:
    """The array that `apart` was given for this one; any other array itself."""
    base: Any = getattr(array, "base", None) if array.__class__ is np.ndarray or APART else None
    if base.__class__ in APART:
        origin = base.origin
        same = (array.shape, array.strides, array.dtype) == (origin.shape, origin.strides, origin.dtype)
        return origin if same and array.data.ptr == origin.data.ptr else array
    if base.__class__ is not Apart:
        return array
    view: Any = array.base.base
    return view.base


def references(array: Any) -> int:
    """The number of references to an array, including those of this call."""
    return sys.getrefcount(array)


def _least() -> int:
    holder = [np.empty(1)]
    array = holder[0]
    return references(array)


_LEAST = _least()  # how many a call counts differs between versions of Python


def is_held_once(count: int, array: Any) -> bool:
    """Whether only one container and one variable refer to an array and its memory.

    count: what `references` returned for that variable, before anything else. Such an array may be written.
    """
    base = array.base
    return count == _LEAST and (base is None or base.__class__ is _Owner)


def is_alone(array: Any, strides: Sizes | None = None) -> bool:
    """Whether the memory of a view is known to be its own: it is all of what nothing else holds.

    Such a view must be in C order or have these strides.
    """
    base = array.base
    if hasattr(base, "holds_one_array"):
        return True
    whole = base.__class__ is array.__class__ is not np.ndarray and base.size == array.size
    return whole and (array.flags.c_contiguous or array.strides == strides) and references(base) == _LEAST


def empty(shape: Sizes, strides: Sizes | None = None, dtype: Any = FLOAT32) -> Any:
    """An uninitialised array; `strides`, in bytes, are those of a dense array, by default in C order."""
    size = prod(shape) * dtype.itemsize
    if size < SMALL:
        return np.ndarray(shape, dtype, None, 0, strides)
    owner = pool.take(-(-size // 4096) * 4096 + ALIGNMENT)
    return np.ndarray(shape, dtype, owner, -address(owner) % ALIGNMENT, strides)


def maker(shape: Sizes, strides: Sizes | None = None, dtype: Any = FLOAT32) -> Callable[[], Any]:
    """A function that does the same as `empty` with these arguments."""
    size = prod(shape) * dtype.itemsize
    if size < SMALL:
        return lambda: np.ndarray(shape, dtype, None, 0, strides)
    taken, take = -(-size // 4096) * 4096 + ALIGNMENT, pool.take

    def make() -> Any:
        owner = take(taken)
        return np.ndarray(shape, dtype, owner, -address(owner) % ALIGNMENT, strides)

    return make


def empty_like(x: Any, shape: Sizes | None = None, dtype: Any = None) -> Any:
    """An uninitialised array with the memory order of x and, if given, another shape."""
    shape, dtype = x.shape if shape is None else shape, x.dtype if dtype is None else dtype
    return empty(shape, dense(shape, innermost_first(x), dtype.itemsize), dtype)
