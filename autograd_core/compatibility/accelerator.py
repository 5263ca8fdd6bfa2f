"""The accelerator, independent of its kind: CUDA GPUs, or none."""

from __future__ import annotations

import backends
from autograd_core.devices import Device, resolved


def is_available() -> bool:
    """Whether an accelerator is available."""
    return "cuda" in backends.available()


def current_accelerator(check_available: bool = False) -> Device | None:
    """The kind of accelerator; None if there is none."""
    return Device("cuda") if is_available() else None


def device_count() -> int:
    """The number of accelerators."""
    return backends.get("cuda").device_count() if is_available() else 0


def current_device_index() -> int:
    """The index of the current accelerator."""
    if not is_available():
        raise RuntimeError("there is no accelerator")
    return resolved("cuda")[1]
