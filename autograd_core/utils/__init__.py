"""Helpers under the names of PyTorch's `torch.utils`."""

from importlib import import_module
from typing import Any

from autograd_core.compatibility import above
from autograd_core.utils import checkpoint as checkpoint


def __getattr__(name: str) -> Any:
    if (place := f"utils.{name}") in above.PLACES:
        return above.find(place)
    if name in ("_pytree", "dlpack", "flop_counter", "hooks"):
        return import_module(f"autograd_core.utils.{name}")
    raise AttributeError(f"module 'autograd_core.utils' has no attribute {name!r}")
