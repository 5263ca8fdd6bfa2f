"""Arithmetic on large arrays."""

from collections.abc import Callable
from typing import Any

from backends.geometry import Array


def add(xp: Any, a: Array, b: Array) -> Array:
    """a + b."""
    return a + b


def subtract(xp: Any, a: Array, b: Array) -> Array:
    """a - b."""
    return a - b


def multiply(xp: Any, a: Array, b: Array) -> Array:
    """a b, element by element."""
    return a * b


def divide(xp: Any, a: Array, b: Array) -> Array:
    """a / b, element by element."""
    return a / b


def increase(xp: Any, a: Array, b: Array, factor: float = 1.0) -> Array:
    """Add b times a factor to a in place; returns a."""
    a += b if factor == 1 else b * factor
    return a


def in_place(xp: Any, function: Callable[..., Any], a: Array, *others: Array) -> Array:
    """Replace a by an elementwise function of it and of arrays of its shape, which takes `out`; returns a."""
    function(a, *others, out=a)
    return a
