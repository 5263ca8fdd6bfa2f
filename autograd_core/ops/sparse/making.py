"""Sparse tensors from their parts, and from dense tensors."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from autograd_core import dtypes, functional
from autograd_core.engine.libraries import LIBRARY, all_true, lie_below
from autograd_core.ops.sparse.arrays import COMPRESSED, Pattern
from autograd_core.ops.sparse.graph import coalesced, is_sparse, parts, separate, sparse
from autograd_core.semantics.memory_format import Layout
from autograd_core.tensor import Tensor


def sparse_coo_tensor(
    indices: Any = None,
    values: Any = None,
    size: Sequence[int] | None = None,
    *,
    dtype: Any = None,
    device: str | None = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
    check_invariants: bool | None = None,
    is_coalesced: bool | None = None,
) -> Tensor:
    """A tensor with `values` at the positions in the columns of `indices`, whose rows are the first axes; those at one
    position add up.

    size: the shape; by default the smallest. Gradients flow to `values`. check_invariants: no effect, positions are
    always checked. is_coalesced: promises that positions are in row-major order, each there once.

    >>> sparse_coo_tensor([[0, 1], [2, 0]], [3.0, 4.0], (2, 3)).to_dense()
    tensor([[0., 0., 3.],
            [4., 0., 0.]])
    """
    if values is None:  # only a shape
        size = indices if size is None else size
        indices, values = np.zeros((len(size), 0), np.int64), functional.zeros(0, dtype=dtype, device=device)
    values = functional.as_tensor(values, dtype=dtype, device=device)
    positions = _integers(indices, values.device, "indices")
    if positions.ndim != 2:
        raise RuntimeError(f"indices must be sparse_dim x nnz, but got: {tuple(positions.shape)}")
    if not values.ndim:
        values = functional.expand(values, (positions.shape[1],))
    if values.shape[0] != positions.shape[1]:
        raise RuntimeError(
            f"indices and values must have same nnz, but got nnz from indices: {positions.shape[1]}, nnz from values: "
            f"{values.shape[0]}"
        )
    shape = _inferred(positions, values) if size is None else tuple(size)
    if len(shape) != len(positions) + values.ndim - 1 or shape[len(positions) :] != tuple(values.shape[1:]):
        raise RuntimeError(
            f"number of dimensions must be sparse_dim ({len(positions)}) + dense_dim ({values.ndim - 1}), with the "
            f"values of shape {tuple(values.shape)}, but got the size {shape}"
        )
    _check_below(positions, shape)
    pattern = Pattern(positions, shape, positions.shape[1] < 2)
    if is_coalesced:
        if pattern.merged()[1] is not None:
            raise RuntimeError("cannot set is_coalesced to true if indices correspond to uncoalesced COO tensor")
        pattern = pattern.merged()[0]
    made = sparse(values, pattern=pattern)
    return made.requires_grad_() if requires_grad else made


def _integers(numbers: Any, device: str, name: str) -> Any:
    found = functional.as_tensor(numbers, device=device)
    if found.dtype.kind not in dtypes.INTEGERS and not functional.equal(found, found.to(np.int64).to(found.dtype)):
        raise RuntimeError(f"{name} must be integers, not {found.dtype}")
    return found.to(np.int64).array  # itself if it is of this dtype, whose memory is shared


def _inferred(positions: Any, values: Tensor) -> tuple[int, ...]:
    rows = Pattern(positions, ()).rows
    lengths = [_extremes(row)[1] + 1 for row in rows] if positions.shape[1] else [0] * len(rows)
    return (*lengths, *values.shape[1:])


def _extremes(row: Any) -> tuple[int, int]:
    return int(row.min().item()), int(row.max().item())


def _check_below(positions: Any, shape: Sequence[int]) -> None:
    if math.prod(shape) >= 1 << 63:
        raise RuntimeError(f"numel: integer multiplication overflow for the shape {tuple(shape)}")
    if not LIBRARY[positions.__class__].backend.checks_values:
        return
    for dim, row in enumerate(Pattern(positions, shape).rows):
        if lie_below(row, shape[dim]):
            continue
        lowest, highest = _extremes(row)
        if lowest < 0:
            raise RuntimeError(f"found negative index {lowest} for dim {dim}")
        if highest >= shape[dim]:
            raise RuntimeError(
                f"size is inconsistent with indices: for dim {dim}, size is {shape[dim]} but found index {highest}"
            )


def _compressed(layout: Layout, counted: Any, plain: Any, values: Any, size: Any, options: dict[str, Any]) -> Tensor:
    """A matrix of which `counted` tells how many elements lie before each row (or column), `plain` their columns."""
    axis, requires_grad = COMPRESSED[layout], options.pop("requires_grad", False)
    if options.keys() - {"dtype", "device", "pin_memory", "check_invariants"}:
        raise TypeError(f"a compressed sparse tensor has no option {min(options)!r}")
    values = functional.as_tensor(values, dtype=options.get("dtype"), device=options.get("device"))
    ends, other = _integers(counted, values.device, "positions"), _integers(plain, values.device, "positions")
    if ends.ndim != 1 or other.ndim != 1:
        raise NotImplementedError("there are no stacks of compressed sparse matrices")
    xp = LIBRARY[ends.__class__]
    rising = len(ends) and all_true(ends[1:] >= ends[:-1]) and ends[[0, -1]].tolist() == [0, len(other)]
    if len(other) != len(values) or not rising:
        raise RuntimeError(
            f"the first positions must rise from 0 to the number of values, {len(values)}, which is that of the second "
            f"ones, {len(other)}"
        )
    rows = xp.cumsum(xp.bincount(ends[1:-1], minlength=len(other)))[: len(other)]
    indices = xp.stack([rows, other][:: 1 - 2 * axis])
    if size is None:
        size = [len(ends) - 1, _extremes(other)[1] + 1 if len(other) else 0][:: 1 - 2 * axis] + list(values.shape[1:])
    _check_below(indices, size)
    in_order = axis == 0 and all_true((rows[1:] > rows[:-1]) | (other[1:] > other[:-1]))
    made = sparse(values, pattern=Pattern(indices, size, in_order, layout=layout))
    return made.requires_grad_() if requires_grad else made


def sparse_csr_tensor(crow_indices: Any, col_indices: Any, values: Any, size: Any = None, **options: Any) -> Tensor:
    """A matrix whose row i has the values from crow_indices[i] to crow_indices[i + 1], in the columns `col_indices`."""
    return _compressed(Layout.sparse_csr, crow_indices, col_indices, values, size, options)


def sparse_csc_tensor(ccol_indices: Any, row_indices: Any, values: Any, size: Any = None, **options: Any) -> Tensor:
    """A matrix whose column i has the values from ccol_indices[i] to ccol_indices[i + 1], in the rows `row_indices`."""
    return _compressed(Layout.sparse_csc, ccol_indices, row_indices, values, size, options)


def sparse_compressed_tensor(
    compressed_indices: Any, plain_indices: Any, values: Any, size: Any = None, *, layout: Any = None, **options: Any
) -> Tensor:
    """A matrix by rows (layout `sparse_csr`) or by columns (`sparse_csc`)."""
    if layout not in COMPRESSED:
        raise NotImplementedError(f"compressed matrices are of layout sparse_csr or sparse_csc here, not {layout}")
    return _compressed(Layout(layout), compressed_indices, plain_indices, values, size, options)


def _convert_indices_from_coo_to_csr(input: Tensor, size: int, *, out_int32: bool = False) -> Tensor:
    """Where each of `size` rows begins among entries whose row indices, in ascending order, are `input`, and where the
    last one ends.
    """
    return functional.searchsorted(input, functional.arange(size + 1, device=input.device), out_int32=out_int32)


MAKING = sparse_coo_tensor, sparse_csr_tensor, sparse_csc_tensor, sparse_compressed_tensor


def to_sparse(
    self: Tensor,
    sparse_dim: int | None = None,
    *,
    layout: Any = None,
    blocksize: Any = None,
    dense_dim: int | None = None,
) -> Tensor:
    """The tensor with only its elements other than 0; the last axes after the first `sparse_dim` are dense.

    layout: `sparse_coo`, `sparse_csr`, `sparse_csc`, or `strided` for the tensor itself.
    """
    layout = Layout.sparse_coo if layout is None else Layout(layout)
    if layout == Layout.strided:
        return self
    if blocksize is not None or layout not in (Layout.sparse_coo, *COMPRESSED):
        raise NotImplementedError(f"there are no sparse tensors of layout {layout} here; take sparse_csr")
    if layout in COMPRESSED:
        if self.ndim - (dense_dim or 0) != 2:
            raise RuntimeError(f"the layout {layout} is one of matrices, not of a tensor of shape {self.shape}")
        sparse_dim = 2
    made = self if is_sparse(self) else _of_dense(self, self.ndim if sparse_dim is None else sparse_dim)
    return made if made.array.pattern.layout == layout else _laid_out(made, layout)


def _of_dense(x: Tensor, n: int) -> Tensor:
    if not 0 <= n <= x.ndim or (n == 0 < x.ndim):
        raise RuntimeError(f"sparse_dim must be between 1 and {x.ndim} for a tensor of shape {x.shape}, not {n}")
    array = x.detach().array
    xp = LIBRARY[array.__class__]
    filled = array != 0
    for _ in range(x.ndim - n):
        filled = filled.any(axis=-1)
    indices = xp.stack(xp.nonzero(filled)) if n else xp.zeros((0, 1), dtype=np.int64)
    values = functional.getitem(x, index=tuple(indices)) if n else functional.reshape(x, (1,))
    return sparse(values, pattern=Pattern(indices, x.shape, True))


def _laid_out(s: Tensor, layout: Layout) -> Tensor:
    """A sparse tensor in another layout."""
    if layout == Layout.sparse_coo or s.array.pattern.layout in COMPRESSED:
        values, pattern = separate(s)
        s = sparse(values, pattern=Pattern(pattern.indices, pattern.shape, pattern.coalesced, True))
    values, pattern = parts(coalesced(s))
    if layout == Layout.sparse_csc:
        order = LIBRARY[pattern.indices.__class__].argsort(pattern.indices[1], kind="stable")
        values = functional.getitem(values, index=order)
        pattern = Pattern(pattern.indices[:, order], pattern.shape, unique=True)
    return sparse(values, pattern=pattern.laid_out(layout))


def sparse_mask(self: Tensor, mask: Tensor) -> Tensor:
    """The elements at the positions of a sparse tensor, as a sparse tensor."""
    from autograd_core.ops.sparse.graph import elements

    if self.shape != mask.shape:
        raise RuntimeError(f"sparse_mask(): the shapes differ: {self.shape} and {mask.shape}")
    pattern = mask.array.pattern
    if is_sparse(self):
        return sparse(elements(self, pattern=pattern), pattern=pattern)
    return sparse(functional.getitem(self, index=pattern.rows), pattern=pattern)


