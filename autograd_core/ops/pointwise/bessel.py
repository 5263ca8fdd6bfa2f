"""Bessel functions of orders 0 and 1, plain, modified and scaled, and Airy's function."""

import math
from typing import Any

from autograd_core.kinds import ELEMENTWISE
from autograd_core.ops.domains import OFF_ZERO, POSITIVE, REAL
from autograd_core.ops.pointwise.around_zero import even_series, parts
from autograd_core.registry import Interval, op, sample

BETWEEN_ZEROS = Interval(0.5, 2.2)


def _mean(function):
    """The mean over half a turn of a function of x and the angle; the midpoint rule is exact for Bessel's integrals."""
    angles = [math.pi * (k + 0.5) / 64 for k in range(64)]
    return lambda x: math.fsum(function(x, t) for t in angles) / 64


def _tail(function):
    """The integral over t from 0 of a function of x and t that decays double exponentially."""
    return lambda x: math.fsum([function(x, 0.0) / 2, *[function(x, k / 64) for k in range(1, 500)]]) / 64


def _slow_y0(x):
    """DLMF 10.8.2"""
    terms, term, harmonic = [], 1.0, 0.0
    for k in range(1, 40):
        term *= -x * x / 4 / k**2
        harmonic += 1 / k
        terms.append(-harmonic * term)
    return 2 / math.pi * ((math.log(x / 2) + 0.5772156649015329) * _j0(x) + math.fsum(terms))


def _slow_y1(x):
    """From J1·Y0 - J0·Y1 = 2 / (πx), away from the zeros of J0."""
    return (_j1(x) * _slow_y0(x) - 2 / (math.pi * x)) / _j0(x)


def _slow_airy(x, derivative=False):
    """The power series of Airy's function or of its derivative (DLMF 9.4.1 and 9.4.2)."""
    start = -1 / (3 ** (1 / 3) * math.gamma(1 / 3)) if derivative else 1 / (3 ** (2 / 3) * math.gamma(2 / 3))
    slope = x * x / 2 / (3 ** (2 / 3) * math.gamma(2 / 3)) if derivative else -x / (3 ** (1 / 3) * math.gamma(1 / 3))
    terms = []
    for k in range(30):
        terms += [start, slope]
        n = 3 * k
        start *= x**3 / ((n + 1) * (n + 3) if derivative else (n + 2) * (n + 3))
        slope *= x**3 / ((n + 3) * (n + 5) if derivative else (n + 3) * (n + 4))
    return math.fsum(terms)


_j0, _j1 = _mean(lambda x, t: math.cos(x * math.sin(t))), _mean(lambda x, t: math.cos(t - x * math.sin(t)))
_i0, _i1 = _mean(lambda x, t: math.exp(x * math.cos(t))), _mean(lambda x, t: math.exp(x * math.cos(t)) * math.cos(t))
_k0 = _tail(lambda x, t: math.exp(-x * math.cosh(t)))
_k1 = _tail(lambda x, t: math.exp(-x * math.cosh(t)) * math.cosh(t))
SPECIAL: dict[str, Any] = {"module": "special", "floating": True, "wide": True, "tolerance": 1e-11}


def _series(order, sign):
    """Coefficients of J (-1) or I (1) of an order n, divided by xⁿ."""
    return [sign**k / (2 ** (2 * k + order) * math.factorial(k) * math.factorial(k + order)) for k in range(9)]


J2, I1, I2 = _series(2, -1), _series(1, 1), _series(2, 1)


@op(ELEMENTWISE, symbol="J₀", domain=BETWEEN_ZEROS, reference=_j0, vjp=lambda xp, g, x: -g * xp.bessel_j1(x), **SPECIAL)
def bessel_j0(xp, x):
    """Bessel function of the first kind of order 0."""
    return xp.kernels.bessel_j(x, 0)


def _j1_bend(xp, g, x, y):
    """From Bessel's equation: J₂(x) / x - J₁(x)"""
    (near, inner, outer), one = parts(xp, x), xp.bessel_j1(x)
    return g * (xp.where(near, inner * even_series(inner, J2), (one / outer - y) / outer) - one)


@op(ELEMENTWISE, symbol="J₁′", domain=Interval(0.5, 1.5), reference=lambda x: _j0(x) - _j1(x) / x, method=False,
    vjp=_j1_bend, **SPECIAL | {"module": ""})
