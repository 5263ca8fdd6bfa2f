"""The logarithm of the gamma function and its first two derivatives, with full accuracy near their zeros.

Below 0 they use the reflection Γ(x)·Γ(1 - x) = π / sin πx; where this cancels, they are computed again in two parts.
"""

import math
from collections.abc import Callable
from functools import partial
from typing import Any

from backends.generic.special_functions import pairs, tables
from backends.generic.special_functions.exact_gamma import BERNOULLI, exact_digamma, exact_lgamma
from backends.generic.special_functions.pairs import PI, Pair, over, plus, product, quotient, times, two_sum
from backends.generic.special_functions.polynomials import onto_unit, polynomial
from backends.generic.special_functions.special import FAR, double, put
from backends.geometry import Array

# 1 - γ, then (-1)^k (ζ(k) - 1) / k for k = 2, 3, ...: the Taylor series of log Γ(2 + z) / z (Abramowitz and Stegun
# 6.1.33). From k = 12 on, ζ is a short sum.
TWO = (
    0.42278433509846713, 0.3224670334241132, -0.0673523010531981, 0.020580808427784546, -0.007385551028673986,
    0.0028905103307415234, -0.001192753911703261, 0.0005096695247430425, -0.00022315475845357939, 9.945751278180853e-05,
    -4.492623673813314e-05,
    *((-1) ** k * math.fsum(float(n) ** -k for n in range(40, 1, -1)) / k for k in range(12, 39)),
)  # fmt: skip
# The rounding error of 1 - γ, and minus that of γ.
REST = 4.942915152430645e-18
# The series of log Γ(1 + z) / z, which differs by that of log(1 + z).
ONE = (-0.5772156649015329, *(c + (-1) ** k / k for k, c in enumerate(TWO[1:], 2)))


HALF_LOG_TWO_PI = 0.4189385332046727, 1.6728209650585413e-17  # minus ½
# The zero of the digamma function, and this zero minus 1, for `pairs.distance`.
ZERO = 1.4616321325302124, 1.2438149843418955e-08, 9.549995429965697e-17


TINY = 1e-150  # below this only 1 / x remains


def lgamma(xp: Any, x: Array) -> Array:
    """log |Γ(x)|, infinite at its poles."""
    dtype, x = double(xp, x)
    return _reflected(xp, x, _lgamma_above(xp, x), _lgamma_below).astype(dtype, copy=False)


def _lgamma_above(xp: Any, x: Array) -> Pair:
    value = xp.where(xp.isnan(x), x, xp.inf), xp.zeros_like(x)
    value = put(value, (x > 0) & (x < 2.5), partial(_near_lgamma, xp), x)
    return put(value, (x >= 2.5) & (x < xp.inf), partial(_stirling, xp), x)


def _near_lgamma(xp: Any, x: Array) -> Pair:
    small, middle = x < 0.5, x < 1.375
    z = xp.where(small, x, xp.where(middle, x - 1.0, x - 2.0))
    around_one = _times_series(ONE, xp.clip(z, -0.375, 0.375))
    around_two = _times_series(TWO, z)
    # Γ(x + 1) = x Γ(x) connects the two where neither logarithm cancels.
    shifted = around_two - xp.where(small, xp.log(x) + xp.log1p(x), xp.log(xp.where(middle, x, 1.0)))
    near = xp.where((x > 0.75) & middle, around_one, shifted) + 0.0  # 0 at 1, not -0
    low = xp.clip(x, 1.25, 1.75)
    return xp.where(low == x, polynomial(tables.LGAMMA_LOW, (low - 1.5) * 4.0) - 0.125, near), 0.0 * x


