"""The inverses of the error function and of the normal and logistic distribution functions, for every array library."""

from functools import partial
from typing import Any

from backends.generic.special_functions import tables
from backends.generic.special_functions.pairs import Pair, root, times, two_sum
from backends.generic.special_functions.polynomials import raised, stretched
from backends.generic.special_functions.special import double, put
from backends.geometry import Array


def erfinv(xp: Any, x: Array) -> Array:
    """The inverse of the error function; ±inf at ±1, NaN beyond."""
    dtype, x = double(xp, x)
    size = abs(x)
    value = put(_ends(xp, 1.0 - size), size < 0.8125, lambda x: _near(1.0, tables.ERFINV_NEAR, 0.8125, (x, 0.0)), size)
    far = partial(_tail, xp, 0.8125, tables.ERFINV_FAR, (1.25, 6.25, 2.0))
    head, rest = put(value, (size >= 0.8125) & (size < 1.0), far, 1.0 - size)
    return xp.copysign(head + rest, x).astype(dtype, copy=False)


def ndtri(xp: Any, x: Array) -> Array:
    """The inverse of the normal distribution function; -inf at 0, inf at 1, NaN outside."""
    dtype, x = double(xp, x)
    d, lost = two_sum(x, -0.5)
    sign, q = xp.copysign(1.0, d), xp.minimum(x, 1.0 - x)
    near = abs(d) < 0.40625
    value = put(_ends(xp, q), near, lambda *d: _near(2.75, tables.NDTRI_NEAR, 0.40625, d), sign * d, sign * lost)
    head, rest = put(value, ~near & (q > 0), partial(_tail, xp, 1.125, tables.NDTRI_FAR, (1.5, 27.375, 3.0)), q)
    return (sign * (head + rest)).astype(dtype, copy=False)


def logit(xp: Any, x: Array) -> Array:
    """log(x / (1 - x)), the inverse of the logistic distribution function; NaN outside [0, 1]."""
    dtype, x = double(xp, x)
    if dtype.itemsize < 8:  # near the zero at ½ float64 has digits to spare
        return xp.log(x / (1.0 - x)).astype(dtype)
    near = xp.clip(x, 0.25, 0.75)  # where 2x - 1 is exact
    return xp.where(near == x, 2 * xp.arctanh(2 * near - 1), xp.log(x) - xp.log1p(-x))


def _ends(xp: Any, q: Array) -> Pair:
    """Infinity where the tail is empty."""
    return xp.where(q == 0, xp.inf, xp.nan), xp.zeros_like(q)


def _near(middle: float, table: tuple[float, ...], cut: float, d: tuple[Array, Any]) -> Pair:
    """d times a polynomial of d²."""
    return times(raised(middle, table, d[0] * d[0] * (2.0 / cut**2) - 1.0), d)


def _tail(xp: Any, middle: float, table: tuple[float, ...], bounds: tuple[float, float, float], q: Array) -> Pair:
    """The quantile for the tail probability q: r times a polynomial of r = √-log q."""
    low, high, shift = bounds
    r = root(xp, -xp.log(q))
    t = stretched(xp.clip(r[0], low, high), low, shift, 2.0 * (high + shift) / (high - low))
    return times(raised(middle, table, t), r)
