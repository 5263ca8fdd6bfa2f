"""Functions of sparse tensors, under the names of `torch.sparse`.

A sparse tensor holds values and their positions. Operators and methods work on it as far as results remain sparse;
these functions are those that have no other name.

>>> from autograd_core import ones, sparse_coo_tensor
>>> mm(sparse_coo_tensor([[0, 1], [2, 0]], [3.0, 4.0], (2, 3)), ones(3, 1))
tensor([[3.],
        [4.]])
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ContextDecorator
from typing import Any

from autograd_core import functional
from autograd_core.compatibility import legacy
from autograd_core.errors import OperandError
from autograd_core.ops.sparse import functions
from autograd_core.ops.sparse.graph import elements, is_sparse, sparse
from autograd_core.ops.sparse.making import sparse_coo_tensor
from autograd_core.ops.sparse.products import reduced
from autograd_core.tensor import Tensor, wrap


def mm(mat1: Tensor, mat2: Tensor, reduce: str = "sum") -> Tensor:
    """Product of matrices, of which one or both are sparse; reduce: "sum", or "mean", "max" or "min" of the terms."""
    return functional.mm(mat1, mat2) if reduce == "sum" else reduced(mat1, mat2, reduce)


def addmm(mat: Tensor, mat1: Tensor, mat2: Tensor, *, beta: float = 1, alpha: float = 1) -> Tensor:
    """beta mat + alpha (mat1 @ mat2), where mat1 is sparse."""
    return functional.addmm(mat, mat1, mat2, beta=beta, alpha=alpha)


def sampled_addmm(input: Tensor, mat1: Tensor, mat2: Tensor, *, beta: float = 1, alpha: float = 1) -> Tensor:
    """beta input + alpha (mat1 @ mat2) at the positions of the sparse `input`."""
    pattern = input.array.pattern
    row, column = [wrap(index) for index in pattern.rows]
    found = functional.sum(mat1[row] * mat2.mT[column], dim=-1) * alpha
    return sparse(found if beta == 0 else found + elements(input, pattern=pattern) * beta, pattern=pattern)


def sum(input: Tensor, dim: int | Sequence[int] | None = None, dtype: Any = None) -> Tensor:  # noqa: A001  PyTorch's name
    """Sums over some or all axes; sparse where sparse axes remain."""
    return functions.total(input, dim, dtype=dtype)


def softmax(input: Tensor, dim: int, *, dtype: Any = None) -> Tensor:
    """Softmax along an axis over the positions that are there, as if others held -∞."""
    return functions.softmax(input, dim, dtype)


def log_softmax(input: Tensor, dim: int, *, dtype: Any = None) -> Tensor:
    """The logarithm of `softmax`."""
    return functions.softmax(input, dim, dtype, logarithm=True)


def spdiags(diagonals: Tensor, offsets: Tensor, shape: Sequence[int], layout: Any = None) -> Tensor:
    """A matrix with the rows of `diagonals` on these diagonals, each value in the column of its position."""
    diagonals = diagonals.unsqueeze(0) if diagonals.ndim == 1 else diagonals
    offsets = functional.as_tensor(offsets, device=diagonals.device).reshape(-1, 1)
    if diagonals.ndim != 2 or len(shape) != 2:
        raise OperandError(f"spdiags() makes a matrix of a vector or matrix, not {tuple(shape)} of {diagonals.shape}")
    if not len(diagonals) == len(offsets) == len(functional.unique(offsets)):
        raise OperandError(
            f"spdiags() takes a different offset for each of {len(diagonals)} rows, not {offsets.tolist()}"
        )
    column = functional.arange(diagonals.shape[1], device=diagonals.device).expand(diagonals.shape)
    row = column - offsets
    inside = (row >= 0) & (row < shape[0]) & (column < shape[1])
    made = sparse_coo_tensor(functional.stack([row[inside], column[inside]]), diagonals[inside], shape)
    return made if layout is None else made.to_sparse(layout=layout)


def as_sparse_gradcheck(gradcheck: Any) -> Any:
    """The function itself: `gradcheck` takes sparse tensors."""
    return gradcheck


class _Typed(legacy._Typed):
    """As the types of dense tensors, for those that hold positions and values."""

    def __call__(cls, *args: Any) -> Tensor:
        device = None if cls.device == "cpu" else cls.device
        if args and isinstance(args[0], Tensor):
            return sparse_coo_tensor(*args, dtype=cls.dtype, device=device)
        size = args[0] if args and not isinstance(args[0], int) else args
        return sparse_coo_tensor(tuple(size) or (0,), dtype=cls.dtype, device=device)

    def __instancecheck__(cls, value: Any) -> bool:
        return super().__instancecheck__(value) and is_sparse(value)


for _name, _dtype in legacy.TYPES.items():
    globals()[_name] = _Typed(
        _name, (), {"dtype": _dtype, "device": "cpu", "__doc__": f"Makes sparse {_dtype} tensors."}
    )


class check_sparse_tensor_invariants(ContextDecorator):
    """A setting without effect: positions are always checked. A context, a decorator, and the switches below."""

    _enabled = False

    def __init__(self, enable: bool = True) -> None:
        self._wanted = enable
        self._before: list[bool] = []

    def __enter__(self) -> None:
        self._before.append(self.is_enabled())
        check_sparse_tensor_invariants._enabled = self._wanted

    def __exit__(self, *_: object) -> None:
        check_sparse_tensor_invariants._enabled = self._before.pop()

    @staticmethod
    def is_enabled() -> bool:
        """The setting."""
        return check_sparse_tensor_invariants._enabled

    @staticmethod
    def enable() -> None:
        """Set it."""
        check_sparse_tensor_invariants._enabled = True

    @staticmethod
    def disable() -> None:
        """Reset it."""
        check_sparse_tensor_invariants._enabled = False
