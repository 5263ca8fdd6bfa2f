"""Positions of elements in a sorted sequence."""

import numpy as np

from autograd_core import dtypes
from autograd_core.creation.values import where_it_is
from autograd_core.engine.libraries import all_below
from autograd_core.errors import OperandError, PositionError
from autograd_core.kinds import INDEXING
from autograd_core.registry import NO_GRADIENT, Values, composition, integers, op, sample


def _side(right, side):
    if side not in (None, "left", "right"):
        raise OperandError(f"searchsorted(): side must be 'left' or 'right', not {side!r}")
    if side == "left" and right:
        raise OperandError("searchsorted(): side='left' contradicts right=True; give one of them")
    return "right" if right else side or "left"


def _search_rows(xp, rows, x, side):
    """Vectorised binary search in every row. Comparisons are negated so that NaN sorts last."""
    n = rows.shape[-1]
    low, high = xp.zeros(x.shape, dtypes.int64), xp.full(x.shape, n)
    for _ in range(n.bit_length()):
        middle = (low + high) // 2
        v = xp.take_along_axis(rows, xp.minimum(middle, n - 1), axis=-1)
        beyond = ~(v > x) if side == "right" else ~(v >= x)
        searching = low < high
        low = xp.where(searching & beyond, middle + 1, low)
        high = xp.where(searching & ~beyond, middle, high)
    return low


def _np_search(rows, x, sorter=None, out_int32=False, right=False, side=None):
    rows = rows if sorter is None else np.take_along_axis(rows, sorter, -1)
    rows = np.sort(rows, -1)
    side = "right" if right or side == "right" else "left"
    if rows.ndim == 1:
        return np.searchsorted(rows, x, side)
    return np.stack([np.searchsorted(r, v, side) for r, v in zip(rows, x, strict=True)])


RISING = (
    sample(integers((1,), 0, 4), integers((2, 3), 0, 6)),
    sample(integers((2, 1), 0, 4), integers((2, 3), 0, 6), right=True, out_int32=True),
    sample(integers((1,), 0, 4), integers((), 0, 6), integers((1,), 0, 1), side="right"),
    sample((0,), (3,)),
)


@op(INDEXING, symbol="search", samples=RISING, reference=_np_search, vjp=NO_GRADIENT, real_only=True, wide=True,
    method=False)
def searchsorted(xp, sorted_sequence, input, sorter=None, *, out_int32=False, right=False, side=None):
    """The positions at which elements are to be inserted into a sorted sequence, or row by row into sorted rows.

    right (or side="right"): after equal elements, not before them. sorter: the order that sorts the sequence.
    """
    side, dtype = _side(right, side), dtypes.promote_types(sorted_sequence.dtype, input.dtype)
    rows, input = (v.astype(dtype, copy=False) for v in (sorted_sequence, input))
    if not rows.ndim or (rows.ndim != 1 and rows.shape[:-1] != input.shape[:-1]):
        raise OperandError(f"searchsorted(): the sequence must be a vector, or have the same rows as the elements; the "
                           f"shapes are {rows.shape} and {input.shape}")
    if sorter is not None:
        if sorter.shape != rows.shape or sorter.dtype != dtypes.int64:
            raise OperandError(f"searchsorted(): sorter must hold int64 in shape {rows.shape}, not {sorter.dtype} in "
                               f"shape {sorter.shape}")
        if not all_below(sorter, rows.shape[-1]):
            raise PositionError(f"searchsorted(): sorter index out of range: rows have {rows.shape[-1]} elements")
        rows = xp.take_along_axis(rows, sorter, axis=-1)
    found = xp.searchsorted(rows, input, side=side) if rows.ndim == 1 else _search_rows(xp, rows, input, side)
    return found.astype(dtypes.int32 if out_int32 else dtypes.int64)


@composition(INDEXING, order=0, method=False,
             reference=lambda x, edges, out_int32=False, right=False: np.searchsorted(
                 edges, x, "right" if right else "left"),
             samples=(sample((2, 3), Values((1,))), sample(integers((4,), 0, 3), integers((1,), 0, 3), right=True),
                      sample((3,), Values((1,)), out_int32=True), sample((0,), (1,))))
def bucketize(input, boundaries, *, out_int32=False, right=False):
    """The index of the interval between sorted boundaries that holds each element; one equal to a boundary lies below
    it or, with `right`, above it."""
    boundaries = where_it_is(boundaries)
    if boundaries.ndim != 1:
        raise OperandError(f"bucketize(): boundaries must be a vector, not of shape {boundaries.shape}")
    return searchsorted(boundaries, input, out_int32=out_int32, right=right)


@op(INDEXING, symbol="∈", vjp=NO_GRADIENT, real_only=True, wide=True, method=False,
    signature=("elements", "test_elements", "assume_unique", "invert"),
    samples=(sample(integers((2, 3), 0, 6), integers((4,), 0, 6)), sample((0, 3), (2,), assume_unique=True),
             sample(integers((3,), 0, 3), integers((), 0, 3), invert=True)),
    reference=lambda x, among, assume_unique=False, invert=False: (x[..., None] == among.ravel()).any(-1) != invert
)
def isin(xp, elements, test_elements, *, assume_unique=False, invert=False):
    """Whether each element is among `test_elements`; with `invert`, whether it is not."""
    return xp.isin(elements, test_elements, assume_unique=assume_unique, invert=invert)
