"""Bringing operands into the layouts that kernels are fast with."""

from functools import lru_cache

import numpy as np

from backends.buffers import FLOAT32, channels_last_strides, empty
from backends.geometry import Array, Sizes
from backends.onednn.choice import active
from backends.onednn.plans import Plan, Workshop, planned


@lru_cache(maxsize=4096)
def is_channels_last(shape: Sizes, strides: Sizes) -> bool:
    """Whether an array of float32 lies dense in memory as (N, *S, C); an axis of length 1 may have any stride."""
    wanted = channels_last_strides(shape)
    return all(k == 1 or s == w for k, s, w in zip(shape, strides, wanted, strict=True))


def to_channels_last(x: Array) -> Array:
    """The array itself if it lies channels-last in memory, else a copy that does."""
    if is_channels_last(x.shape, x.strides):
        return x
    return copied(x, channels_last_strides(x.shape))


def copied(x: Array, strides: Sizes) -> Array:
    """A copy with these strides, in bytes."""
    return copied_into(empty(x.shape, strides), x)


def copied_into(y: Array, x: Array) -> Array:
    """y, with the elements of x."""
    if can_be_described(x.shape, x.strides):
        _copy(x.shape, x.strides, y.strides).run(x, y)
    else:
        np.copyto(y, x)
    return y


def copy_into(y: Array, x: Array) -> Array | None:
    """y, after x was written into it, which has its shape and shares no memory with it."""
    if not (x.dtype == y.dtype == FLOAT32 and x.shape == y.shape and active()):
        return None
    if not (can_be_described(x.shape, x.strides) and can_be_described(y.shape, y.strides)):
        return None
    _copy(x.shape, x.strides, canonical(y.shape, y.strides)).run(x, y)
    return y


@planned
def _copy(workshop: Workshop, shape: Sizes, strides: Sizes, wanted: Sizes) -> Plan:
    return workshop.reorder(workshop.memory(shape, canonical(shape, strides)), workshop.memory(shape, wanted))


def canonical(shape: Sizes, strides: Sizes) -> Sizes:
    """An axis of length 1 may have any stride; fast kernels are only found for the one of an array without gaps."""
    steps = list(strides)
    for axis in reversed(range(len(shape))):
        if shape[axis] == 1:
            steps[axis] = steps[axis + 1] * shape[axis + 1] if axis + 1 < len(shape) else 4
    return tuple(steps)


@lru_cache(maxsize=4096)
def can_be_described(shape: Sizes, strides: Sizes) -> bool:
    """Whether oneDNN can read an array of float32: no negative, broken or zero strides, no overlap."""
    if len(shape) > 12 or 0 in shape:
        return False
    reach = 0
    for step, size in sorted((s, k) for s, k in zip(strides, shape, strict=True) if k > 1):
        if step <= reach or step % 4:
            return False
        reach += step * (size - 1)
    return True
