"""Notes on exceptions that say in which module of a model they occurred."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import numpy as np


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
