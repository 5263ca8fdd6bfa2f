"""The accelerator, independent of its kind: CUDA GPUs, or none."""

from __future__ import annotations

import backends
from autograd_core.devices import Device, resolved


def is_available() -> bool:
    """Whether there is one."""
    return "cuda" in backends.available()


def current_accelerator(check_available: bool = False) -> Device | None:
    """The kind of device; None if there is none."""
    return Device("cuda") if is_available() else None


def device_count() -> int:
    """How many there are."""
    return backends.get("cuda").device_count() if is_available() else 0


def current_device_index() -> int:
    """Which of them is used where none is named."""
    if not is_available():
        raise RuntimeError("there is no accelerator")
    return resolved("cuda")[1]
