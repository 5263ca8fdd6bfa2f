"""Passes over large float32 arrays, as exact as NumPy's.

oneDNN's ReLU turns NaN into 0, and its gradient is NaN for an infinite gradient at 0. Therefore ReLU is a maximum with
operands in the order that keeps NaN (see also `plans.RELU`), and gradients that are not finite are left to NumPy.
"""

from collections.abc import Callable
from functools import lru_cache
from math import isfinite
from typing import Any

import numpy as np

from backends import threads
from backends.buffers import FLOAT32, UINT8, empty, maker
from backends.geometry import Array, Sizes, blocks
from backends.onednn.choice import active
from backends.onednn.layouts import as_float32, copied
from backends.onednn.passes import ADD, DIV, MAX, MUL, RELU, SUB, chained, constant, linear
from backends.onednn.plans import TRAINING, Plan, Workshop, planned
from backends.settled import Prepared, prepared
from backends.strides import innermost_first, is_dense

RELU_BY_RESULT, MINIMUM, SUM = 0x100, 0x2FFF3, 0x2FFF4
KINDS: dict[Any, int] = {np.add: ADD, np.multiply: MUL, np.divide: DIV, np.subtract: SUB}
ROWS = 16  # rows of a reduction; a single row would be computed by one thread
SHARED = 1 << 18  # elements from which threads share a reduction; one alone is slower than NumPy
BLOCK = 1 << 18  # elements compared at a time, whose marks stay in the cache
WORD, KEPT = 8, np.uint64(0x0101010101010101)  # marks examined at a time, and what they are if none is wanted


@prepared
def relu(x: Array) -> Prepared:
    """max(x, 0)."""
    if not _suits(x):
        return None
    make, run = maker(x.shape, x.strides), _larger(x.size).run

    def call(x: Array) -> Array:
        y: Array = make()
        run(x, x, y, x)
        return y

    return call, (x,)


def rectify(y: Array) -> Array | None:
    """max(y, 0), in place."""
    if not _suits(y):
        return None
    _larger(y.size).run(y, y, y, y)
    return y


def _larger(size: int) -> Plan:
    """max(x, 0); operands: x, x, the result and x."""
    return chained((size,), MAX, (constant(0.0), (MAX,)))


@prepared
def gate(g: Array, x: Array) -> Prepared:
    """g where x > 0, else 0; g where x is NaN, as in PyTorch."""
    if not (_suits(x) and g.dtype == FLOAT32 and g.shape == x.shape):
        return None
    make, run, finite = maker(x.shape, x.strides), _gate(x.size).run, finite_like(x)

    def call(g: Array, x: Array) -> Array | None:
        y: Array = make()
        run(x, g, y)
        return y if finite(y) else None

    return call, (g if g.strides == x.strides else copied(g, x.strides), x)


def arithmetic(ufunc: np.ufunc, a: Array, b: Array) -> Array | None:
    """a + b, a - b, a b or a / b, where b broadcasts over a."""
    if a.dtype.char == "E":
        return _of_bfloat16(ufunc, a, b)
    if not _suits(a) or b.dtype != FLOAT32 or b.ndim > a.ndim:
        return None
    if _alike(a, b):
        plan = chained((a.size,), KINDS[ufunc])
    elif a.shape == b.shape and is_dense(b.shape, b.strides):  # a transposed copy first: a fifth of NumPy's time
        plan, b = chained((a.size,), KINDS[ufunc]), copied(b, a.strides)
    elif a.shape == b.shape:
        return None
    else:
        plan, b = _repeating(KINDS[ufunc], a, b)
    if plan is None:
        return None
    y = empty(a.shape, a.strides)
    plan.run(a, b, y)
    return y


def _of_bfloat16(ufunc: np.ufunc, a: Array, b: Array) -> Array | None:
    """The same for bfloat16 arrays; but subnormal results are 0."""
    if a.dtype != b.dtype or b.ndim > a.ndim or not (is_dense(a.shape, as_float32(a)) and active()):
        return None
    plan: Plan | None = None
    if a.shape != b.shape:
        plan, b = _repeating(KINDS[ufunc], a, b)
    elif a.strides == b.strides:
        plan = chained((a.size,), KINDS[ufunc], (), None, a.dtype)
    if plan is None:
        return None
    y = empty(a.shape, a.strides, a.dtype)
    plan.run(a, b, y)
    return y


def _repeating(kind: int, a: Array, b: Array, scale: float = 1.0) -> tuple[Plan | None, Array]:
    """The plan for an operand b that repeats along axes of a, and b as the plan reads it."""
    order = innermost_first(a)[::-1]
    b = np.ascontiguousarray(b.reshape(*(1,) * (a.ndim - b.ndim), *b.shape).transpose(order))
    merged = _merged(tuple([a.shape[axis] for axis in order]), b.shape)
    steps = (linear(scale, 0.0),) if scale != 1 else ()
    return merged and chained(merged[0], kind, steps, merged[1], b.dtype), b


