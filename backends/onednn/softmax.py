"""Softmax, its logarithm and cross-entropy along the last axis; `columns` computes along others, and of short rows.

oneDNN's softmax does not spread a NaN over its row, and its exponential turns NaN into infinity, so arrays that are not
finite are left to NumPy. Its logarithm is off by twelve units in the last place, so NumPy also computes that of sums.
"""

from math import prod
from typing import Any

import numpy as np

from backends.buffers import FLOAT32, empty
from backends.generic import softmax as generic
from backends.geometry import Array, Sizes
from backends.numpy_backend.reduction import SHORT, dots, extreme, total
from backends.onednn import Unsupported, columns, products
from backends.onednn.choice import active
from backends.onednn.elementwise import all_finite
from backends.onednn.passes import ADD, EXP, MAX, MUL, SUB, Step, chained
from backends.onednn.plans import INFERENCE, TRAINING, Plan, Workshop, planned
from backends.strides import dense

SMALL = 1 << 15  # scores: below this NumPy is as fast in the gradient of cross-entropy; for others see the package
# Elements of a row up to which columns are faster, in spite of the copies: of softmax, its logarithm and cross-entropy.
SHORT_ROW, SHORT_LOGARITHM, SHORT_LOSS = 8, 32, 64
ACCURATE = 0x30000


def softmax(x: Array, axis: int) -> Array | None:
    """See `generic.softmax.softmax`."""
    if not _suits(x):
        return None
    if not _in_rows(x, axis, SHORT_ROW):
        return columns.softmax(x, axis)
    y = empty(x.shape)
    forward(_rows(x)).run(x, y)
    return y if all_finite(y) else None


def softmax_gradient(g: Array, y: Array, axis: int) -> Array | None:
    """See `generic.softmax.softmax_gradient`."""
    if not _suits(y, g):
        return None
    if not _in_rows(y, axis):
        return columns.softmax_gradient(g, y, axis)
    dx = empty(y.shape)
    slopes(_rows(y), y, g, dx)
    return dx


def slopes(rows: Sizes, y: Array, g: Array, dx: Array) -> None:
    """Write the gradient of the softmax y of rows into dx, which may be g."""
    try:
        plan = _backward(rows)
    except Unsupported:  # by processors without AVX-512
        _by_rows(rows, SUB, (MUL,)).run(g, dots(y.reshape(rows), g.reshape(rows)), dx, y)
    else:
        plan.run(y, g, dx)


def log_softmax(x: Array, axis: int) -> Array | None:
    """See `generic.softmax.log_softmax`."""
    if not _suits(x):
        return None
    if not _in_rows(x, axis, SHORT_LOGARITHM):
        return columns.log_softmax(x, axis)
    rows = _rows(x)
    d, shift, less = empty(x.shape), extreme(np.maximum, x.reshape(rows), 1, keepdims=True), _by_rows(rows, SUB)
    less.run(x, shift, d)
    total = _sums(rows, d)
    if not np.isfinite(total).all():
        return None
    less.run(d, np.log(total), d)
    return d


def log_softmax_gradient(g: Array, y: Array, axis: int) -> Array | None:
    """See `generic.softmax.log_softmax_gradient`."""
    if not (_suits(y, g) and all_finite(y)):
        return None
    if not _in_rows(y, axis):
        return columns.log_softmax_gradient(g, y, axis)
    rows, dx = _rows(y), empty(y.shape)
    chained(rows, MAX, (EXP,)).run(y, y, dx)
    total = _row_sums(g.reshape(rows))
    _by_rows(rows, MUL, (ADD,)).run(dx, -total, dx, g)
    return dx


def softmax_nll(x: Array, target: Array, ignore_index: int | None, reduction: str) -> tuple[Array, Array, Array] | None:
    """See `generic.softmax.softmax_nll`."""
    if not _suits(x):
        return None
    if x.ndim > 2 or x.shape[1] <= SHORT_LOSS:
        of_columns = columns.softmax_nll if x.ndim > 2 else columns.softmax_nll_of_rows
        found = of_columns(x, target, ignore_index, reduction)
        if found is not None or x.ndim > 2 or x.shape[1] <= SHORT:
            return found
    shift, e = extreme(np.maximum, x, 1, keepdims=True), empty(x.shape)
    _by_rows(x.shape, SUB, EXP).run(x, shift, e)
    total = _row_sums(e)
    if not np.isfinite(total).all():
        return None
    return generic.nll(np, x, target, np.log(total), ignore_index, reduction, shift), shift, total


