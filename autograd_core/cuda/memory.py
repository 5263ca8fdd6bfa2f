"""Memory in use on a GPU."""

from __future__ import annotations

from typing import Any

from autograd_core.cuda.devices import DeviceLike, index_of, is_available, runtime
from autograd_core.errors import OutOfMemoryError as OutOfMemoryError

__all__ = [
    "OutOfMemoryError", "empty_cache", "max_memory_allocated", "max_memory_cached", "max_memory_reserved",
    "mem_get_info", "memory_allocated", "memory_cached", "memory_reserved", "memory_stats", "memory_summary",
    "reset_max_memory_allocated", "reset_max_memory_cached", "reset_peak_memory_stats",
    "set_per_process_memory_fraction",
]  # fmt: skip


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


def max_memory_reserved(device: DeviceLike = None) -> int:
    """Bytes of GPU memory that this process holds: memory is given back by `empty_cache()` only."""
    return memory_reserved(device)


def memory_stats(device: DeviceLike = None) -> dict[str, int]:
    """The numbers of the functions above under PyTorch's names; empty without a GPU."""
    if not is_available():
        return {}
    return {
        "allocated_bytes.all.current": memory_allocated(device),
        "allocated_bytes.all.peak": max_memory_allocated(device),
        "reserved_bytes.all.current": memory_reserved(device),
        "reserved_bytes.all.peak": max_memory_reserved(device),
    }


def memory_summary(device: DeviceLike = None, abbreviated: bool = False) -> str:
    """The numbers of `memory_stats` as lines of text."""
    return "\n".join(f"{name}: {count / 2**20:.1f} MiB" for name, count in memory_stats(device).items())


def reset_peak_memory_stats(device: DeviceLike = None) -> None:
    """Restart the count of `max_memory_allocated`."""
    _asked(device, "watch_peak")


reset_max_memory_allocated = reset_max_memory_cached = reset_peak_memory_stats
memory_cached, max_memory_cached = memory_reserved, max_memory_reserved  # older names


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
