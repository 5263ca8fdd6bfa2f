"""The Kullback-Leibler divergence between distributions of different families."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from autograd_core import functional
from autograd_core.distributions.continuous_bernoulli import ContinuousBernoulli
from autograd_core.distributions.counts import Binomial, Poisson
from autograd_core.distributions.discrete import Bernoulli
from autograd_core.distributions.distribution import Distribution
from autograd_core.distributions.divergences import Rule, register_kl
from autograd_core.distributions.gammas import Beta, Exponential, Gamma, log_beta
from autograd_core.distributions.location_scale import EULER, Gumbel, Laplace, Normal
from autograd_core.distributions.powers import Pareto
from autograd_core.distributions.uniform import Uniform
from autograd_core.tensor import Tensor

REAL = (Gumbel, Laplace, Normal)  # of all real numbers
UNBOUNDED = (*REAL, Exponential, Gamma, Pareto)


def _to(q: type[Distribution], *ps: type[Distribution]) -> Callable[[Rule], Rule]:
    """Register the decorated function as the divergence of distributions of these families from one of q's."""

    def register(rule: Rule) -> Rule:
        for p in ps:
            register_kl(p, q)(rule)
        return rule

    return register


@_to(Beta, *UNBOUNDED)
@_to(ContinuousBernoulli, *UNBOUNDED)
@_to(Uniform, *UNBOUNDED)
@_to(Pareto, *REAL, Exponential, Gamma, Beta, ContinuousBernoulli)
@_to(Exponential, *REAL)
@_to(Gamma, *REAL)
@_to(Bernoulli, Poisson)
@_to(Binomial, Poisson)
def _infinite(p: Distribution, q: Distribution) -> Tensor:
    """Where the support of p exceeds that of q."""
    like: Tensor = getattr(p, p._given()[0])
    return like.new_full(functional.broadcast_shapes(p.batch_shape, q.batch_shape), math.inf)


@register_kl(Bernoulli, Poisson)
def _bernoulli_poisson(p: Bernoulli, q: Poisson) -> Tensor:
    return -p.entropy() - (p.probs * q.rate.log() - q.rate)


@_to(Normal, Beta, ContinuousBernoulli, Exponential, Gamma, Gumbel, Laplace, Pareto, Uniform)
def _to_normal(p: Any, q: Normal) -> Tensor:
    squares = p.variance + (p.mean - q.loc) ** 2
    return -p.entropy() + 0.5 * (math.log(2 * math.pi) + squares / q.variance) + q.scale.log()


@_to(Exponential, Beta, ContinuousBernoulli, Gamma, Pareto, Uniform)
def _to_exponential(p: Any, q: Exponential) -> Tensor:
    return _within(p, 0.0, math.inf, -p.entropy() - q.rate.log() + q.rate * p.mean)


@_to(Gamma, Beta, Exponential, Pareto, Uniform)
def _to_gamma(p: Any, q: Gamma) -> Tensor:
    a, b = q.concentration, q.rate
    cost = a.lgamma() - a * b.log() - (a - 1) * _mean_log(p) + b * p.mean
    return _within(p, 0.0, math.inf, -p.entropy() + cost)


@register_kl(Uniform, Beta)
def _uniform_beta(p: Uniform, q: Beta) -> Tensor:
    a, b = q.concentration1, q.concentration0
    turned = Uniform(1 - p.high, 1 - p.low, validate_args=False)
    cost = log_beta(a, b) - (a - 1) * _mean_log(p) - (b - 1) * _mean_log(turned)
    return _within(p, 0.0, 1.0, -p.entropy() + cost)


@_to(ContinuousBernoulli, Beta, Uniform)
def _to_continuous_bernoulli(p: Any, q: ContinuousBernoulli) -> Tensor:
    return _within(p, 0.0, 1.0, -p.entropy() + q._cost(p.mean) - q._log_norm())


@register_kl(Uniform, Pareto)
def _uniform_pareto(p: Uniform, q: Pareto) -> Tensor:
    cost = (q.alpha + 1) * _mean_log(p) - q.alpha.log() - q.alpha * q.scale.log()
    return _within(p, q.scale, math.inf, -p.entropy() + cost)


@_to(Uniform, Beta, ContinuousBernoulli)
def _to_uniform(p: Any, q: Uniform) -> Tensor:
    found = -p.entropy() + (q.high - q.low).log()
    return functional.where((q.low > 0) | (q.high < 1), math.inf, found)


@_to(Gumbel, Exponential, Gamma, Normal, Uniform)
def _to_gumbel(p: Any, q: Gumbel) -> Tensor:
    falls = (q.loc / q.scale).exp() * _mean_exponential(p, -1 / q.scale)
    return -p.entropy() + q.scale.log() + (p.mean - q.loc) / q.scale + falls


@register_kl(Normal, Laplace)
def _normal_laplace(p: Normal, q: Laplace) -> Tensor:
    z = (p.loc - q.loc) / p.scale
    distance = p.scale * (math.sqrt(2 / math.pi) * (-0.5 * z**2).exp() + z * functional.erf(z / math.sqrt(2)))
    return -p.entropy() + (2 * q.scale).log() + distance / q.scale


def _within(p: Any, low: Any, high: float, divergence: Tensor) -> Tensor:
    """The divergence, infinite where the support of a `Uniform` p exceeds that of q."""
    if not isinstance(p, Uniform):
        return divergence
    return functional.where((p.low < low) | (p.high > high), math.inf, divergence)


def _mean_log(p: Any) -> Tensor:
    """E[log x]."""
    if isinstance(p, Beta):
        return p.concentration1.digamma() - (p.concentration1 + p.concentration0).digamma()
    if isinstance(p, Exponential):
        return -EULER - p.rate.log()
    if isinstance(p, Pareto):
        return p.scale.log() + 1 / p.alpha
    high, low = (functional.xlogy(end, end) for end in (p.high, p.low))
    return (high - low) / (p.high - p.low) - 1


def _mean_exponential(p: Any, t: Tensor) -> Tensor:
    """E[exp(t·x)] for t < 0."""
    if isinstance(p, Normal):
        return (t * p.loc + 0.5 * (t * p.scale) ** 2).exp()
    if isinstance(p, Uniform):
        return ((t * p.high).exp() - (t * p.low).exp()) / (t * (p.high - p.low))
    shape = p.concentration if isinstance(p, Gamma) else 1.0
    return (1 - t / p.rate) ** -shape
