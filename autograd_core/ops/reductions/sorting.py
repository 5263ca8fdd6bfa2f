"""Sorting, and the largest or the k-th elements along an axis.

Positions are found without a gradient and the elements gathered from them, so each element receives the gradient of its
place. NaN counts as larger than any number.
"""

import operator
from collections import namedtuple

import numpy as np

from autograd_core import functional
from autograd_core.errors import OperandError
from autograd_core.kinds import INDEXING
from autograd_core.ops import axes
from autograd_core.ops.reductions.extremes import check_some
from autograd_core.registry import NO_GRADIENT, composition, op, sample

SHORT = 64  # elements along an axis up to which sorting all of them is faster than selecting some first
Sorted = namedtuple("Sorted", "values indices")
Topmost = namedtuple("Topmost", "values indices")
Kth = namedtuple("Kth", "values indices")


def _np_argsort(x, dim=-1, descending=False, stable=False):
    return np.argsort(-x if descending else x, dim) if x.ndim else np.zeros((), np.int64)


def _order(xp, x, at, descending, count=None):
    """The positions in order, or the first `count` of them."""
    if not descending:
        order = xp.argsort(x, axis=at, kind="stable")
        return order if count is None else _first(order, at, count).copy()
    # The reversed elements are sorted and reversed again, which keeps equal ones in order.
    order = xp.flip(xp.argsort(xp.flip(x, at), axis=at, kind="stable"), at)
    return x.shape[at] - 1 - (order if count is None else _first(order, at, count))


SORTS = (
    sample((5,)),
    sample((2, 3, 4), dim=1, descending=True),
    sample((3, 4), dim=0, stable=True),
    sample(()),
    sample((0, 3), dim=1),
)


@op(INDEXING, symbol="argsort", samples=SORTS, reference=_np_argsort, vjp=NO_GRADIENT, real_only=True, wide=True)
def argsort(xp, x, *, dim=-1, descending=False, stable=False):
    """The positions that sort the elements along `dim`, ascending or descending; always stable."""
    at = axes.one(dim, x.ndim)
    return _order(xp, x, at, descending) if x.ndim else xp.zeros((), np.int64)


def picked(x, indices, dim):
    """The elements at positions along `dim`, with their gradient."""
    return functional.gather(x, dim, indices) if x.ndim else functional.clone(x)


def _np_sort(x, dim=-1, descending=False, stable=False):
    order = _np_argsort(x, dim, descending)
    return (np.take_along_axis(x, order, dim) if x.ndim else x), order


@composition(INDEXING, samples=SORTS, reference=_np_sort)
def sort(input, dim=-1, descending=False, stable=False) -> Sorted:
    """The elements along `dim` in ascending or descending order, and their positions; always stable.

    >>> from autograd_core import tensor
    >>> sort(tensor([3.0, 1.0, 2.0])).indices
    tensor([1, 2, 0])
    """
    indices = argsort(input, dim=dim, descending=descending, stable=stable)
    return Sorted(picked(input, indices, dim), indices)


@composition(INDEXING, samples=(sample((5,)), sample((3, 2)), sample((0, 3))), reference=lambda x: np.sort(x, 0))
def msort(input):
    """The elements in ascending order along the first axis."""
    return sort(input, dim=0).values


def _np_topk(x, k, dim=-1, largest=True, sorted=True):
    order = np.take(_np_argsort(x, dim, largest), range(k), dim)
    return np.take_along_axis(x, order, dim), order


def _first(x, at, count):
    return x[(slice(None),) * at + (slice(count),)]


TOPMOST = (
    sample((5,), k=2),
    sample((4, 2), k=3, dim=0, largest=False),
    sample((3, 4), k=4, sorted=True),
    sample((3, 4), k=0),
    sample((0, 3), k=1),
)


