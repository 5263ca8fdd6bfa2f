"""Cosines of large phases in two parts, which keep their digits next to every zero."""

import math
from typing import Any

from backends.generic.pairs import two_sum
from backends.geometry import Array

# π/4 in parts of 26 bits, and the rest: multiples of the first ones up to `EXACT` are exact.
QUARTER_PI = 0.7853981554508209, 7.946627356147928e-09, 3.061616966026797e-17, 3.184158581755475e-25
EXACT = 2.0**26


def cosine(xp: Any, angle: tuple[Array, Array], eighths: int) -> tuple[Array, Array]:
    """cos(angle - eighths·π/4) of an angle in two parts, from 0 on, and an odd number of eighths of a turn; in two."""
    head, rest = angle
    if (head > EXACT).any():
        head, rest = two_sum(*unwound(xp, head, rest))
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


def unwound(xp: Any, x: Array, rest: Array) -> tuple[Array, Array]:
    """The angle x + rest without its full turns.

    The library's sine and cosine know x without them to 53 bits, and a multiple of x too, which tells as many more.
    """
    many = xp.where(x < 1e290, 2.0**48, 1.0)
    first = xp.arctan2(xp.sin(x), xp.cos(x))
    a, b = many * x, many * first
    sine = xp.sin(a) * xp.cos(b) - xp.cos(a) * xp.sin(b)
    cosine = xp.cos(a) * xp.cos(b) + xp.sin(a) * xp.sin(b)
    far = x > EXACT
    return xp.where(far, first, x), rest + xp.where(far, xp.arctan2(sine, cosine) / many, 0.0)
