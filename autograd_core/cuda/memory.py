"""Memory in use on a GPU."""

from __future__ import annotations

from typing import Any

from autograd_core.cuda.devices import DeviceLike, index_of, is_available, runtime
from autograd_core.errors import OutOfMemoryError as OutOfMemoryError


def _asked(device: DeviceLike, name: str, *args: Any) -> Any:
    with runtime().device(index_of(device)):
        return getattr(runtime(), name)(*args)


def memory_allocated(device: DeviceLike = None) -> int:
    """Bytes of a GPU's memory that arrays occupy."""
    return int(_asked(device, "used")) if is_available() else 0


def memory_reserved(device: DeviceLike = None) -> int:
    """Bytes that this process holds, for arrays that there are and for later ones."""
    return int(_asked(device, "reserved")) if is_available() else 0


def max_memory_allocated(device: DeviceLike = None) -> int:
    """The most bytes that arrays occupied at once since `reset_peak_memory_stats()`, or since this was first asked:
    nothing is counted before, so that nobody else pays for it.
    """
    return int(_asked(device, "peak")) if is_available() else 0


def reset_peak_memory_stats(device: DeviceLike = None) -> None:
    """Count `max_memory_allocated` from here on."""
    _asked(device, "watch_peak")


def empty_cache() -> None:
    """Give the memory that is held for later arrays back, so that other programs can have it."""
    if is_available():
        runtime().release()


def mem_get_info(device: DeviceLike = None) -> tuple[int, int]:
    """Bytes of a GPU that are free, and all, whoever holds the others."""
    free, total = _asked(device, "free_and_total")
    return free, total


def set_per_process_memory_fraction(fraction: float, device: DeviceLike = None) -> None:
    """Let arrays have at most this share of a GPU's memory."""
    if not 0 <= fraction <= 1:
        raise ValueError(f"a fraction lies between 0 and 1: {fraction}")
    _asked(device, "limit", fraction)
