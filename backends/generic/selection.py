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
    """max(y, 0), possibly in place; `y` must not be shared."""
    return xp.maximum(y, 0)


def drop(xp: Any, x: Array, keep: Array, scale: float) -> Array:
    """x·scale where `keep` is True, x·0 elsewhere; `keep` may have fewer axes."""
    return x * (keep.astype(x.dtype) * scale).astype(x.dtype, copy=False)


def gate(xp: Any, g: Array, x: Array) -> Array:
    """0 where x <= 0, else g (also where x is NaN), for x and g of one shape."""
    return xp.where(x <= 0, 0, g)
