"""What PyTorch programs ask of `torch.cuda`; without a usable GPU the answers are no and zero."""

from __future__ import annotations

import backends
from autograd_core.devices import backend_of


def is_available() -> bool:
    """Whether tensors can be put on a CUDA GPU.

    >>> device = "cuda" if is_available() else "cpu"
    """
    return "cuda" in backends.available()


def device_count() -> int:
    """How many CUDA GPUs there are."""
    return backend_of("cuda").device_count() if is_available() else 0


def synchronize() -> None:
    """Wait until all work on the current GPU is done."""
    backend_of("cuda").synchronize()
