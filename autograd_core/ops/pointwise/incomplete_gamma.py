"""Incomplete gamma functions, and how gamma- and beta-distributed numbers move with their parameters."""

import math

from autograd_core.kinds import BINARY
from autograd_core.ops.domains import POSITIVE, UNIT
from autograd_core.ops.pointwise.gamma import refusal
from autograd_core.registry import op, sample


def _slow_igamma(a, x):
    return math.fsum(math.exp((a + k) * math.log(x) - x - math.lgamma(a + k + 1)) for k in range(80))


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


@op(BINARY, symbol="∂x/∂a", domain=POSITIVE, reference=_slow_gamma_path, vjp=(refusal("gamma_path"),) * 2, **PATH)
def gamma_path(xp, a, x):
    """The derivative of a gamma-distributed number x in its shape a at constant igamma(a, x)."""
    return xp.kernels.gamma_path(a, x)


@op(BINARY, symbol="∂x/∂a", domain=UNIT, reference=_slow_beta_path, vjp=(refusal("beta_path"),) * 3,
    samples=(sample((2, 3), (2, 3), (2, 3)), sample((3, 1), (2,), ())), **PATH)
def beta_path(xp, a, b, x):
    """The derivative of a beta-distributed number x in its first shape a at constant probability."""
    return xp.kernels.beta_path(a, b, x)
