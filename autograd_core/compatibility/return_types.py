"""PyTorch's `torch.return_types`: the types of functions with several results, such as `return_types.max`."""

from __future__ import annotations

from typing import Any

from autograd_core import families
from autograd_core.engine.deriving import RESULTS


def __getattr__(name: str) -> Any:
    if name not in RESULTS:  # of a family that is registered on first use
        module, _, rest = name.partition("_")
        families.load(f"{module}.{rest}" if f"{module}.{rest}" in families.FAMILY else name)
    if name not in RESULTS:
        raise AttributeError(f"module 'return_types' has no attribute {name!r}")
    return RESULTS[name]
