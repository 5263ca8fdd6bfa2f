"""PyTorch's `torch.cpu`: the device that is always there, whose work is done when a call returns."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from types import SimpleNamespace
from typing import Any

from autograd_core.amp import autocast

amp = SimpleNamespace(autocast=partial(autocast, "cpu"))


class Stream:
    """A stream of the CPU, which has nothing to wait for."""

    def __init__(self, *_: Any, **options: Any) -> None:
        pass

    def synchronize(self, *_: Any) -> None:
        """Wait: there is nothing to wait for."""

    wait_stream = wait_event = synchronize


class Event(Stream):
    """An event of the CPU, which has always happened."""

    record = Stream.synchronize

    def query(self) -> bool:
        """Whether it has happened: yes."""
        return True


def is_available() -> bool:
    """Whether there is a CPU: yes."""
    return True


def is_initialized() -> bool:
    """Whether it can be used: yes."""
    return True


def device_count() -> int:
    """The number of CPUs as devices: 1."""
    return 1


def current_device() -> str:
    """The name of the device."""
    return "cpu"


def set_device(device: Any) -> None:
    """Select a device: no effect."""


def synchronize(device: Any = None) -> None:
    """Wait for the device: no effect."""


def current_stream(device: Any = None) -> Stream:
    """The stream in use."""
    return Stream()


@contextmanager
def stream(stream: Any) -> Iterator[None]:
    """Work in a stream: no effect."""
    yield


StreamContext = stream
