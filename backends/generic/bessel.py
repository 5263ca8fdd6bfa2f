"""Bessel functions J and Y of orders 0 and 1, for every array library.

Up to 5 a polynomial, times the distance from the zero there; beyond, what the sine and cosine of x are multiplied with.
Errors: J up to 5 within 2 units in the last place; otherwise J within 3, Y within 5 units of the amplitude.
"""

import math
from typing import Any

from backends.generic import tables
from backends.generic.pairs import product, quotient, times, two_sum
from backends.generic.polynomials import onto_unit, polynomial, raised
from backends.generic.special import double
from backends.geometry import Array

CUT, LARGEST = 5.0, 1.7e308
J_NEAR, Y_NEAR = (tables.J0_NEAR, tables.J1_NEAR), (tables.Y0_NEAR, tables.Y1_NEAR)
WAVES = (tables.BESSEL0_COSINE, tables.BESSEL0_SINE), (tables.BESSEL1_COSINE, tables.BESSEL1_SINE)
J_MIDDLE = -0.125, -0.03125
# Where J of order 0 and 1 is 0, and 2/π, in two parts.
ZEROS = (2.404825557695773, -1.176691651530894e-16), (3.8317059702075125, -1.5269184090088067e-16)
TWO_OVER_PI = 0.6366197723675814, -3.935735335036497e-17


def bessel_j(xp: Any, x: Array, order: int) -> Array:
    """J of order 0 or 1."""
    dtype, x = double(xp, x)
    s = abs(x)
    far = xp.where(s < xp.inf, _waves(xp, s, order)[0], 0.0)
    result = xp.where(s > CUT, far, sum(_near_j(xp.minimum(s, CUT), order)))
    result = xp.where(xp.isnan(x), x, result)
    return (xp.sign(x) * result if order else result).astype(dtype, copy=False)


def bessel_y(xp: Any, x: Array, order: int) -> Array:
    """Y of order 0 or 1; -inf at 0, NaN below."""
    dtype, x = double(xp, x)
    s = xp.clip(x, 5e-324, CUT)
    head, rest = times(times((xp.log(s), 0.0), TWO_OVER_PI), _near_j(s, order))
    even = polynomial(Y_NEAR[order], _squares(s))
    head, lost = two_sum(head, even * s if order else even)
    near = head + (lost + rest)
    if order:
        near = near - (2 / math.pi) / s
    far = xp.where(x < xp.inf, _waves(xp, x, order)[1], 0.0)
    result = xp.where(x > CUT, far, near)
    return xp.where(x > 0, result, xp.where(x == 0, -xp.inf, xp.nan)).astype(dtype, copy=False)


def _near_j(s: Array, order: int) -> tuple[Array, Array]:
    """J up to CUT in two parts, with all its digits next to its zero."""
    zero, lacking = ZEROS[order]
    below, above = two_sum(s, -zero), two_sum(s, zero)
    value = raised(J_MIDDLE[order], J_NEAR[order], _squares(s))
    value = times(times(value, (below[0], below[1] - lacking)), (above[0], above[1] + lacking))
    if order:
        value = times(value, (s, 0.0))
    square, rest = product(s, s / 8.0)
    divisor, lacking = two_sum(square, 1.0)
    head = value[0] / divisor
    return head, quotient(*value, divisor, lacking + rest) - head


def _squares(s: Array) -> Array:
    """The squares from 0 to that of CUT, as [-1, 1]."""
    return s * s * (2.0 / CUT**2) - 1.0


def _waves(xp: Any, x: Array, order: int) -> tuple[Array, Array]:
    """J and Y from CUT on: their amplitude falls like 1 / √x."""
    x = xp.clip(x, CUT, LARGEST)
    cosine, sine = xp.cos(x), xp.sin(x)
    even, odd = (polynomial(table, onto_unit(xp, x, CUT, 12.0)) for table in WAVES[order])
    turned, other = sine - cosine, sine + cosine
    root = xp.sqrt(x)
    first, second = (even * other - odd * turned) / root, (even * turned + odd * other) / root
    return (second, -first) if order else (first, second)
