"""Conversion to another dtype, for every array library."""

from typing import Any

from backends.geometry import Array
from backends.strides import copying_order


def converted(xp: Any, x: Array, dtype: Any) -> Array:
    """A copy in another dtype, in the memory order of x; where elements are repeated, in C order."""
    return x.astype(dtype, order="C") if copying_order(x) == "C" else x.astype(dtype)
