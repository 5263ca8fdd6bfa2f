"""The log-gamma function, its derivatives, incomplete gamma functions, and Hurwitz's zeta function."""

import math

from autograd_core import functional
from autograd_core.engine.libraries import checks_values, holds
from autograd_core.errors import OperandError
from autograd_core.kinds import BINARY, ELEMENTWISE
from autograd_core.ops.domains import POSITIVE, UNIT
from autograd_core.ops.pointwise.around_zero import even_series
from autograd_core.registry import Interval, composition, integers, op, sample

# A first operand without a derivative is sampled from the integers.
ORDERS = integers((2, 3), 2, 5)


def _slow_zeta(s, q):
    """A partial sum, and the Euler-Maclaurin formula for the remainder."""
    m = q + 30
    rest = m / (s - 1) + 0.5 + s / m / 12 * (1 - (s + 1) * (s + 2) / m**2 / 60 * (1 - (s + 3) * (s + 4) / m**2 / 42))
    return math.fsum((q + k) ** -s for k in range(30)) + m**-s * rest


def _slow_digamma(x):
    m = x + 30
    rest = math.log(m) - 0.5 / m - 1 / m**2 / 12 * (1 - 1 / m**2 / 10 * (1 - 10 / m**2 / 21))
    return rest - math.fsum(1 / (x + k) for k in range(30))


def _slow_polygamma(n, x):
    return -((-1) ** n) * math.factorial(n) * _slow_zeta(n + 1, x) if n else _slow_digamma(x)


@op(ELEMENTWISE, symbol="log Γ", domain=POSITIVE, floating=True, aliases=("special.gammaln",), reference=math.lgamma,
    tolerance=1e-11, vjp=lambda xp, g, x: g * xp.digamma(x))
def lgamma(xp, x):
    """Logarithm of the gamma function's absolute value."""
    return xp.kernels.lgamma(x)


@op(ELEMENTWISE, symbol="ψ", domain=POSITIVE, floating=True, wide=True, aliases=("special.digamma", "special.psi"),
    tolerance=1e-11, reference=_slow_digamma, vjp=lambda xp, g, x: g * xp.polygamma_of(x, n=1))
def digamma(xp, x):
    """Derivative of the logarithm of the gamma function; NaN at negative integers."""
    return xp.kernels.digamma(x)


@op(ELEMENTWISE, symbol="ψ⁽ⁿ⁾", domain=POSITIVE, method=False, floating=True, wide=True, tolerance=1e-11,
    samples=(sample((2, 3), n=1), sample((3,), n=0), sample((3,), n=3)), reference=lambda x, n: _slow_polygamma(n, x),
    vjp=lambda xp, g, x, n: g * xp.polygamma_of(x, n=n + 1))
def polygamma_of(xp, x, *, n):
    """The n-th derivative of `digamma`."""
    if n < 2:
        return (xp.kernels.trigamma if n else xp.kernels.digamma)(x)
    factor = float(math.factorial(n)) if n <= 170 else math.inf
    return xp.kernels.zeta(x, n + 1.0) * (factor if n % 2 else -factor)


@composition(ELEMENTWISE, domain=POSITIVE, aliases=("special.polygamma",), tolerance=1e-11,
             samples=(sample(1, (2, 3)), sample(0, (3,)), sample(2, (3,))), reference=_slow_polygamma)
def polygamma(first=None, second=None, /, *, n=None, input=None):
    """The n-th derivative of `digamma`, as polygamma(n, input) or input.polygamma(n)."""
    given = [value for value in (first, second, n, input) if value is not None]
    if len(given) != 2:
        raise TypeError("polygamma() takes n and input")
    n, input = given[::-1] if hasattr(given[0], "array") else given
    if n < 0 or int(n) != n:
        raise OperandError(f"polygamma(): n must be 0 or a positive integer, not {n}")
    return polygamma_of(input, n=n)


@composition(ELEMENTWISE, domain=Interval(1.5, 4), aliases=("special.multigammaln",), tolerance=1e-11,
             samples=(sample((2, 3), 2), sample((3,), p=1), sample((3,), p=3)),
             reference=lambda x, p: math.fsum(
                 [p * (p - 1) / 4 * math.log(math.pi), *[math.lgamma(x - i / 2) for i in range(p)]]))
def mvlgamma(input, p):
    """Logarithm of the multivariate gamma function with dimension `p`, for elements above (p - 1) / 2."""
    if p < 1:
        raise OperandError(f"mvlgamma(): p must be at least 1, but is {p}")
    x = functional.unsqueeze(input / 1, -1)
    steps = functional.arange(p, device=input.device, dtype=x.dtype) / 2
    return functional.sum(lgamma(x - steps), dim=-1) + p * (p - 1) / 4 * math.log(math.pi)


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
    reference=lambda x: math.log(x) - _slow_digamma(x), vjp=_log_less_digamma_rule)
