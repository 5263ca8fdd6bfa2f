"""Helpers under the names of PyTorch's `torch.utils`."""

import importlib
from typing import Any

from autograd_core.utils import checkpoint as checkpoint


def __getattr__(name: str) -> Any:
    """Data sets and loaders lie in `training`, which is built on this package."""
    if name == "data":
        return importlib.import_module("training.data")
    raise AttributeError(f"module 'autograd_core.utils' has no attribute {name!r}")
