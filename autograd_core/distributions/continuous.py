"""Distributions of real numbers."""

from __future__ import annotations

import math
from typing import Any

from autograd_core import dtypes, functional
from autograd_core.distributions import constraints
from autograd_core.distributions.distribution import Distribution, Shape, together
from autograd_core.random import stream_of
from autograd_core.tensor import Tensor, no_grad, wrap


class _ByQuantile(Distribution):
    """Values are the quantiles, a differentiable function of the parameters, of uniform numbers."""

    has_rsample = True

    def rsample(self, sample_shape: Shape = ()) -> Tensor:
        like = getattr(self, self._given()[0])
        u = functional.rand(self._extended(sample_shape), dtype=like.dtype, device=like.device)
        limits = dtypes.finfo(like.dtype)
        return self._quantile(u.clamp(float(limits.tiny), 1 - float(limits.eps) / 2))

    def icdf(self, value: Tensor) -> Tensor:
        if self._validates and not bool(constraints.unit_interval.check(value).all()):
            raise ValueError(f"icdf() takes probabilities between 0 and 1, not {value.detach()}")
        return self._quantile(value)

    def _quantile(self, u: Tensor) -> Tensor:
        raise NotImplementedError


class _Location(Distribution):
    """A shape that is moved by `loc` and stretched by `scale`."""

    loc: Tensor
    scale: Tensor
    arg_constraints = {"loc": constraints.real, "scale": constraints.positive}  # noqa: RUF012
    support = constraints.real

    def __init__(self, loc: Any, scale: Any, validate_args: bool | None = None) -> None:
        self.loc, self.scale = together(loc, scale)
        super().__init__(self.loc.shape, validate_args=validate_args)

    @property
    def mean(self) -> Tensor:
        return self.loc

    @property
    def mode(self) -> Tensor:
        return self.loc

    def _standard(self, value: Tensor) -> Tensor:
        self._check(value)
        return (value - self.loc) / self.scale


class Normal(_Location):
    """Normal numbers of mean `loc` and standard deviation `scale`.

    >>> Normal(0.0, 1.0).log_prob(functional.tensor(0.0))
    tensor(-0.9189)
    """

    has_rsample = True

    @property
    def stddev(self) -> Tensor:
        return self.scale

    @property
    def variance(self) -> Tensor:
        return self.scale**2

    def rsample(self, sample_shape: Shape = ()) -> Tensor:
        noise = functional.randn(self._extended(sample_shape), dtype=self.loc.dtype, device=self.loc.device)
        return self.loc + self.scale * noise

    def log_prob(self, value: Tensor) -> Tensor:
        return -0.5 * self._standard(value) ** 2 - self.scale.log() - 0.5 * math.log(2 * math.pi)

    def cdf(self, value: Tensor) -> Tensor:
        return functional.ndtr(self._standard(value))

    def icdf(self, value: Tensor) -> Tensor:
        return self.loc + self.scale * functional.ndtri(value)

    def entropy(self) -> Tensor:
        return self.scale.log() + 0.5 * (1 + math.log(2 * math.pi))


class Laplace(_ByQuantile, _Location):
    """Numbers whose distance from `loc` is exponential, with mean `scale`."""

    @property
    def variance(self) -> Tensor:
        return 2 * self.scale**2

    def log_prob(self, value: Tensor) -> Tensor:
        return -self._standard(value).abs() - (2 * self.scale).log()

    def cdf(self, value: Tensor) -> Tensor:
        z = self._standard(value)
        return functional.where(z > 0, 1 - 0.5 * (-z.abs()).exp(), 0.5 * (-z.abs()).exp())

    def _quantile(self, u: Tensor) -> Tensor:
        return self.loc - self.scale * (u - 0.5).sign() * (-2 * (u - 0.5).abs()).log1p()

    def entropy(self) -> Tensor:
        return 1 + (2 * self.scale).log()


class Cauchy(_ByQuantile, _Location):
    """Quotients of two normal numbers, around `loc`."""

    @property
    def mean(self) -> Tensor:
        return functional.full_like(self.loc, math.nan)

    @property
    def variance(self) -> Tensor:
        return functional.full_like(self.loc, math.inf)

    def log_prob(self, value: Tensor) -> Tensor:
        return -(self._standard(value) ** 2).log1p() - self.scale.log() - math.log(math.pi)

    def cdf(self, value: Tensor) -> Tensor:
        return self._standard(value).atan() / math.pi + 0.5

    def _quantile(self, u: Tensor) -> Tensor:
        return self.loc + self.scale * (math.pi * (u - 0.5)).tan()

    def entropy(self) -> Tensor:
        return self.scale.log() + math.log(4 * math.pi)