@lru_cache(maxsize=1024)
def _merged(shape: Sizes, other: Sizes) -> tuple[Sizes, Sizes] | None:
    """Two shapes with neighbouring axes merged, if the other array has a length of 1 along both or along neither.

    None if the other array does not broadcast.
    """
    axes: list[tuple[int, int]] = []
    for n, k in zip(shape, other, strict=True):
        if k not in (1, n):
            return None
        if axes and (k == 1) == (axes[-1][1] == 1):
            axes[-1] = axes[-1][0] * n, axes[-1][1] * k
        elif n > 1:
            axes.append((n, k))
    return tuple([n for n, _ in axes]), tuple([k for _, k in axes])


def drop(x: Array, keep: Array, scale: float) -> Array | None:
    """See `backends.generic.selection.drop`."""
    if not _suits(x) or keep.dtype != bool or keep.ndim > x.ndim:
        return None
    plan, keep = _repeating(MUL, x, keep.view(UINT8), scale)
    if plan is None:
        return None
    y = empty(x.shape, x.strides)
    plan.run(x, keep, y)
    return y


def increase(a: Array, b: Array, factor: float = 1.0) -> Array | None:
    """Add b times a factor to a in place; returns a."""
    if not _suits(a) or b.dtype != FLOAT32 or b.shape != a.shape:
        return None
    b = b if b.strides == a.strides else copied(b, a.strides)
    if factor == 1:
        chained((a.size,), ADD).run(a, b, a)
    else:
        chained((a.size,), MAX, (linear(factor, 0.0), (ADD,))).run(b, b, a, a)
    return a


def add_relu(a: Array, b: Array, out: Array | None = None) -> Array | None:
    """max(a + b, 0); in `out`, which may be a, if given."""
    if not (_suits(a) and _alike(a, b) and (out is None or _alike(a, out))):
        return None
    y = empty(a.shape, a.strides) if out is None else out
    chained((a.size,), ADD, RELU).run(a, b, y)
    return y


def all_finite(x: Array) -> bool:
    """Whether there is neither NaN nor infinity; False also if the sum overflows."""
    return finite_like(x)(x)


def finite_like(x: Array) -> Callable[[Array], bool]:
    """`all_finite` for arrays like this one."""
    if not _suits(x):
        return lambda x: isfinite(np.add.reduce(x, axis=None))
    run = _reduced(SUM, x.size).run

    def call(x: Array) -> bool:
        sums = np.empty(ROWS, FLOAT32)
        run(x, sums)
        return all(map(isfinite, sums.tolist()))

    return call


def least(x: Array) -> float:
    """The smallest element, or NaN if there is one."""
    if x.size < SHARED or not _suits(x) or threads.get_num_threads() == 1 or not all_finite(x):
        return float(np.minimum.reduce(x, axis=None))
    minima = np.empty(ROWS, FLOAT32)
    _reduced(MINIMUM, x.size).run(x, minima)
    return min(minima.tolist())


def has_lost(y: Array) -> bool:
    """Whether there may be NaN or ∞."""
    if y.size < SHARED or threads.get_num_threads() == 1:
        return not np.maximum.reduce(y, axis=None) < np.inf
    return not all_finite(y)


def where_not_from(bound: float, x: Array) -> Array:
    """The positions of the elements of a vector that are less than a bound or NaN."""
    return np.concatenate([at.start + _not_from(bound, x[at]) for at in blocks(x.size, BLOCK)])


def _not_from(bound: float, x: Array) -> Array:
    kept = x >= FLOAT32.type(bound)
    marked = kept.view(np.uint64) != KEPT if x.size % WORD == 0 else None
    if marked is None or np.count_nonzero(marked) * WORD > marked.size:  # too many to be predicted word by word
        return np.flatnonzero(~kept)
    words = np.flatnonzero(marked)
    few = np.flatnonzero(~kept.reshape(-1, WORD)[words])
    return words[few // WORD] * WORD + few % WORD


def _suits(x: Array) -> bool:
    return bool(
        x.dtype == FLOAT32 and x.size % ROWS == 0 and x.size > ROWS and is_dense(x.shape, x.strides) and active()
    )


def _alike(a: Array, b: Array) -> bool:
    return bool(b.dtype == FLOAT32 and a.shape == b.shape and a.strides == b.strides)


@planned
def _gate(workshop: Workshop, size: int) -> Plan:
    x = workshop.memory((size,), (4,))
    forward = workshop.primitive("eltwise_forward", TRAINING, RELU_BY_RESULT, x, x, 0.0, 0.0)
    desc = workshop.primitive("eltwise_backward", RELU_BY_RESULT, x, x, x, 0.0, 0.0, forward)
    return Plan(workshop, desc, dst=x, diff_dst=x, diff_src=x)


@planned
def _reduced(workshop: Workshop, kind: int, size: int) -> Plan:
    """The sums, or other reductions, of ROWS equal parts of the memory."""
    shape = (ROWS, size // ROWS)
    x, result = workshop.memory(shape, (4 * shape[1], 4)), workshop.memory((ROWS, 1), (4, 4))
    desc = workshop.primitive("reduction", kind, x, result, 0.0, 0.0)
    return Plan(workshop, desc, src=x, dst=result)
