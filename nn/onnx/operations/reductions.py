"""Reductions, sorting and scans."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd_core.ops import axes
from nn.onnx.writer import OPERATIONS, Ref, Writer, writes

Dims = Any


def _reduced(g: Writer, kind: str, x: Ref, dim: Dims, keepdim: bool) -> Ref:
    return g(kind, x, list(axes.normalized(dim, x.ndim)), keepdims=int(keepdim))


def _extreme(kind: str) -> Any:
    return lambda g, x, *, dim, keepdim: _reduced(g, kind, x, dim, keepdim)


for _name, _kind in {"amax": "ReduceMax", "amin": "ReduceMin", "euclidean": "ReduceL2",
                     "logsumexp": "ReduceLogSumExp"}.items():  # fmt: skip
    OPERATIONS[_name] = _extreme(_kind)

OPERATIONS.update(
    mean=lambda g, x, *, dim, keepdim, dtype: _reduced(g, "ReduceMean", _in(g, x), dim, keepdim),
    prod=lambda g, x, *, dim, keepdim, dtype: _reduced(g, "ReduceProd", _in(g, x), dim, keepdim),
    kth_position=lambda g, x, *, k, dim: _smallest(g, x, k, dim),
    cumsum=lambda g, x, *, dim, dtype: g("CumSum", _in(g, x), np.array(dim, np.int64)),
)


@writes("sum")
def _sum(g: Writer, x: Ref, *, dim: Dims, keepdim: bool, dtype: Any) -> Ref:
    return _reduced(g, "ReduceSum", _in(g, x), dim, keepdim)


@writes("nansum")
def _nansum(g: Writer, x: Ref, *, dim: Dims, keepdim: bool, dtype: Any) -> Ref:
    known = x if x.dtype.kind in "iub" else g("Where", g("IsNaN", x), 0, x, shape=x.shape)
    return _sum(g, known, dim=dim, keepdim=keepdim, dtype=dtype)


def _in(g: Writer, x: Ref) -> Ref:
    """The operand in the dtype of the result."""
    dtype = g.results[0].held.dtype
    return x if x.dtype == dtype else g.cast(x, dtype)


@writes("all")
def _all(g: Writer, x: Ref, *, dim: Dims, keepdim: bool) -> Ref:
    return g.cast(_reduced(g, "ReduceMin", g.cast(g.cast(x, np.bool_), np.int32), dim, keepdim), np.bool_)


@writes("any")
def _any(g: Writer, x: Ref, *, dim: Dims, keepdim: bool) -> Ref:
    return g.cast(_reduced(g, "ReduceMax", g.cast(g.cast(x, np.bool_), np.int32), dim, keepdim), np.bool_)


@writes("count_nonzero")
def _count_nonzero(g: Writer, x: Ref, *, dim: Dims, keepdim: bool) -> Ref:
    return _reduced(g, "ReduceSum", g.cast(g.cast(x, np.bool_), np.int64), dim, keepdim)


@writes("variance")
def _variance(g: Writer, x: Ref, *, dim: Dims, correction: float, keepdim: bool) -> Ref:
    away = g("Sub", x, _reduced(g, "ReduceMean", x, dim, True), shape=x.shape)
    if not correction:
        return _reduced(g, "ReduceMean", g("Mul", away, away, shape=x.shape), dim, keepdim)
    if 0 in axes.normalized(dim, x.ndim):
        g.fixed("a variance over the first axis")
    return g("Div", _reduced(g, "ReduceSumSquare", away, dim, keepdim), max(axes.count(x.shape, dim) - correction, 0))


@writes("deviation")
def _deviation(g: Writer, x: Ref, *, dim: Dims, correction: float, keepdim: bool) -> Ref:
    return g("Sqrt", _variance(g, x, dim=dim, correction=correction, keepdim=keepdim))


@writes("minkowski")
def _minkowski(g: Writer, x: Ref, *, p: float, dim: Dims, keepdim: bool) -> Ref:
    powers = g("Pow", x, p, shape=x.shape)
    return g("Pow", _reduced(g, "ReduceSum", powers, dim, keepdim), 1 / p)


def _normalized(kind: str) -> Any:
    def write(g: Writer, x: Ref, *, dim: int, dtype: Any) -> Ref:
        return g(kind, _in(g, x), axis=dim) if x.ndim else _in(g, x)

    return write


OPERATIONS["softmax"], OPERATIONS["log_softmax"] = _normalized("Softmax"), _normalized("LogSoftmax")


def _position(kind: str) -> Any:
    def write(g: Writer, x: Ref, *, dim: int | None, keepdim: bool) -> Ref:
        if dim is None:
            flat = g(kind, g("Reshape", x, [-1]), axis=0, keepdims=0)
            return g("Reshape", flat, [1] * x.ndim) if keepdim else flat
        return g(kind, x, axis=dim, keepdims=int(keepdim))

    return write


def _with_position(value: str, position: str) -> Any:
    def write(g: Writer, x: Ref, *, dim: int, keepdim: bool) -> tuple[Ref, Ref]:
        return _reduced(g, value, x, dim, keepdim), g(position, x, axis=dim, keepdims=int(keepdim))

    return write


OPERATIONS["argmax"], OPERATIONS["argmin"] = _position("ArgMax"), _position("ArgMin")
OPERATIONS["max_along"] = _with_position("ReduceMax", "ArgMax")
OPERATIONS["min_along"] = _with_position("ReduceMin", "ArgMin")


@writes("topk_positions")
def _topk(g: Writer, x: Ref, *, k: int, dim: int, largest: bool, sorted: bool) -> Ref:
    return g("TopK", x, [k], outputs=2, axis=dim, largest=int(largest), sorted=int(sorted))[1]


def _smallest(g: Writer, x: Ref, k: int, dim: int) -> Ref:
    """The position of the k-th smallest element."""
    places = g("TopK", x, [k], outputs=2, axis=dim, largest=0, sorted=1)[1]
    return g("Gather", places, [k - 1], axis=dim)


@writes("median_position")
def _median(g: Writer, x: Ref, *, dim: int, ignore_nan: bool) -> Ref:
    if dim % x.ndim == 0:
        g.fixed("a median along the first axis")
    return _smallest(g, x, (x.shape[dim] + 1) // 2, dim)


@writes("argsort")
def _argsort(g: Writer, x: Ref, *, dim: int, descending: bool, stable: bool) -> Ref:
    count = [x.shape[dim]]
    if dim % x.ndim == 0:
        g.fixed("sorting along the first axis")
    return g("TopK", x, count, outputs=2, axis=dim, largest=int(descending), sorted=1)[1]
