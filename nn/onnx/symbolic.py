"""Decorators and registrations of functions that write operators of a program's own in PyTorch's ONNX export.

Files written here contain what the operators compute with, so that no such function is called.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def parse_args(*kinds: str) -> Callable[[Any], Any]:
    """A decorator that leaves a function as it is."""
    return lambda function: function


def register_custom_op_symbolic(symbolic_name: str, symbolic_fn: Callable[..., Any], opset_version: int) -> None:
    """No effect."""
