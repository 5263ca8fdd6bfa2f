"""Slices and elements written or added at positions given by a vector, or by one index tensor per axis."""

from typing import Any

import numpy as np

from autograd_core import dtypes, functional
from autograd_core.engine.libraries import checks_values, holds
from autograd_core.errors import DtypeError, OperandError, PositionError
from autograd_core.kinds import INDEXING
from autograd_core.ops import axes
from autograd_core.ops.positions.indexing import place
from autograd_core.ops.positions.scatter import scatter_reduce, written
from autograd_core.ops.shapes.shape import expand, ravel, reshape
from autograd_core.registry import composition, integers, sample
from autograd_core.semantics.subscripts import plain_index
from autograd_core.tensor import Tensor


def _along(name, input, dim, index, source=None):
    """A tensor with axes, the index expression along `dim`, and a source of the selected shape, after checks."""
    at, x = axes.one(dim, input.ndim), input if input.ndim else reshape(input, (1,))
    if index.ndim > 1:
        raise PositionError(f"{name}(): index must be a vector, not of shape {index.shape}")
    if index.dtype.kind not in dtypes.INTEGERS:
        raise PositionError(f"{name}(): index must hold integers, not {index.dtype}")
    index = index if index.ndim else reshape(index, (1,))
    full = x.array.shape
    shape = (*full[:at], index.array.size, *full[at + 1 :])
    if isinstance(source, Tensor):
        _check_dtype(name, input, source)
        given = source.array.shape
        if given != shape and not (given == () and shape == (1,)):
            raise PositionError(f"{name}(): source has shape {given}, but the slices to write have {shape}")
        source = source if given == shape else reshape(source, shape)
    return x, (*(slice(None),) * at, _checked(name, index, full[at])), source, shape


def _check_dtype(name, input, source):
    if source.array.dtype != input.array.dtype:
        raise DtypeError(f"{name}(): source of {source.dtype} must have the tensor's dtype, {input.dtype}")


def _checked(name, index, n):
    """The array of an index, checked to lie within an axis of length `n`, with negative positions resolved."""
    array = index.array
    if array.size and checks_values(array) and not holds((array >= -n) & (array < n)):
        raise PositionError(f"{name}(): an index is out of range for an axis of length {n}")
    return array


def _slow(combine):
    def reference(x, dim, index, source, **statics):
        out = np.atleast_1d(x).copy()
        rows, pieces = np.moveaxis(out, dim, 0), np.moveaxis(np.atleast_1d(source), dim, 0)
        for i, k in enumerate(np.ravel(index)):
            rows[k] = combine(rows[k], pieces[i], **statics)
        return out.reshape(np.shape(x))

    return reference


SLICES = (
    sample((3, 2), 0, integers((4,), 0, 3), (4, 2)),
    sample((2, 3), -1, integers((2,), 0, 3), (2, 2)),
    sample((2, 3), 0, integers((0,), 0, 2), (0, 3)),
    sample((), 0, integers((1,), 0, 1), (1,)),
)


@composition(INDEXING, samples=(*SLICES, sample((3, 2), 0, integers((4,), 0, 3), (4, 2), alpha=0.5)),
             reference=_slow(lambda old, new, alpha=1: old + alpha * new))
def index_add(input, dim, index, source, *, alpha=1):
    """`input` with the slices of `source`, times `alpha`, added along `dim` at `index`; repeated indices add up."""
    x, where, source, _ = _along("index_add", input, dim, index, source)
    if x.dtype.kind in dtypes.INTEGERS:
        alpha = int(alpha)  # as in PyTorch
    source = source if alpha == 1 else functional.astype(source * alpha, x.dtype)
    y = x + place(source, index=where, shape=x.array.shape)
    return y if input.ndim else reshape(y, ())


@composition(INDEXING, samples=SLICES, reference=_slow(lambda old, new: new))
def index_copy(input, dim, index, source):
    """`input` with the slices of `source` written along `dim` at `index`; the last of repeated ones remains."""
    x, where, source, _ = _along("index_copy", input, dim, index, source)
    return reshape(written(x, source, where), input.shape)


@composition(INDEXING,
             samples=(sample((3, 2), 0, integers((4,), 0, 3), 1.5),
                      sample((2, 3), -1, integers((2,), 0, 3), ()),
                      sample((2, 3), 0, integers((0,), 0, 2), 1.5),
                      sample((), 0, integers((), 0, 1), ())),
             reference=lambda x, dim, index, value: _slow(lambda old, new: value)(
                 x, dim, index, np.moveaxis(np.zeros((np.size(index), *[1] * max(np.ndim(x) - 1, 0))), 0, dim)))
