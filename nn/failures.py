"""Notes on exceptions that say in which module of a model they occurred."""

from __future__ import annotations

from contextlib import suppress
from typing import Any


def locate(error: Any, module: Any) -> None:
    """Add a note to an exception that leaves a Module: the module that raised it, and its path so far."""
    if not hasattr(error, "_module"):
        # Kept on the exception, for the enclosing modules.
        error._module, error._where = module, f"in {_short(module)}"
        error.add_note(error._where)
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
