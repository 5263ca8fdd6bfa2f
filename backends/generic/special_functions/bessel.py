"""Bessel functions J and Y of orders 0 and 1, and the derivatives of order 1, for every array library.

Up to ¾, polynomials and a logarithm; beyond, J and Y are an amplitude times the cosine and sine of one phase.
"""

import math
from typing import Any

from backends.generic.special_functions import tables
from backends.generic.special_functions.pairs import Pair, over, plus, root, times
from backends.generic.special_functions.polynomials import onto_unit, polynomial, raised
from backends.generic.special_functions.special import double, put
from backends.generic.special_functions.waves import Phase, wave
from backends.geometry import Array

CUT = 0.75
# For orders 0 and 1 and for the derivative of order 1. The number before a polynomial is added to it.
J_NEAR = (0.9375, tables.J0_NEAR), (0.484375, tables.J1_NEAR)
Y_NEAR = tables.Y0_NEAR, tables.Y1_NEAR
AMPLITUDE: tuple[tuple[float, tuple[float, ...]], ...] = (
    (0.796875, tables.BESSEL0_AMPLITUDE),
    (0.8125, tables.BESSEL1_AMPLITUDE),
    (0.875, tables.BESSEL1_SLOPE_AMPLITUDE),
)
PHASE = (
    Phase(CUT, 3.0, -0.125, tables.BESSEL0_PHASE, 0.875, 4.0, tables.BESSEL0_EXACT),
    Phase(CUT, 3.0, 0.375, tables.BESSEL1_PHASE, 2.0, 8.0, tables.BESSEL1_EXACT),
    Phase(CUT, 2.25, 0.875, tables.BESSEL1_SLOPE_PHASE, 1.75, 6.0, tables.BESSEL1_SLOPE_EXACT),
)
EIGHTHS = 1, 3, 1
TWO_OVER_PI = 0.6366197723675814, -3.935735335036497e-17


def bessel_j(xp: Any, x: Array, kind: int) -> Array:
    """J of order 0 or 1; order 2 stands for the derivative of order 1."""
    dtype, x = double(xp, x)
    s = abs(x)
    value = xp.where(s == xp.inf, 0.0, x), xp.zeros_like(x)
    value = put(value, s <= CUT, lambda s: _near_j(s, kind), s)
    value = put(value, (s > CUT) & (s < xp.inf), lambda s: _wave(xp, s, kind, EIGHTHS[kind]), s)
    total = value[0] + value[1]
    return (xp.copysign(1.0, x) * total if kind == 1 else total).astype(dtype, copy=False)


def bessel_y(xp: Any, x: Array, kind: int) -> Array:
    """Y of order 0 or 1; order 2 stands for the derivative of order 1. Infinite at 0, NaN below."""
    dtype, x = double(xp, x)
    ends = xp.where(x == 0, xp.inf if kind == 2 else -xp.inf, xp.where(x == xp.inf, 0.0, xp.nan))
    value = put((ends, xp.zeros_like(x)), (x > 0) & (x <= CUT), lambda x: _near_y(xp, x, kind), x)
    value = put(value, (x > CUT) & (x < xp.inf), lambda x: _wave(xp, x, kind, EIGHTHS[kind] + 2), x)
    return (value[0] + value[1]).astype(dtype, copy=False)


def _near_j(s: Array, kind: int) -> Pair:
    zero, one = raised(*J_NEAR[0], _squares(s)), raised(*J_NEAR[1], _squares(s))
    if kind == 2:
        return plus(zero, (-one[0], -one[1]))
    return times(one, (s, 0.0)) if kind else zero


def _near_y(xp: Any, s: Array, kind: int) -> Pair:
    if kind == 2:
        return sum(_near_y(xp, s, 0)) - sum(_near_y(xp, s, 1)) / s, 0.0 * s
    value = times(times((xp.log(s), 0.0), TWO_OVER_PI), _near_j(s, kind))
    even = polynomial(Y_NEAR[kind], _squares(s))
    value = plus(value, (even * s if kind else even, 0.0))
    return (sum(value) - (2 / math.pi) / s, 0.0 * s) if kind else value


def _squares(s: Array) -> Array:
    """x² in [0, CUT²], mapped to [-1, 1]."""
    return s * s * (2.0 / CUT**2) - 1.0


def _wave(xp: Any, x: Array, kind: int, eighths: int) -> Pair:
    """Amplitude / √x times the cosine of x + phase / x - eighths·π/4."""
    phase = PHASE[kind]
    amplitude = raised(*AMPLITUDE[kind], onto_unit(xp, x, phase.low, phase.middle))
    return over(times(wave(xp, (x, xp.zeros_like(x)), phase, eighths), amplitude), root(xp, x))
