"""GELU in both forms with their slopes, accurate in the tail and near the zeros of slopes, for every array library.

float32 is computed in float32 except for the argument of the exponential, which contains x² and whose rounding error
would be amplified. The tanh approximation of float32 is short and computed entirely in float64. In compiled kernels
pairs of float32 replace float64.
"""

from typing import Any, NamedTuple

import numpy as np

from backends.generic.activations import mirrored
from backends.generic.special_functions.normal import bell_part, exp_square
from backends.generic.special_functions.pairs import distance, has_lost, lost, product, quotient, two_sum
from backends.generic.special_functions.polynomials import onto_unit, polynomial, ratio
from backends.generic.special_functions.tables import GELU_SLOPE
from backends.geometry import Array

# In ascending powers of s (own fits, Lawson's iteration): ½erfcx(s/√2) with relative error 6e-9, ...
TAIL = (
    (0.5000000031474765, 0.43928199695966885, 0.1839679892618656, 0.04088071546640371, 0.00415316175065208),
    (1.0, 1.6764490007499329, 1.2055436960732382, 0.47140564350108827, 0.10247887389223276, 0.01041032100743787),
)
# ... and this minus s/√(2π), divided by the distance from its zero, within 8e-9.
SLOPE = (
    (0.6650779895303863, 0.7541891815302904, 0.3784949053149689, 0.09587951822584484, 0.010470863336754285),
    (1.0, 1.3995986824307947, 0.7941622033503462, 0.2206095067484352, 0.026246416807025233),
)
ZERO = 0.7517915368080139, -1.2114449443600961e-08, -1.4956759177009883e-17
LINEAR, CUBIC = 1.5957691216057308, 0.07135481627260025  # 2√(2/π) and 0.044715 times this


class Coefficients(NamedTuple):
    """LINEAR and CUBIC, with the rounding error of each."""

    linear: float
    linear_rest: float
    cubic: float
    cubic_rest: float


DOUBLE = Coefficients(LINEAR, -9.96930880911092e-17, CUBIC, -6.175149918155315e-19)
SINGLE = Coefficients(*[v for c in (LINEAR, CUBIC) for v in (float(np.float32(c)), c - float(np.float32(c)))])
# Minus the zero of the slope of the approximation, and exp(-z) there.
TANH_ZERO, TANH_EXP = (0.7524614334106445, -1.133962823640644e-08, -3.635560509207687e-17), 0.29195521191476714


def gelu(xp: Any, x: Array) -> Array:
    """x·Φ(x): max(x, 0) - s·Φ(-s) with s = |x|."""
    if x.dtype.itemsize == 8:
        s = xp.minimum(abs(x), 40.0)
        head, rest = bell_part(xp, s)
        below, lacking = product(s, head)
        below = quotient(below, lacking + s * rest, *two_sum(s, 1.125))
        return xp.copysign(xp.maximum(x, 0.0) - below, x)
    s = xp.minimum(abs(x), 20.0)
    tail = ratio(s, *TAIL)
    tail *= s
    return xp.copysign(xp.maximum(x, 0) - (tail * _bell(xp, s)).astype(x.dtype), x)


def gelu_gradient(xp: Any, g: Array, x: Array) -> Array:
    """g times the slope of `gelu`."""
    return g * gelu_slope(xp, x)


def gelu_slope(xp: Any, x: Array) -> Array:
    """Φ(x) + x·φ(x)."""
    s = xp.minimum(abs(x), 40.0)
    d = distance(ZERO, s)
    if x.dtype.itemsize == 8:
        h = polynomial(GELU_SLOPE, onto_unit(xp, s, 0.0, 3.75)) * exp_square(xp, s, -0.5) * d
    else:
        d *= ratio(s, *SLOPE)
        h = (d * _bell(xp, s)).astype(x.dtype)
    return mirrored(x, h)


