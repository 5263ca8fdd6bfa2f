"""PyTorch's `torch.cuda.nvtx`: names for parts of a program in the pictures of NVIDIA's profilers.

Without a usable GPU nobody looks, and they do nothing.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from autograd_core.cuda.devices import is_available, runtime


def range_push(msg: str) -> None:
    """Begin a range of this thread, within those that have not ended."""
    if is_available():
        runtime().nvtx.RangePush(msg)


def range_pop() -> None:
    """End the range that was begun last."""
    if is_available():
        runtime().nvtx.RangePop()


def mark(msg: str) -> None:
    """Mark a moment."""
    if is_available():
        runtime().nvtx.Mark(msg)


@contextmanager
def range(msg: str, *args: Any, **kwargs: Any) -> Iterator[None]:  # noqa: A001  its public name
    """A range around a block or a decorated function; its name is `msg.format(*args, **kwargs)`."""
    range_push(msg.format(*args, **kwargs))
    try:
        yield
    finally:
        range_pop()
