"""`RemovableHandle`, the type of the handles of hooks, where PyTorch has it."""

from autograd_core.engine.nodes import Removable as RemovableHandle

__all__ = ["RemovableHandle"]
