"""Activations of many passes and their slopes, in the precision of their operand, for every array library.

Formulas of slopes are accurate in the tails and near their zeros; there they are written as a difference from the
value at the zero, with terms of one sign.
"""

from typing import Any

from backends.generic.special_functions.pairs import distance, lost, product, quotient, two_sum
from backends.geometry import Array

SILU_BOUNDS = -80.0, -700.0  # of float32 and of float64
# Minus the zero of the slope of SiLU, and exp of the zero.
SILU_ZERO, SILU_EXP = (1.2784645557403564, -1.2979282759673083e-08, 1.0946994183093437e-16), 0.2784645427610738
# Minus the zero r of the slope of Mish, and (4r + 6)·w, 4w², w³ for w = exp(r), as powers of exp(x - r) - 1.
MISH_ZERO = 1.1924312114715576, 3.0439375464652585e-09, 4.8484829848031044e-17
MISH_ONE, MISH_TWO, MISH_THREE = 1.194033938963939, 0.4522603229111282, 0.027951242009170138


def sigmoid(xp: Any, x: Array) -> Array:
    """1 / (1 + exp(-x)); for float64 the exponential does not overflow before the result is 0."""
    if x.dtype.kind == "c":
        e = _decay(xp, x)
        return xp.where(x.real < 0, e, 1.0) / (1.0 + e)
    if x.dtype == xp.float64:
        e = xp.exp(-abs(x))
        y = xp.maximum(e, (x >= 0).astype(x.dtype))
        e += 1.0
        y /= e
        return y
    return 1 / (1 + xp.exp(-x))


def _decay(xp: Any, x: Array) -> Array:
    """exp of a complex number or of its negative, whichever does not overflow."""
    return xp.exp(xp.where(x.real < 0, x, -x))


def softplus(xp: Any, x: Array, beta: float) -> Array:
    """log(1 + exp(βx)) / β; for β = -1 the logarithm of σ."""
    if abs(beta) == 1:
        tail = xp.log1p(xp.exp(-abs(x)))
        return xp.maximum(x, 0) + tail if beta == 1 else xp.minimum(x, 0) - tail
    z, rest = _scaled(xp, x, beta)
    e = xp.exp(-abs(z))
    return (xp.maximum(z, 0) + (xp.log1p(e) + rest * xp.where(z < 0, e, 1.0) / (1.0 + e))) / beta


def softplus_gradient(xp: Any, g: Array, x: Array, beta: float) -> Array:
    """g·σ(βx), corrected for the rounding error of βx, whose effect grows with βx."""
    if abs(beta) == 1:
        return g * sigmoid(xp, x if beta == 1 else -x)
    z, rest = _scaled(xp, x, beta)
    e = xp.exp(-abs(z))
    under = 1.0 + e
    return g * (xp.where(z < 0, e, 1.0) / under * (1.0 + rest * xp.where(z < 0, 1.0, e) / under))


def _scaled(xp: Any, x: Array, beta: float) -> tuple[Array, Array]:
    """βx and its rounding error, in the range where that matters."""
    if x.dtype.itemsize < 8:
        wide = x.astype(xp.float64) * beta
        z = wide.astype(x.dtype)
        return z, xp.where(abs(z) < 1e3, wide - z, 0.0).astype(x.dtype)
    z = x * beta
    near = xp.where(abs(z) < 1e3, x, 0.0)
    return z, lost(near, beta, near * beta)


def sigmoid_gradient(xp: Any, g: Array, x: Array) -> Array:
    """g·σ(x)·σ(-x) = g / (2 + 2 cosh x), because 1 - σ(x) would lose digits in the tail."""
    if x.dtype.kind == "c":
        e = _decay(xp, x)
        return g * (e / (1.0 + e) / (1.0 + e))
    if x.dtype == xp.float64:
        e = xp.exp(-abs(x))
        y = g * e
        y /= _square_after(e)
        return y
    return g / (2 + 2 * xp.cosh(x))


def _square_after(e: Array) -> Array:
    """(1 + e)² of positive numbers, with fewer rounding errors than a square."""
    square = e + 2.0
    square *= e
    square += 1.0
    return square


