"""Linear maps along one axis as matrix products, for a few outputs at a time, since these read few inputs."""

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from math import isfinite, prod
from typing import Any

import numpy as np

from backends.buffers import empty
from backends.generic.resampling import Columns
from backends.geometry import Array, blocks
from backends.numpy_backend.copies import broadcast_to, contiguous
from backends.numpy_backend.products import THREADED
from backends.numpy_backend.reduction import total
from backends.strides import outermost_first
from backends.threads import in_blocks, one_blas_thread

LARGE = 1 << 14  # elements: from here making the matrix pays, if it is used once
FEW = 3  # columns: up to here passes over slices are as fast or faster
TOGETHER = 64  # outputs
PARTS = 4  # for threads
SHARED = 1 << 20  # elements: from here threads pay


def resample(plain: Callable[..., Array], x: Array, axis: int, count: int, columns: Sequence[Any]) -> Array:
    """See `backends.generic.resampling.resample`, here `plain`: unlike a product, it never reads NaN with weight 0."""
    if (inputs := _picks(count, columns)) is not None:
        if (times := _repeats(x.shape[axis], inputs, columns)) > 1:
            return _repeated(x, axis, times)
        if x.__class__ is np.ndarray and x.flags.c_contiguous:
            return x.take(inputs, axis, mode="clip")  # faster; all positions are known to be valid
    few = len(columns) <= FEW
    weighted = any(weights is not None and not (few and isinstance(inputs, slice)) for _, inputs, weights in columns)
    pays = x.size > 0 if isinstance(columns, Columns) else x.size >= LARGE
    if not pays or x.dtype.char not in "fd" or not weighted:
        return plain(x, axis, count, columns)
    order, back = outermost_first(x)
    xs, at = np.ascontiguousarray(x.transpose(order)), order.index(axis)
    if not isfinite(np.add.reduce(xs, axis=None) if x.size < SHARED else total(xs, tuple(range(x.ndim)), False)):
        return plain(x, axis, count, columns)
    shape = (*xs.shape[:at], count, *xs.shape[at + 1 :])
    y, tail = empty(shape, None, x.dtype), prod(shape[at + 1 :])
    products = _kept_products(count, xs.shape[at], columns, x.dtype)
    sources, targets = (v.reshape(-1, v.shape[at], *(tail,) * (tail > 1)) for v in (xs, y))

    def part(rows: slice) -> None:
        for outputs, inputs, matrix in products:
            if tail == 1:
                np.matmul(sources[rows, inputs], matrix.T, out=targets[rows, outputs])
            else:
                np.matmul(matrix, sources[rows, inputs], out=targets[rows, outputs])

    parts = PARTS if y.size >= SHARED else 1
    multiplications = products[0][2].size * (len(sources) if tail == 1 else tail)
    # BLAS's threads would compete with oneDNN's, or be started anew for every matrix.
    with one_blas_thread() if multiplications >= THREADED else nullcontext():
        in_blocks(part, blocks(len(sources), -(-len(sources) // parts)))
    return y.transpose(back)


def _picks(count: int, columns: Sequence[Any]) -> Array | None:
    """Which input each output is, for maps without weights."""
    if len(columns) != 1 or not isinstance(columns, Columns):
        return None
    [(outputs, inputs, weights)] = columns
    picks = weights is None and isinstance(inputs, np.ndarray) and outputs == slice(0, count, 1)
    return inputs if picks else None


def _repeats(size: int, inputs: Array, columns: Any) -> int:
    """How many times every input is repeated, one after the other; 0 for other maps."""
    if "repeats" not in columns.derived:
        count = len(inputs)
        whole = size and not count % size and (inputs == np.arange(count) // (count // size)).all()
        columns.derived["repeats"] = count // size if whole else 0
    found: int = columns.derived["repeats"]
    return found


def _repeated(x: Array, axis: int, times: int) -> Array:
    """Every element along an axis, repeated; in the memory order of x."""
    order, back = outermost_first(x)
    xs, behind = x.transpose(order), order.index(axis) + 1
    head, tail = xs.shape[:behind], xs.shape[behind:]
    wide = broadcast_to(xs.reshape(*head, 1, *tail), (*head, times, *tail))
    return contiguous(wide).reshape(*head[:-1], head[-1] * times, *tail).transpose(back)


def _kept_products(count: int, size: int, columns: Sequence[Any], dtype: Any) -> list[tuple[slice, slice, Array]]:
    if not isinstance(columns, Columns):
        return _products(count, size, columns, dtype)
    if dtype not in columns.derived:
        columns.derived[dtype] = _products(count, size, columns, dtype)
    found: list[tuple[slice, slice, Array]] = columns.derived[dtype]
    return found


def _products(count: int, size: int, columns: Sequence[Any], dtype: Any) -> list[tuple[slice, slice, Array]]:
    """(outputs, inputs, matrix) for ranges of outputs."""
    to, of = np.arange(count), np.arange(size)
    taps = [
        np.broadcast_arrays(to[outputs], of[inputs], 1.0 if weights is None else weights)
        for outputs, inputs, weights in columns
    ]
    rows, reads, values = (np.concatenate(parts, axis=None) for parts in zip(*taps, strict=True))
    order = np.argsort(rows, kind="stable")
    rows, reads, values = rows[order], reads[order], values[order]
    found = []
    for outputs in blocks(count, TOGETHER):
        at = slice(*np.searchsorted(rows, (outputs.start, outputs.stop)))
        inputs = slice(int(reads[at].min()), int(reads[at].max()) + 1) if at.start < at.stop else slice(0, 0)
        matrix = np.zeros((outputs.stop - outputs.start, inputs.stop - inputs.start), dtype)
        np.add.at(matrix, (rows[at] - outputs.start, reads[at] - inputs.start), values[at])
        found.append((outputs, inputs, matrix))
    return found
