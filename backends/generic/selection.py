"""Selection by a condition."""

from typing import Any

from backends.geometry import Array


def relu(xp: Any, x: Array) -> Array:
    """max(x, 0)."""
    return xp.maximum(x, 0)


def add_relu(xp: Any, a: Array, b: Array) -> Array:
    """max(a + b, 0)."""
    return xp.maximum(a + b, 0)


def rectify(xp: Any, y: Array) -> Array:
    """max(y, 0) of an array that nobody else has: it may be written."""
    return xp.maximum(y, 0)


def drop(xp: Any, x: Array, keep: Array, scale: float) -> Array:
    """x·scale where the booleans `keep`, which may have fewer axes, hold, and x·0 elsewhere."""
    return x * (keep.astype(x.dtype) * scale).astype(x.dtype, copy=False)


def gate(xp: Any, g: Array, x: Array) -> Array:
    """0 where x <= 0, else g, where x is NaN too; both of one shape."""
    return xp.where(x <= 0, 0, g)
