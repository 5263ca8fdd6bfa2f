"""PyTorch's `torch._utils`: joins tensors into one flat tensor, and splits it again."""

from __future__ import annotations

from collections.abc import Sequence

from autograd_core import functional as core
from autograd_core.tensor import Tensor


def _flatten_dense_tensors(tensors: Sequence[Tensor]) -> Tensor:
    """The elements of all of them in a row."""
    return core.cat([t.reshape(-1) for t in tensors])


def _unflatten_dense_tensors(flat: Tensor, tensors: Sequence[Tensor]) -> tuple[Tensor, ...]:
    """Parts of such a row, in the shapes of these tensors."""
    parts = core.split(flat, [t.numel() for t in tensors])
    return tuple(part.reshape(t.shape) for part, t in zip(parts, tensors, strict=True))