def softmax_nll_gradient(
    g: Array, x: Array, target: Array, shift: Array, total: Array, ignore_index: int | None, reduction: str
) -> Array | None:
    """See `generic.softmax.softmax_nll_gradient`."""
    if x.ndim > 2 and _suits(x):
        return columns.softmax_nll_gradient(g, x, target, shift, total, ignore_index, reduction)
    if x.ndim != 2 or x.size < SMALL or not _suits(x) or not np.isfinite(total).all():
        return None
    share, p = generic.share(np, g, target, total.dtype, ignore_index, reduction), empty(x.shape)
    _by_rows(x.shape, SUB, EXP).run(x, np.ascontiguousarray(shift), p)
    _by_rows(x.shape, MUL).run(p, np.ascontiguousarray(share / total, FLOAT32), p)
    generic.less_targets(np, p, target, share, ignore_index)
    return p


def smoothed_nll(
    x: Array, target: Array, ignore_index: int | None, reduction: str, smoothing: float
) -> tuple[Array, Array, Array] | None:
    """See `generic.softmax.smoothed_nll`."""
    if x.ndim != 2 or not _suits(x):
        return None
    shift, d = extreme(np.maximum, x, 1, keepdims=True), empty(x.shape)
    _by_rows(x.shape, SUB).run(x, shift, d)
    total, mean = _sums(x.shape, d), _row_sums(d) / FLOAT32.type(x.shape[1])
    if not np.isfinite(total).all():
        return None
    return generic.smoothed(np, x, target, total, shift, mean, ignore_index, reduction, smoothing), shift, total


def smoothed_nll_gradient(
    g: Array, x: Array, target: Array, shift: Array, total: Array, ignore_index: int | None, reduction: str,
    smoothing: float,
) -> Array | None:  # fmt: skip
    """See `generic.softmax.smoothed_nll_gradient`."""
    if x.ndim != 2 or x.size < SMALL or not _suits(x) or not np.isfinite(total).all():
        return None
    share, p = generic.share(np, g, target, total.dtype, ignore_index, reduction), empty(x.shape)
    rest = np.full(total.shape, share * FLOAT32.type(smoothing / x.shape[1]), FLOAT32)
    _by_rows(x.shape, SUB, EXP).run(x, np.ascontiguousarray(shift), p)
    _by_rows(x.shape, MUL).run(p, np.ascontiguousarray(share / total, FLOAT32), p)
    _by_rows(x.shape, SUB).run(p, rest, p)
    generic.less_targets(np, p, target, share * FLOAT32.type(1 - smoothing), ignore_index)
    return p


def _sums(rows: Sizes, d: Array) -> Array:
    """Σ exp(d) for every row."""
    e = empty(rows)
    chained(rows, MAX, (EXP,)).run(d, d, e)
    return _row_sums(e)


def _row_sums(x: Array) -> Array:
    """The sum of every row of a matrix, keeping the axis."""
    y = products.total(x, (1,), True)
    return total(x, (1,), True) if y is None else y


def _rows(x: Array) -> Sizes:
    return prod(x.shape[:-1]), x.shape[-1]


def _by_rows(rows: Sizes, kind: int, *chain: Step) -> Plan:
    """The plan of a pass over a matrix and a number for each row."""
    return chained(rows, kind, chain, (rows[0], 1))


def _suits(*arrays: Array) -> bool:
    """Whether arrays have one shape and C order."""
    x = arrays[0]
    return all(v.dtype == FLOAT32 and v.flags.c_contiguous and v.shape == x.shape for v in arrays) and active()


def _in_rows(x: Array, axis: int, short: int = 0) -> bool:
    """Whether the axis is the last, with more than `short` elements."""
    return axis in (-1, x.ndim - 1) and x.shape[-1] > short


def _described(workshop: Workshop, rows: Sizes, purpose: int) -> tuple[Any, Any]:
    x = workshop.memory(rows, dense(rows))
    return x, workshop.primitive("softmax_forward", purpose, ACCURATE, x, x, 1)


@planned
def forward(workshop: Workshop, rows: Sizes) -> Plan:
    """The plan of the softmax of each row; operands: x and y, which may be x."""
    x, desc = _described(workshop, rows, INFERENCE)
    return Plan(workshop, desc, src=x, dst=x)


@planned
def _backward(workshop: Workshop, rows: Sizes) -> Plan:
    x, forward = _described(workshop, rows, TRAINING)
    desc = workshop.primitive("softmax_backward", ACCURATE, x, x, x, 1, forward)
    return Plan(workshop, desc, dst=x, diff_dst=x, diff_src=x)
