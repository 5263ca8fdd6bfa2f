"""Logarithms of sums, products with logarithms, and log-odds."""

import math

from autograd_core.kinds import BINARY, ELEMENTWISE
from autograd_core.ops.domains import POSITIVE, UNIT
from autograd_core.ops.pointwise.around_zero import even_series
from autograd_core.registry import op, sample


@op(BINARY, symbol="log e+e", floating=True, holomorphic=True,
    reference=lambda a, b: math.log(math.exp(a) + math.exp(b)),
    vjp=(lambda xp, g, a, b: g * xp.sigmoid(a - b), lambda xp, g, a, b: g * xp.sigmoid(b - a)))
def logaddexp(xp, a, b):
    """log(exp(input) + exp(other)), without overflow."""
    if (a if hasattr(a, "dtype") else b).dtype.kind != "c":
        return xp.logaddexp(a, b)
    first = a.real >= b.real
    larger, smaller = xp.where(first, a, b), xp.where(first, b, a)
    return larger + xp.log1p(xp.exp(smaller - larger))


def _binary_sigmoid(xp, x):
    """1 / (1 + 2^-x), without the rounding error of a product with log 2."""
    below = x < 0
    e = xp.exp2(xp.where(below, x, -x))
    return xp.where(below, e, 1) / (1 + e)


@op(BINARY, symbol="log₂ 2+2", floating=True, reference=lambda a, b: math.log2(2**a + 2**b),
    vjp=(lambda xp, g, a, b: g * _binary_sigmoid(xp, a - b), lambda xp, g, a, b: g * _binary_sigmoid(xp, b - a)))
def logaddexp2(xp, a, b):
    """log₂(2^input + 2^other), without overflow."""
    return xp.logaddexp2(a, b)


def _times_log(xp, x, log, y):
    """x·log(y), and 0 where x is 0, unless y is NaN."""
    zero = (x == 0) & (y == y)
    return xp.where(zero, 0, x * log(xp.where(zero, 1, y)))


@op(BINARY, symbol="x log y", domain=POSITIVE, floating=True, wide=True, reference=lambda x, y: x * math.log(y),
    aliases=("special.xlogy",),
    vjp=(lambda xp, g, a, b: g * xp.where((a == 0) & (b <= 0), 0, xp.log(b)),
         lambda xp, g, a, b: g * (a / b)))
def xlogy(xp, a, b):
    """input·log(other), and 0 where `input` is 0, whatever finite or infinite number `other` is."""
    return _times_log(xp, a, xp.log, b)


@op(BINARY, symbol="x log1p y", domain=POSITIVE, module="special", floating=True, wide=True,
    reference=lambda x, y: x * math.log1p(y),
    vjp=(lambda xp, g, a, b: g * xp.where((a == 0) & (b <= -1), 0, xp.log1p(b)),
         lambda xp, g, a, b: g * (a / (1 + b))))
def xlog1py(xp, a, b):
    """input·log(1 + other), exact for small `other`, and 0 where `input` is 0."""
    return _times_log(xp, a, xp.log1p, b)


EXCESS = tuple(1 / (2 * k + 3) for k in range(11))  # of log(1 + e) = 2 artanh(e / (2 + e)), without the first term


@op(BINARY, symbol="r-1-log r", domain=POSITIVE, method=False, floating=True, wide=True, tolerance=1e-11,
    reference=lambda a, b: a / b - 1 - math.log(a / b),
    vjp=(lambda xp, g, a, b: g * ((a - b) / a / b), lambda xp, g, a, b: g * ((b - a) / b / b)))
def log_excess(xp, a, b):
    """r - 1 - log r of the ratio r of two positive numbers, exact where they are nearly equal."""
    off = (a - b) / b
    close = abs(off) < 1 / 3
    near, ratio = xp.where(close, off, 0), xp.where(close, 1, a / b)
    half, terms = near / (2 + near), EXCESS[:5] if near.dtype.itemsize == 4 else EXCESS
    series = half * (near - 2 * half * half * even_series(half, terms))
    return xp.where(close, series, (ratio - 1) - xp.log(ratio))


def _entr_rule(xp, g, x):
    """-1 - log(x); near its zero 1/e computed as -log(x·e), from the distance to the zero in three parts."""
    near = xp.clamp_number(x, min=0.25, max=0.5)
    distance = ((near - 0.3678794503211975) + 9.149755175741348e-09) + 1.2428753672788363e-17
    return g * xp.where(x == near, -xp.log1p(distance * math.e), -1 - xp.log(x))


@op(ELEMENTWISE, symbol="-x log x", domain=POSITIVE, module="special", floating=True, wide=True,
    reference=lambda x: -x * math.log(x), vjp=_entr_rule)
def entr(xp, x):
    """Entropy of every element, -x·log(x): 0 at 0, -inf below."""
    positive = xp.where(x > 0, x, 1)
    return xp.where(x >= 0, 0 - x * xp.log(positive), xp.where(x < 0, -math.inf, x))


def _logit_rule(xp, g, x, eps):
    """1 / x + 1 / (1 - x); NaN outside the unit interval, or 0 where `eps` clamps."""
    outside = (x < (eps or 0)) | (x > 1 - (eps or 0))
    inside = xp.where(outside, math.nan if eps is None else 0.5, x)  # 0.5: no infinity to multiply by 0 later
    slope = g / inside + g / (1 - inside)
    return slope if eps is None else xp.where(outside, 0, slope)


@op(ELEMENTWISE, symbol="logit", domain=UNIT, floating=True, wide=True, aliases=("special.logit",),
    samples=(sample((2, 3)), sample((3,), eps=0.01)), reference=lambda x, eps=None: math.log(x / (1 - x)),
    tolerance=1e-11, vjp=_logit_rule)
def logit(xp, x, *, eps=None):
    """log(x / (1 - x)), the inverse of `sigmoid`; with `eps`, of x clamped to [eps, 1 - eps]."""
    if eps is not None:
        x = xp.clip(x, eps, 1 - eps)
    return xp.kernels.logit(x)
