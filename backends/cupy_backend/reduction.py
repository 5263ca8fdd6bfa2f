"""Sums, extremes and squared deviations over any axes of arrays without gaps, with about one pass over memory.

CuPy's own reductions need several times as long over columns, over short rows and of 16-bit floats.
"""

from math import prod
from typing import Any, NamedTuple

from backends.cupy_backend.launch import NAMES, WAVES, Gpu
from backends.cupy_backend.layouts import is_dense, is_float, memory_order
from backends.geometry import Array, Sizes, wide_dtype

THREADS = 256
SMALL = 1 << 12  # elements: below this CuPy's kernels start sooner


class Kind(NamedTuple):
    """What is computed: the state of threads in `kernels/reduction.cu`, its numbers, whether these have 64 bits.

    columns: how many a thread may take, with a state in registers for each.
    """

    state: str
    numbers: int = 1
    double: bool = False
    columns: int = 8


SUM, SQUARES, DEVIATIONS = Kind("Sum"), Kind("Squares", 1, True), Kind("Deviations", 4, True, 4)
LARGEST, SMALLEST = Kind("Largest"), Kind("Smallest")


def total(gpu: Gpu, x: Array, axes: Sizes, keepdims: bool, dtype: Any = None) -> Array | None:
    """See `backends.generic.reduction.total`."""
    return _reduced(gpu, SUM, x, axes, keepdims, wide_dtype(gpu.xp, x.dtype) if dtype is None else dtype)


def sum_of_squares(gpu: Gpu, x: Array, axis: Any, keepdims: bool) -> Array | None:
    """See `backends.generic.reduction.sum_of_squares`; in float64."""
    return _reduced(gpu, SQUARES, x, axis, keepdims, gpu.xp.dtype("float64"))


def squared_deviations(gpu: Gpu, x: Array, axes: Sizes, keepdims: bool) -> Array | None:
    """See `backends.generic.reduction.squared_deviations`; sums of float64 numbers need more digits than these have."""
    dtype = wide_dtype(gpu.xp, x.dtype)
    return None if x.dtype.itemsize > 4 else _reduced(gpu, DEVIATIONS, x, axes, keepdims, dtype)


def sum(
    gpu: Gpu, a: Array, axis: Any = None, dtype: Any = None, out: Array | None = None, keepdims: bool = False
) -> Array | None:
    """NumPy's `sum` of large arrays of floats, and of all with 16 bits."""
    dtype = a.dtype if dtype is None else gpu.xp.dtype(dtype)
    if out is not None or dtype not in (a.dtype, wide_dtype(gpu.xp, a.dtype)):
        return None
    return _reduced(gpu, SUM, a, axis, keepdims, dtype) if a.size >= SMALL or a.dtype.itemsize == 2 else None


def max(gpu: Gpu, a: Array, axis: Any = None, out: Any = None, keepdims: bool = False, **how: Any) -> Array | None:
    """NumPy's `max` of large arrays of floats."""
    return _extreme(gpu, LARGEST, a, axis, out, keepdims, how)


def min(gpu: Gpu, a: Array, axis: Any = None, out: Any = None, keepdims: bool = False, **how: Any) -> Array | None:
    """NumPy's `min` of large arrays of floats."""
    return _extreme(gpu, SMALLEST, a, axis, out, keepdims, how)


def _extreme(gpu: Gpu, kind: Kind, a: Array, axis: Any, out: Any, keepdims: bool, how: Any) -> Array | None:
    if out is not None or how or a.size < SMALL:
        return None
    return _reduced(gpu, kind, a, axis, keepdims, a.dtype)


