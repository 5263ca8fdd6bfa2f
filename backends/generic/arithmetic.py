"""Arithmetic on large arrays."""

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
