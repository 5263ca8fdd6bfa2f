"""The accelerator, independent of its kind: CUDA GPUs, or none."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import backends
from autograd_core import cuda
from autograd_core.compatibility import cpu
from autograd_core.devices import Device, resolved

_SHARED = {name: name for name in ("current_stream", "set_stream", "empty_cache", "max_memory_allocated",
           "max_memory_reserved", "memory_allocated", "memory_reserved", "memory_stats", "reset_peak_memory_stats",
           "get_device_capability")} | {"get_memory_info": "mem_get_info"}  # fmt: skip


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


current_device_idx = current_device_index


def set_device_index(device: Any) -> None:
    """Select the current accelerator."""
    cuda.set_device(device)


set_device_idx = set_device_index


@contextmanager
def device_index(device: int | None) -> Iterator[None]:
    """A block in which this accelerator is the current one; None: no effect."""
    with cuda.device(device) if device is not None else nullcontext():
        yield


def synchronize(device: Any = None) -> None:
    """Wait for all work on the accelerator; without one nothing happens."""
    if is_available():
        cuda.synchronize(device)


def get_device_module(device: Any = None) -> Any:
    """The module of a kind of device, `cpu` or `cuda`; without an argument, that of the accelerator if there is one."""
    kind = Device(device).type if device is not None else "cuda" if is_available() else "cpu"
    if kind not in ("cpu", "cuda"):
        raise RuntimeError(f"there is no module for devices of kind {kind!r}")
    return cuda if kind == "cuda" else cpu


class Stream:
    """`Stream(device)` makes a stream of the device's own module, `cpu` or `cuda`."""

    def __new__(cls, device: Any = None, *, priority: int = 0) -> Any:
        return get_device_module(device).Stream(device, priority)


class Event:
    """`Event(device)` makes an event of the device's own module, `cpu` or `cuda`."""

    def __new__(cls, device: Any = None, *, enable_timing: bool = False, **options: Any) -> Any:
        return get_device_module(device).Event(enable_timing)


def __getattr__(name: str) -> Any:
    """The functions of `cuda` about streams and memory."""
    if name in _SHARED:
        return getattr(cuda, _SHARED[name])
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}", name=name)