class Gumbel(_ByQuantile, _Location):
    """What the largest of many numbers is distributed like."""

    EULER = 0.57721566490153286

    @property
    def mean(self) -> Tensor:
        return self.loc + self.scale * self.EULER

    @property
    def variance(self) -> Tensor:
        return self.scale**2 * (math.pi**2 / 6)

    def log_prob(self, value: Tensor) -> Tensor:
        z = self._standard(value)
        return -z - (-z).exp() - self.scale.log()

    def cdf(self, value: Tensor) -> Tensor:
        return (-(-self._standard(value)).exp()).exp()

    def _quantile(self, u: Tensor) -> Tensor:
        return self.loc - self.scale * (-u.log()).log()

    def entropy(self) -> Tensor:
        return self.scale.log() + (1 + self.EULER)


class _Half(Distribution):
    """The distance of a number from the middle of its distribution."""

    full: Any
    scale: Tensor
    has_rsample = True
    arg_constraints = {"scale": constraints.positive}  # noqa: RUF012
    support = constraints.nonnegative

    def __init__(self, scale: Any, validate_args: bool | None = None) -> None:
        (self.scale,) = together(scale)
        super().__init__(self.scale.shape, validate_args=validate_args)

    def _whole(self) -> Any:
        return self.full(0.0, self.scale, validate_args=False)

    @property
    def mode(self) -> Tensor:
        return functional.zeros_like(self.scale)

    def rsample(self, sample_shape: Shape = ()) -> Tensor:
        return self._whole().rsample(sample_shape).abs()  # type: ignore[no-any-return]

    def log_prob(self, value: Tensor) -> Tensor:
        self._check(value)
        density = self._whole().log_prob(value) + math.log(2)
        return functional.where(value >= 0, density, -math.inf)

    def cdf(self, value: Tensor) -> Tensor:
        self._check(value)
        return 2 * self._whole().cdf(value) - 1  # type: ignore[no-any-return]

    def icdf(self, value: Tensor) -> Tensor:
        return self._whole().icdf((value + 1) / 2)  # type: ignore[no-any-return]

    def entropy(self) -> Tensor:
        return self._whole().entropy() - math.log(2)  # type: ignore[no-any-return]


class HalfNormal(_Half):
    """Magnitudes of normal numbers of mean 0."""

    full = Normal

    @property
    def mean(self) -> Tensor:
        return self.scale * math.sqrt(2 / math.pi)

    @property
    def variance(self) -> Tensor:
        return self.scale**2 * (1 - 2 / math.pi)


class HalfCauchy(_Half):
    """Magnitudes of the numbers of a Cauchy distribution around 0."""

    full = Cauchy

    @property
    def mean(self) -> Tensor:
        return functional.full_like(self.scale, math.inf)

    @property
    def variance(self) -> Tensor:
        return functional.full_like(self.scale, math.inf)


class LogNormal(Distribution):
    """Exponentials of normal numbers."""

    loc: Tensor
    scale: Tensor
    has_rsample = True
    arg_constraints = {"loc": constraints.real, "scale": constraints.positive}  # noqa: RUF012
    support = constraints.positive

    def __init__(self, loc: Any, scale: Any, validate_args: bool | None = None) -> None:
        self.loc, self.scale = together(loc, scale)
        super().__init__(self.loc.shape, validate_args=validate_args)

    def _logarithm(self) -> Normal:
        return Normal(self.loc, self.scale, validate_args=False)

    @property
    def mean(self) -> Tensor:
        return (self.loc + self.scale**2 / 2).exp()

    @property
    def mode(self) -> Tensor:
        return (self.loc - self.scale**2).exp()

    @property
    def variance(self) -> Tensor:
        return (self.scale**2).expm1() * (2 * self.loc + self.scale**2).exp()

    def rsample(self, sample_shape: Shape = ()) -> Tensor:
        return self._logarithm().rsample(sample_shape).exp()

    def log_prob(self, value: Tensor) -> Tensor:
        self._check(value)
        return self._logarithm().log_prob(value.log()) - value.log()

    def cdf(self, value: Tensor) -> Tensor:
        self._check(value)
        return self._logarithm().cdf(value.log())

    def icdf(self, value: Tensor) -> Tensor:
        return self._logarithm().icdf(value).exp()

    def entropy(self) -> Tensor:
        return self._logarithm().entropy() + self.loc


