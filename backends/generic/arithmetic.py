"""Arithmetic on large arrays."""

import math
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


def remainder(xp: Any, a: Any, b: Any) -> Array:
    """What is left of floats behind the quotient rounded down, with the sign of b: `fmod` is exact."""
    r = xp.fmod(a, b)
    return xp.where((r != 0) & ((r < 0) != (b < 0)), r + b, xp.copysign(r, b))


def floor_divide(xp: Any, a: Any, b: Any) -> Array:
    """The quotient of floats, rounded down: exactly divisible numbers are divided, as in NumPy."""
    r = xp.fmod(a, b)
    q = (a - r) / b - ((r != 0) & ((r < 0) != (b < 0)))
    whole = xp.floor(q)
    found = xp.where(q == 0, xp.copysign(0, a / b), whole + (q - whole > 0.5))
    if not hasattr(b, "dtype"):
        return found if b else a / b
    return xp.where(b == 0, a / b, found)


def logaddexp2(xp: Any, a: Any, b: Any) -> Array:
    """log₂(2^a + 2^b) of floats; equal ones may be infinite."""
    beyond = xp.log1p(xp.exp2(-abs(a - b))) * (1 / math.log(2))
    return xp.where(a == b, a + 1, xp.maximum(a, b) + beyond)