@op(INDEXING, symbol="topk", samples=TOPMOST, vjp=NO_GRADIENT, real_only=True, wide=True, method=False,
    reference=lambda *args, **statics: _np_topk(*args, **statics)[1])
def topk_positions(xp, x, *, k, dim=-1, largest=True, sorted=True):
    """The positions of the `k` largest or smallest elements along `dim`, the most extreme first."""
    at = axes.one(dim, x.ndim)
    n, k = x.shape[at] if x.ndim else 1, operator.index(k)
    if not 0 <= k <= n:
        raise OperandError(f"topk(): k = {k} is out of range for {n} elements along dim {dim}")
    if not x.ndim:
        return xp.zeros((), np.int64)
    if k == 1 and largest:
        return xp.argmax(x, axis=at, keepdims=True)
    if k in (0, n) or n <= SHORT:
        return _order(xp, x, at, largest, k)
    if largest:
        candidates = xp.flip(_first(xp.flip(xp.argpartition(x, n - k, axis=at), at), at, k), at)
    else:
        candidates = _first(xp.argpartition(x, k - 1, axis=at), at, k)
    candidates = xp.sort(candidates, axis=at)  # so that equal elements keep the order of their positions
    order = _order(xp, xp.take_along_axis(x, candidates, axis=at), at, largest)
    return xp.take_along_axis(candidates, order, axis=at)


@composition(INDEXING, samples=TOPMOST, reference=_np_topk)
def topk(input, k, dim=-1, largest=True, sorted=True) -> Topmost:
    """The `k` largest or smallest elements along `dim`, the most extreme first (`sorted` or not), and their positions.

    >>> from autograd_core import tensor
    >>> topk(tensor([3.0, 1.0, 2.0]), 2).values
    tensor([3., 2.])
    """
    indices = topk_positions(input, k=k, dim=dim, largest=largest)
    return Topmost(picked(input, indices, dim), indices)


def _np_kth(x, k, dim=-1, keepdim=False):
    found = np.take(np.argsort(x, dim), [k - 1], dim)
    both = np.take_along_axis(x, found, dim), found
    return both if keepdim else tuple(v.squeeze(dim) for v in both)


KTH = (sample((5,), k=2), sample((2, 3, 4), k=1, dim=1), sample((3, 4), k=4, keepdim=True), sample((0, 3), k=2, dim=1))


@op(INDEXING, symbol="k-th", vjp=NO_GRADIENT, real_only=True, wide=True, method=False,
    samples=(sample((5,), k=2), sample((2, 3, 4), k=1, dim=1), sample((0, 3), k=2, dim=1)),
    reference=lambda x, k, dim=-1: _np_kth(x, k, dim, True)[1])
def kth_position(xp, x, *, k, dim=-1):
    """The position of the k-th smallest element along `dim`, kept as an axis of length 1."""
    at = axes.one(dim, x.ndim)
    if not x.ndim:
        return xp.zeros((), np.int64)
    return xp.argpartition(x, k - 1, axis=at)[(slice(None),) * at + (slice(k - 1, k),)].copy()


@composition(INDEXING, samples=KTH, reference=_np_kth)
def kthvalue(input, k, dim=-1, keepdim=False) -> Kth:
    """The k-th smallest elements along `dim`, with k from 1, and their positions."""
    check_some(input, axes.one(dim, input.ndim), "kthvalue")
    n, k = input.shape[dim] if input.ndim else 1, operator.index(k)
    if not 1 <= k <= n:
        raise OperandError(f"kthvalue(): k = {k} is out of range for {n} elements along dim {dim}")
    return Kth(*pick_one(input, kth_position(input, k=k, dim=dim), dim, keepdim))


def pick_one(x, indices, dim, keepdim):
    """The elements at positions that still have the axis `dim`, and the positions, with or without that axis."""
    values = picked(x, indices, dim)
    if keepdim or not x.ndim:
        return values, indices
    return functional.squeeze(values, dim), functional.squeeze(indices, dim)
