"""The methods and properties by which programs take sparse tensors apart."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from autograd_core import functional
from autograd_core.ops.sparse import functions as functions  # what operations do
from autograd_core.ops.sparse import graph, making, products
from autograd_core.ops.sparse.arrays import COMPRESSED, Pattern
from autograd_core.registry import publish
from autograd_core.semantics.memory_format import Layout
from autograd_core.tensor import Tensor, wrap


def _expect(self: Tensor, name: str, *layouts: Layout) -> Pattern:
    """The pattern; raises unless the tensor is sparse, in one of these layouts if they are given."""
    if not graph.is_sparse(self) or (layouts and self.layout not in layouts):
        kinds = " or ".join(layouts) or "sparse"
        raise RuntimeError(f"{name} expected a tensor of layout {kinds}, but got {self.layout}; see to_sparse()")
    found: Pattern = self.array.pattern
    return found


def coalesce(self: Tensor) -> Tensor:
    """With the values at each position added up, and positions in row-major order; itself if it is so."""
    _expect(self, "coalesce", Layout.sparse_coo)
    return graph.coalesced(self)


def is_coalesced(self: Tensor) -> bool:
    """Whether positions are known to be in row-major order, each there once."""
    return _expect(self, "is_coalesced", Layout.sparse_coo).coalesced


def indices(self: Tensor) -> Tensor:
    """The positions, in columns; of a coalesced tensor."""
    return wrap(_coalesced(self, "indices").indices)


def _coalesced(self: Tensor, what: str) -> Pattern:
    pattern = _expect(self, what)
    if not pattern.coalesced and pattern.layout not in COMPRESSED:
        raise RuntimeError(f"Cannot get {what} on an uncoalesced tensor, please call .coalesce() first")
    if what == "indices":
        _expect(self, what, Layout.sparse_coo)
    return pattern


def values(self: Tensor) -> Tensor:
    """The values at the positions, to which gradients flow; of a coalesced tensor, or one in a compressed layout."""
    return graph.elements(self, pattern=_coalesced(self, "values"))


def _indices(self: Tensor) -> Tensor:
    """The positions as they are stored."""
    return wrap(_expect(self, "_indices").indices)


def _values(self: Tensor) -> Tensor:
    """The values as they are stored, outside of the graph."""
    _expect(self, "_values")
    return wrap(self.array.values)


def _nnz(self: Tensor) -> int:
    """The number of stored positions."""
    return int(_expect(self, "_nnz").indices.shape[1])


def sparse_dim(self: Tensor) -> int:
    """The number of sparse axes: 0 for a dense tensor."""
    return self.array.pattern.sparse_dim if graph.is_sparse(self) else 0


def dense_dim(self: Tensor) -> int:
    """The number of dense axes."""
    return self.ndim - sparse_dim(self)


def _part(layout: Layout, name: str) -> Callable[[Tensor], Tensor]:
    def part(self: Tensor) -> Tensor:
        _expect(self, name, layout)
        return wrap(self.array.parts()[name])

    part.__name__, part.__doc__ = name, f"Positions in a matrix of layout {layout}."
    return part


def to_sparse_csr(self: Tensor, dense_dim: int | None = None) -> Tensor:
    """The matrix by rows."""
    return making.to_sparse(self, layout=Layout.sparse_csr, dense_dim=dense_dim)


def to_sparse_csc(self: Tensor, dense_dim: int | None = None) -> Tensor:
    """The matrix by columns."""
    return making.to_sparse(self, layout=Layout.sparse_csc, dense_dim=dense_dim)


def to_sparse_coo(self: Tensor) -> Tensor:
    """The tensor with only its elements other than 0."""
    return making.to_sparse(self)


def sparse_resize_(self: Tensor, size: Sequence[int], sparse_dim: int, dense_dim: int) -> Tensor:
    """Give a sparse tensor another shape in place, with as many sparse axes; no length may shrink."""
    pattern = _expect(self, "sparse_resize_", Layout.sparse_coo)
    same = (sparse_dim, dense_dim) == (pattern.sparse_dim, self.ndim - pattern.sparse_dim)
    grown = [a - b for a, b in zip(size, self.shape, strict=True)]
    if not same or min(grown, default=0) < 0 or any(grown[sparse_dim:]):
        raise NotImplementedError("sparse_resize_() takes larger sparse axes, and the same dense ones")
    self.array.pattern = Pattern(pattern.indices, size, pattern.coalesced, pattern.unique)
    return self


def _coalesced_(self: Tensor, coalesced: bool) -> Tensor:
    """Promise that the tensor is coalesced, or not."""
    pattern = _expect(self, "_coalesced_", Layout.sparse_coo)
    self.array.pattern = Pattern(pattern.indices, pattern.shape, coalesced)
    return self


def _refused(self: Tensor, *_: Any, **__: Any) -> Any:
    """Refused: blocks do not exist."""
    raise NotImplementedError("there are no sparse tensors in blocks (BSR, BSC) here; take to_sparse_csr()")


MEMBERS: dict[str, Callable[..., Any]] = {
    "coalesce": coalesce, "is_coalesced": is_coalesced, "indices": indices, "values": values, "_indices": _indices,
    "_values": _values, "_nnz": _nnz, "sparse_dim": sparse_dim, "dense_dim": dense_dim,
    **{name: _part(Layout.sparse_csr, name) for name in ("crow_indices", "col_indices")},
    **{name: _part(Layout.sparse_csc, name) for name in ("ccol_indices", "row_indices")},
    "to_sparse": making.to_sparse, "to_sparse_coo": to_sparse_coo, "to_sparse_csr": to_sparse_csr,
    "to_sparse_csc": to_sparse_csc, "to_sparse_bsr": _refused, "to_sparse_bsc": _refused,
    "sparse_mask": making.sparse_mask, "sparse_resize_": sparse_resize_,
    "_coalesced_": _coalesced_,
}  # fmt: skip


def spmm(input: Tensor, mat2: Tensor) -> Tensor:
    """Product of a sparse matrix and another matrix."""
    return functional.mm(input, mat2)


def smm(input: Tensor, mat: Tensor) -> Tensor:
    """Product of a sparse and a dense matrix, as a sparse tensor."""
    return functions.without_dense_axes(products.of_rows(input, mat))


def hspmm(mat1: Tensor, mat2: Tensor) -> Tensor:
    """Product of a sparse and a dense matrix, as a sparse tensor of dense rows."""
    return products.of_rows(mat1, mat2)


def sspaddmm(input: Tensor, mat1: Tensor, mat2: Tensor, *, beta: float = 1, alpha: float = 1) -> Tensor:
    """beta input + alpha (mat1 @ mat2), where all but `mat2` are sparse."""
    return input * beta + smm(mat1, mat2) * alpha


MEMBERS |= {"smm": smm, "sspaddmm": sspaddmm}
for _name, _member in MEMBERS.items():
    setattr(Tensor, _name, _member)
for _function in (*making.MAKING, spmm, smm, hspmm, sspaddmm):
    publish(_function)