def _reduced(gpu: Gpu, kind: Kind, x: Array, axis: Any, keepdims: bool, dtype: Any) -> Array | None:
    """The reduction over some axes (None: all), in a dtype; None for arrays that are not dense or hold no floats."""
    given = range(x.ndim) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    if not (is_float(x) and x.size and given and all(-x.ndim <= a < x.ndim for a in given) and is_dense(x)):
        return None
    axes, order = {a % x.ndim for a in given}, memory_order(x)
    y = _along(gpu, kind, x, _groups([(x.shape[a], a in axes) for a in order]), dtype)
    kept = [a for a in order if keepdims or a not in axes]
    y = y.reshape([1 if a in axes else x.shape[a] for a in kept])
    return y.transpose([kept.index(a) for a in sorted(kept)])


def _groups(sizes: list[tuple[int, bool]]) -> list[tuple[int, bool]]:
    """Sizes of axes in memory order, and whether they are reduced: neighbours that are alike are one axis."""
    groups = [(1, True)]
    for size, reduced in sizes:
        if groups[-1][1] == reduced:
            groups[-1] = groups[-1][0] * size, reduced
        elif size > 1:
            groups.append((size, reduced))
    return groups if groups[0][0] > 1 or len(groups) == 1 else groups[1:]


def _along(gpu: Gpu, kind: Kind, x: Array, groups: list[tuple[int, bool]], dtype: Any) -> Array:
    """Reduce what is innermost first; what is left between launches are states."""
    wide = wide_dtype(gpu.xp, x.dtype)
    state = f"{kind.state}<{NAMES[wide.name]}>"
    held, read = "float64" if kind.double else wide, x.dtype
    while True:
        inner = 1 if groups[-1][1] else groups.pop()[0]
        n = groups.pop()[0] if groups else 1
        outer = prod(size for size, _ in groups)
        v = 1 if read is state else gpu.vector(x.dtype, inner if inner > 1 else n if outer > 1 else 0, arrays=(x,))
        v = v if inner == 1 else _at_most(kind.columns, v)
        grid, block, parts, chunk = _rows(outer, n // v) if inner == 1 else _columns(outer, n, inner // v)
        done, count = not any(reduced for _, reduced in groups), outer * inner
        y = gpu.xp.empty((count,), dtype=dtype) if done else gpu.xp.empty((count * kind.numbers,), dtype=held)
        shared = gpu.shared(parts, count * kind.numbers, held)
        types = (state, read, v, dtype if done else state)
        if inner == 1:
            gpu.launch("reduction.reduce_rows", types, grid, block, x, *shared, y, outer, n, parts, chunk)
        else:
            gpu.launch("reduction.reduce_columns", types, grid, block, x, *shared, y, outer, n, inner, chunk)
        if done:
            return y
        x, read = y, state
        groups = _groups([*groups, (inner, False)])


def _rows(rows: int, packs: int) -> tuple[Sizes, Sizes, int, int]:
    """Grid, block, parts of a row and their vectors: a line of threads for each part."""
    if packs <= 8 * 32:
        lanes = 1 << (_at_most(32, packs) - 1).bit_length()
        return (-(-rows * lanes // 128),), (lanes, 128 // lanes), 1, packs
    threads = 32 * -(-_at_most(THREADS, packs // 4) // 32)
    chunk = -(-packs // _at_most(WAVES // rows or 1, -(-packs // (4 * threads))))
    parts = -(-packs // chunk)
    return (rows * parts,), (threads, 1), parts, chunk


def _columns(outer: int, n: int, packs: int) -> tuple[Sizes, Sizes, int, int]:
    """Grid, block, parts of the axis and their elements."""
    across = 1 << (_at_most(32, outer * packs) - 1).bit_length()
    down = _at_most(THREADS // across, 1 << (-(-n // 4) - 1).bit_length())
    across = THREADS // down
    blocks = -(-outer * packs // across)
    chunk = -(-n // _at_most(WAVES // blocks or 1, -(-n // (4 * down))))
    parts = -(-n // chunk)
    return (blocks, parts), (across, down), parts, chunk


def _at_most(bound: int, number: int) -> int:
    return number if number < bound else bound
