"""PyTorch's `torch.backends.cudnn`: whether cuDNN is available, and settings that are stored but have no effect."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import backends

enabled, benchmark, deterministic, allow_tf32 = True, False, False, True


def is_available() -> bool:
    """Whether there is a GPU."""
    return "cuda" in backends.available()


def version() -> int | None:
    """The version of cuDNN, such as 91002; None without a GPU."""
    if not is_available() or not find_spec("cudnn"):
        return None
    return import_module("cudnn").backend_version()


@contextmanager
def flags(**settings: Any) -> Iterator[None]:
    """Within it the settings have these values."""
    before = {name: globals().get(name) for name in settings}
    globals().update(settings)
    try:
        yield
    finally:
        globals().update(before)
