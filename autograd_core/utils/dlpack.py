"""PyTorch's `torch.utils.dlpack`: memory shared with other libraries."""

from __future__ import annotations

from autograd_core.semantics.interop import from_dlpack as from_dlpack
from autograd_core.tensor import Tensor


def to_dlpack(tensor: Tensor) -> Tensor:
    """What another library's `from_dlpack` takes: the tensor itself, detached."""
    return tensor.detach()
