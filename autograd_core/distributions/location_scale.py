"""Location-scale families, absolute values of such numbers, and numbers whose logarithms are normal."""

from __future__ import annotations

import math
from typing import Any, ClassVar

from autograd_core import functional
from autograd_core.distributions import constraints
from autograd_core.distributions.distribution import AroundLoc, Shape, parts_of
from autograd_core.distributions.elementwise_transforms import AbsTransform, AffineTransform, ExpTransform
from autograd_core.distributions.exponential_family import ExponentialFamily
from autograd_core.distributions.transformed import Closed, TransformedDistribution
from autograd_core.distributions.uniform import ByQuantile, Uniform
from autograd_core.distributions.vector_transforms import StickBreakingTransform
from autograd_core.dtypes import finfo
from autograd_core.tensor import Tensor

EULER = 0.57721566490153286


class Location(AroundLoc):
    """Base of location-scale families."""

    loc: Tensor
    scale: Tensor
    arg_constraints: ClassVar = {"loc": constraints.real, "scale": constraints.positive}
    support: Any = constraints.real

    def __init__(self, loc: Any, scale: Any, validate_args: bool | None = None) -> None:
        self._take(validate_args, loc=loc, scale=scale)

    def _standard(self, value: Tensor) -> Tensor:
        return (value - self.loc) / self.scale


class Normal(Location, ExponentialFamily):
    """Normal distribution with mean `loc` and standard deviation `scale`.

    >>> Normal(0.0, 1.0).log_prob(functional.tensor(0.0))
    tensor(-0.9189)
    """

    has_rsample = True
    _mean_carrier_measure = 0

    @property
    def stddev(self) -> Tensor:
        return self.scale

    @property
    def variance(self) -> Tensor:
        return self.scale**2

    def rsample(self, sample_shape: Shape = ()) -> Tensor:
        noise = functional.randn(self._extended_shape(sample_shape), dtype=self.loc.dtype, device=self.loc.device)
        return self.loc + self.scale * noise

    def _log_density(self, value: Tensor) -> Tensor:
        return -0.5 * self._standard(value) ** 2 - self.scale.log() - 0.5 * math.log(2 * math.pi)

    def _cdf(self, value: Tensor) -> Tensor:
        return functional.ndtr(self._standard(value))

    def icdf(self, value: Tensor) -> Tensor:
        return self.loc + self.scale * functional.ndtri(value)

    def entropy(self) -> Tensor:
        return self.scale.log() + 0.5 * (1 + math.log(2 * math.pi))

    @property
    def _natural_params(self) -> tuple[Tensor, ...]:
        return self.loc / self.scale**2, -0.5 / self.scale**2

    def _log_normalizer(self, x: Tensor, y: Tensor) -> Tensor:
        return -0.25 * x**2 / y + 0.5 * (-math.pi / y).log()


class Laplace(ByQuantile, Location):
    """Laplace distribution: the distance from `loc` is exponential with mean `scale`."""

    @property
    def variance(self) -> Tensor:
        return 2 * self.scale**2

    def _log_density(self, value: Tensor) -> Tensor:
        return -self._standard(value).abs() - (2 * self.scale).log()

    def _cdf(self, value: Tensor) -> Tensor:
        z = self._standard(value)
        return functional.where(z > 0, 1 - 0.5 * (-z.abs()).exp(), 0.5 * (-z.abs()).exp())

    def _quantile(self, u: Tensor) -> Tensor:
        return self.loc - self.scale * (u - 0.5).sign() * (2 * _tail(u)).log()

    def entropy(self) -> Tensor:
        return 1 + (2 * self.scale).log()


class Cauchy(ByQuantile, Location):
    """Cauchy distribution: quotients of two normal numbers, shifted and scaled."""

    @property
    def mean(self) -> Tensor:
        return functional.full_like(self.loc, math.nan)

    @property
    def variance(self) -> Tensor:
        return functional.full_like(self.loc, math.inf)

    def _log_density(self, value: Tensor) -> Tensor:
        return -(self._standard(value) ** 2).log1p() - self.scale.log() - math.log(math.pi)

    def _cdf(self, value: Tensor) -> Tensor:
        return functional.atan2(1.0, -self._standard(value)) / math.pi

    def rsample(self, sample_shape: Shape = ()) -> Tensor:
        noise = self.loc.detach().new_empty(self._extended_shape(sample_shape)).cauchy_()
        return self.loc + self.scale * noise

    def _quantile(self, u: Tensor) -> Tensor:
        return self.loc + self.scale * _tan_half_turn(2 * (u - 0.5), 2 * _tail(u))

    def entropy(self) -> Tensor:
        return self.scale.log() + math.log(4 * math.pi)


def _tail(u: Tensor) -> Tensor:
    """The probability of the nearer tail, exactly."""
    return functional.minimum(u, 1 - u)


