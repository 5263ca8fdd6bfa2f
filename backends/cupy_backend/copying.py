"""Copies of several arrays in one launch, such as the parts of a concatenation."""

from collections.abc import Sequence
from math import prod
from typing import Any, NamedTuple

import numpy as np

from backends.cupy_backend.launch import VECTOR, Gpu, Struct
from backends.cupy_backend.order import memory_order
from backends.geometry import Array

# As in `kernels/copying.cu`.
PARTS, AXES, THREADS = 10, 6, 256
PART = np.dtype([("addresses", np.int64, 2), ("count", np.int64), ("axes", np.int64, (3, AXES))])
BLOCKS = 1 << 11  # of a part
LARGEST = 1 << 31  # units of a part


class Run(NamedTuple):
    """A copy: addresses, sizes and steps of the axes of both arrays, and how many bytes lie beside each other."""

    addresses: tuple[int, int]
    axes: list[tuple[int, int, int]]
    size: int


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
    order = memory_order(first.shape, first.strides)
    y = gpu.xp.empty(tuple([shape[i] for i in order]), dtype=first.dtype)
    y = y.transpose([order.index(i) for i in range(first.ndim)])
    pairs, start, before = [], 0, (slice(None),) * axis
    for x in arrays:
        pairs.append((x, y[(*before, slice(start, start + x.shape[axis]))]))
        start += x.shape[axis]
    return y if _copied(gpu, pairs) else None


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


def in_c_order(gpu: Gpu, *arrays: Array) -> Sequence[Array]:
    """The arrays; those in another order, or with gaps, as copies in C order."""
    copies = [x if x.flags.c_contiguous else gpu.xp.empty(x.shape, dtype=x.dtype) for x in arrays]
    pairs = [(x, y) for x, y in zip(arrays, copies, strict=True) if x is not y]
    return copies if _copied(gpu, pairs) else [gpu.xp.ascontiguousarray(x) for x in arrays]


def _fits(gpu: Gpu, x: Any, like: Array) -> bool:
    return x.__class__ is gpu.xp.ndarray and x.dtype == like.dtype and x.ndim == like.ndim > 0


def _copied(gpu: Gpu, pairs: Sequence[tuple[Array, Array]]) -> bool:
    """Copy each first array into the second, which has its shape and dtype; False if one has too many axes."""
    runs = [_run(gpu, x, y) for x, y in pairs if x.size]
    unit = min(map(_unit, runs), default=1)
    counts = [prod([n for n, _, _ in run.axes]) * (run.size // unit) for run in runs]
    if any(len(run.axes) >= AXES for run in runs) or max(counts, default=0) >= LARGEST:
        return False
    for i in range(0, len(runs), PARTS):
        parts = np.zeros(PARTS, PART)
        for part, run, count in zip(parts, runs[i : i + PARTS], counts[i:], strict=False):
            axes = [(1, 0, 0)] * (AXES - 1 - len(run.axes)) + [*run.axes, (run.size // unit, unit, unit)]
            part["addresses"], part["count"], part["axes"] = run.addresses, count, np.transpose(axes)
        blocks = min(BLOCKS, -(-max(counts[i : i + PARTS]) // THREADS))
        value = parts.view((np.void, parts.nbytes)).view(Struct)
        gpu.launch("copying.copy_parts", (unit,), (blocks, len(runs[i : i + PARTS])), (THREADS,), value)
    return True


def _run(gpu: Gpu, x: Array, y: Array) -> Run:
    """Axes from the outermost in y, those joined that lie alike in both."""
    axes: list[tuple[int, int, int]] = []
    for i in memory_order(y.shape, y.strides):
        size, read, written = x.shape[i], x.strides[i], y.strides[i]
        if axes and axes[-1][1:] == (read * size, written * size):
            axes[-1] = axes[-1][0] * size, read, written
        elif size > 1:
            axes.append((size, read, written))
    size = x.dtype.itemsize
    if axes and axes[-1][1:] == (size, size):
        size *= axes.pop()[0]
    return Run((gpu.address(x), gpu.address(y)), axes, size)


def _unit(run: Run) -> int:
    """The most bytes, up to those a thread reads at once, by which everything is divisible."""
    bits = VECTOR | run.size
    for number in (*run.addresses, *[step for _, *steps in run.axes for step in steps]):
        bits |= number
    return bits & -bits