def tanh(xp: Any, x: Array) -> Array:
    """The hyperbolic tangent."""
    return xp.tanh(x)


def tanh_gradient(xp: Any, g: Array, x: Array) -> Array:
    """g / cosh², which stays accurate where 1 - tanh² cancels; divided twice, since cosh² overflows first."""
    if x.dtype.kind == "c":
        e = _decay(xp, 2.0 * x)
        return g * (4.0 * e / (1.0 + e) / (1.0 + e))
    if x.dtype == xp.float64:  # exp takes half as long as cosh
        root = xp.exp(-abs(x))
        y = g * root
        y /= _square_after(root * root)
        root *= 4.0
        y *= root
        return y
    c = xp.cosh(x)
    return g / c / c


def silu(xp: Any, x: Array) -> Array:
    """x·σ(x). Below a bound where exp(-x) is still finite, σ is that of the bound times exp of the rest."""
    if x.dtype.kind == "c":
        return x * sigmoid(xp, x)
    bound = SILU_BOUNDS[x.dtype.itemsize == 8]
    y = x / (1 + xp.exp(-xp.maximum(x, bound)))
    y *= xp.exp(xp.minimum(x - bound, 0.0))
    return y


def silu_gradient(xp: Any, g: Array, x: Array) -> Array:
    """g times the slope of `silu`."""
    return g * silu_slope(xp, x)


def silu_slope(xp: Any, x: Array) -> Array:
    """σ(x)·(1 + x·σ(-x)), which below 0 is e·(1 + e - s) / (1 + e)² with s = |x| and e = exp(-s)."""
    if x.dtype.kind == "c":
        return (1.0 + x * sigmoid(xp, -x)) * sigmoid(xp, x)
    s = xp.minimum(abs(x), 800.0)
    d = distance(SILU_ZERO, s)
    root = xp.exp(-0.5 * s)  # e itself underflows before the product with it
    h = xp.expm1(d)
    h *= SILU_EXP
    h += d
    h *= root
    h *= root
    root *= root
    root += 1.0
    h /= root
    h /= root
    return mirrored(x, h)


def mirrored(x: Array, h: Array) -> Array:
    """h where x is negative, else 1 - h: the slope of an f with f(x) - f(-x) = x, from that of its tail."""
    above = (x >= 0).astype(x.dtype)
    h *= 1.0 - 2.0 * above
    h += above
    return h


def mish(xp: Any, x: Array) -> Array:
    """x·tanh(log(1 + w)) for w = exp(x), which is x·v / (v + 2) with v = w·(w + 2)."""
    x = xp.maximum(x, -800.0)  # so that -∞ times 0 is 0
    w = xp.exp(xp.minimum(x, 40.0))
    if x.dtype.itemsize == 8:
        return _mish_double(xp, x, w)
    v = w + 2.0
    v *= w
    v /= v + 2.0
    return x * v


def _mish_double(xp: Any, x: Array, w: Array) -> Array:
    """w·(x - x·(w + w²) / (v + 2)) below -0.15, x - 2x / (v + 2) above, so that the larger term is exact."""
    low = x < -0.15
    part = w * w
    part += w
    divisor = part + w
    divisor += 2.0
    part = xp.where(low, part, 2.0)
    part /= divisor
    part *= x
    kept = x - part
    rest = (x - kept) - part
    factor = xp.where(low, w, 1.0)
    result = factor * kept
    rest *= factor
    rest += lost(factor, kept, result)
    return xp.copysign(xp.where(x < 40.0, result + rest, x), x)


def mish_gradient(xp: Any, g: Array, x: Array) -> Array:
    """g times the slope of `mish`."""
    return g * mish_slope(xp, x)