def _lgamma_below(xp: Any, s: Array) -> Pair:
    """-log(sin πs / π) - log Γ(1 + s); its zeros from 2.4 on soon lie closer to integers than floats can."""
    large, lost = two_sum(xp.maximum(s, TINY), 1.0)
    sine = over(_sine(xp, xp.maximum(s, TINY)), PI)
    gamma = sum(_lgamma_above(xp, large)) + lost * xp.log(large)
    head, rest = pairs.log(xp, sine[0])
    total, more = two_sum(head, gamma)
    value = xp.where(s < TINY, -xp.log(s), -(total + (more + rest + sine[1] / sine[0])))
    near = (abs(value) < 0.5 * gamma) & (s < 24.0) & (s > 2.25)
    return put((value, 0.0 * s), near, partial(exact_lgamma, xp), -s)


def _angle(xp: Any, x: Array) -> Pair:
    """πx minus the nearest multiple of π."""
    return times(PI, (x - xp.round(x), 0.0))


def _sine(xp: Any, x: Array) -> Pair:
    """|sin πx|"""
    head, rest = _angle(xp, x)
    sine = xp.sin(head)
    return abs(sine), xp.sign(sine) * rest * xp.cos(head)


def _reflected(xp: Any, x: Array, value: Pair, below: Callable[[Any, Array], Pair]) -> Array:
    """The value; between negative integers, `below` of -x."""
    head, rest = put(value, (x < 0) & (x > -xp.inf) & (x != xp.round(x)), partial(below, xp), -x)
    return head + rest


def _stirling(xp: Any, x: Array) -> Pair:
    """(x - ½)(log x - 1) + ½ log 2π - ½ + p / x, for x >= 2.5; from 8 on with the library's logarithm."""
    s = xp.minimum(x, 1e290)
    logarithm, rest = put((xp.log(s), xp.zeros_like(s)), s < 8.0, partial(pairs.log, xp), s)
    less, less_rest = two_sum(logarithm, -1.0)
    head, head_rest = product(s - 0.5, less)
    head_rest += (s - 0.5) * (less_rest + rest)
    total, total_rest = two_sum(head, HALF_LOG_TWO_PI[0])
    p = polynomial(tables.LGAMMA, onto_unit(xp, s, 2.5, 6.0)) / s
    value = total, total_rest + (head_rest + HALF_LOG_TWO_PI[1] + p)
    return put(value, x > s, lambda x: (x * (xp.log(x) - 1.0), 0.0 * x), x)


def _times_series(series: tuple[float, ...], z: Array) -> Array:
    """z times the series, whose first term is in two parts."""
    head, rest = product(z, series[0])
    return head + (rest + z * (REST + z * polynomial(series[1:], z)))


def digamma(xp: Any, x: Array) -> Array:
    """The derivative of log Γ(x), NaN at negative integers."""
    dtype, x = double(xp, x)
    return _reflected(xp, x, _digamma_above(xp, x), _digamma_below).astype(dtype, copy=False)


def _digamma_above(xp: Any, x: Array) -> Pair:
    ends = xp.where(x == 0, xp.copysign(xp.inf, -x), xp.where(x == xp.inf, x, xp.nan))
    value = put((ends, xp.zeros_like(x)), (x > 0) & (x < 2.5), partial(_near_digamma, xp), x)
    return put(value, (x >= 2.5) & (x < xp.inf), partial(_far_digamma, xp), x)


def _near_digamma(xp: Any, x: Array) -> Pair:
    small = x < 1.0
    slope = polynomial(tables.DIGAMMA_NEAR, (xp.where(small, x + 1.0, x) - 1.75) / 0.75)
    near = (((x - xp.where(small, ZERO[0] - 1.0, ZERO[0])) - ZERO[1]) - ZERO[2]) * slope
    return xp.where(small, near - 1.0 / x, near), 0.0 * x


def _far_digamma(xp: Any, x: Array) -> Pair:
    return xp.log(x), -(0.5 + polynomial(tables.DIGAMMA, onto_unit(xp, x, 2.5, 6.0))) / x