def bessel_j1_slope(xp, x):
    """The derivative of `bessel_j1`, without cancellation."""
    return xp.kernels.bessel_j(x, 2)


@op(ELEMENTWISE, symbol="Y₁′", domain=Interval(0.5, 1.8), reference=lambda x: _slow_y0(x) - _slow_y1(x) / x,
    method=False, vjp=lambda xp, g, x, y: -g * (y / x + (1 - 1 / x / x) * xp.bessel_y1(x)),
    **SPECIAL | {"module": ""})
def bessel_y1_slope(xp, x):
    """The derivative of `bessel_y1`, without cancellation."""
    return xp.kernels.bessel_y(x, 2)


@op(ELEMENTWISE, symbol="J₁", domain=OFF_ZERO, reference=_j1, vjp=lambda xp, g, x: g * xp.bessel_j1_slope(x), **SPECIAL)
def bessel_j1(xp, x):
    """Bessel function of the first kind of order 1."""
    return xp.kernels.bessel_j(x, 1)


@op(ELEMENTWISE, symbol="Y₀", domain=Interval(1, 3), reference=_slow_y0,
    vjp=lambda xp, g, x: -g * xp.bessel_y1(x), **SPECIAL)
def bessel_y0(xp, x):
    """Bessel function of the second kind of order 0; -inf at 0, NaN below."""
    return xp.kernels.bessel_y(x, 0)


@op(ELEMENTWISE, symbol="Y₁", domain=Interval(0.5, 1.8), reference=_slow_y1,
    vjp=lambda xp, g, x: g * xp.bessel_y1_slope(x), **SPECIAL)
def bessel_y1(xp, x):
    """Bessel function of the second kind of order 1; -inf at 0, NaN below."""
    return xp.kernels.bessel_y(x, 1)


@op(ELEMENTWISE, symbol="I₀", domain=REAL, reference=_i0, vjp=lambda xp, g, x: g * xp.i1(x),
    aliases=("special.i0", "special.modified_bessel_i0"), **SPECIAL | {"module": ""})
def i0(xp, x):
    """Modified Bessel function of the first kind of order 0."""
    return xp.kernels.modified_bessel_i(x, 0, False)


def _i1_rule(xp, g, x, y):
    near, inner, outer = parts(xp, x)
    finite = xp.where(abs(y) == math.inf, 0, y)  # the larger term decides
    return g * (xp.i0(x) - xp.where(near, even_series(inner, I1), finite / outer))


@op(ELEMENTWISE, symbol="I₁", domain=OFF_ZERO, reference=_i1, aliases=("special.modified_bessel_i1",),
    vjp=_i1_rule, **SPECIAL)
def i1(xp, x):
    """Modified Bessel function of the first kind of order 1."""
    return xp.kernels.modified_bessel_i(x, 1, False)


def _slow_i_slope(x, order):
    zero, one = math.exp(-abs(x)) * _i0(x), math.exp(-abs(x)) * _i1(x)
    return zero - math.copysign(one, x * one) - one / x if order else one - math.copysign(zero, x)


def _slow_k_slope(x, order):
    zero, one = math.exp(x) * _k0(x), math.exp(x) * _k1(x)
    return one - zero - one / x if order else zero - one


def _i_bend(xp, g, x, y, order):
    """From Bessel's equation; at 0 without the kink, whose slope is 0."""
    (near, inner, outer), sign, decay = parts(xp, x), xp.sign(x), xp.exp(-abs(x))
    ratio = xp.where(near, decay * even_series(inner, I1), xp.i1e(x) / outer)
    if order == 0:
        return g * (-2 * sign * y - ratio + (x == 0))
    rest = xp.where(near, decay * (inner * even_series(inner, I2)) - sign * ratio, (y - ratio) / outer)
    return g * (xp.scaled_i_slope(x, order=0) - sign * y - rest)


def _k_bend(xp, g, x, y, order):
    ratio = xp.scaled_modified_bessel_k1(x) / x
    return g * (2 * y + ratio if order == 0 else y - xp.scaled_k_slope(x, order=0) - (y - ratio) / x)


