"""Airy's function Ai and its derivative, for every array library.

Both are in terms of ζ = ⅔|x|^(3/2) in two parts: above 1 of exp(-ζ), below -27/32 an amplitude times a cosine.
"""

from typing import Any

from backends.generic import tables
from backends.generic.pairs import over, plus, quotient, root, times
from backends.generic.polynomials import onto_unit, raised
from backends.generic.special import double, exp_of_sum, put
from backends.generic.waves import cosine
from backends.geometry import Array

TWO_THIRDS = 2 / 3, 3.700743415417188e-17
LOW, HIGH = -0.84375, 1.0  # between, they are polynomials
# Of the function and of the derivative, before each polynomial the number that it is added to.
NEAR = (0.3125, tables.AIRY_NEAR), (-0.1875, tables.AIRY_SLOPE_NEAR)
DECAY = (0.28125, tables.AIRY_DECAY), (-0.296875, tables.AIRY_SLOPE_DECAY)
AMPLITUDE = (0.5625, tables.AIRY_AMPLITUDE), (0.578125, tables.AIRY_SLOPE_AMPLITUDE)
PHASE = (-0.0703125, tables.AIRY_PHASE), (0.09375, tables.AIRY_SLOPE_PHASE)


def airy(xp: Any, x: Array, derivative: int) -> Array:
    """Ai(x) or Ai′(x)."""
    dtype, x = double(xp, x)
    result = xp.where(abs(x) < xp.inf, x, 0.0)
    result = put(result, (x >= LOW) & (x <= HIGH), lambda x: _near(x, derivative), x)
    result = put(result, (x > HIGH) & (x < xp.inf), lambda x: _decay(xp, xp.minimum(x, 200.0), derivative), x)
    result = put(result, (x > -xp.inf) & (x < LOW), lambda x: _wave(xp, -x, derivative), x)
    return result.astype(dtype, copy=False)


def _near(x: Array, derivative: int) -> Array:
    return sum(raised(*NEAR[derivative], (x - LOW) * (2 / (HIGH - LOW)) - 1.0))


def _zeta(xp: Any, x: Array) -> tuple[tuple[Array, Array], tuple[Array, Array]]:
    """ζ and x^¼, both in two parts."""
    first = root(xp, x)
    fourth, rest = root(xp, first[0])
    return times(times(first, (x, 0.0)), TWO_THIRDS), (fourth, rest + 0.5 * first[1] / fourth)


def _decay(xp: Any, x: Array, derivative: int) -> Array:
    (zeta, rest), fourth = _zeta(xp, x)
    bell = exp_of_sum(xp, -zeta, -rest)
    value = times(bell, raised(*DECAY[derivative], onto_unit(xp, zeta, 2 / 3, 2.5)))
    return sum(times(value, fourth)) if derivative else quotient(*value, *fourth)


def _wave(xp: Any, x: Array, derivative: int) -> Array:
    zeta, fourth = _zeta(xp, x)
    t = onto_unit(xp, zeta[0], 0.5, 2.25)
    angle = plus(zeta, over(raised(*PHASE[derivative], t), zeta))
    value = times(cosine(xp, angle, 1 + 2 * derivative), raised(*AMPLITUDE[derivative], t))
    return sum(times(value, fourth)) if derivative else quotient(*value, *fourth)
