"""Streams, which execute work in order, and events, which other streams can wait for.

As in PyTorch, memory written in one stream must not be used in another before that stream waits for the first, nor
freed while the other still uses it. Unlike in PyTorch, a backward walk runs in the stream that is current when it is
called.
"""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any

from autograd_core.cuda.devices import DeviceLike, device, index_of, runtime

__all__ = ["Event", "Stream", "current_stream", "default_stream", "set_stream", "stream"]


class Event:
    """A point in a stream's work; `enable_timing` if the time between two of them will be asked for."""

    def __init__(self, enable_timing: bool = False, blocking: bool = False, interprocess: bool = False) -> None:
        if interprocess:
            raise NotImplementedError("events cannot be shared with other processes")
        self.raw = runtime().event(enable_timing, blocking)

    def record(self, stream: Stream | None = None) -> None:
        """The point is here, behind what the stream (the current one for None) was given to do so far."""
        self.raw.record((stream or current_stream()).raw)

    def wait(self, stream: Stream | None = None) -> None:
        """Let a stream (the current one for None) do what it is given from here on only after this point."""
        (stream or current_stream()).wait_event(self)

    def query(self) -> bool:
        """Whether the work up to this point is done."""
        return bool(self.raw.done)

    def elapsed_time(self, end_event: Event) -> float:
        """Milliseconds from this point to another, both of them made with `enable_timing`."""
        return float(runtime().elapsed(self.raw, end_event.raw))

    def synchronize(self) -> None:
        """Wait until the work up to this point is done."""
        self.raw.synchronize()


class Stream:
    """Work of a GPU that is done in order, beside that of other streams; current inside of a `with` block.

    raw: one of CuPy's streams to take instead of a new one.
    """

    def __init__(self, device: DeviceLike = None, priority: int = 0, raw: Any = None) -> None:
        if raw is None:
            with runtime().device(index_of(device)):
                raw = runtime().stream(priority)
        self.raw, self._contexts = raw, list[ExitStack]()

    @property
    def cuda_stream(self) -> int:
        """The address that other libraries know the stream by."""
        return int(self.raw.ptr)

    def wait_event(self, event: Event) -> None:
        """Do what follows only after an event."""
        self.raw.wait_event(event.raw)

    def wait_stream(self, stream: Stream) -> None:
        """Do what follows only after what another stream was given to do so far."""
        self.wait_event(stream.record_event())

    def record_event(self, event: Event | None = None) -> Event:
        """An event, a new one for None, behind what the stream was given to do so far."""
        event = event or Event()
        event.record(self)
        return event

    def keep(self, memory: Any) -> None:
        """Keep an object until what the stream was given to do so far is done."""
        self.raw.launch_host_func(id, memory)

    def query(self) -> bool:
        """Whether all its work is done."""
        return bool(self.raw.done)

    def synchronize(self) -> None:
        """Wait until all its work is done."""
        self.raw.synchronize()

    def __enter__(self) -> Stream:
        stack = ExitStack()
        stack.enter_context(device(self.raw.device_id))
        stack.enter_context(self.raw)
        self._contexts.append(stack)
        return self

    def __exit__(self, *error: Any) -> None:
        self._contexts.pop().__exit__(*error)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Stream) and self.raw == other.raw

    def __hash__(self) -> int:
        return hash(self.raw)


def stream(stream: Stream | None) -> Any:
    """The stream as a context in which it is the current one; None changes nothing."""
    return ExitStack() if stream is None else stream


def current_stream(device: DeviceLike = None) -> Stream:
    """The stream that work on a GPU is started in, in this thread."""
    with runtime().device(index_of(device)):
        return Stream(raw=runtime().current_stream())


def default_stream(device: DeviceLike = None) -> Stream:
    """The stream that is current at first."""
    with runtime().device(index_of(device)):
        return Stream(raw=runtime().default_stream())


def set_stream(stream: Stream) -> None:
    """Make a stream the current one of this thread, from here on."""
    with runtime().device(stream.raw.device_id):
        stream.raw.use()
