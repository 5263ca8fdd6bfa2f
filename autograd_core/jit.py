"""Marks of PyTorch's compiler of Python code: accepted, and everything runs as it is written."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

__all__ = ["Final", "annotate", "export", "ignore", "is_scripting", "is_tracing", "script", "script_if_tracing",
           "trace", "unused"]  # fmt: skip


def script(obj: Any, *args: Any, **options: Any) -> Any:
    """The function or module itself."""
    return obj


def trace(func: Any, example_inputs: Any = None, **options: Any) -> Any:
    """The function or module itself."""
    return func


script_if_tracing = export = unused = script


def ignore(drop: Any = False, **options: Any) -> Any:
    """The function itself, whether it is marked with parentheses or without."""
    return drop if callable(drop) else lambda function: function


def annotate(the_type: Any, the_value: Any) -> Any:
    """The value."""
    return the_value


def is_scripting() -> bool:
    """False."""
    return False


is_tracing: Callable[[], bool] = is_scripting
