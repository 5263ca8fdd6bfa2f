"""Derivatives of gamma and beta samples by their shapes at constant probability, for every array library.

With the distribution function F and the density p, this is -(∂F/∂a) / p (Figurnov et al. 2018, "Implicit
reparameterization gradients"). For small shapes the power series of F is differentiated term by term; for others an
integral is taken from the value outwards, over the logarithm or the log-odds. In both cases all terms have one sign,
so that nothing cancels.
"""

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from backends.generic.special_functions.gamma import digamma
from backends.generic.special_functions.special import double
from backends.geometry import Array

SMALL = 16.0  # shapes up to which series are short
ENOUGH = 1e-18  # terms below this are omitted
DEPTH = 40.0  # integrals end where the density has fallen by exp(-DEPTH)


def gamma_path(xp: Any, a: Array, x: Array) -> Array:
    """The derivative by the shape a of a value x > 0 of the gamma distribution of rate 1."""
    dtype, a, x = _doubles(xp, a, x)
    near = x <= xp.minimum(xp.maximum(a, 0.5) + 0.5, SMALL)
    return _either(xp, near, _gamma_series, _gamma_integral, a, x).astype(dtype, copy=False)


def beta_path(xp: Any, a: Array, b: Array, x: Array) -> Array:
    """The derivative by the shape a, of a and b, of a value 0 < x < 1 of the beta distribution."""
    dtype, a, b, x = _doubles(xp, a, b, x)
    y = 1.0 - x
    near, far = (_is_short(*o) for o in ((a, b, x), (b, a, y)))
    far &= ~near | (y < x)
    integral = xp.log(x) > digamma(xp, a) - digamma(xp, a + b)
    # By symmetry, 1 - x depends in the same way on its second shape.
    turned = xp.where(near | far, far, integral)
    a, b, x, y = (xp.where(turned, q, p) for p, q in ((a, b), (b, a), (x, y), (y, x)))
    return _either(xp, near | far, _beta_series, _beta_integral, a, b, x, y, turned).astype(dtype, copy=False)


def _doubles(xp: Any, *operands: Array) -> tuple[Any, ...]:
    dtype = double(xp, operands[0])[0]
    return dtype, *xp.broadcast_arrays(*[double(xp, x)[1] for x in operands])


def _either(xp: Any, where: Array, short: Callable[..., Array], long: Callable[..., Array], *operands: Array) -> Array:
    """One function where a mask holds, another elsewhere."""
    made = xp.empty(where.shape)
    for mask, function in ((where, short), (~where, long)):
        if mask.any().item():
            made[mask] = function(xp, *[operand[mask] for operand in operands])
    return made


def _gamma_series(xp: Any, a: Array, x: Array) -> Array:
    # F = Σ x^(a+n) exp(-x) / Γ(a+n+1)
    term, slope = 1.0 / a, digamma(xp, a + 1.0) - xp.log(x)
    total, n = term * slope, 0
    while (term > ENOUGH * total).any().item():
        n += 1
        term, slope = term * x / (a + n), slope + 1.0 / (a + n)
        total += term * slope
    return x * total


def _is_short(a: Array, b: Array, x: Array) -> Array:
    return (a <= SMALL) & (x <= 0.6) & (x * (a + b) <= a + 1.0)


def _beta_series(xp: Any, a: Array, b: Array, x: Array, y: Array, second: Array) -> Array:
    # F = Σ x^(a+n) (1-x)^b Γ(a+b+n) / Γ(a+n+1) / Γ(b)
    term = 1.0 / a
    slope = xp.where(second, xp.log(y) - digamma(xp, b), xp.log(x) - digamma(xp, a + 1.0)) + digamma(xp, a + b)
    total, n = term * slope, 0
    while (term > ENOUGH * abs(total)).any().item():
        term = term * x * (a + b + n) / (a + 1.0 + n)
        slope = slope + 1.0 / (a + b + n) - xp.where(second, 0.0, 1.0 / (a + 1.0 + n))
        total, n = total + term * slope, n + 1
    return xp.where(second, x, -x) * y * total


def _gamma_integral(xp: Any, a: Array, x: Array) -> Array:
    middle = digamma(xp, a) - xp.log(x)
    side = xp.where(middle > 0, 1.0, -1.0)  # 1: from x down to 0, -1: from x up

    def fall(u: Array) -> Array:
        return side * a * u + x * xp.expm1(-side * u)

    end = xp.where(side > 0, (DEPTH + x) / a, xp.sqrt(2.0 * DEPTH / x))
    end = _end(end, fall, lambda u: side * (a - x * xp.exp(-side * u)))
    return x * _integral(xp, end, lambda u: xp.exp(-fall(u)) * (abs(middle) + u))


def _beta_integral(xp: Any, a: Array, b: Array, x: Array, y: Array, second: Array) -> Array:
    middle = xp.where(second, xp.log(y) - digamma(xp, b), xp.log(x) - digamma(xp, a)) + digamma(xp, a + b)

    def shift(u: Array) -> Array:
        return xp.log1p(x * xp.expm1(-u))

    def slope(u: Array) -> Array:
        small = xp.exp(-u)
        return a - (a + b) * x * small / (y + x * small)

    def values(u: Array) -> Array:
        moved = shift(u)
        return xp.exp(-a * u - (a + b) * moved) * (moved + xp.where(second, 0.0, u) - middle)

    end = _end((DEPTH - (a + b) * xp.log1p(-x)) / a, lambda u: a * u + (a + b) * shift(u), slope)
    return xp.where(second, -x, x) * y * _integral(xp, end, values)


def _end(u: Array, fall: Callable[[Array], Array], slope: Callable[[Array], Array]) -> Array:
    """The point where a convex function is about DEPTH, by Newton's method from beyond it."""
    for _ in range(16):
        u = u - (fall(u) - DEPTH) / slope(u)
    return u


def _integral(xp: Any, end: Array, values: Callable[[Array], Array]) -> Array:
    """The integral of a function from 0 to `end`, by Gauss-Legendre quadrature."""
    return sum(weight * values(end * ((at + 1.0) / 2.0)) for at, weight in _nodes()) * (end / 2.0)


@cache
def _nodes() -> list[tuple[float, float]]:
    at, weights = np.polynomial.legendre.leggauss(56)
    return list(zip(at.tolist(), weights.tolist(), strict=True))
