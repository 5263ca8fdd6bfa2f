"""Helpers under the names of PyTorch's `torch.utils`."""

from typing import Any

from autograd_core.compatibility import above
from autograd_core.utils import checkpoint as checkpoint


def __getattr__(name: str) -> Any:
    if name == "data":
        return above.find("utils.data")
    raise AttributeError(f"module 'autograd_core.utils' has no attribute {name!r}")
