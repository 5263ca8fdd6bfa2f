"""Products with sparse matrices."""

from __future__ import annotations

from typing import Any

from autograd_core import functional
from autograd_core.dtypes import result_type
from autograd_core.engine.libraries import LIBRARY
from autograd_core.errors import OperandError
from autograd_core.ops.sparse.arrays import Pattern
from autograd_core.ops.sparse.graph import coalesced, is_sparse, parts, separate, sparse
from autograd_core.tensor import Tensor, wrap


def product(a: Tensor, b: Tensor) -> Tensor:
    """The product of matrices, of a matrix and a vector, or of batches of matrices, of which one or both are sparse."""
    if a.ndim == b.ndim == 3:
        return _of_batches(a, b)
    if not (0 < a.ndim < 3 and 0 < b.ndim < 3) or a.shape[-1] != b.shape[0]:
        shapes = f"({'x'.join(map(str, a.shape))} and {'x'.join(map(str, b.shape))})"
        raise OperandError(f"sparse mat1 and mat2 shapes cannot be multiplied {shapes}; they are matrices or vectors")
    if a.array.dtype != b.array.dtype:
        dtype = result_type(a.array, b.array)
        a, b = a.to(dtype), b.to(dtype)
    if not is_sparse(a):
        return product(b.t(), a.t() if a.ndim == 2 else a).t()
    if a.ndim == b.ndim == 1:
        return (a * b).sum()
    if is_sparse(b):
        return _of_sparse(a, b)
    if b.ndim == 1:
        return product(a, functional.unsqueeze(b, 1)).squeeze(1)
    values, pattern = parts(a)
    row, column = map(wrap, pattern.rows)
    return functional.mix_rows(b, column, row, values, count=a.shape[0])


def _of_batches(a: Tensor, b: Tensor) -> Tensor:
    """One product, of a matrix with the batch of matrices on its diagonal."""
    if not is_sparse(a):
        return _of_batches(b.mT, a.mT).mT
    if is_sparse(b) or a.sparse_dim() < 3 or (len(a), a.shape[2]) != b.shape[:2]:
        raise OperandError(
            f"a batch of sparse matrices is multiplied by as many dense ones, not {a.shape} by {b.shape}"
        )
    values, pattern = parts(a)
    batch, row, column = pattern.rows
    count, rows, length = a.shape
    indices = LIBRARY[row.__class__].stack([batch * rows + row, batch * length + column])
    blocks = Pattern(indices, (count * rows, count * length))
    found = product(sparse(values, pattern=blocks), functional.reshape(b, (count * length, b.shape[2])))
    return functional.reshape(found, (count, rows, b.shape[2]))


def reduced(a: Tensor, b: Tensor, reduce: str) -> Tensor:
    """The "mean", "max" or "min", instead of the sum, of the terms of each element of a sparse and a dense matrix."""
    function = {"max": "amax", "min": "amin"}.get(reduce, reduce)
    if function not in ("mean", "amax", "amin"):
        raise OperandError(f"the terms of a product are reduced by 'sum', 'mean', 'max' or 'min', not {reduce!r}")
    if not is_sparse(a) or is_sparse(b) or b.ndim != 2 or a.ndim != 2 or a.shape[1] != b.shape[0]:
        raise OperandError(f"reduce={reduce!r} takes a sparse and a dense matrix, not {a.shape} and {b.shape}")
    values, pattern = separate(a)
    row, column = map(wrap, pattern.rows)
    terms = functional.unsqueeze(values, 1) * b[column]
    nothing = functional.zeros((len(a), b.shape[1]), dtype=terms.dtype, device=terms.device)
    return functional.index_reduce(nothing, 0, row, terms, function, include_self=False)


def of_rows(a: Tensor, b: Tensor) -> Tensor:
    """The product of a sparse and a dense matrix, with only those rows that the sparse one has."""
    if not is_sparse(a) or a.ndim != 2 or is_sparse(b):
        raise OperandError(f"hspmm() takes a sparse and a dense matrix, not {a.layout} and {b.layout}")
    row = LIBRARY[a.array.indices.__class__].unique(a.array.indices[0])
    pattern = Pattern(row.reshape(1, -1), (len(a), b.shape[1]), True)
    return sparse(product(a, b)[wrap(row)], pattern=pattern)


def _of_sparse(a: Tensor, b: Tensor) -> Tensor:
    """Each element of the first matrix times the row of the second that it meets."""
    (x, left), (y, right) = parts(a), parts(b)
    if right.sparse_dim != 2 or left.sparse_dim != 2:
        raise OperandError("a product of sparse tensors is one of matrices without dense axes")
    of_x, of_y = expansion(left.indices[1], right.indices[0], b.shape[0])
    xp = LIBRARY[left.indices.__class__]
    indices = xp.stack([left.indices[0][of_x], right.indices[1][of_y]])
    values = functional.getitem(x, index=of_x) * functional.getitem(y, index=of_y)
    found = coalesced(sparse(values, pattern=Pattern(indices, (a.shape[0], b.shape[1]))))
    if left.layout != right.layout or found.layout == left.layout:
        return found
    return found.to_sparse(layout=left.layout)


def expansion(wanted: Any, given: Any, count: int) -> tuple[Any, Any]:
    """All pairs of equal numbers below `count`: positions in `wanted`, in order, and in `given`."""
    xp = LIBRARY[given.__class__]
    order = xp.argsort(given, kind="stable")
    ends = xp.cumsum(xp.bincount(given, minlength=count))
    starts = xp.concatenate([ends[:1] * 0, ends])
    stops = xp.cumsum((starts[1:] - starts[:-1])[wanted])
    pair = xp.arange(int(stops[-1].item()) if len(stops) else 0)
    of_wanted = xp.searchsorted(stops, pair, side="right")
    before = xp.concatenate([stops[:1] * 0, stops])[of_wanted]
    return of_wanted, order[starts[wanted[of_wanted]] + pair - before]
