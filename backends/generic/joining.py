"""Concatenation, for every array library."""

from collections.abc import Sequence
from typing import Any

from backends.geometry import Array


def joined(xp: Any, parts: Sequence[Array], axis: int) -> Array:
    """Arrays joined along an axis; possibly a view, if they are adjacent already: do not write to it."""
    return xp.concatenate(parts, axis)
