"""Slices along one axis, and tensors with a slice replaced."""

import operator

import numpy as np

from autograd_core import dtypes, functional
from autograd_core.errors import OperandError
from autograd_core.kinds import INDEXING
from autograd_core.ops import axes
from autograd_core.ops.shapes.diagonals import OFFSETS
from autograd_core.registry import composition, sample


def _before(input, dim):
    return (slice(None),) * axes.one(dim, input.ndim)


@composition(INDEXING, samples=(sample((2, 3), 0, 1), sample((2, 3), dim=-1, index=-2), sample((2, 0), 0, 1)),
             reference=lambda x, dim, index: np.take(x, index, dim))
def select(input, dim, index):
    """The slice at an index along `dim`, without that axis; a view."""
    return functional.getitem(input, index=(*_before(input, dim), _position(input, dim, index)))


def _position(input, dim, index):
    if not input.ndim:
        raise IndexError("select() takes a tensor with axes, not one of shape ()")
    at, n = operator.index(index), input.shape[axes.one(dim, input.ndim)]
    if not -n <= at < n:
        raise IndexError(f"select(): index {at} is out of range for axis {dim} of length {n}")
    return at


@composition(INDEXING,
             samples=(sample((4, 3), 0, 1, 2),
                      sample((2, 3), -1, start=-2, length=2),
                      sample((2, 3), 0, 2, 0),
                      sample((0, 3), 0, 0, 0)),
             reference=lambda x, dim, start, length: np.take(x, np.arange(length) + start % max(x.shape[dim], 1), dim))
def narrow(input, dim, start, length):
    """The slice of `length` elements from `start` along `dim`; a view."""
    n = axes.length(input, dim, "narrow")
    if getattr(start, "ndim", 0) or getattr(start, "dtype", np.dtype(int)).kind not in dtypes.INTEGERS:
        raise OperandError(f"narrow(): start must be one integer, not {start!r}")
    start, length = operator.index(start), operator.index(length)
    if not -n <= start <= n:
        raise IndexError(f"narrow(): start {start} is out of range for an axis of length {n}")
    start = start + n if start < 0 else start
    if not 0 <= length <= n - start:
        raise OperandError(f"narrow(): {length} elements from {start} do not fit an axis of length {n}")
    return functional.getitem(input, index=(*_before(input, dim), slice(start, start + length)))


def _replaced(input, src, name, **statics):
    """`input` with the part that a view operation shows replaced by `src`."""
    path = ((name, tuple(statics.items()), None),)
    shape = functional.get_view(input.detach(), path=path).shape
    if src.shape != shape:
        raise OperandError(f"the part to be replaced has shape {shape}, but src {src.shape}; .expand() it first")
    src = src if src.dtype == input.dtype else functional.astype(src, input.dtype)
    return functional.put_view(input, src, path=path)


def _slow_replaced(x, src, index):
    out = x.copy()
    out[index] = src
    return out


@composition(INDEXING,
             samples=(sample((2, 3), (3,), 0, 1), sample((2, 3), (2,), dim=-1, index=-2), sample((2, 0), (0,), 0, 1)),
             reference=lambda x, src, dim, index: _slow_replaced(x, src, (slice(None),) * (dim % x.ndim) + (index,)))
def select_scatter(input, src, dim, index):
    """`input` with the slice at an index along `dim` replaced by `src`."""
    return _replaced(input, src, "getitem", index=(*_before(input, dim), _position(input, dim, index)))


@composition(INDEXING,
             samples=(sample((4, 3), (2, 3), start=1, end=3),
                      sample((2, 4), (2, 2), dim=1, end=9, step=2),
                      sample((3,), (3,)),
                      sample((0, 3), (0, 3))),
             reference=lambda x, src, dim=0, start=None, end=None, step=1: _slow_replaced(
                 x, src, (slice(None),) * dim + (slice(start, end, step),)))
def slice_scatter(input, src, dim=0, start=None, end=None, step=1):
    """`input` with a slice along `dim` replaced by `src`."""
    if step <= 0:
        raise OperandError(f"slice_scatter() needs a positive step, not {step}")
    return _replaced(input, src, "getitem", index=(*_before(input, dim), slice(start, end, step)))


def _slow_diagonal(x, src, offset=0, dim1=0, dim2=1):
    places = np.diagonal(np.arange(x.size).reshape(x.shape), offset, dim1, dim2)
    out = x.flatten()
    out[places] = src
    return out.reshape(x.shape)


@composition(INDEXING, reference=_slow_diagonal,
             samples=tuple(sample(s.inputs[0], np.diagonal(np.empty(s.inputs[0]), *s.statics.values()).shape,
                                  **s.statics) for s in OFFSETS))
def diagonal_scatter(input, src, offset=0, dim1=0, dim2=1):
    """`input` with the diagonal of two of its axes replaced by `src`."""
    return _replaced(input, src, "diagonal", offset=offset, dim1=dim1, dim2=dim2)
