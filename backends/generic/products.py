"""Products of matrices, for every array library."""

from typing import Any

from backends.geometry import Array

LARGE = 1 << 13  # elements of both operands: from here it pays to choose the library whose threads compute the product


def product(xp: Any, a: Array, b: Array) -> Array:
    """`xp.matmul` of large matrices, or stacks of matrices."""
    return xp.matmul(a, b)


def linear(xp: Any, x: Array, w: Array, bias: Array) -> Array:
    """x wᵀ + bias, for matrices x and w."""
    y = xp.dot(x, w.T)
    y += bias
    return y