def _tan_half_turn(u: Tensor, rest: Tensor) -> Tensor:
    """tan(½πu) between -1 and 1, with `rest` = 1 - |u|, which keeps its digits next to the poles."""
    near = u.abs() < 0.5
    turn = (0.5 * math.pi * functional.where(near, u, rest)).tan()
    return functional.where(near, turn, u.sign() / functional.where(near, 1.0, turn))


class Gumbel(ByQuantile, Location, Closed):
    """Gumbel distribution: the limit distribution of the largest of many numbers."""

    def _parts(self) -> tuple[Any, ...]:
        limits, one = finfo(self.scale.dtype), functional.ones_like(self.scale)
        base = Uniform(one * limits.tiny, one * (1 - limits.eps), validate_args=False)
        logarithm = ExpTransform().inv
        return base, logarithm, AffineTransform(0, -one), ExpTransform().inv, AffineTransform(self.loc, -self.scale)

    @property
    def mean(self) -> Tensor:
        return self.loc + self.scale * EULER

    @property
    def variance(self) -> Tensor:
        return self.scale**2 * (math.pi**2 / 6)

    def _log_density(self, value: Tensor) -> Tensor:
        z = self._standard(value)
        return -z - (-z).exp() - self.scale.log()

    def _cdf(self, value: Tensor) -> Tensor:
        return (-(-self._standard(value)).exp()).exp()

    def _quantile(self, u: Tensor) -> Tensor:
        return self.loc - self.scale * (-u.log()).log()

    def entropy(self) -> Tensor:
        return self.scale.log() + (1 + EULER)


class _Half(Closed):
    """Base of distributions of absolute values."""

    full: Any
    scale: Tensor
    arg_constraints: ClassVar = {"scale": constraints.positive}
    support = constraints.nonnegative

    def __init__(self, scale: Any, validate_args: bool | None = None) -> None:
        self._take(validate_args, scale=scale)

    def _parts(self) -> tuple[Any, ...]:
        return self.full(0.0, self.scale, validate_args=False), AbsTransform()

    @property
    def mode(self) -> Tensor:
        return functional.zeros_like(self.scale)

    def rsample(self, sample_shape: Shape = ()) -> Tensor:
        return self.base_dist.rsample(sample_shape).abs()

    def _log_density(self, value: Tensor) -> Tensor:
        density = self.base_dist.log_prob(value) + math.log(2)
        return functional.where(value >= 0, density, -math.inf)

    def entropy(self) -> Tensor:
        return self.base_dist.entropy() - math.log(2)


class HalfNormal(_Half):
    """Half-normal distribution: absolute values of normal numbers with mean 0."""

    full = Normal

    @property
    def mean(self) -> Tensor:
        return self.scale * math.sqrt(2 / math.pi)

    @property
    def variance(self) -> Tensor:
        return self.scale**2 * (1 - 2 / math.pi)

    def _cdf(self, value: Tensor) -> Tensor:
        return (value / self.scale * math.sqrt(0.5)).erf()

    def icdf(self, value: Tensor) -> Tensor:
        return self.scale * math.sqrt(2) * value.erfinv()


class HalfCauchy(_Half):
    """Half-Cauchy distribution: absolute values of Cauchy-distributed numbers around 0."""

    full = Cauchy

    @property
    def mean(self) -> Tensor:
        return functional.full_like(self.scale, math.inf)

    @property
    def variance(self) -> Tensor:
        return functional.full_like(self.scale, math.inf)

    def _cdf(self, value: Tensor) -> Tensor:
        return (value / self.scale).atan() * (2 / math.pi)

    def icdf(self, value: Tensor) -> Tensor:
        return self.scale * _tan_half_turn(value, 1 - value)


class LogNormal(TransformedDistribution):
    """Log-normal distribution: exponentials of normal numbers with mean `loc` and standard deviation `scale`."""

    base_dist: Normal
    arg_constraints: ClassVar = Normal.arg_constraints
    support = constraints.positive
    loc, scale = parts_of("base_dist", "loc", "scale")

    def __init__(self, loc: Any, scale: Any, validate_args: bool | None = None) -> None:
        super().__init__(Normal(loc, scale, validate_args), ExpTransform(), validate_args)

    @property
    def mean(self) -> Tensor:
        return (self.loc + self.scale**2 / 2).exp()

    @property
    def mode(self) -> Tensor:
        return (self.loc - self.scale**2).exp()

    @property
    def variance(self) -> Tensor:
        return (self.scale**2).expm1() * (2 * self.loc + self.scale**2).exp()

    def entropy(self) -> Tensor:
        return self.base_dist.entropy() + self.loc


class LogisticNormal(TransformedDistribution):
    """Vectors on the simplex with normal stick-breaking log-odds."""

    base_dist: Any
    arg_constraints: ClassVar = Normal.arg_constraints
    support = constraints.simplex
    loc, scale = parts_of("base_dist.base_dist", "loc", "scale")

    def __init__(self, loc: Any, scale: Any, validate_args: bool | None = None) -> None:
        base = Normal(loc, scale, validate_args)
        super().__init__(base if base.batch_shape else base.expand((1,)), StickBreakingTransform(), validate_args)
