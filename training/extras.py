"""Optional libraries that only some parts of training need."""

from importlib import import_module
from typing import Any


def require(module: str, purpose: str, extra: str = "train") -> Any:
    """Import a module, or raise an error that says what it is needed for and how to install it."""
    try:
        return import_module(module)
    except ImportError as error:
        library = module.partition(".")[0]
        raise ImportError(
            f'{purpose} needs {library}, which is not installed: pip install "autograd-core[{extra}]"'
        ) from error
