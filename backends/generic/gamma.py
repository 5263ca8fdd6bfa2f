"""The logarithm of the gamma function and its first two derivatives, with all their digits around positive zeros."""

import math
from typing import Any

from backends.generic import pairs, tables
from backends.generic.pairs import product, quotient, two_sum
from backends.generic.polynomials import onto_unit, polynomial
from backends.generic.special import FAR, double
from backends.geometry import Array

# 1 - γ, then (-1)^k (ζ(k) - 1) / k for k = 2, 3, ...: the Taylor series of log Γ(2 + z) / z (Abramowitz and Stegun
# 6.1.33). From k = 12 on, ζ is a short sum.
TWO = (
    0.42278433509846713,
    0.3224670334241132,
    -0.0673523010531981,
    0.020580808427784546,
    -0.007385551028673986,
    0.0028905103307415234,
    -0.001192753911703261,
    0.0005096695247430425,
    -0.00022315475845357939,
    9.945751278180853e-05,
    -4.492623673813314e-05,
    *((-1) ** k * math.fsum(float(n) ** -k for n in range(40, 1, -1)) / k for k in range(12, 39)),
)
# What rounding took from 1 - γ, and gave γ.
REST = 4.942915152430645e-18
# The same of log Γ(1 + z) / z, which differs by that of log(1 + z).
ONE = (-0.5772156649015329, *(c + (-1) ** k / k for k, c in enumerate(TWO[1:], 2)))


HALF_LOG_TWO_PI = 0.4189385332046727, 1.6728209650585413e-17  # less ½
# Where the digamma function is 0, and this less 1, as in `pairs.distance`.
ZERO = 1.4616321325302124, 1.2438149843418955e-08, 9.549995429965697e-17


def lgamma(xp: Any, special: Any, x: Array) -> Array:
    """log |Γ(x)|; not above 0 that of the library of special functions."""
    dtype, x = double(xp, x)
    s = xp.clip(x, 5e-324, 2.5)
    small, middle = s < 0.5, s < 1.375
    z = xp.where(small, s, xp.where(middle, s - 1.0, s - 2.0))
    around_one = _times_series(ONE, xp.clip(z, -0.375, 0.375))
    around_two = _times_series(TWO, z)
    # Γ(x + 1) = x Γ(x) leads from one to the other where neither logarithm cancels.
    shifted = around_two - xp.where(small, xp.log(s) + xp.log1p(s), xp.log(xp.where(middle, s, 1.0)))
    near = xp.where((s > 0.75) & middle, around_one, shifted) + 0.0  # 0 at 1, not -0
    low = xp.clip(x, 1.25, 1.75)
    near = xp.where(low == x, polynomial(tables.LGAMMA_LOW, (low - 1.5) * 4.0) - 0.125, near)
    above = xp.where(s == x, near, _stirling(xp, xp.maximum(x, 2.5)))
    return xp.where(x > 0, above, special.gammaln(xp.where(xp.isinf(x), xp.inf, xp.minimum(x, 0.0)))).astype(
        dtype, copy=False
    )


def _stirling(xp: Any, x: Array) -> Array:
    """log Γ(x) from 2.5 on, (x - ½)(log x - 1) + ½ log 2π - ½ + p / x."""
    s = xp.minimum(x, 1e18)
    logarithm, rest = pairs.log(xp, s)
    less, less_rest = two_sum(logarithm, -1.0)
    head, head_rest = product(s - 0.5, less)
    head_rest += (s - 0.5) * (less_rest + rest)
    total, total_rest = two_sum(head, HALF_LOG_TWO_PI[0])
    p = polynomial(tables.LGAMMA, onto_unit(xp, s, 2.5, 6.0)) / s
    return xp.where(s < x, x * (xp.log(x) - 1.0), total + (total_rest + (head_rest + HALF_LOG_TWO_PI[1] + p)))


def _times_series(series: tuple[float, ...], z: Array) -> Array:
    """z times the series, whose first term is in two parts."""
    head, rest = product(z, series[0])
    return head + (rest + z * (REST + z * polynomial(series[1:], z)))


def digamma(xp: Any, special: Any, x: Array) -> Array:
    """The derivative of log Γ(x); not above 0 that of the library of special functions."""
    dtype, x = double(xp, x)
    small = x < 1.0
    s = xp.clip(x, 0.0, 2.5)
    s = xp.where(small, s + 1.0, s)
    slope = polynomial(tables.DIGAMMA_NEAR, (s - 1.75) / 0.75)
    near = (((x - xp.where(small, ZERO[0] - 1.0, ZERO[0])) - ZERO[1]) - ZERO[2]) * slope
    near = xp.where(small, near - 1.0 / xp.where(x > 0, x, 1.0), near)
    s = xp.maximum(x, 2.5)
    far = xp.log(s) - (0.5 + polynomial(tables.DIGAMMA, onto_unit(xp, s, 2.5, 6.0))) / s
    return xp.where(x > 0, xp.where(x < 2.5, near, far), special.digamma(xp.minimum(x, 0.0))).astype(dtype, copy=False)


def trigamma(xp: Any, special: Any, x: Array) -> Array:
    """The derivative of `digamma`; not above 0 that of the library of special functions."""
    dtype, x = double(xp, x)
    small = x < 1.0
    s = xp.where(small, xp.maximum(x, 0.0) + 1.0, x)
    p = polynomial(tables.TRIGAMMA, onto_unit(xp, s, 1.0, 2.5))
    value = 1.25 + p
    value = quotient(value, p - (value - 1.25), xp.minimum(s, FAR)) * (FAR / xp.maximum(s, FAR))
    last = xp.where(small & (x > 0), x, xp.inf)
    return xp.where(x > 0, value + 1.0 / (last * last), special.zeta(2.0, xp.minimum(x, 0.0))).astype(dtype, copy=False)
