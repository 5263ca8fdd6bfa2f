"""GELU in both forms with their slopes, exact in the tail and next to the zero of a slope, for every array library.

float32 is computed as such, but for the argument of the exponential, which has x² in it: its rounding error would count
as many units in the last place as it is large.
"""

from typing import Any

from backends.generic.activations import mirrored
from backends.generic.normal import exp_square, ndtr
from backends.generic.special import ratio
from backends.geometry import Array

# Of s, by rising power (own fits, Lawson's iteration): half of erfcx(s/√2) within 6e-9 of its size, ...
TAIL = (
    (0.5000000031474765, 0.43928199695966885, 0.1839679892618656, 0.04088071546640371, 0.00415316175065208),
    (1.0, 1.6764490007499329, 1.2055436960732382, 0.47140564350108827, 0.10247887389223276, 0.01041032100743787),
)
# ... and this minus s/√(2π), over the distance from its zero, within 8e-9 ...
SLOPE = (
    (0.6650779895303863, 0.7541891815302904, 0.3784949053149689, 0.09587951822584484, 0.010470863336754285),
    (1.0, 1.3995986824307947, 0.7941622033503462, 0.2206095067484352, 0.026246416807025233),
)
# ... and within 4e-17.
SLOPE_DOUBLE = (
    (
        0.6650779951314343,
        1.254227280045715,
        1.1323766856387973,
        0.6332912984322026,
        0.2404758503776346,
        0.06422987365386933,
        0.012089406259167065,
        0.0015530410551090374,
        0.00012446559039124184,
        4.797675553036847e-06,
    ),
    (
        1.0,
        2.1514480096985293,
        2.1273821305730483,
        1.2725009196147865,
        0.5091218084178609,
        0.14187673829216987,
        0.02767994878840004,
        0.003670371947770459,
        0.000302947931339286,
        1.2025989193758834e-05,
    ),
)
ZERO, ZERO_REST = 0.7517915368080139, -1.211444945855772e-08
# 2√(2/π) and 0.044715 times this, and what rounding took from each.
LINEAR, LINEAR_REST = 1.5957691216057308, -9.96930880911092e-17
CUBIC, CUBIC_REST = 0.07135481627260025, -6.175149918155315e-19
SPLITTER = 2.0**27 + 1
# Where the slope of the approximation is 0, with the other sign, and exp(-z) there.
TANH_ZERO, TANH_REST, TANH_EXP = 0.7524614334106445, -1.1339628272762046e-08, 0.29195521191476714


def gelu(xp: Any, x: Array) -> Array:
    """x·Φ(x): max(x, 0) - s·Φ(-s) with s = |x|."""
    if x.dtype.itemsize == 8:
        return xp.maximum(x, -40.0) * ndtr(xp, x)
    s = xp.minimum(abs(x), 20.0)
    tail = ratio(s, *TAIL)
    tail *= s
    return xp.maximum(x, 0) - (tail * _bell(xp, s)).astype(x.dtype)


def gelu_slope(xp: Any, x: Array) -> Array:
    """Φ(x) + x·φ(x)."""
    s = xp.minimum(abs(x), 40.0)
    distance = (ZERO - s) + ZERO_REST
    if x.dtype.itemsize == 8:
        h = ratio(s, *SLOPE_DOUBLE) * exp_square(xp, s, -0.5) * distance
    else:
        distance *= ratio(s, *SLOPE)
        h = (distance * _bell(xp, s)).astype(x.dtype)
    return mirrored(x, h)


def gelu_tanh(xp: Any, x: Array) -> Array:
    """x·σ(z) of z = LINEAR·x + CUBIC·x³: max(x, 0) - s·e / (1 + e) with s = |x| and e = exp(-|z|)."""
    s = xp.minimum(abs(x), 25.0)
    e = _tail(xp, x)
    below = (s * e).astype(x.dtype, copy=False)
    below /= 1.0 + e.astype(x.dtype, copy=False)
    return xp.maximum(x, 0) - below


def gelu_gate(xp: Any, x: Array) -> Array:
    """σ(z)."""
    e = _tail(xp, x).astype(x.dtype, copy=False)
    return xp.where(x < 0, e, 1.0) / (1.0 + e)


def gelu_tanh_slope(xp: Any, x: Array) -> Array:
    """σ(z)·(1 + x·σ(-z)·z′), which is e·(1 + e - s·z′) / (1 + e)² below 0.

    The sum minus itself at its zero, where d = 0, has terms of one sign.
    """
    s = xp.minimum(abs(x), 25.0)
    d = (TANH_ZERO - s) + TANH_REST
    zero = TANH_ZERO + TANH_REST
    squares = s * (s + zero) + zero * zero
    h = (LINEAR + 3 * CUBIC * squares) * d
    squares *= CUBIC
    squares += LINEAR
    squares *= d
    h += TANH_EXP * xp.expm1(squares)
    e = _tail(xp, x)
    h = (h * e).astype(x.dtype, copy=False)
    under = 1.0 + e.astype(x.dtype, copy=False)
    h /= under
    h /= under
    return mirrored(x, h)


def _tail(xp: Any, x: Array) -> Array:
    """exp(-|z|) in float64; of float64 with the rounding error of z, which counts z times."""
    narrow = x.dtype.itemsize < 8
    x = xp.minimum(abs(x), 25.0).astype(xp.float64, copy=False)
    square = x * x
    cubic = CUBIC * square
    factor = cubic + LINEAR
    z = x * factor
    e = xp.exp(-z)
    if narrow:
        return e
    grown = factor - LINEAR
    rest = (LINEAR - (factor - grown)) + (cubic - grown) + LINEAR_REST + CUBIC_REST * square
    rest = rest + _lost(square, CUBIC, cubic) + CUBIC * _lost(x, x, square)
    return e - e * (_lost(x, factor, z) + x * rest)


def _lost(a: Array, b: Any, product: Array) -> Array:
    """a·b - product, what rounding took away, by splitting both in halves (Dekker 1971)."""
    a_high, b_high = SPLITTER * a - (SPLITTER * a - a), SPLITTER * b - (SPLITTER * b - b)
    a_low, b_low = a - a_high, b - b_high
    return ((a_high * b_high - product) + a_high * b_low + a_low * b_high) + a_low * b_low


def _bell(xp: Any, s: Array) -> Array:
    """exp(-s²/2) of float32, in float64."""
    s = s.astype(xp.float64)
    s *= -0.5 * s
    return xp.exp(s)
