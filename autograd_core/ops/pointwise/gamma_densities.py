"""Logarithms of densities made of gamma functions, of large arguments too, where these cancel; Stirling's formula."""

import math

from autograd_core.engine.libraries import checks_values, holds
from autograd_core.kinds import BINARY, ELEMENTWISE
from autograd_core.ops.domains import POSITIVE, UNIT
from autograd_core.ops.pointwise.around_zero import even_series
from autograd_core.ops.pointwise.gamma import slow_digamma
from autograd_core.registry import op, sample

FAR = 16.0  # from here Stirling's series is accurate enough
STIRLING = 1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188, -691 / 360360
SLOPE = 1 / 12, -1 / 120, 1 / 252, -1 / 240, 1 / 132, -691 / 32760
BERNOULLI = 1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730


def _by_size(xp, x, near, far):
    """near(x) below FAR, far(1 / x) from there on."""
    small = x < FAR
    if checks_values(x) and holds(small):
        return near(x)
    return xp.where(small, near(xp.where(small, x, 1)), far(1 / xp.where(small, FAR, x)))


def _stirling_rest_rule(xp, g, x):
    return g * _by_size(xp, x, lambda x: 0.5 / x - xp.log_less_digamma(x), lambda r: -(r * r) * even_series(r, SLOPE))


@op(ELEMENTWISE, symbol="log Γ - Stirling", domain=POSITIVE, method=False, floating=True, wide=True, tolerance=1e-11,
    reference=lambda x: math.lgamma(x) - (x - 0.5) * math.log(x) + x - 0.5 * math.log(2 * math.pi),
    vjp=_stirling_rest_rule)
def stirling_rest(xp, x):
    """log Γ(x) less Stirling's formula, (x - ½) log x - x + ½ log 2π; x is positive."""
    def near(x):
        return xp.kernels.lgamma(x) - (x - 0.5) * xp.log(x) + (x - 0.5 * math.log(2 * math.pi))

    return _by_size(xp, x, near, lambda r: r * even_series(r, STIRLING))


def _log_less_digamma_rule(xp, g, x):
    """1 / x - ψ′(x)"""
    def far(r):
        return -(r * r) * (0.5 + r * even_series(r, BERNOULLI))

    return g * _by_size(xp, x, lambda x: 1 / x - xp.polygamma_of(x, n=1), far)


@op(ELEMENTWISE, symbol="log - ψ", domain=POSITIVE, method=False, floating=True, wide=True, tolerance=1e-11,
    reference=lambda x: math.log(x) - slow_digamma(x), vjp=_log_less_digamma_rule)
def log_less_digamma(xp, x):
    """log x - ψ(x) of positive x, without cancellation."""
    return _by_size(xp, x, lambda x: xp.log(x) - xp.kernels.digamma(x), _slope_series)


def _slope_series(r):
    """log x - ψ(x) of large x, by r = 1 / x."""
    return r * (0.5 + r * even_series(r, SLOPE))


def _log_of_value(xp, a, x):
    """log x, but 0 where it is not needed: for an exponent a - 1 of 0."""
    return xp.log(xp.where((a == 1) & (x == 0), 1, x))


def _log_of_rest(xp, b, x):
    """log(1 - x), but 0 where it is not needed: for an exponent b - 1 of 0."""
    return xp.log1p(-xp.where((b == 1) & (x == 1), 0, x))


def _slope_in_shape(xp, a, off, plain, n=None):
    """log(y / a) + log a - ψ(a), less log n - ψ(n), where y is near a large a; off: (y - a) / a. Elsewhere `plain`."""
    if checks_values(a) and holds(a < FAR):
        return plain
    close = (off > -0.5) & (a >= FAR)
    near, far = xp.where(close, off, 0), xp.where(close, a, FAR)
    rest = _slope_series(1 / far) - (0 if n is None else _slope_series(1 / xp.where(close, n, FAR)))
    return xp.where(close, xp.log1p(near) + rest, plain)


def _gamma_slope(xp, g, a, rate, x):
    """The slope in a, log(rate·x) - ψ(a)."""
    plain = xp.log(rate) + _log_of_value(xp, a, x) - xp.digamma(a)
    return g * _slope_in_shape(xp, a, (rate * x - a) / a, plain)


def _slope_in_value(xp, a, rate, x):
    """(a - 1) / x - rate, as one quotient where the terms cancel."""
    far = rate * x > 2 * a
    near = xp.where(far, 1, x)
    return xp.where(far, (a - 1) / x - rate, (a - rate * near - 1) / near)


@op(BINARY, symbol="log γ pdf", domain=POSITIVE, method=False, floating=True, wide=True, tolerance=1e-11,
    samples=(sample((2, 3), (2, 3), (2, 3)), sample((2, 1), (3,), ())),
    reference=lambda a, rate, x: a * math.log(rate) + (a - 1) * math.log(x) - rate * x - math.lgamma(a),
    vjp=(_gamma_slope,
         lambda xp, g, a, rate, x: g * ((a - rate * x) / rate),
         lambda xp, g, a, rate, x: g * _slope_in_value(xp, a, rate, x)))
def gamma_log_density(xp, a, rate, x):
    """Logarithm of the density of the gamma distribution of shape `a`, where its terms cancel by distances from `a`."""
    small = a < FAR
    return _gamma_log_density(xp, a, rate, x, small, checks_values(a) and small.all().item())


