"""Airy's function Ai and its derivative, for every array library.

Both use ζ = ⅔|x|^(3/2) in two parts: above 1 as exp(-ζ), below -27/32 as an amplitude times a cosine.
"""

from typing import Any

from backends.generic.special_functions import tables
from backends.generic.special_functions.pairs import Pair, over, root, times
from backends.generic.special_functions.polynomials import onto_unit, raised
from backends.generic.special_functions.special import double, exp_of_sum, put
from backends.generic.special_functions.waves import Phase, wave
from backends.geometry import Array

TWO_THIRDS = 2 / 3, 3.700743415417188e-17
LOW, HIGH = -0.84375, 1.0  # polynomials between these
# For the function and for the derivative; the number before a polynomial is added to it.
NEAR = (0.3125, tables.AIRY_NEAR), (-0.1875, tables.AIRY_SLOPE_NEAR)
DECAY = (0.28125, tables.AIRY_DECAY), (-0.296875, tables.AIRY_SLOPE_DECAY)
AMPLITUDE = (0.5625, tables.AIRY_AMPLITUDE), (0.578125, tables.AIRY_SLOPE_AMPLITUDE)
PHASE = (
    Phase(0.5, 2.25, -0.0703125, tables.AIRY_PHASE, 2.25, 8.0, tables.AIRY_EXACT),
    Phase(0.5, 2.25, 0.09375, tables.AIRY_SLOPE_PHASE, 0.625, 3.5, tables.AIRY_SLOPE_EXACT),
)


def airy(xp: Any, x: Array, derivative: int) -> Array:
    """Ai(x) or Ai′(x)."""
    dtype, x = double(xp, x)
    value = xp.where(abs(x) == xp.inf, 0.0, x), xp.zeros_like(x)
    value = put(value, (x >= LOW) & (x <= HIGH), lambda x: _near(x, derivative), x)
    value = put(value, (x > HIGH) & (x < xp.inf), lambda x: _decay(xp, x, derivative), x)
    value = put(value, (x > -xp.inf) & (x < LOW), lambda s: _wave(xp, s, derivative), -x)
    return (value[0] + value[1]).astype(dtype, copy=False)


def _near(x: Array, derivative: int) -> Pair:
    return raised(*NEAR[derivative], (x - LOW) * (2 / (HIGH - LOW)) - 1.0)


def _decay(xp: Any, x: Array, derivative: int) -> Pair:
    zeta, fourth = _zeta(xp, xp.minimum(x, 200.0))
    bell = exp_of_sum(xp, -zeta[0], -zeta[1])
    value = times(bell, raised(*DECAY[derivative], onto_unit(xp, zeta[0], 2 / 3, 2.5)))
    return times(value, fourth) if derivative else over(value, fourth)


def _wave(xp: Any, s: Array, derivative: int) -> Pair:
    zeta, fourth = _zeta(xp, s)
    amplitude = raised(*AMPLITUDE[derivative], onto_unit(xp, zeta[0], 0.5, 2.25))
    value = times(wave(xp, zeta, PHASE[derivative], 1 + 2 * derivative), amplitude)
    return times(value, fourth) if derivative else over(value, fourth)


def _zeta(xp: Any, s: Array) -> tuple[Pair, Pair]:
    """ζ and |x|^¼."""
    first = root(xp, s)
    fourth, rest = root(xp, first[0])
    return times(times(first, (s, 0.0)), TWO_THIRDS), (fourth, rest + 0.5 * first[1] / fourth)
