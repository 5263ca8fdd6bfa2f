"""The available GPUs, their properties, and the current one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import backends
from autograd_core.devices import Device, backend_of
from autograd_core.errors import DeviceError
from autograd_core.tensor import Tensor

__all__ = [
    "current_device", "device", "device_count", "device_of", "get_device_capability", "get_device_name",
    "get_device_properties", "is_available", "is_bf16_supported", "is_tf32_supported", "set_device", "synchronize",
]  # fmt: skip

DeviceLike = str | int | None


def runtime() -> Any:
    """The CUDA runtime; BackendUnavailable says what is missing."""
    backend: Any = backend_of("cuda")
    return backend.runtime


def is_bf16_supported(including_emulation: bool = True) -> bool:
    """Whether there is a GPU; all support bfloat16 here."""
    return is_available()


def is_tf32_supported() -> bool:
    """Whether the current GPU multiplies in TensorFloat-32."""
    return is_available() and get_device_capability() >= (8, 0)


def index_of(device: DeviceLike = None) -> int:
    """The index of a device given by index or name, or of the current one for None and "cuda"."""
    if isinstance(device, str):
        if Device(device).type != "cuda":
            raise ValueError(f"a CUDA device is needed here, not {device!r}")
        device = Device(device).index
    count = runtime().device_count()
    if device is None:
        return int(runtime().current_device())
    if not 0 <= device < count:
        raise DeviceError(f"device 'cuda:{device}' does not exist; there are {count}: 'cuda:0' to 'cuda:{count - 1}'")
    return device


def is_available() -> bool:
    """Whether tensors can be put on a CUDA GPU.

    >>> device = "cuda" if is_available() else "cpu"
    """
    return "cuda" in backends.available()


def device_count() -> int:
    """The number of CUDA GPUs."""
    return int(runtime().device_count()) if is_available() else 0


def current_device() -> int:
    """The index of the current GPU of this thread."""
    return int(runtime().current_device())


def set_device(device: DeviceLike) -> None:
    """Make this the current GPU of this thread; prefer the context manager `device`."""
    runtime().set_device(index_of(device))


class device:
    """Make this the current GPU within a `with` block; negative numbers and None change nothing."""

    def __init__(self, device: DeviceLike) -> None:
        self.idx = index_of(device) if isinstance(device, str) or (device is not None and device >= 0) else None
        self._contexts: list[Any] = []

    def __enter__(self) -> None:
        context = runtime().device(current_device() if self.idx is None else self.idx)
        context.__enter__()
        self._contexts.append(context)

    def __exit__(self, *error: Any) -> None:
        self._contexts.pop().__exit__(*error)


def device_of(tensor: Tensor) -> device:
    """Make the GPU of a tensor the current one within a `with` block; a CPU tensor changes nothing."""
    return device(tensor.get_device())  # -1 on the CPU


def synchronize(device: DeviceLike = None) -> None:
    """Wait for all work on a GPU, by default the current one."""
    runtime().synchronize(index_of(device))


def get_device_name(device: DeviceLike = None) -> str:
    """The name of a GPU, such as "NVIDIA H200"."""
    return get_device_properties(device).name


def get_device_capability(device: DeviceLike = None) -> tuple[int, int]:
    """The compute capability of a GPU, such as (9, 0)."""
    found = get_device_properties(device)
    return found.major, found.minor


@dataclass(frozen=True)
class DeviceProperties:
    """The properties of a GPU."""

    name: str
    major: int
    minor: int
    total_memory: int
    multi_processor_count: int


def get_device_properties(device: DeviceLike = None) -> DeviceProperties:
    """Name, architecture, bytes of memory and number of multiprocessors of a GPU."""
    found = runtime().properties(index_of(device))
    return DeviceProperties(
        found["name"].decode(), found["major"], found["minor"], found["totalGlobalMem"], found["multiProcessorCount"]
    )
