"""Sums over several axes, for every array library."""

from typing import Any

from backends.geometry import Array, Sizes


def total(xp: Any, x: Array, axes: Sizes, keepdims: bool) -> Array:
    """The sum of a large array over several axes."""
    return xp.add.reduce(x, axis=axes, keepdims=keepdims)


def sum_of_squares(xp: Any, x: Array, axis: Any, keepdims: bool) -> Array | None:
    """Σx² over one axis or all (None), if float32 can sum it quickly and without loss; else None."""
    return None
