"""Where the elements of an array lie in memory: the order of axes, gaps, overlaps. Strides are in bytes."""

from functools import lru_cache
from typing import Literal

from backends.geometry import Array, Sizes


@lru_cache(maxsize=4096)
def dense(shape: Sizes, order: Sizes | None = None, itemsize: int = 4) -> Sizes:
    """Strides of an array with its axes in this order in memory, the innermost first; by default C order."""
    strides, step = [0] * len(shape), itemsize
    for axis in order or reversed(range(len(shape))):
        strides[axis] = step
        step *= max(shape[axis], 1)
    return tuple(strides)


@lru_cache(maxsize=1024)
def channels_last_strides(shape: Sizes, itemsize: int = 4) -> Sizes:
    """Strides of (N, C, *S) that lies in memory as (N, *S, C)."""
    return dense(shape, (1, *range(len(shape) - 1, 1, -1), 0), itemsize)


def innermost_first(x: Array) -> Sizes:
    """The axes of an array, the innermost first."""
    return _innermost_first(x.shape, x.strides)


@lru_cache(maxsize=4096)
def _innermost_first(shape: Sizes, strides: Sizes) -> Sizes:
    return tuple(sorted(range(len(shape)), key=lambda axis: (abs(strides[axis]), shape[axis], -axis)))


def outermost_first(x: Array) -> tuple[Sizes, Sizes]:
    """The axes of an array, the outermost first, and the order of axes that leads back from there."""
    return _outermost_first(x.strides)


@lru_cache(maxsize=4096)
def _outermost_first(strides: Sizes) -> tuple[Sizes, Sizes]:
    order = sorted(range(len(strides)), key=lambda axis: -abs(strides[axis]))
    return tuple(order), tuple(sorted(range(len(strides)), key=order.__getitem__))


def in_rows(x: Array) -> bool:
    """Whether the axes follow each other as in C order, with or without gaps; one of length 1 may have any stride."""
    strides = [s for s, k in zip(x.strides, x.shape, strict=True) if k > 1]
    return strides == sorted(strides, reverse=True)


@lru_cache(maxsize=4096)
def is_channels_last(shape: Sizes, strides: Sizes) -> bool:
    """Whether a float32 array is dense in memory as (N, *S, C); an axis of length 1 may have any stride."""
    wanted = channels_last_strides(shape)
    return all(k == 1 or s == w for k, s, w in zip(shape, strides, wanted, strict=True))


@lru_cache(maxsize=4096)
def is_dense(shape: Sizes, strides: Sizes) -> bool:
    """Whether a float32 array fills its memory without gaps, in any order; an axis of length 1 may have any stride."""
    expected = 4
    for step, k in sorted((s, k) for s, k in zip(strides, shape, strict=True) if k != 1):
        if step != expected:
            return False
        expected *= k
    return 0 not in shape


@lru_cache(maxsize=4096)
def may_overlap(shape: Sizes, strides: Sizes) -> bool:
    """Whether two elements may share memory, for strides in bytes or in elements; False is certain."""
    reach = 0
    for step, k in sorted((abs(s), k) for s, k in zip(strides, shape, strict=True) if k != 1):
        if k and step <= reach:
            return 0 not in shape
        reach += step * (k - 1)
    return False


def copying_order(x: Array) -> Literal["C", "K"]:
    """NumPy's `order` that keeps the memory order of axes: "K", or "C" where elements are repeated.

    "K" would put the axis of repeated elements innermost, so that a view as a vector would have to copy.
    """
    strides = getattr(x, "strides", ())
    return "C" if 0 in strides and may_overlap(x.shape, strides) else "K"


def in_memory(x: Array) -> Array:
    """The elements of a dense array in memory order."""
    return x.transpose(outermost_first(x)[0]).reshape(-1)
