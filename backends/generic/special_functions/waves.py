"""Cosines of phases, with full accuracy next to every zero."""

import math
from functools import partial
from typing import Any, NamedTuple

from backends.generic.special_functions.pairs import Pair, over, plus, two_sum
from backends.generic.special_functions.polynomials import onto_unit, raised, series
from backends.generic.special_functions.special import put
from backends.geometry import Array

# π/4 in parts of 26 bits, and the rest: multiples of the first parts up to `EXACT` are exact.
QUARTER_PI = 0.7853981554508209, 7.946627356147928e-09, 3.061616966026797e-17, 3.184158581755475e-25
EXACT = 2.0**26


class Phase(NamedTuple):
    """A phase to add to an angle a >= low, multiplied by a: a number plus a polynomial in `onto_unit(a)`.

    The second polynomial, in two parts, has twice as many digits.
    """

    low: float
    middle: float
    number: float
    table: tuple[float, ...]
    exact_low: float
    exact_middle: float
    exact: tuple[tuple[float, ...], tuple[float, ...]]


def wave(xp: Any, angle: Pair, phase: Phase, eighths: int) -> Pair:
    """cos(a + phase / a - eighths·π/4), with a and the result in two parts; computed more exactly near zeros."""
    shift = raised(phase.number, phase.table, onto_unit(xp, angle[0], phase.low, phase.middle))
    shift = over(shift, (xp.minimum(angle[0], 1e290), angle[1]))  # products of parts must not overflow
    head, rest = cosine(xp, plus(angle, shift), eighths)
    near = (abs(head) * angle[0] < 2.0**-5) & (angle[0] >= phase.exact_low)

    def again(*angle: Array) -> Pair:
        middle = phase.exact_middle
        t = over(plus(angle, (-middle, 0.0)), plus(angle, (middle - 2.0 * phase.exact_low, 0.0)))
        return cosine(xp, plus(angle, over(series(*phase.exact, t), angle)), eighths)

    return put((head, rest), near, again, *angle)


def cosine(xp: Any, angle: Pair, eighths: int) -> Pair:
    """cos(angle - eighths·π/4), with angle and result in two parts."""
    head, rest = put(angle, angle[0] > EXACT, partial(unwound, xp), *angle)
    turns = xp.round(head * (2 / math.pi) - 0.5 * eighths)
    count = 2.0 * turns + eighths
    for part in QUARTER_PI:
        head, lost = two_sum(head, -part * count)
        rest = rest + lost
    head, rest = two_sum(head, rest)
    quarter = turns.astype(xp.int64) & 3
    first, second = xp.cos(head), xp.sin(head)
    odd, sign = quarter & 1 != 0, xp.where((quarter + 1) & 2 != 0, -1.0, 1.0)
    return sign * xp.where(odd, second, first), sign * rest * xp.where(odd, first, -second)


def unwound(xp: Any, x: Array, rest: Array) -> Pair:
    """The angle x + rest, modulo full turns.

    The library's sine and cosine give x modulo full turns to 53 bits; those of a multiple of x give as many more.
    """
    many = xp.where(x < 1e290, 2.0**48, 1.0)
    first = xp.arctan2(xp.sin(x), xp.cos(x))
    a, b = many * x, many * first
    sine = xp.sin(a) * xp.cos(b) - xp.cos(a) * xp.sin(b)
    cosine = xp.cos(a) * xp.cos(b) + xp.sin(a) * xp.sin(b)
    return two_sum(first, rest + xp.arctan2(sine, cosine) / many)