def _digamma_below(xp: Any, s: Array) -> Pair:
    """ψ(1 + s) + π / tan πs"""
    large, lost = two_sum(s, 1.0)
    other = put(_digamma_above(xp, large), large >= 2.5, partial(_finer_digamma, xp), large, lost)
    angle, rest = _angle(xp, xp.maximum(s, TINY))
    tangent = xp.tan(angle)
    head, rest = plus(over(PI, (tangent, rest * (1.0 + tangent * tangent))), other)
    near = abs(head) < xp.where(large < 2.5, 0.5, 0.5 * other[0])
    return put((xp.where(s < TINY, 1.0 / s, head), xp.where(s < TINY, 0.0, rest)), near, partial(exact_digamma, xp), s)


def _finer_digamma(xp: Any, x: Array, lost: Array) -> Pair:
    """The digamma function of a number in two parts, with a more accurate logarithm."""
    head, rest = pairs.log(xp, x)
    return head, rest + (_far_digamma(xp, x)[1] + lost * (1.0 + 0.5 / x) / x)


def trigamma(xp: Any, x: Array) -> Array:
    """The derivative of `digamma`, infinite at its poles."""
    dtype, x = double(xp, x)
    ends = xp.where(x == xp.inf, 0.0, xp.where(xp.isnan(x), x, xp.inf))
    value = put((ends, xp.zeros_like(x)), (x > 0) & (x < xp.inf), partial(_trigamma_above, xp), x)
    return _reflected(xp, x, value, _trigamma_below).astype(dtype, copy=False)


def _trigamma_above(xp: Any, x: Array) -> Pair:
    small = x < 1.0
    s = xp.where(small, x + 1.0, x)
    p = polynomial(tables.TRIGAMMA, onto_unit(xp, s, 1.0, 2.5))
    value = 1.25 + p
    value = quotient(value, p - (value - 1.25), xp.minimum(s, FAR)) * (FAR / xp.maximum(s, FAR))
    last = xp.where(small, x, xp.inf)
    return value, 1.0 / (last * last)


def _trigamma_below(xp: Any, s: Array) -> Pair:
    """(π / sin πs)² - ψ′(1 + s)"""
    inverse = over(PI, _sine(xp, xp.maximum(s, TINY)))
    head, rest = times(inverse, inverse)
    return xp.where(s < TINY, xp.inf, head), rest - sum(_trigamma_above(xp, 1.0 + s))


def zeta(xp: Any, special: Any, q: Array, s: Array) -> Array:
    """Hurwitz's ζ(s, q) = Σ (q + k)^-s over k ≥ 0; by the library of special functions unless s > 1 and q > 0."""
    dtype, q = double(xp, q)
    s = s + xp.zeros_like(q)
    q = q + xp.zeros_like(s)
    inside = (s > 1) & (q > 0) & (q < xp.inf) & (s < xp.inf)
    value = put((q, xp.zeros_like(q)), ~inside, lambda s, q: (special.zeta(s, q), xp.zeros_like(q)), s, q)
    head, rest = put(value, inside, partial(_hurwitz, xp), s, q)
    return (head + rest).astype(dtype, copy=False)


def _hurwitz(xp: Any, s: Array, q: Array) -> Pair:
    """ζ(s, q) by the Euler-Maclaurin formula. The rounding error of q + k counts s times."""
    total = 0.0 * q, 0.0 * q
    for k in range(1, 11):
        a, lost = two_sum(q, float(k))
        power = a**-s
        power = power, -power * (s * lost / a)
        if k < 10:
            total = plus(total, power)
    near = xp.minimum(s, 1e4)
    term, correction = near / a, 0.5
    for k, (n, d) in enumerate(BERNOULLI[:12], 1):
        correction = correction + term * (n / (d * math.factorial(2 * k)))
        term = term * ((near + (2 * k - 1)) / a * ((near + 2 * k) / a))
    total = plus(total, times(power, plus(over((a, lost), (s - 1.0, 0.0)), (correction, 0.0))))
    return q**-s, total[0] + total[1]
