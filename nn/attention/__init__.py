"""PyTorch's `torch.nn.attention`, which selects an attention kernel; here there is one, which is exact."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from enum import Enum


class SDPBackend(Enum):
    """PyTorch's attention kernels."""

    ERROR = -1
    MATH = 0
    FLASH_ATTENTION = 1
    EFFICIENT_ATTENTION = 2
    CUDNN_ATTENTION = 3
    OVERRIDEABLE = 4


@contextmanager
def sdpa_kernel(backends: SDPBackend | Sequence[SDPBackend], set_priority: bool = False) -> Iterator[None]:
    """Select kernels for a block. No effect: `scaled_dot_product_attention` has a single kernel."""
    if not all(isinstance(b, SDPBackend) for b in ([backends] if isinstance(backends, SDPBackend) else backends)):
        raise TypeError(f"sdpa_kernel() takes members of SDPBackend, not {backends!r}")
    yield
