"""Airy's function Ai and its derivative, for every array library.

Both are in terms of ζ = ⅔x^(3/2): above 0 of exp(-ζ), below of the sine and cosine of ζ - ¼π, with ζ in two parts.
Errors: above 0 within 2 units in the last place, below within 3 units of the amplitude.
"""

import math
from typing import Any

from backends.generic import tables
from backends.generic.pairs import quotient, root, times
from backends.generic.polynomials import onto_unit, polynomial, raised
from backends.generic.special import double, exp_of_sum
from backends.geometry import Array

TWO_THIRDS = 2 / 3, 3.700743415417188e-17
# Of the function and of the derivative: below 0, from there to 1, beyond, and what cosine and sine are multiplied with.
MIDDLE = (0.375, tables.AIRY_MIDDLE), (0.0, tables.AIRY_SLOPE_MIDDLE)
NEAR = (0.25, tables.AIRY_NEAR), (-0.21875, tables.AIRY_SLOPE_NEAR)
DECAY = (0.28125, tables.AIRY_DECAY), (-0.296875, tables.AIRY_SLOPE_DECAY)
WAVES = (tables.AIRY_COSINE, tables.AIRY_SINE), (tables.AIRY_SLOPE_COSINE, tables.AIRY_SLOPE_SINE)
WAVES_FROM = 2.125


def airy(xp: Any, x: Array, derivative: int) -> Array:
    """Ai(x) or Ai′(x)."""
    dtype, x = double(xp, x)
    near = sum(raised(*NEAR[derivative], 2.0 * xp.clip(x, 0.0, 1.0) - 1.0))
    above = xp.where(x < 1.0, near, _decay(xp, xp.clip(x, 1.0, 200.0), derivative))
    middle = sum(raised(*MIDDLE[derivative], xp.clip(x, -WAVES_FROM, 0.0) * (2.0 / WAVES_FROM) + 1.0))
    below = xp.where(x > -WAVES_FROM, middle, _wave(xp, xp.maximum(-x, WAVES_FROM), derivative))
    return xp.where(x < 0.0, below, above).astype(dtype, copy=False)


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
    (zeta, rest), (fourth, _) = _zeta(xp, x)
    cosine, sine = xp.cos(zeta), xp.sin(zeta)
    cosine, sine = cosine - sine * rest, sine + cosine * rest
    t = onto_unit(xp, zeta, 2.0, 5.0)
    even, odd = (polynomial(table, t) for table in WAVES[derivative])
    wave = ((cosine + sine) * even + (sine - cosine) * odd) * math.sqrt(0.5)
    return wave * fourth if derivative else wave / fourth
