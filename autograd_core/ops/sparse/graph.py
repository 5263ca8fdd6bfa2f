"""How values enter a sparse tensor and leave it: two linear operations, each the transpose of the other.

All functions of sparse tensors are compositions of these and of operations on the values, so gradients of any order
follow. The gradient of a sparse tensor is again one, with the same positions.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from autograd_core import functional
from autograd_core.engine.libraries import LAYERS
from autograd_core.kinds import INDEXING
from autograd_core.ops.sparse.arrays import Pattern, Sparse
from autograd_core.registry import private
from autograd_core.tensor import Tensor, wrap
from backends.live import capturing


def _sparse(xp: Any, values: Any, *, pattern: Pattern) -> Sparse:
    """A sparse tensor with these values."""
    return Sparse(pattern, values)


def _values(xp: Any, x: Sparse, *, pattern: Pattern) -> Any:
    """The elements of a sparse tensor at the positions of a pattern."""
    return x.at(pattern)


def _sparse_rule(xp: Any, g: Any, pattern: Pattern) -> Any:
    if not is_sparse(g):
        return xp.getitem(g, index=pattern.rows)
    return elements(g, pattern=pattern) if xp is functional else g.at(pattern)


def _values_rule(xp: Any, g: Any, pattern: Pattern) -> Any:
    return sparse(g, pattern=pattern) if xp is functional else Sparse(pattern, g)


def is_sparse(x: Any) -> bool:
    """Whether a tensor, or an array, is sparse."""
    return getattr(x, "array", x).__class__ is Sparse


sparse: Callable[..., Tensor] = private(_sparse, INDEXING, "sparse", _sparse_rule).call
elements: Callable[..., Tensor] = private(_values, INDEXING, "values", _values_rule).call


def coalesced(s: Tensor) -> Tensor:
    """The tensor with the values at each position added up, and positions in row-major order."""
    if s.array.pattern.coalesced:
        return s
    pattern = s.array.pattern.merged()[0]
    return sparse(elements(s, pattern=pattern), pattern=pattern)


def parts(s: Tensor) -> tuple[Tensor, Pattern]:
    """Values and pattern, for a function that is linear: there may be several values at one position, which add up."""
    pattern = s.array.pattern
    if s.node is None:
        return wrap(s.array.values), pattern
    if not pattern.unique:
        pattern = pattern.merged()[0]
    return elements(s, pattern=pattern), pattern


def separate(s: Tensor) -> tuple[Tensor, Pattern]:
    """Values and pattern, with one value at each position."""
    return parts(s if s.array.pattern.unique else coalesced(s))


def _take_rows(xp: Any, x: Any, index: Any, share: Any = None) -> Any:
    """The rows of a matrix at an index; see `ops.positions.embedding.take_rows`. The gradient is sparse."""
    return xp.take(x, index, axis=0)


def _take_rows_rule(xp: Any, g: Any, x_shape: tuple[int, ...], index: Any, share: Any) -> Any:
    """The rows of the gradient, but for those whose share is 0; inside `vmap` all rows of the matrix."""
    g = g if share is None else g * xp.reshape(share, shape=(*share.shape, 1))
    if getattr(g, "array", g).__class__ in LAYERS:
        return xp.add_rows(g, index, count=x_shape[0])
    if capturing():
        raise NotImplementedError("the step computes sparse gradients, which a program does not")
    at = getattr(index, "array", index).reshape(-1).astype(np.int64)
    g = xp.reshape(g, shape=(at.size, x_shape[1]))
    if share is not None:
        kept = getattr(share, "array", share).reshape(-1) != 0
        at, g = at[kept], xp.getitem(g, index=kept)
    pattern = Pattern(at.reshape(1, -1), x_shape)
    return sparse(g, pattern=pattern) if xp is functional else Sparse(pattern, g.copy())


def _mix_rows(xp: Any, x: Any, index: Any, to: Any, factors: Any = None, *, count: int) -> Any:
    """Sums of the rows of a matrix; see `ops.positions.embedding.mix_rows`. The gradient of the matrix is sparse."""
    return xp.kernels.mix_rows(x, index, to, factors, count)


def _mix_rows_rule(xp: Any, g: Any, x_shape: tuple[int, ...], index: Any, to: Any, factors: Any) -> Any:
    rows = xp.take_rows(g, to)
    rows = rows if factors is None else rows * xp.reshape(factors, shape=(*factors.shape, 1))
    return _take_rows_rule(xp, rows, x_shape, index, None)


def _factors_rule(xp: Any, g: Any, x: Any, index: Any, to: Any) -> Any:
    return xp.sum(xp.take_rows(g, to) * xp.take_rows(x, index), dim=-1)


take_rows: Callable[..., Tensor] = private(_take_rows, INDEXING, "rows", _take_rows_rule, None, None).call
mix_rows: Callable[..., Tensor] = private(
    _mix_rows, INDEXING, "Σ w rows", _mix_rows_rule, None, None, _factors_rule, wide=True
).call
