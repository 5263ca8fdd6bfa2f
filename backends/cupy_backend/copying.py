"""Copies of several arrays in one launch, such as the parts of a concatenation."""

from collections.abc import Sequence
from functools import lru_cache
from math import prod
from typing import Any, NamedTuple

import numpy as np

from backends.cupy_backend.launch import VECTOR, Gpu, Struct
from backends.cupy_backend.layouts import empty_like
from backends.cupy_backend.order import memory_order
from backends.geometry import Array, Sizes

# As in `kernels/copying.cu`.
PARTS, AXES, THREADS = 10, 6, 256
PART = np.dtype([("addresses", np.int64, 2), ("count", np.int64), ("axes", np.int64, (3, AXES))])
BLOCKS = 1 << 11  # of a part
LARGEST = 1 << 31  # units of a part


class Move(NamedTuple):
    """A copy within memory: the sizes of the axes, and the steps from element to element in both arrays."""

    shape: Sizes
    read: Sizes
    written: Sizes


def concatenate(gpu: Gpu, arrays: Sequence[Array], axis: int = 0, **how: Any) -> Array | None:
    """NumPy's `concatenate` of arrays of one dtype."""
    first = arrays[0] if arrays and not how and isinstance(axis, int) else None
    if first is None or not all(_fits(gpu, x, first) for x in arrays) or not -first.ndim <= axis < first.ndim:
        return None
    axis %= first.ndim
    shape = [*first.shape]
    if any([*x.shape[:axis], *x.shape[axis + 1 :]] != [*shape[:axis], *shape[axis + 1 :]] for x in arrays):
        return None  # the library's function raises the error
    shape[axis] = sum([x.shape[axis] for x in arrays])
    if first.flags.c_contiguous:
        y = gpu.xp.empty(tuple(shape), dtype=first.dtype)
    else:
        order = memory_order(first.shape, first.strides)
        y = gpu.xp.empty(tuple([shape[i] for i in order]), dtype=first.dtype)
        y = y.transpose([order.index(i) for i in range(first.ndim)])
    moves, addresses, to, steps = [], [], gpu.address(y), y.strides
    for x in arrays:
        if x.size:
            moves.append(Move(x.shape, x.strides, steps))
            addresses.append((gpu.address(x), to))
            to += x.shape[axis] * steps[axis]
    return y if _moved(gpu, moves, addresses, first.dtype.itemsize) else None


def joined(gpu: Gpu, parts: Sequence[Array], axis: int) -> Array | None:
    """See `backends.generic.joining.joined`."""
    return concatenate(gpu, parts, axis)


def stack(gpu: Gpu, arrays: Sequence[Array], axis: int = 0, **how: Any) -> Array | None:
    """NumPy's `stack` of arrays of one dtype."""
    if not arrays or how or not all(_fits(gpu, x, arrays[0]) and x.shape == arrays[0].shape for x in arrays):
        return None
    ndim = arrays[0].ndim
    if not -ndim - 1 <= axis <= ndim:
        return None
    at = axis % (ndim + 1)
    return concatenate(gpu, [x[(*(slice(None),) * at, None)] for x in arrays], at)


def copied(gpu: Gpu, x: Array) -> Array | None:
    """A copy of a dense array that lies in memory as it does."""
    y = empty_like(gpu.xp, x)
    move = Move(x.shape, x.strides, y.strides)
    return y if _moved(gpu, [move], [(gpu.address(x), gpu.address(y))], x.dtype.itemsize) else None


def in_c_order(gpu: Gpu, *arrays: Array) -> Sequence[Array]:
    """The arrays; those in another order, or with gaps, as copies in C order."""
    copies = [x if x.flags.c_contiguous else gpu.xp.empty(x.shape, dtype=x.dtype) for x in arrays]
    pairs = [(x, y) for x, y in zip(arrays, copies, strict=True) if x is not y and x.size]
    moves = [Move(x.shape, x.strides, y.strides) for x, y in pairs]
    addresses = [(gpu.address(x), gpu.address(y)) for x, y in pairs]
    done = _moved(gpu, moves, addresses, arrays[0].dtype.itemsize)
    return copies if done else [gpu.xp.ascontiguousarray(x) for x in arrays]


def _fits(gpu: Gpu, x: Any, like: Array) -> bool:
    return x.__class__ is gpu.xp.ndarray and x.dtype == like.dtype and x.ndim == like.ndim > 0


def _moved(gpu: Gpu, moves: list[Move], addresses: list[tuple[int, int]], size: int) -> bool:
    """Copy elements of `size` bytes from and to these addresses; False if an array has too many axes or elements."""
    bits = VECTOR
    for pair in addresses:
        bits |= pair[0] | pair[1]
    unit, launches = _launches(tuple(moves), size, bits & -bits)
    for first, parts, blocks in launches:
        some = addresses[first : first + PARTS]
        parts = parts.copy()
        parts["addresses"][: len(some)] = some
        value = parts.view((np.void, parts.nbytes)).view(Struct)
        gpu.launch("copying.copy_parts", (unit,), (blocks, len(some)), (THREADS,), value)
    return bool(launches) or not moves


@lru_cache(1 << 10)
def _launches(moves: tuple[Move, ...], size: int, unit: int) -> tuple[int, list[tuple[int, Any, int]]]:
    """The bytes that are copied at once, at most `unit`, and of every launch the first copy, all copies, and blocks."""
    runs = [_joined(move, size) for move in moves]
    for axes, beside in runs:
        for number in (beside, *[step for _, *steps in axes for step in steps]):
            unit = (unit | number) & -(unit | number)
    counts = [prod([n for n, _, _ in axes]) * (beside // unit) for axes, beside in runs]
    if any(len(axes) >= AXES for axes, _ in runs) or max(counts, default=0) >= LARGEST:
        return unit, []
    launches = []
    for i in range(0, len(runs), PARTS):
        parts = np.zeros(PARTS, PART)
        for part, (axes, beside), count in zip(parts, runs[i : i + PARTS], counts[i:], strict=False):
            part["count"] = count
            part["axes"] = np.transpose([(1, 0, 0)] * (AXES - 1 - len(axes)) + [*axes, (beside // unit, unit, unit)])
        launches.append((i, parts, min(BLOCKS, -(-max(counts[i : i + PARTS]) // THREADS))))
    return unit, launches


def _joined(move: Move, size: int) -> tuple[list[tuple[int, int, int]], int]:
    """Axes from the outermost where they are written, those joined that lie alike, and the bytes beside each other."""
    axes: list[tuple[int, int, int]] = []
    for i in memory_order(move.shape, move.written):
        n, read, written = move.shape[i], move.read[i], move.written[i]
        if axes and axes[-1][1:] == (read * n, written * n):
            axes[-1] = axes[-1][0] * n, read, written
        elif n > 1:
            axes.append((n, read, written))
    if axes and axes[-1][1:] == (size, size):
        size *= axes.pop()[0]
    return axes, size
