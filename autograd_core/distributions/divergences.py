"""The Kullback-Leibler divergence of two distributions, dispatched on the pair of their types."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any

from autograd_core import functional, linalg
from autograd_core.distributions.continuous_bernoulli import ContinuousBernoulli
from autograd_core.distributions.counts import Binomial, Geometric, Poisson
from autograd_core.distributions.discrete import Bernoulli, Categorical, OneHotCategorical
from autograd_core.distributions.distribution import Distribution, sum_rightmost
from autograd_core.distributions.exponential_family import ExponentialFamily
from autograd_core.distributions.gammas import Beta, Exponential, Gamma, InverseGamma
from autograd_core.distributions.large_concentrations import dirichlet_divergence, gamma_divergence, poisson_divergence
from autograd_core.distributions.location_scale import EULER, Cauchy, Gumbel, HalfCauchy, HalfNormal, Laplace, Normal
from autograd_core.distributions.low_rank import LowRankMultivariateNormal
from autograd_core.distributions.multivariate import Dirichlet, Independent, MultivariateNormal
from autograd_core.distributions.powers import Pareto
from autograd_core.distributions.transformed import TransformedDistribution
from autograd_core.distributions.uniform import Uniform
from autograd_core.tensor import Tensor

Rule = Callable[[Any, Any], Tensor]
_RULES: dict[tuple[type, type], Rule] = {}


def register_kl(type_p: type[Distribution], type_q: type[Distribution]) -> Callable[[Rule], Rule]:
    """Register the decorated function of p and q as `kl_divergence` for distributions of these types."""

    def register(rule: Rule) -> Rule:
        _RULES[type_p, type_q] = rule
        return rule

    return register


def kl_divergence(p: Distribution, q: Distribution) -> Tensor:
    """The mean, under p, of log p - log q.

    >>> from autograd_core.distributions import Normal
    >>> kl_divergence(Normal(0.0, 1.0), Normal(1.0, 1.0))
    tensor(0.5000)
    """
    for pair in product(type(p).__mro__, type(q).__mro__):
        if pair in _RULES:
            return _RULES[pair](p, q)
    raise _no_rule(p, q)


def _no_rule(p: Distribution, q: Distribution) -> NotImplementedError:
    return NotImplementedError(
        f"no rule for the divergence of {type(p).__name__} from {type(q).__name__}; register_kl() takes one"
    )


@register_kl(ExponentialFamily, ExponentialFamily)
def _exponential_family(p: ExponentialFamily, q: ExponentialFamily) -> Tensor:
    if type(p) is not type(q):
        raise _no_rule(p, q)
    return p._mean_log_density(p) - p._mean_log_density(q)


@register_kl(Normal, Normal)
def _normal(p: Normal, q: Normal) -> Tensor:
    ratio = (p.scale / q.scale) ** 2
    return 0.5 * (ratio + ((p.loc - q.loc) / q.scale) ** 2 - 1 - ratio.log())


@register_kl(HalfNormal, HalfNormal)
def _half_normal(p: HalfNormal, q: HalfNormal) -> Tensor:
    ratio = (p.scale / q.scale) ** 2
    return 0.5 * (ratio - 1 - ratio.log())


@register_kl(Laplace, Laplace)
def _laplace(p: Laplace, q: Laplace) -> Tensor:
    ratio, distance = p.scale / q.scale, (p.loc - q.loc).abs()
    return -ratio.log() + distance / q.scale + ratio * (-distance / p.scale).exp() - 1


@register_kl(Gumbel, Gumbel)
def _gumbel(p: Gumbel, q: Gumbel) -> Tensor:
    ratio, distance = p.scale / q.scale, (q.loc - p.loc) / q.scale
    rest = (distance + (ratio + 1).lgamma()).exp() - (1 + EULER)
    return -ratio.log() - distance + ratio * EULER + rest


@register_kl(Cauchy, Cauchy)
def _cauchy(p: Cauchy, q: Cauchy) -> Tensor:
    return (((p.scale + q.scale) ** 2 + (p.loc - q.loc) ** 2) / (4 * p.scale * q.scale)).log()


@register_kl(HalfCauchy, HalfCauchy)
def _half_cauchy(p: HalfCauchy, q: HalfCauchy) -> Tensor:
    return _cauchy(p.base_dist, q.base_dist)


@register_kl(Uniform, Uniform)
def _uniform(p: Uniform, q: Uniform) -> Tensor:
    found = ((q.high - q.low) / (p.high - p.low)).log()
    return functional.where((q.low > p.low) | (q.high < p.high), float("inf"), found)


@register_kl(Exponential, Exponential)
def _exponential(p: Exponential, q: Exponential) -> Tensor:
    ratio = q.rate / p.rate
    return ratio - 1 - ratio.log()


@register_kl(Gamma, Gamma)
@register_kl(InverseGamma, InverseGamma)
def _gamma(p: Gamma, q: Gamma) -> Tensor:
    return gamma_divergence(p.concentration, q.concentration, q.rate / p.rate)


@register_kl(Beta, Beta)
def _beta(p: Beta, q: Beta) -> Tensor:
    return dirichlet_divergence(*(functional.stack([d.concentration1, d.concentration0], -1) for d in (p, q)))


@register_kl(ContinuousBernoulli, ContinuousBernoulli)
def _continuous_bernoulli(p: ContinuousBernoulli, q: ContinuousBernoulli) -> Tensor:
    return q._cost(p.mean) - q._log_norm() - p.entropy()


@register_kl(Pareto, Pareto)
def _pareto(p: Pareto, q: Pareto) -> Tensor:
    ratio, scale = q.alpha / p.alpha, (p.scale / q.scale).log()
    return functional.where(scale < 0, float("inf"), q.alpha * scale - ratio.log() + ratio - 1)


@register_kl(Dirichlet, Dirichlet)
def _dirichlet(p: Dirichlet, q: Dirichlet) -> Tensor:
    return dirichlet_divergence(p.concentration, q.concentration)


@register_kl(Bernoulli, Bernoulli)
def _bernoulli(p: Bernoulli, q: Bernoulli) -> Tensor:
    impossible = ((q.probs == 0) & (p.probs > 0)) | ((q.probs == 1) & (p.probs < 1))
    return functional.where(impossible, float("inf"), q._cost(p.probs) - p.entropy())


@register_kl(Binomial, Binomial)
def _binomial(p: Binomial, q: Binomial) -> Tensor:
    if bool((p.total_count < q.total_count).any()):
        raise NotImplementedError("the divergence of a binomial distribution from one with more trials")
    found = p.total_count * (q._cost(p.probs) - p._cost(p.probs))
    return functional.where(p.total_count > q.total_count, float("inf"), found)


@register_kl(Geometric, Geometric)
def _geometric(p: Geometric, q: Geometric) -> Tensor:
    return q._cost(p.probs) / p.probs - p.entropy()


@register_kl(Poisson, Poisson)
def _poisson(p: Poisson, q: Poisson) -> Tensor:
    return poisson_divergence(p.rate, q.rate)


@register_kl(Categorical, Categorical)
@register_kl(OneHotCategorical, OneHotCategorical)
def _categorical(p: Categorical, q: Categorical) -> Tensor:
    found = p.probs * (p.logits - q.logits)
    found = functional.where(q.probs == 0, float("inf"), found)
    return functional.where(p.probs == 0, 0.0, found).sum(-1)


@register_kl(MultivariateNormal, MultivariateNormal)
def _multivariate_normal(p: MultivariateNormal, q: MultivariateNormal) -> Tensor:
    if p.event_shape != q.event_shape:
        raise ValueError(f"the divergence of vectors of different shapes, {p.event_shape} and {q.event_shape}")
    ratio = linalg.solve_triangular(q.scale_tril, p.scale_tril, upper=False)
    distance = linalg.solve_triangular(q.scale_tril, (p.loc - q.loc).unsqueeze(-1), upper=False)
    squares = (ratio**2).sum((-2, -1)) + (distance**2).sum((-2, -1))
    return q._log_scale() - p._log_scale() + 0.5 * (squares - p._size())


@register_kl(LowRankMultivariateNormal, LowRankMultivariateNormal)
@register_kl(LowRankMultivariateNormal, MultivariateNormal)
@register_kl(MultivariateNormal, LowRankMultivariateNormal)
def _low_rank(p: Any, q: Any) -> Tensor:
    return _multivariate_normal(
        *(MultivariateNormal(d.loc, scale_tril=d.scale_tril, validate_args=False) for d in (p, q))
    )


@register_kl(TransformedDistribution, TransformedDistribution)
def _transformed(p: TransformedDistribution, q: TransformedDistribution) -> Tensor:
    if p.event_shape != q.event_shape or p.transforms != q.transforms:
        raise NotImplementedError(f"the divergence of distributions with different transforms: {p} and {q}")
    base = kl_divergence(p.base_dist, q.base_dist)
    return sum_rightmost(base, base.ndim - len(p.batch_shape))


@register_kl(Independent, Independent)
def _independent(p: Independent, q: Independent) -> Tensor:
    if p.reinterpreted_batch_ndims != q.reinterpreted_batch_ndims:
        raise NotImplementedError("the divergence of events with different numbers of axes")
    return sum_rightmost(kl_divergence(p.base_dist, q.base_dist), p.reinterpreted_batch_ndims)
