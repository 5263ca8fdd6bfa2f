"""What PyTorch keeps beside its tensors and lies elsewhere here, built on this package or not: programs find it where
they look for it.

This is the one place that names it. It is looked up when somebody asks; nothing below imports it.
"""

from importlib import import_module
from typing import Any

PLACES = {
    "nn": "nn", "optim": "optim", "load": "nn.files.serialization:load", "save": "nn.files.serialization:save",
    "func.functional_call": "nn:functional_call", "func.stack_module_state": "nn:stack_module_state",
    "utils.data": "training.data", "multiprocessing": "multiprocessing",
    "jit.annotations": "typing", "jit": "autograd_core.compatibility.jit",
    "compiler": "autograd_core.compatibility.jit",
    "hub": "autograd_core.compatibility.hub", "utils.model_zoo": "autograd_core.compatibility.hub",
    "_utils": "autograd_core.compatibility.flat",
    "distributed": "autograd_core.compatibility.distributed", "version": "autograd_core.compatibility.version",
}  # fmt: skip


def find(name: str) -> Any:
    """The module, or function of a module, that lies there."""
    module, _, attribute = PLACES[name].partition(":")
    found = import_module(module)
    return getattr(found, attribute) if attribute else found
