"""Memory in use on a GPU."""

from __future__ import annotations

from typing import Any

from autograd_core.cuda.devices import DeviceLike, index_of, is_available, runtime
from autograd_core.errors import OutOfMemoryError as OutOfMemoryError


def _asked(device: DeviceLike, name: str, *args: Any) -> Any:
    with runtime().device(index_of(device)):
        return getattr(runtime(), name)(*args)


def memory_allocated(device: DeviceLike = None) -> int:
    """Bytes of GPU memory that arrays occupy."""
    return int(_asked(device, "used")) if is_available() else 0


def memory_reserved(device: DeviceLike = None) -> int:
    """Bytes of GPU memory that this process holds, for current and future arrays."""
    return int(_asked(device, "reserved")) if is_available() else 0


def max_memory_allocated(device: DeviceLike = None) -> int:
    """The peak of `memory_allocated` since `reset_peak_memory_stats()`, or since the first call of this function.

    Nothing is counted before, so programs that do not ask pay nothing.
    """
    return int(_asked(device, "peak")) if is_available() else 0


def reset_peak_memory_stats(device: DeviceLike = None) -> None:
    """Restart the count of `max_memory_allocated`."""
    _asked(device, "watch_peak")


def empty_cache() -> None:
    """Release memory held for future arrays, so that other programs can use it."""
    if is_available():
        runtime().release()


def mem_get_info(device: DeviceLike = None) -> tuple[int, int]:
    """Free and total bytes of a GPU's memory."""
    free, total = _asked(device, "free_and_total")
    return free, total


def set_per_process_memory_fraction(fraction: float, device: DeviceLike = None) -> None:
    """Limit arrays to this fraction of a GPU's memory."""
    if not 0 <= fraction <= 1:
        raise ValueError(f"a fraction lies between 0 and 1: {fraction}")
    _asked(device, "limit", fraction)