def gelu_tanh(xp: Any, x: Array) -> Array:
    """x·σ(z) of z = LINEAR·x + CUBIC·x³: max(x, 0) - s·e / (1 + e) with s = |x| and e = exp(-|z|)."""
    if _is_widened(x):
        wide, e = _wide(xp, x)
        e += 1.0
        return (wide / e).astype(x.dtype)
    s = xp.minimum(abs(x), 25.0)
    e, rest = _tail(xp, s)
    divisor, lacking = two_sum(e, 1.0)
    below, taken = product(s, e)
    return xp.copysign(xp.maximum(x, 0) - quotient(below, taken + s * rest, divisor, lacking + rest), x)


def gelu_gate(xp: Any, x: Array) -> Array:
    """σ(z)."""
    if _is_widened(x):
        return (1.0 / (1.0 + _wide(xp, x)[1])).astype(x.dtype)
    e = sum(_tail(xp, xp.minimum(abs(x), 25.0)))
    return xp.where(x < 0, e, 1.0) / (1.0 + e)


def gelu_tanh_gradient(xp: Any, g: Array, x: Array) -> Array:
    """g times the slope of `gelu_tanh`."""
    return g * gelu_tanh_slope(xp, x)


def gelu_tanh_slope(xp: Any, x: Array) -> Array:
    """σ(z)·(1 + x·σ(-z)·z′), which below 0 is e·(1 + e - s·z′) / (1 + e)².

    The sum minus its value at its zero, where d = 0, has terms of one sign.
    """
    if _is_widened(x):
        wide, e = _wide(xp, xp.minimum(x, 15.0))
        gate = 1.0 / (1.0 + e)
        slope = wide * wide
        slope *= 3 * CUBIC
        slope += LINEAR
        for factor in (wide, e, gate):
            slope *= factor
        slope += 1.0
        return (slope * gate).astype(x.dtype)
    s = xp.minimum(abs(x), 25.0)
    d = distance(TANH_ZERO, s)
    zero = TANH_ZERO[0] + TANH_ZERO[1]
    squares = s * (s + zero) + zero * zero
    h = (LINEAR + 3 * CUBIC * squares) * d
    squares *= CUBIC
    squares += LINEAR
    squares *= d
    h += TANH_EXP * xp.expm1(squares)
    e = sum(_tail(xp, s))
    h *= e
    under = 1.0 + e
    h /= under
    h /= under
    return mirrored(x, h)


def _is_widened(x: Array) -> bool:
    """Whether the tanh approximation is computed in float64, instead of in pairs of the numbers of x."""
    return x.dtype.itemsize < 8 and not has_lost(x)


def _wide(xp: Any, x: Array) -> tuple[Array, Array]:
    """A float32 x in float64, clipped where the result underflows, and exp(-z)."""
    wide = xp.maximum(x, -15.0).astype(xp.float64)
    z = wide * wide
    z *= -CUBIC
    z -= LINEAR
    z *= wide
    return wide, xp.exp(z)


def _tail(xp: Any, s: Array) -> tuple[Array, Array]:
    """exp(-|z|) in two parts, the second from the rounding error of z, which is amplified by z."""
    linear, linear_rest, cubic, cubic_rest = DOUBLE if s.dtype.itemsize == 8 else SINGLE
    square = s * s
    first = cubic * square
    factor = first + linear
    z = s * factor
    e = xp.exp(-z)
    grown = factor - linear
    rest = (linear - (factor - grown)) + (first - grown) + linear_rest + cubic_rest * square
    rest = rest + lost(square, cubic, first) + cubic * lost(s, s, square)
    return e, -e * (lost(s, factor, z) + s * rest)


def _bell(xp: Any, s: Array) -> Array:
    """exp(-s²/2) of float32, in float64 or corrected for the rounding error of s²."""
    if has_lost(s):
        return exp_square(xp, s, -0.5)
    s = s.astype(xp.float64)
    s *= -0.5 * s
    return xp.exp(s)
