"""PyTorch's memory formats: the order of a tensor's axes in memory, which changes strides and never a value."""

from __future__ import annotations

import itertools
from enum import StrEnum

from autograd_core import functional
from autograd_core.errors import OperandError
from autograd_core.public_dtypes import called_torch
from autograd_core.tensor import Tensor, own_scalar
from backends.strides import copying_order


class _Named(StrEnum):
    @classmethod
    def _missing_(cls, value: object) -> None:
        raise TypeError(f"{value!r} is not one of the names {', '.join(cls)}")


class MemoryFormat(_Named):
    """Row-major, the current order, or channels innermost for (N, C, H, W) or (N, C, D, H, W)."""

    contiguous_format = "contiguous_format"
    preserve_format = "preserve_format"
    channels_last = "channels_last"
    channels_last_3d = "channels_last_3d"


class Layout(_Named):
    """The storage layout of tensors; those in blocks, and jagged ones, are only names."""

    strided = "strided"
    sparse_coo = "sparse_coo"
    sparse_csr = "sparse_csr"
    sparse_csc = "sparse_csc"
    sparse_bsr = "sparse_bsr"
    sparse_bsc = "sparse_bsc"
    jagged = "jagged"

    def __repr__(self) -> str:
        return f"torch.{self}" if called_torch() else str(self)


AXES = {MemoryFormat.channels_last: 4, MemoryFormat.channels_last_3d: 5}


def is_contiguous(self: Tensor, memory_format: str = "contiguous_format") -> bool:
    """Whether the elements are contiguous in memory, in row-major order or with the channels innermost."""
    if memory_format != "contiguous_format" and (wanted := MemoryFormat(memory_format)) in AXES:
        return self.ndim == AXES[wanted] and is_contiguous(_channels_behind(self.detach()))
    own_scalar(self)
    return bool(self.array.flags.c_contiguous)


def dim_order(self: Tensor, *, ambiguity_check: bool | list[str] = False) -> tuple[int, ...]:
    """The axes from the outermost in memory to the innermost.

    ambiguity_check: raise if other orders are as right because an axis has the length 1, or two the same stride; given
    formats, only if the tensor has not exactly one of these.
    """
    formats = [] if isinstance(ambiguity_check, bool) else ambiguity_check
    if not isinstance(formats, list) or not all(isinstance(f, MemoryFormat) for f in formats):
        raise TypeError("dim_order(): ambiguity_check must be a bool or a list of memory formats")
    strides = self.stride()
    unclear = 1 in self.shape or any(a == b for a, b in itertools.pairwise(strides))
    if ambiguity_check is not False and unclear and sum(is_contiguous(self, f) for f in formats) != 1:
        raise OperandError(f"the order of the axes is ambiguous: shape {self.shape}, strides {strides}, {formats}")
    return tuple(sorted(range(self.ndim), key=lambda axis: -abs(strides[axis])))


def contiguous(self: Tensor, memory_format: str = "contiguous_format") -> Tensor:
    """The tensor with contiguous elements, row-major or with the channels innermost: itself, or a copy."""
    if memory_format == "preserve_format" or is_contiguous(self, memory_format):
        return self
    wanted = MemoryFormat(memory_format)
    if wanted not in AXES:
        return functional.row_major(self)
    if self.ndim != AXES[wanted]:
        raise OperandError(f"{wanted} needs {AXES[wanted]} axes; this tensor has shape {self.shape}")
    return functional.movedim(contiguous(_channels_behind(self)), -1, 1)


def _channels_behind(x: Tensor) -> Tensor:
    return functional.movedim(x, 1, -1)


def arranged(x: Tensor, memory_format: str | None) -> Tensor:
    """The tensor in a memory format; unchanged for None."""
    return x if memory_format is None else contiguous(x, memory_format)


def arranged_like(made: Tensor, given: Tensor, memory_format: str | None) -> Tensor:
    """A new tensor of the shape of another in a memory format; for None, in the memory order of the other's axes."""
    if memory_format not in (None, MemoryFormat.preserve_format):
        return contiguous(made, memory_format)
    if given.ndim < 2 or is_contiguous(given) or copying_order(given.array) == "C":
        return made
    strides = given.stride()
    order = sorted(range(given.ndim), key=lambda axis: -abs(strides[axis]))
    return functional.permute(contiguous(functional.permute(made, order)), [order.index(i) for i in range(given.ndim)])
