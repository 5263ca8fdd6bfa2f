"""Gamma distributions and their relatives."""

from __future__ import annotations

import math
from typing import Any, ClassVar

from autograd_core import functional
from autograd_core.distributions import constraints
from autograd_core.distributions.distribution import Distribution, Shape, broadcast_all
from autograd_core.distributions.elementwise_transforms import PowerTransform
from autograd_core.distributions.exponential_family import ExponentialFamily
from autograd_core.distributions.gamma_draws import shares, standard_gamma
from autograd_core.distributions.large_concentrations import gamma_entropy, half_step, slope_of_half_step
from autograd_core.distributions.location_scale import Location
from autograd_core.distributions.transformed import Closed
from autograd_core.distributions.uniform import ByTime
from autograd_core.tensor import Tensor


class Gamma(ExponentialFamily):
    """Gamma distribution with shape `concentration` and rate `rate`."""

    has_rsample = True

    concentration: Tensor
    rate: Tensor
    arg_constraints: ClassVar = {"concentration": constraints.positive, "rate": constraints.positive}
    support = constraints.nonnegative
    _mean_carrier_measure = 0

    def __init__(self, concentration: Any, rate: Any, validate_args: bool | None = None) -> None:
        self._take(validate_args, concentration=concentration, rate=rate)

    @property
    def mean(self) -> Tensor:
        return self.concentration / self.rate

    @property
    def mode(self) -> Tensor:
        return ((self.concentration - 1) / self.rate).clamp(min=0)

    @property
    def variance(self) -> Tensor:
        return self.concentration / self.rate**2

    def rsample(self, sample_shape: Shape = ()) -> Tensor:
        return standard_gamma(self.concentration, self._extended_shape(sample_shape)) / self.rate

    def log_prob(self, value: Tensor) -> Tensor:
        value = functional.as_tensor(value, dtype=self.rate.dtype, device=self.rate.device)
        self._validate_sample(value)
        return functional.gamma_log_density(self.concentration, self.rate, value)

    def _cdf(self, value: Tensor) -> Tensor:
        return functional.igamma(self.concentration, self.rate * value)

    def entropy(self) -> Tensor:
        return gamma_entropy(self.concentration) - self.rate.log()

    @property
    def _natural_params(self) -> tuple[Tensor, ...]:
        return self.concentration - 1, -self.rate

    def _log_normalizer(self, power: Tensor, slope: Tensor) -> Tensor:
        return (power + 1).lgamma() - (power + 1) * (-slope).log()


class Exponential(ByTime, ExponentialFamily):
    """Exponential distribution with rate `rate`."""

    rate: Tensor
    arg_constraints: ClassVar = {"rate": constraints.positive}
    support = constraints.nonnegative
    _mean_carrier_measure = 0

    def __init__(self, rate: Any, validate_args: bool | None = None) -> None:
        self._take(validate_args, rate=rate)

    @property
    def mean(self) -> Tensor:
        return 1 / self.rate

    @property
    def mode(self) -> Tensor:
        return functional.zeros_like(self.rate)

    @property
    def variance(self) -> Tensor:
        return self.rate**-2

    def _log_density(self, value: Tensor) -> Tensor:
        return self.rate.log() - self.rate * value

    def _cdf(self, value: Tensor) -> Tensor:
        return -(-self.rate * value).expm1()

    def _at(self, time: Tensor) -> Tensor:
        return time / self.rate

    def entropy(self) -> Tensor:
        return 1 - self.rate.log()

    @property
    def _natural_params(self) -> tuple[Tensor, ...]:
        return (-self.rate,)

    def _log_normalizer(self, slope: Tensor) -> Tensor:
        return -(-slope).log()


class Chi2(Gamma):
    """Chi-squared distribution: sums of squares of `df` standard normal numbers."""

    def __init__(self, df: Any, validate_args: bool | None = None) -> None:
        super().__init__(0.5 * broadcast_all(df)[0], 0.5, validate_args)

    @property
    def df(self) -> Tensor:
        """The degrees of freedom."""
        return 2 * self.concentration


class Beta(ExponentialFamily):
    """Beta distribution: the share of one gamma-distributed number in the sum of two."""

    has_rsample = True
    concentration1: Tensor
    concentration0: Tensor
    arg_constraints: ClassVar = {"concentration1": constraints.positive, "concentration0": constraints.positive}
    support = constraints.unit_interval
    _mean_carrier_measure = 0

    def __init__(self, concentration1: Any, concentration0: Any, validate_args: bool | None = None) -> None:
        self._take(validate_args, concentration1=concentration1, concentration0=concentration0)

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

    def rsample(self, sample_shape: Shape = ()) -> Tensor:
        both = functional.stack([self.concentration1, self.concentration0], -1)
        return shares(both, (*self._extended_shape(sample_shape), 2)).select(-1, 0)

    def _log_density(self, value: Tensor) -> Tensor:
        a, b = self.concentration1, self.concentration0
        return functional.beta_log_density(a, b, value)

    def entropy(self) -> Tensor:
        a, b = self.concentration1, self.concentration0
        n = a + b
        return gamma_entropy(a) + gamma_entropy(b) - gamma_entropy(n) - n.digamma()

    @property
    def _natural_params(self) -> tuple[Tensor, ...]:
        return self.concentration1 - 1, self.concentration0 - 1

    def _log_normalizer(self, a: Tensor, b: Tensor) -> Tensor:
        return log_beta(a + 1, b + 1)


