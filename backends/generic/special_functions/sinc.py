"""sin(x) / x in two conventions, and its derivative with full accuracy near its zeros, for every array library."""

import math
from functools import partial
from typing import Any

from backends.generic.special_functions.pairs import PI, Pair, over, plus, quotient, times
from backends.generic.special_functions.polynomials import exactly, powers
from backends.generic.special_functions.special import double, put
from backends.generic.special_functions.waves import cosine
from backends.geometry import Array

PI_INVERSE_REST = -1.9678676675182486e-17  # the rounding error of 1/π


def sinc(xp: Any, x: Array) -> Array:
    """sin(πx) / (πx), and 1 at 0; for float64 both products are in two parts."""
    safe = xp.where(x == 0, 1, x)
    if x.dtype.kind == "c":
        wave = xp.sin(math.pi * safe)
        return xp.where(x == 0, 1, wave / (math.pi * safe)).astype(x.dtype, copy=False)
    safe = xp.clip(safe, -1e18, 1e18)  # numbers beyond are integers
    whole = xp.round(safe)
    sign = 1 - 2 * abs(xp.fmod(whole, 2))
    if x.dtype.itemsize < 8:
        wave = xp.sin(math.pi * (safe - whole)) * sign / (math.pi * safe)
    else:
        (turned, rest), (divisor, lacking) = times(PI, (safe - whole, 0.0)), times(PI, (safe, 0.0))
        wave = quotient(xp.sin(turned) * sign, rest * xp.cos(turned) * sign, divisor, lacking)
    return xp.where(x == 0, 1, wave).astype(x.dtype, copy=False)


def sinc_slope(xp: Any, x: Array, scale: float) -> Array:
    """The derivative of sin(u) / u for u = scale·x, where `scale` is 1 or π."""
    if x.dtype.kind == "c":
        return _complex_slope(xp, x, scale)
    dtype, x = double(xp, x)
    s = abs(x)
    value = xp.where(s == xp.inf, 0.0, s), xp.zeros_like(s)
    value = put(value, s < 1.5 / scale, lambda s: (-xp.sin(s * scale) / _fraction(s * scale) * scale, 0.0 * s), s)
    far = (s >= 1.5 / scale) & (s < xp.inf)
    if dtype.itemsize < 8:  # one part is enough, except next to a zero
        value = put(value, far, partial(_simple_slope, xp, scale), s)
        far &= abs(value[0]) * s < 1e-6
    head, rest = put(value, far, partial(_far_slope, xp, scale), s)
    return (xp.copysign(1.0, x) * (head + rest)).astype(dtype, copy=False)


def _fraction(u: Array) -> Array:
    """3 - u²/(5 - u²/(7 - ...)): sin(u) over this is minus the derivative (DLMF 10.55.1 as a fraction)."""
    square, rest = u * u, 23.0
    for k in range(21, 1, -2):
        rest = k - square / rest
    return rest


def _simple_slope(xp: Any, scale: float, s: Array) -> Pair:
    """cos(u) / u - sin(u) / u²."""
    angle = s if scale == 1 else math.pi * (s - 2.0 * xp.round(0.5 * s))
    return (xp.cos(angle) - xp.sin(angle) / (s * scale)) / s, xp.zeros_like(s)


def _far_slope(xp: Any, scale: float, s: Array) -> Pair:
    """cos(u) / u - sin(u) / u² as √(1 + 1/u²) / u times the cosine of u + arctan(1/u)."""
    angle = (s, xp.zeros_like(s)) if scale == 1 else times(PI, (s - 2.0 * xp.round(0.5 * s), 0.0))
    inverse = over((1.0 / scale, 0.0 if scale == 1 else PI_INVERSE_REST), (xp.minimum(s, 1e290), 0.0))
    value = cosine(xp, plus(angle, (xp.arctan(inverse[0]), 0.0)), 0)

    def again(*parts: Array) -> Pair:
        angle, inverse = parts[:2], parts[2:]
        terms = [exactly((-1) ** k, 2 * k + 1) for k in range(26, -1, -1)]
        return cosine(xp, plus(angle, times(powers(terms, times(inverse, inverse)), inverse)), 0)

    near = (abs(value[0]) < 0.25 * inverse[0]) & (inverse[0] < 0.25)
    head, rest = put(value, near, again, *angle, *inverse)
    factor = xp.sqrt(1.0 + inverse[0] * inverse[0]) / s
    return head * factor, rest * factor


def _complex_slope(xp: Any, x: Array, scale: float) -> Array:
    near = abs(x) * scale < 1.5
    u = xp.where(near, x, 0) * scale
    safe = xp.where(near, 1, x) * scale
    return xp.where(near, -xp.sin(u) / _fraction(u) * scale, (xp.cos(safe) - xp.sin(safe) / safe) / safe * scale)
