"""`RemovableHandle`, the type of the handles of hooks, where PyTorch has it."""

from autograd_core.nodes import Removable as RemovableHandle

__all__ = ["RemovableHandle"]
