"""The normal distribution and other functions with exp(-x²), accurate in the tail, for every array library.

The exact x² has 53 more bits than a float: rounding it would give exp(-x²) an error of about x² units in the last
place. It is therefore split into two parts before exponentiation.
"""

import math
from typing import Any

from backends.generic.special_functions import tables
from backends.generic.special_functions.pairs import has_lost, quotient, two_sum
from backends.generic.special_functions.polynomials import onto_unit, polynomial
from backends.generic.special_functions.special import FAR, double, erfc, exp_of_sum, split_square
from backends.geometry import Array

ROOT_HALF, TWO_OVER_ROOT_PI = math.sqrt(0.5), 2 / math.sqrt(math.pi)
NEAR = 0.5625  # up to here the distribution function is a polynomial, beyond it uses exp(-x²/2)


def bell(xp: Any, x: Array, half: bool = False) -> Array:
    """exp(-x²), or exp(-x²/2)."""
    scale = -0.5 if half else -1.0
    if has_lost(x):
        return exp_square(xp, xp.clip(x, -40.0, 40.0), scale)
    dtype, x = double(xp, x)
    if dtype.itemsize < 8:
        return xp.exp(scale * x * x).astype(dtype)
    return exp_square(xp, xp.clip(x, -40.0, 40.0), scale)


def exp_square(xp: Any, x: Array, scale: float) -> Array:
    """exp(scale·x²), where `scale` is plus or minus a power of two."""
    square, rest = split_square(xp, x)
    head, rest = exp_of_sum(xp, scale * square, scale * rest)
    return head + rest


def erfcx(xp: Any, x: Array) -> Array:
    """exp(x²)·erfc(x), which falls like 1 / x where erfc underflows; 2·exp(x²) - erfcx(-x) below 0."""
    dtype, x = double(xp, x)
    value = _fraction(xp, tables.ERFCX, 0.75, 0.875, abs(x))
    square, rest = split_square(xp, xp.clip(x, -26.63, 0.0))
    grown, rest = xp.expm1(square), xp.expm1(rest)
    mirrored = (2.0 - value) + 2.0 * (grown + (rest + grown * rest))
    return xp.where(x < 0, mirrored, value).astype(dtype, copy=False)


def erfcx_slope(xp: Any, x: Array) -> Array:
    """The derivative of `erfcx`, 2x·erfcx(x) - 2/√π; a separate fit where the two terms cancel."""
    dtype, x = double(xp, x)
    s, low = xp.maximum(x, 0.0), xp.minimum(x, 0.0)
    above = _fraction(xp, tables.ERFCX_SLOPE, 1.0, 1.125, s) / (1.125 + s)
    return xp.where(x > 0, -above, 2.0 * low * erfcx(xp, low) - TWO_OVER_ROOT_PI).astype(dtype, copy=False)


def _fraction(xp: Any, table: tuple[float, ...], middle: float, shift: float, s: Array) -> Array:
    """(middle + the polynomial) / (s + shift), where the polynomial maps [0, ∞] to [-1, 1]."""
    p = polynomial(table, onto_unit(xp, s, 0.0, 3.75))
    value = middle + p
    near = quotient(value, p - (value - middle), *two_sum(xp.minimum(s, FAR), shift))
    return near * (FAR / xp.maximum(s, FAR))


def ndtr(xp: Any, x: Array) -> Array:
    """The normal distribution function."""
    dtype, x = double(xp, x)
    if dtype.itemsize < 8:
        return (0.5 * erfc(xp, x * -ROOT_HALF)).astype(dtype)
    s = xp.minimum(abs(x), 40.0)
    tail = quotient(*bell_part(xp, s), *two_sum(s, 1.125))
    return xp.where(s < NEAR, 0.5 + _near(xp, x), xp.where(x > 0, 1.0 - tail, tail))


def bell_part(xp: Any, s: Array) -> tuple[Array, Array]:
    """The normal distribution function of -s times s + 9/8, in two parts."""
    square, rest = split_square(xp, s)
    return exp_of_sum(xp, -0.5 * square - 0.6875, _log_mills(xp, s) - 0.5 * rest)


def _log_mills(xp: Any, s: Array) -> Array:
    """11/16 plus the logarithm of (s + 9/8)·exp(s²/2)·Φ(-s)."""
    return polynomial(tables.NDTR, onto_unit(xp, s, 0.0, 3.0))


def _near(xp: Any, x: Array) -> Array:
    """Φ(x) - ½, for x up to NEAR."""
    x = xp.clip(x, -NEAR, NEAR)
    return x * polynomial(tables.NDTR_NEAR, x * x * (2 / NEAR**2) - 1.0)


def log_ndtr(xp: Any, x: Array) -> Array:
    """log(ndtr(x)), accurate also where ndtr(x) rounds to 0 or 1."""
    dtype, x = double(xp, x)
    s = xp.maximum(abs(x), NEAR)
    below = ((_log_mills(xp, s) - xp.log(s + 1.125)) - 0.6875) - 0.5 * s * s
    near = 0.5 - _near(xp, abs(x))
    above = xp.log1p(-ndtr(xp, -abs(x)))
    below = xp.where(x > -NEAR, xp.log(near), below)
    return xp.where(x < 0, below, above).astype(dtype, copy=False)
