"""The inverses of the error function and of the normal distribution function, for every array library."""

from typing import Any

from backends.generic import tables
from backends.generic.pairs import root, times, two_sum
from backends.generic.polynomials import raised, stretched
from backends.generic.special import double
from backends.geometry import Array


def erfinv(xp: Any, x: Array) -> Array:
    """The inverse of the error function; ±inf at ±1, NaN beyond."""
    dtype, x = double(xp, x)
    near = times(raised(1.0, tables.ERFINV_NEAR, _squares(xp, x, 0.8125)), (x, 0.0))
    far = _tail(xp, 1.0 - abs(x), 0.8125, tables.ERFINV_FAR, (1.25, 6.25, 2.0))
    return xp.where(abs(x) < 0.8125, xp.copysign(sum(near), x), xp.sign(x) * far).astype(dtype, copy=False)


def ndtri(xp: Any, x: Array) -> Array:
    """The inverse of the normal distribution function; -inf at 0, inf at 1, NaN outside."""
    dtype, x = double(xp, x)
    d, rest = two_sum(x, -0.5)
    near = times(raised(2.75, tables.NDTRI_NEAR, _squares(xp, d, 0.40625)), (d, rest))
    far = _tail(xp, xp.minimum(x, 1.0 - x), 1.125, tables.NDTRI_FAR, (1.5, 27.375, 3.0))
    return xp.where(abs(d) < 0.40625, sum(near), xp.sign(d) * far).astype(dtype, copy=False)


def _squares(xp: Any, x: Array, cut: float) -> Array:
    """The squares from 0 to that of `cut`, as [-1, 1]."""
    x = xp.clip(x, -cut, cut)
    return x * x * (2.0 / cut**2) - 1.0


def _tail(xp: Any, q: Array, middle: float, table: tuple[float, ...], bounds: tuple[float, float, float]) -> Array:
    """The quantile of the probability q of the tail: r times a polynomial of r = √-log q."""
    low, high, shift = bounds
    inside = xp.where(q > 0, q, 0.5)
    r, rest = root(xp, -xp.log(inside))
    t = stretched(xp.clip(r, low, high), low, shift, 2.0 * (high + shift) / (high - low))
    value = sum(times(raised(middle, table, t), (r, rest)))
    return xp.where(q > 0, value, xp.where(q == 0, xp.inf, xp.nan))