def log_less_digamma(xp, x):
    """log x - ψ(x) of positive x, without cancellation."""
    return _by_size(xp, x, lambda x: xp.log(x) - xp.kernels.digamma(x), _slope_series)


def _slope_series(r):
    """log x - ψ(x) of large x, by r = 1 / x."""
    return r * (0.5 + r * even_series(r, SLOPE))


def _refusal(name):
    def rule(xp, g):
        raise NotImplementedError(f"{name}() has no derivative with respect to its first operand; detach() it")

    return rule


@op(BINARY, symbol="ζ", domain=POSITIVE, module="special", floating=True, wide=True, tolerance=1e-11,
    samples=(sample(ORDERS, (2, 3)),), reference=_slow_zeta,
    vjp=(_refusal("zeta"), lambda xp, g, a, b: g * (-a * xp.zeta(a + 1, b))))
def zeta(xp, a, b):
    """Hurwitz's zeta function, Σ (other + k)^-input over k ≥ 0; differentiable with respect to `other`."""
    return xp.kernels.zeta(b, a)


def _slow_igamma(a, x):
    return math.fsum(math.exp((a + k) * math.log(x) - x - math.lgamma(a + k + 1)) for k in range(80))


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


def _gamma_density(xp, a, x):
    """x^(a-1) exp(-x) / Γ(a)"""
    return xp.exp(xp.gamma_log_density(a, xp.ones_like(x), x))


@op(BINARY, symbol="P", domain=POSITIVE, floating=True, wide=True, aliases=("special.gammainc",), tolerance=1e-11,
    reference=_slow_igamma, order=1,
    vjp=(lambda xp, g, a, b: -g * (_gamma_density(xp, a, b) * xp.gamma_path(a, b)),
         lambda xp, g, a, b: g * _gamma_density(xp, a, b)))
def igamma(xp, a, b):
    """Regularised lower incomplete gamma function, 1/Γ(a) ∫₀ˣ t^(a-1) exp(-t) dt of a = `input` up to x = `other`.

    Differentiable once with respect to `input`.
    """
    return xp.kernels.special.gammainc(a, b)


@op(BINARY, symbol="Q", domain=POSITIVE, floating=True, wide=True, aliases=("special.gammaincc",), tolerance=1e-11,
    reference=lambda a, x: 1 - _slow_igamma(a, x), order=1,
    vjp=(lambda xp, g, a, b: g * (_gamma_density(xp, a, b) * xp.gamma_path(a, b)),
         lambda xp, g, a, b: -g * _gamma_density(xp, a, b)))
def igammac(xp, a, b):
    """Regularised upper incomplete gamma function, 1 - igamma(input, other), exact in the tail.

    Differentiable once with respect to `input`.
    """
    return xp.kernels.special.gammaincc(a, b)


def _slope(f, a, h=1e-3):
    return (4 * (f(a + h) - f(a - h)) / 3 - (f(a + 2 * h) - f(a - 2 * h)) / 6) / (2 * h)


def _slow_gamma_path(a, x):
    return -_slope(lambda a: _slow_igamma(a, x), a) / math.exp((a - 1) * math.log(x) - x - math.lgamma(a))


def _slow_beta_path(a, b, x):
    def share(a):
        terms = (math.lgamma(a + b + n) - math.lgamma(a + 1 + n) + (a + n) * math.log(x) for n in range(200))
        return math.fsum(math.exp(t + b * math.log(1 - x) - math.lgamma(b)) for t in terms)

    beta = math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)
    return -_slope(share, a) / math.exp((a - 1) * math.log(x) + (b - 1) * math.log(1 - x) - beta)


PATH = {"floating": True, "wide": True, "method": False, "order": 0, "tolerance": 1e-7}


@op(BINARY, symbol="∂x/∂a", domain=POSITIVE, reference=_slow_gamma_path, vjp=(_refusal("gamma_path"),) * 2, **PATH)
def gamma_path(xp, a, x):
    """The derivative of a gamma-distributed number x in its shape a at constant igamma(a, x)."""
    return xp.kernels.gamma_path(a, x)


@op(BINARY, symbol="∂x/∂a", domain=UNIT, reference=_slow_beta_path, vjp=(_refusal("beta_path"),) * 3,
    samples=(sample((2, 3), (2, 3), (2, 3)), sample((3, 1), (2,), ())), **PATH)
def beta_path(xp, a, b, x):
    """The derivative of a beta-distributed number x in its first shape a at constant probability."""
    return xp.kernels.beta_path(a, b, x)