class InverseGamma(Closed):
    """Inverse gamma distribution: reciprocals of gamma-distributed numbers."""

    concentration: Tensor
    rate: Tensor
    arg_constraints: ClassVar = Gamma.arg_constraints
    support = constraints.positive

    def __init__(self, concentration: Any, rate: Any, validate_args: bool | None = None) -> None:
        self._take(validate_args, concentration=concentration, rate=rate)

    def _parts(self) -> tuple[Any, ...]:
        return Gamma(self.concentration, self.rate, validate_args=False), PowerTransform(
            -functional.ones_like(self.rate)
        )

    @property
    def mean(self) -> Tensor:
        return functional.where(self.concentration > 1, self.rate / (self.concentration - 1), math.inf)

    @property
    def mode(self) -> Tensor:
        return self.rate / (self.concentration + 1)

    @property
    def variance(self) -> Tensor:
        a = self.concentration
        return functional.where(a > 2, self.rate**2 / ((a - 1) ** 2 * (a - 2)), math.inf)

    def rsample(self, sample_shape: Shape = ()) -> Tensor:
        return self.rate / standard_gamma(self.concentration, self._extended_shape(sample_shape))

    def _log_density(self, value: Tensor) -> Tensor:
        return functional.gamma_log_density(self.concentration, self.rate, 1 / value) - 2 * value.log()

    def _cdf(self, value: Tensor) -> Tensor:
        return functional.igammac(self.concentration, self.rate / value)

    def entropy(self) -> Tensor:
        a = self.concentration
        return gamma_entropy(a) + self.rate.log() - 2 * a.digamma()


class FisherSnedecor(Distribution):
    """F-distribution: quotients of the means of `df1` and of `df2` squares of normal numbers."""

    df1: Tensor
    df2: Tensor
    has_rsample = True
    arg_constraints: ClassVar = {"df1": constraints.positive, "df2": constraints.positive}
    support = constraints.positive

    def __init__(self, df1: Any, df2: Any, validate_args: bool | None = None) -> None:
        self._take(validate_args, df1=df1, df2=df2)

    @property
    def mean(self) -> Tensor:
        return functional.where(self.df2 > 2, self.df2 / (self.df2 - 2), math.nan)

    @property
    def mode(self) -> Tensor:
        return functional.where(self.df1 > 2, (self.df1 - 2) / self.df1 * self.df2 / (self.df2 + 2), math.nan)

    @property
    def variance(self) -> Tensor:
        m, n = self.df1, self.df2
        return functional.where(n > 4, 2 * n**2 * (m + n - 2) / (m * (n - 2) ** 2 * (n - 4)), math.nan)

    def rsample(self, sample_shape: Shape = ()) -> Tensor:
        shape = self._extended_shape(sample_shape)
        above, below = (standard_gamma(df / 2, shape) / df for df in (self.df1, self.df2))
        return above / below

    def _log_density(self, value: Tensor) -> Tensor:
        a, b, log_value = self.df1 / 2, self.df2 / 2, value.log()
        odds = log_value + (a / b).log()
        return functional.binomial_log_density(a, b, odds) + (a / (a + b) * b).log() - log_value


class StudentT(Location):
    """Student's t-distribution with `df` degrees of freedom, location and scale."""

    has_rsample = True
    df: Tensor
    arg_constraints: ClassVar = {"df": constraints.positive, **Location.arg_constraints}

    def __init__(self, df: Any, loc: Any = 0.0, scale: Any = 1.0, validate_args: bool | None = None) -> None:
        self.df, loc, scale = broadcast_all(df, loc, scale)
        super().__init__(loc, scale, validate_args)

    @property
    def mean(self) -> Tensor:
        return functional.where(self.df > 1, self.loc, math.nan)

    @property
    def variance(self) -> Tensor:
        finite = self.scale**2 * self.df / (self.df - 2).clamp(min=0)
        return functional.where(self.df > 1, finite, math.nan)

    def rsample(self, sample_shape: Shape = ()) -> Tensor:
        shape = self._extended_shape(sample_shape)
        noise = functional.randn(shape, dtype=self.df.dtype, device=self.df.device)
        return self.loc + self.scale * noise * (2 * standard_gamma(self.df / 2, shape) / self.df).rsqrt()

    def _log_density(self, value: Tensor) -> Tensor:
        squares = (self._standard(value) ** 2 / self.df).log1p()
        return -0.5 * (self.df + 1) * squares - self._normalization()

    def _normalization(self) -> Tensor:
        return self.scale.log() + 0.5 * math.log(2 * math.pi) - half_step(0.5 * self.df)

    def entropy(self) -> Tensor:
        return 0.5 * (self.df + 1) * slope_of_half_step(0.5 * self.df) + self._normalization()


def log_beta(a: Tensor, b: Tensor) -> Tensor:
    """log B(a, b)."""
    return a.lgamma() + b.lgamma() - (a + b).lgamma()
