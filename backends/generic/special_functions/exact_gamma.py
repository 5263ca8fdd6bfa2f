"""log Γ and its derivative below 0 with twice the digits, for use near their zeros."""

from math import factorial
from typing import Any

from backends.generic.special_functions.pairs import PI, Pair, over, plus, times, two_sum
from backends.generic.special_functions.polynomials import exactly, powers
from backends.geometry import Array

# B₂, B₄, ... as numerators and denominators.
BERNOULLI = (
    (1, 6), (-1, 30), (1, 42), (-1, 30), (5, 66), (-691, 2730), (7, 6), (-3617, 510), (43867, 798), (-174611, 330),
    (854513, 138), (-236364091, 2730), (8553103, 6), (-23749461029, 870), (8615841276005, 14322),
    (-7709321041217, 510), (2577687858367, 6), (-26315271553053477373, 1919190),
)  # fmt: skip
FROM = 20  # from here Stirling's series is accurate enough
LOG_2 = 0.6931471805592082, 7.371002565161996e-13, 5.8029889835956905e-25  # the first two have 40 bits
HALF_LOG_TWO_PI = 0.9189385332046728, -3.8782941580672414e-17


def log(xp: Any, a: Pair) -> Pair:
    """The logarithm, by the series of artanh (m - 1) / (m + 1) = ½ log m."""
    _, exponent = xp.frexp(a[0] * 0.7071067811865476)
    m = xp.ldexp(a[0], -exponent), xp.ldexp(a[1], -exponent)
    f = over(plus(m, (-1.0, 0.0)), plus(m, (1.0, 0.0)))
    series = powers([exactly(2, k) for k in range(45, 0, -2)], times(f, f))
    head, rest = two_sum(exponent * LOG_2[0], exponent * LOG_2[1])
    return plus((head, rest + exponent * LOG_2[2]), times(f, series))


def exact_lgamma(xp: Any, x: Array) -> Pair:
    """log |Γ(x)| for x >= -24, by Stirling's series and Γ(x + 1) = x·Γ(x)."""
    steps = FROM + 24
    below = (x, 0.0 * x)
    for k in range(1, steps):
        below = times(below, two_sum(x, float(k)))
    sign = xp.sign(below[0])
    y = two_sum(x, float(steps))
    value = times(plus(y, (-0.5, 0.0)), log(xp, y))
    value = plus(plus(value, (-y[0], -y[1])), HALF_LOG_TWO_PI)
    one = over((1.0, 0.0), y)
    terms = [exactly(b, d * 2 * k * (2 * k - 1)) for k, (b, d) in reversed(list(enumerate(BERNOULLI, 1)))]
    value = plus(value, times(powers(terms, times(one, one)), one))
    less = log(xp, (sign * below[0], sign * below[1]))
    return plus(value, (-less[0], -less[1]))


def exact_digamma(xp: Any, s: Array) -> Pair:
    """ψ(-s) = ψ(1 + s) + π / tan πs."""
    r = s - xp.round(s)
    angle = times(PI, (r, 0.0))
    square = times(angle, angle)
    square = -square[0], -square[1]
    cosine, sine = (powers([exactly(1, factorial(2 * k + odd)) for k in range(18, -1, -1)], square) for odd in (0, 1))
    value = over(cosine, times(sine, (r, 0.0)))
    y = two_sum(s, float(FROM + 1))
    one = over((1.0, 0.0), y)
    terms = [exactly(-b, d * 2 * k) for k, (b, d) in reversed(list(enumerate(BERNOULLI, 1)))]
    square = times(one, one)
    value = plus(value, plus(log(xp, y), (-0.5 * one[0], -0.5 * one[1])))
    value = plus(value, times(powers(terms, square), square))
    for k in range(1, FROM + 1):
        less = over((1.0, 0.0), two_sum(s, float(k)))
        value = plus(value, (-less[0], -less[1]))
    return value
