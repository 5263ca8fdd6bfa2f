"""Helpers under the names of PyTorch's `torch.utils`."""

from typing import Any

from autograd_core.compatibility import above
from autograd_core.utils import checkpoint as checkpoint


def __getattr__(name: str) -> Any:
    if (place := f"utils.{name}") in above.PLACES:
        return above.find(place)
    raise AttributeError(f"module 'autograd_core.utils' has no attribute {name!r}")
