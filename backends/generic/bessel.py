"""Bessel functions J and Y of orders 0 and 1, for every array library.

Up to 5 a polynomial, times the distance from the zero there; beyond, what the sine and cosine of x are multiplied with.
"""

import math
from typing import Any

from backends.generic import tables
from backends.generic.pairs import distance
from backends.generic.polynomials import onto_unit, polynomial
from backends.generic.special import double
from backends.geometry import Array

CUT, LARGEST = 5.0, 1.7e308
J_NEAR, Y_NEAR = (tables.J0_NEAR, tables.J1_NEAR), (tables.Y0_NEAR, tables.Y1_NEAR)
WAVES = (tables.BESSEL0_COSINE, tables.BESSEL0_SINE), (tables.BESSEL1_COSINE, tables.BESSEL1_SINE)
# Where J of order 0 and 1 is 0.
ZEROS = (
    (2.404825448989868, 1.087059047222283e-07, -1.176691651530894e-16),
    (3.8317060470581055, -7.685059300044372e-08, -1.5269184090088067e-16),
)


def bessel_j(xp: Any, x: Array, order: int) -> Array:
    """J of order 0 or 1."""
    dtype, x = double(xp, x)
    s = abs(x)
    far = xp.where(s < xp.inf, _waves(xp, s, order)[0], 0.0)
    result = xp.where(s > CUT, far, _near_j(xp, xp.minimum(s, CUT), order))
    result = xp.where(xp.isnan(x), x, result)
    return (xp.sign(x) * result if order else result).astype(dtype, copy=False)


def bessel_y(xp: Any, x: Array, order: int) -> Array:
    """Y of order 0 or 1; -inf at 0, NaN below."""
    dtype, x = double(xp, x)
    s = xp.clip(x, 5e-324, CUT)
    near = polynomial(Y_NEAR[order], _squares(s))
    if order:
        near = near * s - (2 / math.pi) / s
    near = near + (2 / math.pi) * xp.log(s) * _near_j(xp, s, order)
    far = xp.where(x < xp.inf, _waves(xp, x, order)[1], 0.0)
    result = xp.where(x > CUT, far, near)
    return xp.where(x > 0, result, xp.where(x == 0, -xp.inf, xp.nan)).astype(dtype, copy=False)


def _near_j(xp: Any, s: Array, order: int) -> Array:
    zero = ZEROS[order]
    result = polynomial(J_NEAR[order], _squares(s)) * -distance(zero, s) * (s + (zero[0] + zero[1]))
    return s * result if order else result


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