@op(ELEMENTWISE, symbol="(e⁻I)′", domain=OFF_ZERO, reference=_slow_i_slope, vjp=_i_bend, method=False,
    samples=(sample((2, 3), order=0), sample((3,), order=1)), **SPECIAL | {"module": ""})
def scaled_i_slope(xp, x, *, order):
    """The derivative of `i0e` or `i1e`, without cancellation."""
    return xp.kernels.scaled_i_slope(x, order)


@op(ELEMENTWISE, symbol="(e⁺K)′", domain=POSITIVE, reference=_slow_k_slope, vjp=_k_bend, method=False,
    samples=(sample((2, 3), order=0), sample((3,), order=1)), **SPECIAL | {"module": ""})
def scaled_k_slope(xp, x, *, order):
    """The derivative of `scaled_modified_bessel_k0` or `scaled_modified_bessel_k1`, without cancellation."""
    return xp.kernels.scaled_k_slope(x, order)


@op(ELEMENTWISE, symbol="e⁻I₀", domain=OFF_ZERO, reference=lambda x: math.exp(-abs(x)) * _i0(x),
    vjp=lambda xp, g, x: g * xp.scaled_i_slope(x, order=0), **SPECIAL)
def i0e(xp, x):
    """exp(-|x|)·I₀(x), which does not overflow."""
    return xp.kernels.modified_bessel_i(x, 0, True)


@op(ELEMENTWISE, symbol="e⁻I₁", domain=OFF_ZERO, reference=lambda x: math.exp(-abs(x)) * _i1(x),
    vjp=lambda xp, g, x: g * xp.scaled_i_slope(x, order=1), **SPECIAL)
def i1e(xp, x):
    """exp(-|x|)·I₁(x), which does not overflow."""
    return xp.kernels.modified_bessel_i(x, 1, True)


@op(ELEMENTWISE, symbol="K₀", domain=POSITIVE, reference=_k0, aliases=("special.k0",),
    vjp=lambda xp, g, x: -g * xp.modified_bessel_k1(x), **SPECIAL)
def modified_bessel_k0(xp, x):
    """Modified Bessel function of the second kind of order 0; inf at 0, NaN below."""
    return xp.kernels.modified_bessel_k(x, 0, False)


@op(ELEMENTWISE, symbol="K₁", domain=POSITIVE, reference=_k1, aliases=("special.k1",),
    vjp=lambda xp, g, x, y: -g * (xp.modified_bessel_k0(x) + y / x), **SPECIAL)
def modified_bessel_k1(xp, x):
    """Modified Bessel function of the second kind of order 1; inf at 0, NaN below."""
    return xp.kernels.modified_bessel_k(x, 1, False)


@op(ELEMENTWISE, symbol="e⁺K₀", domain=POSITIVE, reference=lambda x: math.exp(x) * _k0(x), aliases=("special.k0e",),
    vjp=lambda xp, g, x: g * xp.scaled_k_slope(x, order=0), **SPECIAL)
def scaled_modified_bessel_k0(xp, x):
    """exp(x)·K₀(x), which does not underflow."""
    return xp.kernels.modified_bessel_k(x, 0, True)


@op(ELEMENTWISE, symbol="e⁺K₁", domain=POSITIVE, reference=lambda x: math.exp(x) * _k1(x), aliases=("special.k1e",),
    vjp=lambda xp, g, x: g * xp.scaled_k_slope(x, order=1), **SPECIAL)
def scaled_modified_bessel_k1(xp, x):
    """exp(x)·K₁(x), which does not underflow."""
    return xp.kernels.modified_bessel_k(x, 1, True)


@op(ELEMENTWISE, symbol="Ai", reference=_slow_airy, vjp=lambda xp, g, x: g * xp.airy_ai_derivative(x), **SPECIAL)
def airy_ai(xp, x):
    """Airy's function Ai."""
    return xp.kernels.airy(x, 0)


@op(ELEMENTWISE, symbol="Ai′", domain=Interval(-0.9, 2), reference=lambda x: _slow_airy(x, derivative=True),
    vjp=lambda xp, g, x: g * (x * xp.airy_ai(x)), **SPECIAL)
def airy_ai_derivative(xp, x):
    """The derivative of Airy's function Ai."""
    return xp.kernels.airy(x, 1)