class Uniform(_ByQuantile):
    """Numbers between `low` and `high`, one as probable as the other."""

    low: Tensor
    high: Tensor
    arg_constraints = {"low": constraints.real, "high": constraints.real}  # noqa: RUF012

    def __init__(self, low: Any, high: Any, validate_args: bool | None = None) -> None:
        self.low, self.high = together(low, high)
        super().__init__(self.low.shape, validate_args=validate_args)
        if self._validates and not bool((self.low < self.high).all()):
            raise ValueError(f"Uniform() needs low < high, not {self.low.detach()} and {self.high.detach()}")

    @property
    def support(self) -> constraints.Constraint:
        """From `low` to `high`."""
        return constraints.interval(self.low, self.high)

    @property
    def mean(self) -> Tensor:
        return (self.low + self.high) / 2

    @property
    def mode(self) -> Tensor:
        return math.nan * self.high

    @property
    def variance(self) -> Tensor:
        return (self.high - self.low) ** 2 / 12

    def log_prob(self, value: Tensor) -> Tensor:
        self._check(value)
        inside = (value >= self.low) & (value < self.high)
        return functional.where(inside, -(self.high - self.low).log(), -math.inf)

    def cdf(self, value: Tensor) -> Tensor:
        self._check(value)
        return ((value - self.low) / (self.high - self.low)).clamp(0, 1)

    def _quantile(self, u: Tensor) -> Tensor:
        return self.low + u * (self.high - self.low)

    def entropy(self) -> Tensor:
        return (self.high - self.low).log()


class Exponential(_ByQuantile):
    """Waiting times for events of a constant `rate`."""

    rate: Tensor
    arg_constraints = {"rate": constraints.positive}  # noqa: RUF012
    support = constraints.nonnegative

    def __init__(self, rate: Any, validate_args: bool | None = None) -> None:
        (self.rate,) = together(rate)
        super().__init__(self.rate.shape, validate_args=validate_args)

    @property
    def mean(self) -> Tensor:
        return 1 / self.rate

    @property
    def mode(self) -> Tensor:
        return functional.zeros_like(self.rate)

    @property
    def variance(self) -> Tensor:
        return self.rate**-2

    def log_prob(self, value: Tensor) -> Tensor:
        self._check(value)
        return self.rate.log() - self.rate * value

    def cdf(self, value: Tensor) -> Tensor:
        self._check(value)
        return -(-self.rate * value).expm1()

    def _quantile(self, u: Tensor) -> Tensor:
        return -(-u).log1p() / self.rate

    def entropy(self) -> Tensor:
        return 1 - self.rate.log()


class Gamma(Distribution):
    """Waiting times for the event number `concentration`, at a constant `rate`; sampled without a gradient."""

    concentration: Tensor
    rate: Tensor
    arg_constraints = {"concentration": constraints.positive, "rate": constraints.positive}  # noqa: RUF012
    support = constraints.nonnegative

    def __init__(self, concentration: Any, rate: Any, validate_args: bool | None = None) -> None:
        self.concentration, self.rate = together(concentration, rate)
        super().__init__(self.rate.shape, validate_args=validate_args)

    @property
    def mean(self) -> Tensor:
        return self.concentration / self.rate

    @property
    def mode(self) -> Tensor:
        return ((self.concentration - 1) / self.rate).clamp(min=0)

    @property
    def variance(self) -> Tensor:
        return self.concentration / self.rate**2

    def sample(self, sample_shape: Shape = ()) -> Tensor:
        return standard_gamma(self.concentration, self._extended(sample_shape)) / self.rate.detach()

    def log_prob(self, value: Tensor) -> Tensor:
        self._check(value)
        a = self.concentration
        return functional.xlogy(a, self.rate) + functional.xlogy(a - 1, value) - self.rate * value - a.lgamma()

    def cdf(self, value: Tensor) -> Tensor:
        self._check(value)
        return functional.igamma(self.concentration, self.rate * value)

    def entropy(self) -> Tensor:
        a = self.concentration
        return a - self.rate.log() + a.lgamma() + (1 - a) * a.digamma()


