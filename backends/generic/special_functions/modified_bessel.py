"""Modified Bessel functions I and K of orders 0 and 1, also scaled by exponentials, for every array library."""

from functools import partial
from typing import Any

from backends.generic.special_functions import tables
from backends.generic.special_functions.pairs import Pair, distance, over, quotient, root, times, two_sum
from backends.generic.special_functions.polynomials import onto_unit, polynomial, raised
from backends.generic.special_functions.special import double, put
from backends.geometry import Array

# For orders 0 and 1: a number and a polynomial; the function is their sum times a root or another simple factor.
I_NEAR = (1.125, tables.I0_NEAR), (0.375, tables.I1_NEAR)
I_FAR = (0.40625, tables.I0_FAR), (0.390625, tables.I1_FAR)
K_FAR = (1.1875, tables.K0_FAR), (1.5, tables.K1_FAR)
I_SLOPES = (tables.I0_SLOPE_NEAR, tables.I0_SLOPE_FAR), (tables.I1_SLOPE_NEAR, tables.I1_SLOPE_FAR)
K_SLOPES = tables.K0_SLOPE_FAR, tables.K1_SLOPE_FAR
I_CUT, K_CUT = 8.0, 0.75
LARGEST = 1.7e308  # the square of its root does not overflow
TINY = 1e-200  # below this K₁ is 1 / x, and parts of products may overflow
# The maximum of exp(-x)·I₁(x).
ZERO = 1.545127272605896, -1.4613353416237373e-08, 1.0630756383046672e-16


def modified_bessel_i(xp: Any, x: Array, order: int, scaled: bool) -> Array:
    """I(x), or exp(-|x|)·I(x)."""
    dtype, x = double(xp, x)
    s = abs(x)
    value = xp.where(s == xp.inf, 0.0 if scaled else 1.0, s), xp.zeros_like(s)
    value = put(value, s < I_CUT, partial(_near_i, order), s)
    value = put(value, (s >= I_CUT) & (s < xp.inf), partial(_far_i, xp, order), s)
    if scaled:
        result = value[0] + value[1]
    else:
        # I is finite a little further than exp, and parts of a product must not overflow.
        first, unit = xp.minimum(s, 709.0), xp.where(s > 300.0, 2.0**-100, 1.0)
        head, rest = _exp(xp, first)
        result = sum(times(value, (head * unit, rest * unit))) * (xp.exp(s - first) / unit)
    return (xp.sign(x) * result if order else result).astype(dtype, copy=False)


def _near_i(order: int, s: Array) -> Pair:
    value, divisor = raised(*I_NEAR[order], s / 4.0 - 1.0), two_sum(s, 1.0)
    if order:
        value, divisor = times(value, (s, 0.0)), times(divisor, two_sum(s / 8.0, 1.0))
    return over(value, divisor)


def _far_i(xp: Any, order: int, s: Array) -> Pair:
    return over(raised(*I_FAR[order], onto_unit(xp, s, I_CUT, 16.0)), root(xp, xp.minimum(s, LARGEST)))


def modified_bessel_k(xp: Any, x: Array, order: int, scaled: bool) -> Array:
    """K(x), or exp(x)·K(x); inf at 0, NaN below."""
    dtype, x = double(xp, x)
    ends = xp.where(x == 0, xp.inf, xp.where(x == xp.inf, 0.0, xp.nan))
    value = put((ends, xp.zeros_like(x)), (x > 0) & (x < K_CUT), partial(_near_k, xp, order, scaled), x)
    value = put(value, (x >= K_CUT) & (x < xp.inf), partial(_far_k, xp, order, scaled), x)
    return (value[0] + value[1]).astype(dtype, copy=False)


def _near_k(xp: Any, order: int, scaled: bool, x: Array) -> Pair:
    inner = xp.maximum(x, TINY) if order else x
    value = (_near_k1 if order else _near_k0)(xp, inner)
    head, rest = times(value, _exp(xp, inner)) if scaled else value
    return (xp.where(x < TINY, 1.0 / x, head), rest) if order else (head, rest)


def _far_k(xp: Any, order: int, scaled: bool, x: Array) -> Pair:
    value = raised(*K_FAR[order], onto_unit(xp, x, K_CUT, 2.5))
    if not scaled:
        value = times(value, (xp.exp(-x), 0.0))
    return over(value, root(xp, xp.minimum(x, LARGEST)))


def scaled_i_slope(xp: Any, x: Array, order: int) -> Array:
    """The derivative of exp(-|x|)·I(x), whose terms cancel; at 0 the mean of both one-sided derivatives."""
    dtype, x = double(xp, x)
    s = abs(x)
    inner, outer = xp.minimum(s, I_CUT), xp.maximum(s, I_CUT)
    near, far = I_SLOPES[order]
    close = quotient(*raised(0.0, near, inner / 4.0 - 1.0), *times(two_sum(inner, 1.0), two_sum(inner, 1.0)))
    if order:
        close = close * -distance(ZERO, inner)
    beyond = polynomial(far, onto_unit(xp, outer, I_CUT, 16.0)) / xp.sqrt(outer) / outer
    result = xp.where(s < I_CUT, close, beyond)
    return (result if order else xp.sign(x) * result).astype(dtype, copy=False)


def scaled_k_slope(xp: Any, x: Array, order: int) -> Array:
    """The derivative of exp(x)·K(x), whose terms cancel."""
    dtype, x = double(xp, x)
    outer = xp.maximum(x, K_CUT)
    far = polynomial(K_SLOPES[order], onto_unit(xp, outer, K_CUT, 2.5)) / xp.sqrt(outer) / outer
    inner = xp.minimum(x, K_CUT)
    zero, one = (modified_bessel_k(xp, inner, k, True) for k in (0, 1))
    near = one * (1.0 - 1.0 / inner) - zero if order else zero - one
    return xp.where(x > K_CUT, far, near).astype(dtype, copy=False)


def _exp(xp: Any, x: Array) -> Pair:
    """exp(x) in two parts, more exact for smaller x."""
    return two_sum(xp.expm1(x), 1.0)


def _near_k0(xp: Any, x: Array) -> Pair:
    """-log(x)·I₀(x) and a series."""
    square, logarithm = x * x, xp.log(x)
    t = square * (2.0 / K_CUT**2) - 1.0
    return two_sum(-logarithm, polynomial(tables.K0_NEAR, t) - logarithm * (square * polynomial(tables.K0_LOG, t)))


def _near_k1(xp: Any, x: Array) -> Pair:
    """1 / x + log(x)·I₁(x) and a series."""
    t = x * x * (2.0 / K_CUT**2) - 1.0
    return 1.0 / x, x * (xp.log(x) * polynomial(tables.K1_LOG, t) + polynomial(tables.K1_NEAR, t))
