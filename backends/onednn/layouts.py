"""Conversion of operands to the layouts for which kernels are fast."""

from functools import lru_cache
from typing import Any

import numpy as np

from backends.buffers import FLOAT32, empty
from backends.geometry import Array, Sizes
from backends.onednn.choice import active
from backends.onednn.plans import Plan, Workshop, planned
from backends.strides import channels_last_strides, in_memory, is_channels_last, is_dense

LARGE = 1 << 20  # elements of a matrix, from which transposing ...
PANEL = 256  # ... so many columns at a time is up to eight times as fast


def as_float32(x: Array) -> Sizes:
    """The strides of a float32 array in the same layout."""
    size: int = x.itemsize
    return x.strides if size == 4 else tuple([step * 4 // size for step in x.strides])


def to_channels_last(x: Array) -> Array:
    """The array itself if it is channels-last in memory, else such a copy."""
    if is_channels_last(x.shape, as_float32(x)):
        return x
    if x.dtype == FLOAT32:
        return copied(x, channels_last_strides(x.shape))
    y = empty(x.shape, channels_last_strides(x.shape, x.itemsize), x.dtype)
    np.copyto(y, x)
    return y


def copied(x: Array, strides: Sizes) -> Array:
    """A copy with these strides, in bytes."""
    return copied_into(empty(x.shape, strides), x)


def copied_into(y: Array, x: Array) -> Array:
    """Copy the elements of x into y; returns y."""
    if can_be_described(x.shape, x.strides):
        _copy(x.shape, x.strides, y.strides).run(x, y)
    else:
        np.copyto(y, x)
    return y


def copy_into(y: Array, x: Array) -> Array | None:
    """Copy x into y, which has the same shape and shares no memory with it; returns y."""
    if not (x.dtype == y.dtype == FLOAT32 and x.shape == y.shape and active()):
        return None
    if not (can_be_described(x.shape, x.strides) and can_be_described(y.shape, y.strides)):
        return None
    if x.size >= LARGE and x.ndim == 2 and y.flags.c_contiguous and x.strides[0] < x.strides[1]:
        for start in range(0, x.shape[1], PANEL):
            part, into = x[:, start : start + PANEL], y[:, start : start + PANEL]
            _copy(part.shape, part.strides, into.strides).run(part, into)
        return y
    _copy(x.shape, x.strides, canonical(y.shape, y.strides)).run(x, y)
    return y


def converted(x: Array, dtype: np.dtype[Any]) -> Array | None:
    """See `backends.generic.conversion.converted`; of a dense array."""
    if not (active() and is_dense(x.shape, as_float32(x))):
        return None
    y = empty(x.shape, tuple([step // x.itemsize * dtype.itemsize for step in x.strides]), dtype)
    plan = _conversion(x.size, x.dtype, dtype)
    plan.run(in_memory(x), in_memory(y))
    return y


@planned
def _conversion(workshop: Workshop, size: int, dtype: np.dtype[Any], wanted: np.dtype[Any]) -> Plan:
    x, y = (workshop.memory((size,), (4,), kind) for kind in (dtype, wanted))
    return workshop.reorder(x, y, converts=True)


@planned
def _copy(workshop: Workshop, shape: Sizes, strides: Sizes, wanted: Sizes) -> Plan:
    return workshop.reorder(workshop.memory(shape, canonical(shape, strides)), workshop.memory(shape, wanted))


def canonical(shape: Sizes, strides: Sizes) -> Sizes:
    """Strides with those of axes of length 1, which are arbitrary, as in a dense array: only these get fast kernels."""
    steps = list(strides)
    for axis in reversed(range(len(shape))):
        if shape[axis] == 1:
            steps[axis] = steps[axis + 1] * shape[axis + 1] if axis + 1 < len(shape) else 4
    return tuple(steps)


@lru_cache(maxsize=4096)
def can_be_described(shape: Sizes, strides: Sizes) -> bool:
    """Whether oneDNN can read a float32 array: a step along an axis, which is no fraction, passes all inner axes.

    That excludes overlaps, and slices such as every second of an odd number of rows.
    """
    if len(shape) > 12 or 0 in shape:
        return False
    inner = 4
    for step, length in sorted(zip(canonical(shape, strides), shape, strict=True)):
        if step < inner or step % 4:
            return False
        inner = step * length
    return True