class Chi2(Gamma):
    """Sums of the squares of `df` standard normal numbers."""

    def __init__(self, df: Any, validate_args: bool | None = None) -> None:
        super().__init__(0.5 * together(df)[0], 0.5, validate_args)

    @property
    def df(self) -> Tensor:
        """How many numbers."""
        return 2 * self.concentration


class Beta(Distribution):
    """Numbers between 0 and 1, as the share of one gamma-distributed number in the sum of two."""

    concentration1: Tensor
    concentration0: Tensor
    arg_constraints = {"concentration1": constraints.positive, "concentration0": constraints.positive}  # noqa: RUF012
    support = constraints.unit_interval

    def __init__(self, concentration1: Any, concentration0: Any, validate_args: bool | None = None) -> None:
        self.concentration1, self.concentration0 = together(concentration1, concentration0)
        super().__init__(self.concentration0.shape, validate_args=validate_args)

    @property
    def mean(self) -> Tensor:
        return self.concentration1 / (self.concentration1 + self.concentration0)

    @property
    def mode(self) -> Tensor:
        a, b = self.concentration1, self.concentration0
        inside = (a > 1) & (b > 1)
        return functional.where(inside, (a - 1) / (a + b - 2), functional.where(a == b, math.nan, (a > b).to(a.dtype)))

    @property
    def variance(self) -> Tensor:
        a, b = self.concentration1, self.concentration0
        return a * b / ((a + b) ** 2 * (a + b + 1))

    def sample(self, sample_shape: Shape = ()) -> Tensor:
        x, y = (standard_gamma(c, self._extended(sample_shape)) for c in (self.concentration1, self.concentration0))
        return x / (x + y)

    def log_prob(self, value: Tensor) -> Tensor:
        self._check(value)
        a, b = self.concentration1, self.concentration0
        density = functional.xlogy(a - 1, value) + functional.xlog1py(b - 1, -value)
        return density - log_beta(a, b)

    def entropy(self) -> Tensor:
        a, b = self.concentration1, self.concentration0
        inner = (a - 1) * a.digamma() + (b - 1) * b.digamma() - (a + b - 2) * (a + b).digamma()
        return log_beta(a, b) - inner


class StudentT(_Location):
    """Normal numbers over the root of the mean of `df` squares of others."""

    df: Tensor
    arg_constraints = {"df": constraints.positive, **_Location.arg_constraints}  # noqa: RUF012

    def __init__(self, df: Any, loc: Any = 0.0, scale: Any = 1.0, validate_args: bool | None = None) -> None:
        self.df, loc, scale = together(df, loc, scale)
        super().__init__(loc, scale, validate_args)

    @property
    def mean(self) -> Tensor:
        return functional.where(self.df > 1, self.loc, math.nan)

    @property
    def variance(self) -> Tensor:
        finite = self.scale**2 * self.df / (self.df - 2).clamp(min=0)
        return functional.where(self.df > 1, finite, math.nan)

    def sample(self, sample_shape: Shape = ()) -> Tensor:
        with no_grad():
            shape = self._extended(sample_shape)
            noise = functional.randn(shape, dtype=self.df.dtype, device=self.df.device)
            return self.loc + self.scale * noise * (2 * standard_gamma(self.df / 2, shape) / self.df).rsqrt()

    def log_prob(self, value: Tensor) -> Tensor:
        squares = (self._standard(value) ** 2 / self.df).log1p()
        return -0.5 * (self.df + 1) * squares - self._normalization()

    def _normalization(self) -> Tensor:
        return self.scale.log() + 0.5 * self.df.log() + log_beta(self.df / 2, functional.full_like(self.df, 0.5))

    def entropy(self) -> Tensor:
        half = 0.5 * (self.df + 1)
        return half * (half.digamma() - (0.5 * self.df).digamma()) + self._normalization()


def standard_gamma(concentration: Tensor, shape: tuple[int, ...]) -> Tensor:
    """Numbers of a gamma distribution of rate 1, without a gradient."""
    rates = concentration.detach().expand(shape)
    draws = stream_of(rates.device, None).gamma(rates.array)
    return wrap(draws.astype(rates.dtype))


def log_beta(a: Tensor, b: Tensor) -> Tensor:
    """log B(a, b)."""
    return a.lgamma() + b.lgamma() - (a + b).lgamma()
