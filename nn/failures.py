"""Notes on exceptions that say in which module of a model they occurred; errors about parts of a module."""

from __future__ import annotations

from contextlib import suppress
from typing import Any, NoReturn

import numpy as np

from autograd_core import Tensor


def locate(error: Any, module: Any, args: tuple[Any, ...]) -> None:
    """Add notes to an exception that leaves a Module called with `args`: the module that raised it, its path so far,
    and whether an argument should have been a tensor.
    """
    if not hasattr(error, "_module"):
        # Kept on the exception, for the enclosing modules.
        error._module, error._where = module, f"in {_short(module)}"
        error.add_note(error._where)
        lacking = error.obj if isinstance(error, AttributeError) else None
        if isinstance(lacking, list | np.ndarray | int | float) and any(a is lacking for a in args):
            kind = type(lacking).__name__
            error.add_note(f"{type(module).__name__} was called with a {kind}; make a tensor of it with tensor(...)")
        return
    path = next((name for name, inner in module.named_modules() if inner is error._module), None)
    if path is None or error._where not in error.__notes__:
        return
    where = f"in {path} of {type(module).__name__}: {_short(error._module)}"
    error.__notes__[error.__notes__.index(error._where)] = where
    error._where = where


def _short(module: Any) -> str:
    if not module._modules:
        with suppress(Exception):  # of a representation that asks for what the module lacks, too
            return repr(module)
    return f"{type(module).__name__}(...)"


def refuse_arguments(name: str, direct: bool) -> NoReturn:
    """Raise for arguments of `Module.__init__`; direct: it was called to make a layer, not by the layer's own."""
    if direct:
        raise TypeError(f"{name}() takes no arguments; a layer is made first and called then: {name}()(input)")
    raise TypeError(f"Module.__init__() takes no arguments; {name} calls it by super().__init__()")


def refuse(registry: str, name: str, value: object) -> NoReturn:
    """Raise for a value that cannot take the place of a part."""
    kind, wanted = {
        "_parameters": ("parameter", "nn.Parameter"),
        "_modules": ("child module", "nn.Module"),
        "_buffers": ("buffer", "Tensor"),
    }[registry]
    hint = "; write to its elements under no_grad(), or wrap the tensor" if isinstance(value, Tensor) else ""
    raise TypeError(f"cannot assign '{type(value).__name__}' as {kind} '{name}' ({wanted} or None expected){hint}")


def no_module(value: object) -> str:
    """What to write instead of a value that is no module."""
    if isinstance(value, type):
        return f"the class {value.__name__} is not a Module; an instance is made by {value.__name__}(...)"
    hint = "; unpack it: Sequential(*layers)" if isinstance(value, list | tuple) else ""
    if callable(value):
        hint = "; call a function in forward(), or take its module, such as nn.ReLU() for relu"
    return f"{type(value).__name__} is not a Module subclass" + hint
