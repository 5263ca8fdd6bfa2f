"""All calls to the CUDA runtime, made through CuPy: devices, streams, events, memory and captured work."""

from collections import deque
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from backends.geometry import Array
from backends.live import recorded


class Runtime:
    """The CUDA runtime of this process. Streams, events and pools are CuPy's objects."""

    def __init__(self, cupy: Any) -> None:
        self._cupy, self._cuda, self._api = cupy, cupy.cuda, cupy.cuda.runtime
        self._uploads: deque[tuple[Any, Any]] = deque()
        self._peaks: Any = None

    @property
    def nvtx(self) -> Any:
        """CuPy's module that names parts of a program for profilers."""
        return self._cuda.nvtx

    def device_count(self) -> int:
        """The number of visible GPUs."""
        return int(self._api.getDeviceCount())

    def current_device(self) -> int:
        """The current device of this thread."""
        return int(self._api.getDevice())

    def set_device(self, index: int) -> None:
        """Make a device the current device of this thread."""
        self._api.setDevice(index)

    def device(self, index: int) -> AbstractContextManager[Any]:
        """A context in which the device is the current one."""
        return self._cuda.Device(index)

    @contextmanager
    def taking_turns(self, source: int, index: int) -> Iterator[None]:
        """A context in which device `index` is the current one and reads from `source`: after the work already started
        there, and before any work started there later, which may reuse the memory.
        """
        with self.device(source):
            there = self.current_stream()
            written = there.record()
        with self.device(index):
            here = self.current_stream()
            here.wait_event(written)
            yield
            there.wait_event(here.record())

    def properties(self, index: int) -> dict[str, Any]:
        """The runtime's properties of a device: "name", "major", "minor", "totalGlobalMem", ..."""
        return self._api.getDeviceProperties(index)

    def synchronize(self, index: int) -> None:
        """Wait for all work started on a device."""
        with self.device(index):
            self._api.deviceSynchronize()

    def stream(self, priority: int = 0) -> Any:
        """A new stream on the current device that does not wait for the default stream."""
        return self._cuda.Stream(non_blocking=True, priority=priority)

    def default_stream(self) -> Any:
        """The initial stream."""
        return self._cuda.Stream.null

    def current_stream(self) -> Any:
        """The stream on which this thread starts work on its current device."""
        return self._cuda.get_current_stream()

    def event(self, timing: bool, blocking: bool) -> Any:
        """A new event on the current device."""
        return self._cuda.Event(block=blocking, disable_timing=not timing)

    def elapsed(self, start: Any, end: Any) -> float:
        """The milliseconds between two recorded events."""
        return float(self._cuda.get_elapsed_time(start, end))

    def used(self) -> int:
        """The bytes of arrays on the current device."""
        return int(self._cupy.get_default_memory_pool().used_bytes())

    def reserved(self) -> int:
        """The bytes of the current device that the pool holds, in use or free."""
        return int(self._cupy.get_default_memory_pool().total_bytes())

    def release(self) -> None:
        """Return the pool's free memory to the device."""
        self._cupy.get_default_memory_pool().free_all_blocks()
        self._cupy.get_default_pinned_memory_pool().free_all_blocks()

    def limit(self, fraction: float) -> None:
        """Limit the pool of the current device to a fraction of its memory."""
        self._cupy.get_default_memory_pool().set_limit(fraction=fraction)

    def free_and_total(self) -> tuple[int, int]:
        """The free and the total bytes of the current device."""
        free, total = self._api.memGetInfo()
        return int(free), int(total)

    def watch_peak(self) -> None:
        """Track the peak of `used` from now on, at the cost of an additional call per allocation."""
        if self._peaks is None:
            self._peaks = _peaks(self._cuda, self.used)
            self._peaks.__enter__()  # never left
        self._peaks.reset(self.current_device(), self.used())

    def peak(self) -> int:
        """The peak bytes of arrays on the current device since `watch_peak`."""
        if self._peaks is None:
            self.watch_peak()
        return int(self._peaks.most[self.current_device()])

    def is_pinned(self, array: Any) -> bool:
        """Whether a NumPy array lies in pinned memory, which the device can read directly."""
        return bool(self._api.pointerGetAttributes(array.ctypes.data).type == self._api.memoryTypeHost)

    def pinned(self, shape: tuple[int, ...], dtype: Any) -> Any:
        """An uninitialised NumPy array in pinned memory."""
        import cupyx

        return cupyx.empty_pinned(shape, dtype)

    def upload(self, array: Any) -> Array:
        """A copy on the device of a contiguous array in pinned memory, which is kept until the device has read it."""
        out = self._cupy.empty(array.shape, array.dtype)
        out.set(array)
        self._uploads.append((self.current_stream().record(), array))
        while self._uploads[0][0].done and len(self._uploads) > 1:
            self._uploads.popleft()
        return out

    def download(self, array: Array) -> Any:
        """A copy in pinned memory, complete once the current stream has caught up."""
        out = self.pinned(array.shape, array.dtype)
        return self._cupy.asnumpy(array, out=out, blocking=False)

    def pool(self) -> Any:
        """A separate memory pool for captured work, which returns no memory to the device while that is recorded."""
        return self._cuda.MemoryPool(self._fresh)

    def _fresh(self, size: int) -> Any:
        """Memory of the device. At CUDA's error a pool would give up what recorded kernels use in between."""
        try:
            return self._cuda.MemoryPointer(self._cuda.Memory(size), 0)
        except self._api.CUDARuntimeError as error:
            if recorded():
                raise MemoryError(f"{size:,} bytes are not free while a step is recorded ({error})") from error
            raise

    def allocating(self, pool: Any) -> AbstractContextManager[Any]:
        """A context in which this thread's arrays are allocated from a pool."""
        return self._cuda.using_allocator(pool.malloc)

    def begin_capture(self, stream: Any) -> None:
        """Start recording the work on a stream instead of doing it."""
        stream.begin_capture()

    def end_capture(self, stream: Any) -> Any:
        """The recorded work: an object with `launch(stream)`."""
        return stream.end_capture()

    def capturing(self, stream: Any) -> bool:
        """Whether the work on a stream is being recorded."""
        return bool(stream.is_capturing())


def _peaks(cuda: Any, used: Any) -> Any:
    """A hook of CuPy's pool that tracks the peak bytes in use per device."""

    class Peaks(cuda.MemoryHook):  # type: ignore[misc]  # CuPy has no types
        name = "Peaks"

        def __init__(self) -> None:
            self.most: dict[int, int] = {}

        def reset(self, device: int, bytes_used: int) -> None:
            self.most[device] = bytes_used

        def malloc_postprocess(self, **given: Any) -> None:
            device = given["device_id"]
            self.most[device] = max(self.most.get(device, 0), used())

    return Peaks()