def _gamma_log_density(xp, a, rate, x, small, all_small=False):
    near = a if all_small else xp.where(small, a, 1)
    y, log_rate = rate * x, xp.log(rate)
    plain = near * log_rate + (near - 1) * _log_of_value(xp, near, x) - y - xp.kernels.lgamma(near)
    if all_small:
        return plain
    far = xp.where(small, FAR, a)
    off = (y - far) / far
    return xp.where(small, plain, (far - 1) * xp.log1p(off) - far * off - _stirling_rest(xp, far) + log_rate)


def _stirling_rest(xp, a):
    """log Γ(a + 1) - a log a + a of numbers from FAR on."""
    return 0.5 * xp.log(2 * math.pi * a) + even_series(1 / a, STIRLING) / a


def _poisson_log_density(xp, k, mean, log_mean):
    """k log μ - μ - log Γ(k + 1), where its terms cancel by the distance of μ from k (Loader 2000)."""
    small = k < FAR
    near, far = xp.where(small, k, 0), xp.where(small, FAR, k)
    off = (mean - far) / far
    close = off > -0.5
    ratio = xp.where(close, xp.log1p(xp.where(close, off, 0)), log_mean - xp.log(far))
    plain = near * log_mean - mean - xp.kernels.lgamma(near + 1)
    return xp.where(small, plain, far * (ratio - off) - _stirling_rest(xp, far))


def _slow_binomial(k, m, logit):
    ways = math.lgamma(k + m + 1) - math.lgamma(k + 1) - math.lgamma(m + 1)
    return ways + k * logit - (k + m) * math.log1p(math.exp(logit))


def _binomial_slope(xp, k, m, logit):
    """The slope in k, ψ(k + m + 1) - ψ(k + 1) + log p."""
    n, k = k + m + 1, k + 1
    plain = xp.digamma(n) - xp.digamma(k) + xp.logsigmoid(logit)
    return _slope_in_shape(xp, k, (n * xp.sigmoid(logit) - k) / k, plain, n)


@op(BINARY, symbol="log binomial", domain=POSITIVE, method=False, floating=True, wide=True, tolerance=1e-11,
    samples=(sample((2, 3), (2, 3), (2, 3)), sample((2, 1), (3,), ())), reference=_slow_binomial,
    vjp=(lambda xp, g, k, m, logit: g * _binomial_slope(xp, k, m, logit),
         lambda xp, g, k, m, logit: g * _binomial_slope(xp, m, k, -logit),
         lambda xp, g, k, m, logit: g * (k * xp.sigmoid(-logit) - m * xp.sigmoid(logit))))
def binomial_log_density(xp, k, m, logit):
    """Logarithm of the probability of `k` successes and `m` failures in k + m trials, in any order."""
    n, lgamma, softplus, sigmoid = k + m, xp.kernels.lgamma, xp.kernels.softplus, xp.kernels.sigmoid
    log_p, log_q = softplus(logit, -1.0), -softplus(logit, 1.0)
    y = k * log_p + m * log_q + (lgamma(n + 1) - lgamma(k + 1) - lgamma(m + 1))
    small = n < _many(n)
    if not (checks_values(n) and small.all().item()):
        n = xp.where(small, _many(n), n)
        p, q, log_n = n * sigmoid(logit), n * sigmoid(-logit), xp.log(n)
        apart = _poisson_log_density(xp, k, p, log_n + log_p) + _poisson_log_density(xp, m, q, log_n + log_q)
        y = xp.where(small, y, apart + _stirling_rest(xp, n))
    return y


def _many(n):
    """The number from which a difference of logarithms of gamma functions loses more digits than an estimate costs."""
    return 64.0 if n.dtype.itemsize == 4 else 1024.0


def _slow_beta(a, b, x):
    ways = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b)
    return ways + (a - 1) * math.log(x) + (b - 1) * math.log1p(-x)


def _beta_slope(xp, a, off, n, log_x):
    """The slope in a, ψ(n) - ψ(a) + log x; off: n x - a."""
    return _slope_in_shape(xp, a, off / a, xp.digamma(n) - xp.digamma(a) + log_x, n)


def _beta_other_slope(xp, g, a, b, x):
    n = a + b
    off = xp.where(x > 0.5, n * (1 - x) - b, a - n * x)  # the same, but other digits are lost
    return g * _beta_slope(xp, b, off, n, _log_of_rest(xp, b, x))


@op(BINARY, symbol="log β pdf", domain=UNIT, method=False, floating=True, wide=True, tolerance=1e-11,
    samples=(sample((2, 3), (2, 3), (2, 3)), sample((2, 1), (3,), ())), reference=_slow_beta,
    vjp=(lambda xp, g, a, b, x: g * _beta_slope(xp, a, (a + b) * x - a, a + b, _log_of_value(xp, a, x)),
         _beta_other_slope,
         lambda xp, g, a, b, x: g * ((a - 1) / x - (b - 1) / (1 - x))))
def beta_log_density(xp, a, b, x):
    """Logarithm of the density of the beta distribution, where its terms cancel as of gamma distributions."""
    n, lgamma = a + b, xp.kernels.lgamma
    of_value = (a - 1) * _log_of_value(xp, a, x) + (b - 1) * _log_of_rest(xp, b, x)
    y = of_value + (lgamma(n) - lgamma(a) - lgamma(b))
    small = n < _many(n)
    if not (checks_values(n) and small.all().item()):
        parts = ((a, n * x), (b, n * (1 - x)))
        apart = sum(_gamma_log_density(xp, part, xp.ones_like(n), at, part < FAR) for part, at in parts)
        y = xp.where(small, y, apart + _stirling_rest(xp, xp.where(small, FAR, n)) + xp.log(n))
    return y
