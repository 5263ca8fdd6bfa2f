"""Bessel functions J and Y of orders 0 and 1, and the derivatives of order 1, for every array library.

Up to ¾ polynomials and a logarithm; beyond, J and Y are an amplitude times the cosine and sine of one phase.
"""

import math
from typing import Any

from backends.generic import tables
from backends.generic.pairs import over, plus, quotient, root, times, two_sum
from backends.generic.polynomials import onto_unit, polynomial, raised
from backends.generic.special import double, put
from backends.generic.waves import cosine
from backends.geometry import Array

CUT = 0.75
# Of orders 0 and 1; the third is the derivative of order 1. A number before a polynomial is added to it.
J_NEAR = (0.9375, tables.J0_NEAR), (0.484375, tables.J1_NEAR)
Y_NEAR = tables.Y0_NEAR, tables.Y1_NEAR
AMPLITUDE = (
    (0.796875, tables.BESSEL0_AMPLITUDE),
    (0.8125, tables.BESSEL1_AMPLITUDE),
    (0.875, tables.BESSEL1_SLOPE_AMPLITUDE),
)
PHASE = (-0.125, tables.BESSEL0_PHASE), (0.375, tables.BESSEL1_PHASE), (0.875, tables.BESSEL1_SLOPE_PHASE)
EIGHTHS, MIDDLE = (1, 3, 1), (3.0, 3.0, 2.25)
TWO_OVER_PI = 0.6366197723675814, -3.935735335036497e-17


def bessel_j(xp: Any, x: Array, kind: int) -> Array:
    """J of order 0 or 1, or with 2 the derivative of order 1."""
    dtype, x = double(xp, x)
    s = abs(x)
    result = put(xp.where(s < xp.inf, x, 0.0), s <= CUT, lambda s: sum(_near_j(s, kind)), s)
    result = put(result, (s > CUT) & (s < xp.inf), lambda s: _wave(xp, s, kind, EIGHTHS[kind]), s)
    return (xp.sign(x) * result if kind == 1 else result).astype(dtype, copy=False)


def bessel_y(xp: Any, x: Array, kind: int) -> Array:
    """Y of order 0 or 1, or with 2 the derivative of order 1; infinite at 0, NaN below."""
    dtype, x = double(xp, x)
    result = xp.where(x == 0, xp.inf if kind == 2 else -xp.inf, xp.where(x == xp.inf, 0.0, xp.nan))
    result = put(result, (x > 0) & (x <= CUT), lambda x: _near_y(xp, x, kind), x)
    result = put(result, (x > CUT) & (x < xp.inf), lambda x: _wave(xp, x, kind, EIGHTHS[kind] + 2), x)
    return result.astype(dtype, copy=False)


def _near_j(s: Array, kind: int) -> tuple[Array, Array]:
    zero, one = (raised(middle, table, _squares(s)) for middle, table in J_NEAR)
    if kind == 2:
        return plus(zero, (-one[0], -one[1]))
    return times(one, (s, 0.0)) if kind else zero


def _near_y(xp: Any, s: Array, kind: int) -> Array:
    if kind == 2:
        return _near_y(xp, s, 0) - _near_y(xp, s, 1) / s
    head, rest = times(times((xp.log(s), 0.0), TWO_OVER_PI), _near_j(s, kind))
    even = polynomial(Y_NEAR[kind], _squares(s))
    head, lost = two_sum(head, even * s if kind else even)
    near = head + (lost + rest)
    return near - (2 / math.pi) / s if kind else near


def _squares(s: Array) -> Array:
    """The squares from 0 to that of CUT, as [-1, 1]."""
    return s * s * (2.0 / CUT**2) - 1.0


def _wave(xp: Any, x: Array, kind: int, eighths: int) -> Array:
    """Amplitude / √x times the cosine of x + phase / x - eighths·π/4."""
    t, near = onto_unit(xp, x, CUT, MIDDLE[kind]), xp.minimum(x, 1e150)
    angle = plus((x, 0.0), over(raised(*PHASE[kind], t), (near, 0.0)))
    return quotient(*times(cosine(xp, angle, eighths), raised(*AMPLITUDE[kind], t)), *root(xp, x))
