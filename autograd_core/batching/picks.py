"""Tensors indexed by positions that differ between samples."""

from __future__ import annotations

from typing import Any

from autograd_core import dtypes, functional
from autograd_core.batching.arrays import Batched
from autograd_core.batching.graph import lifted
from autograd_core.tensor import Tensor, wrap


def resolved(x: Tensor, index: Any) -> tuple[Tensor, Any]:
    """A tensor and a plain index expression with batches, both inside `vmap`, with the integer positions applied."""
    parts = index if index.__class__ is tuple else (index,)
    x = lifted([x, *[wrap(p) for p in parts if isinstance(p, Batched)]])[0]
    rest = list(parts)
    for k in reversed(range(len(parts))):
        if isinstance(parts[k], Batched) and not parts[k].ndim and parts[k].dtype.kind in dtypes.INTEGERS:
            before = (slice(None),) * _axis(x.ndim, rest, k)
            x = functional.getitem(functional.getitem(x, index=(*before, parts[k].reshape(1))), index=(*before, 0))
            del rest[k]
    return x, tuple(rest)


def _axis(ndim: int, parts: list[Any], at: int) -> int:
    """The axis that a part of an index expression applies to."""
    if not any(p is Ellipsis for p in parts[:at]):
        return sum(map(_taken, parts[:at]))
    return ndim - sum(map(_taken, parts[at:]))


def _taken(part: Any) -> int:
    if part is None or part is Ellipsis:
        return 0
    return part.ndim if getattr(part, "dtype", None) is not None and part.dtype.kind == "b" else 1