def index_fill(input, dim, index, value):
    """`input` with `value`, a number or a 0-d tensor, in the slices along `dim` at `index`."""
    if getattr(value, "ndim", 0):
        raise OperandError(f"index_fill() takes one value, not a tensor of shape {tuple(value.shape)}")
    x, where, _, shape = _along("index_fill", input, dim, index)
    if not isinstance(value, Tensor):
        value = functional.full((), value, dtype=x.dtype, device=x.device)
    elif value.dtype.kind == "c" != x.dtype.kind:
        raise DtypeError(f"index_fill(): a value of {value.dtype} does not fit into a tensor of {x.dtype}; take .real")
    return reshape(written(x, expand(functional.astype(value, x.dtype), shape), where), input.shape)


def _slow_reduce(x, dim, index, source, reduce, include_self=True):
    out = np.atleast_1d(x).copy()
    found: dict[int, Any] = {}
    rows, pieces = np.moveaxis(out, dim, 0), np.moveaxis(np.atleast_1d(source), dim, 0)
    for i, k in enumerate(np.ravel(index)):
        found.setdefault(int(k), [rows[k].copy()] if include_self else []).append(pieces[i])
    for k, values in found.items():
        rows[k] = getattr(np, reduce)(values, axis=0)
    return out.reshape(np.shape(x))


@composition(INDEXING, reference=_slow_reduce,
             samples=tuple(sample(s.inputs[0], *s.inputs[1:], reduce, **statics) for s, reduce, statics in zip(
                 (*SLICES, *SLICES[:2]), ("prod", "mean", "amax", "amin", "amax", "prod"),
                 (*[{}] * 4, *[{"include_self": False}] * 2), strict=True)))
def index_reduce(input, dim, index, source, reduce, *, include_self=True):
    """The "prod", "mean", "amax" or "amin" of the slices of `source` that `index` assigns to each place along `dim`.

    The elements of `input` are included unless `include_self` is False.
    """
    if reduce not in ("prod", "mean", "amax", "amin"):
        raise OperandError(f"index_reduce(): reduce must be 'prod', 'mean', 'amax' or 'amin', not {reduce!r}")
    x, where, source, shape = _along("index_reduce", input, dim, index, source)
    at = len(where) - 1
    line = reshape(ravel(index), tuple([-1 if i == at else 1 for i in range(x.ndim)]))
    y = scatter_reduce(x, at, expand(line, shape), source, reduce, include_self=include_self)
    return reshape(y, input.shape)


def _slow_put(x, indices, values, accumulate=False):
    out = x.copy()
    index: Any = tuple(slice(None) if i is None else i for i in indices)
    if accumulate:
        np.add.at(out, index, values)
    else:
        out[index] = values
    return out


@composition(INDEXING,
             samples=(sample((3, 2), [integers((4,), 0, 3)], (4, 2)),
                      sample((3, 2), [integers((2, 1), 0, 3), integers((2,), 0, 2)], (2, 1), accumulate=True),
                      sample((3, 2), [integers((2,), 0, 3)], (), accumulate=True),
                      sample((2, 0), [integers((2,), 0, 2)], (2, 0))),
             reference=_slow_put)
def index_put(input, indices, values, accumulate=False):
    """`input` with `values`, broadcast, written (or added) at `indices`, one tensor per axis.

    None among the indices selects a whole axis; at repeated positions the last value remains, or all are added.
    """
    _check_dtype("index_put", input, values)
    index = plain_index(tuple([slice(None) if i is None else i for i in indices]), input)
    values = expand(values, input.array[index].shape)
    if accumulate:
        return input + place(values, index=index, shape=input.shape)
    return written(input, values, index)


@composition(INDEXING,
             samples=(sample((3, 2), integers((2, 2), -6, 6), (2, 2)),
                      sample((3, 2), integers((4,), 0, 6), (4,), accumulate=True),
                      sample((2, 2), integers((0,), 0, 4), (0,))),
             reference=lambda x, index, source, accumulate=False: _slow_put(
                 x.ravel(), (index.ravel(),), source.ravel(), accumulate).reshape(x.shape))
def put(input, index, source, accumulate=False):
    """`input` with the elements of `source` written (or added) at positions in the flattened tensor."""
    _check_dtype("put", input, source)
    if index.numel() != source.numel():
        raise PositionError(f"put(): index of shape {index.shape} and source of shape {source.shape} differ in length")
    where = _checked("put", ravel(index), input.numel())
    flat, source = ravel(input), ravel(source)
    y = flat + place(source, index=where, shape=flat.shape) if accumulate else written(flat, source, where)
    return reshape(y, input.shape)
