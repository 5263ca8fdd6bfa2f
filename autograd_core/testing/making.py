"""Random tensors for tests, as made by PyTorch's `torch.testing.make_tensor`."""

from __future__ import annotations

import math
from typing import Any

from numpy.typing import DTypeLike

from autograd_core import dtypes, functional
from autograd_core.tensor import Tensor

INTEGERS = {"uint8": (0, 10), "bool": (0, 2)}  # dtypes with a range other than [-9, 10)


def make_tensor(
    *shape: Any,
    dtype: DTypeLike,
    device: Any = "cpu",
    low: float | None = None,
    high: float | None = None,
    requires_grad: bool = False,
    noncontiguous: bool = False,
    exclude_zero: bool = False,
    memory_format: Any = None,
) -> Tensor:
    """A tensor of uniform numbers in [`low`, `high`), by default -9 to 9; integers to 10, `uint8` from 0.

    noncontiguous: with a stride of 2 along the last axis. exclude_zero: replace 0 by the smallest positive number.
    """
    size = tuple(shape[0]) if len(shape) == 1 and not isinstance(shape[0], int) else shape
    kind = dtypes.as_dtype(dtype)
    if requires_grad and kind.kind in dtypes.EXACT:
        raise ValueError(f"make_tensor(): tensors of {kind} have no gradient")
    if noncontiguous and memory_format is not None:
        raise ValueError("make_tensor(): noncontiguous and memory_format exclude each other")
    apart = bool(noncontiguous and math.prod(size) > 1)
    made = _drawn((*size[:-1], 2 * size[-1]) if apart else size, kind, device, low, high)
    made = made[..., ::2] if apart else made
    if exclude_zero:
        made[made == 0] = 1 if kind.kind in dtypes.EXACT else dtypes.finfo(kind).tiny
    made = made if memory_format is None else made.contiguous(memory_format=memory_format)
    return made.requires_grad_(requires_grad)


def _drawn(size: tuple[int, ...], kind: Any, device: Any, low: float | None, high: float | None) -> Tensor:
    if kind.kind in dtypes.EXACT:
        least, most = INTEGERS.get(kind.name, (-9, 10))
        first, last = least if low is None else math.ceil(low), most if high is None else math.ceil(high)
        return functional.randint(first, last, size, device=device).to(kind)
    made = functional.empty(size, dtype=kind, device=device)
    return made.uniform_(-9 if low is None else low, 9 if high is None else high)