def mish_slope(xp: Any, x: Array) -> Array:
    """T·w / (2 + 2w + w²)² for w = exp(x) and T = 4(x + 1) + (4x + 6)·w + 4w² + w³."""
    x = xp.clip(x, -800.0, 20.0)  # above, the slope rounds to 1
    w = xp.exp(x)
    d = distance(MISH_ZERO, -xp.minimum(x, 0.0))
    m = xp.expm1(d)
    below = MISH_THREE * m
    below += MISH_TWO
    below *= m
    below += MISH_ONE
    below *= m
    d *= 4.0
    d *= w + 1.0
    below += d
    total = w + 4.0
    total *= w
    total += 4.0 * x + 6.0
    total *= w
    total += 4.0 * x + 4.0
    total = xp.where(x < 0, below, total)
    total *= w
    square = w + 2.0
    square *= w
    square += 2.0
    total /= square
    total /= square
    return total


def tanhshrink(xp: Any, x: Array) -> Array:
    """x - tanh(x).

    Around 0 it is x³ / (x² + r), with the continued fraction r = 3 + x² / (5 + x² / (7 + ...)), since tanh is
    x / (1 + x² / r).
    """
    is_complex = x.dtype.kind == "c"
    near = xp.where(abs(x) < 1.0, x, 0.0) if is_complex else xp.clip(x, -1.5, 1.5)
    square = near * near
    rest = last = 13 if x.dtype.itemsize < 8 else 23
    for k in range(last - 2, 3, -2):
        rest = k + square / rest
    small = square + square / rest
    if x.dtype.itemsize < 8 or is_complex:
        shrunk = near * square / (3 + small)
    else:
        cube, lacking = product(near, square)
        shrunk = quotient(cube, lacking + near * lost(near, near, square), *two_sum(small, 3.0))
    return xp.where(near == x, shrunk, x - xp.tanh(x))


def huber(xp: Any, d: Array, delta: float) -> Array:
    """½d² where |d| < δ, δ(|d| - ½δ) elsewhere."""
    d = abs(d)
    least = xp.minimum(d, delta)
    y = -0.5 * least
    y += d
    y *= least
    return y


def leaky_relu(xp: Any, x: Array, slope: float) -> Array:
    """x above 0, slope·x elsewhere; without a branch per element if possible."""
    rest = x * slope
    return xp.maximum(x, rest) if 0 < slope <= 1 else xp.where(x > 0, x, rest)


def leaky_gate(xp: Any, g: Array, x: Array, slope: float) -> Array:
    """g where x is above 0, slope·g elsewhere."""
    if 0 < slope <= 1:
        return g * xp.clip((x > 0).astype(g.dtype), slope, None)
    return xp.where(x > 0, g, g * slope)


def bounded(xp: Any, x: Array, low: float, high: float) -> Array:
    """x clipped."""
    return xp.clip(x, low, high)


def within(xp: Any, g: Array, x: Array, low: float, high: float, scale: float) -> Array:
    """scale·g where x lies between the bounds or is NaN; 0 elsewhere and on the bounds."""
    return xp.where((x <= low) | (x >= high), 0, g if scale == 1 else g * scale)


def hardsigmoid(xp: Any, x: Array) -> Array:
    """x / 6 + ½ between -3 and 3."""
    return xp.clip(x + 3, 0, 6) / 6


def hardswish(xp: Any, x: Array) -> Array:
    """x·hardsigmoid(x)."""
    return x * hardsigmoid(xp, x)


def hardswish_gradient(xp: Any, g: Array, x: Array) -> Array:
    """g·(x + 1½) / 3 between -3 and 3; 0 at and below -3, g at and above 3."""
    return g * xp.where(abs(x) >= 3, (x > 0).astype(x.dtype), (x + 1.5) / 3)


def elu(xp: Any, x: Array, alpha: float, scale: float, rate: float) -> Array:
    """scale·x above 0, scale·alpha·(exp(rate·x) - 1) elsewhere."""
    return xp.where(x >= 0, x * scale, scale * alpha * xp.expm1(xp.minimum(x, 0) * rate))


def elu_gradient(xp: Any, g: Array, x: Array, alpha: float, scale: float, rate: float) -> Array:
    """g times the slope of `elu`; at 0, that of the exponential."""
    return xp.where(x > 0, g * scale, g * (scale * alpha * rate * xp.exp(xp.minimum(x, 0) * rate)))
