"""Gamma distributions and their relatives."""

from __future__ import annotations

import math
from typing import Any, ClassVar

from autograd_core import functional
from autograd_core.distributions import constraints
from autograd_core.distributions.distribution import Distribution, Shape, together
from autograd_core.distributions.elementwise_transforms import PowerTransform
from autograd_core.distributions.exponential_family import ExponentialFamily
from autograd_core.distributions.gamma_draws import shares, standard_gamma
from autograd_core.distributions.locations import Location
from autograd_core.distributions.transformed import Closed
from autograd_core.ops.pointwise.around_zero import even_series
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

    def rsample(self, sample_shape: Shape = ()) -> Tensor:
        return standard_gamma(self.concentration, self._extended_shape(sample_shape)) / self.rate

    def log_prob(self, value: Tensor) -> Tensor:
        value = functional.as_tensor(value, dtype=self.rate.dtype, device=self.rate.device)
        self._validate_sample(value)
        return functional.gamma_log_density(self.concentration, self.rate, value)

    def cdf(self, value: Tensor) -> Tensor:
        self._validate_sample(value)
        return functional.igamma(self.concentration, self.rate * value)

    def entropy(self) -> Tensor:
        a = self.concentration
        return a - self.rate.log() + a.lgamma() + (1 - a) * a.digamma()

    @property
    def _natural_params(self) -> tuple[Tensor, ...]:
        return self.concentration - 1, -self.rate

    def _log_normalizer(self, power: Tensor, slope: Tensor) -> Tensor:
        return (power + 1).lgamma() - (power + 1) * (-slope).log()


class Chi2(Gamma):
    """Chi-squared distribution: sums of squares of `df` standard normal numbers."""

    def __init__(self, df: Any, validate_args: bool | None = None) -> None:
        super().__init__(0.5 * together(df)[0], 0.5, validate_args)

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

    def rsample(self, sample_shape: Shape = ()) -> Tensor:
        both = functional.stack([self.concentration1, self.concentration0], -1)
        return shares(both, (*self._extended_shape(sample_shape), 2)).select(-1, 0)

    def log_prob(self, value: Tensor) -> Tensor:
        self._validate_sample(value)
        a, b = self.concentration1, self.concentration0
        density = functional.xlogy(a - 1, value) + functional.xlog1py(b - 1, -value)
        return density - log_beta(a, b)

    def entropy(self) -> Tensor:
        a, b = self.concentration1, self.concentration0
        inner = (a - 1) * a.digamma() + (b - 1) * b.digamma() - (a + b - 2) * (a + b).digamma()
        return log_beta(a, b) - inner

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
        self.concentration, self.rate = together(concentration, rate)
        super().__init__(self.rate.shape, validate_args=validate_args)

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

    def log_prob(self, value: Tensor) -> Tensor:
        self._validate_sample(value)
        return functional.gamma_log_density(self.concentration, self.rate, 1 / value) - 2 * value.log()

    def cdf(self, value: Tensor) -> Tensor:
        self._validate_sample(value)
        return functional.igammac(self.concentration, self.rate / value)

    def entropy(self) -> Tensor:
        a = self.concentration
        return a + self.rate.log() + a.lgamma() - (1 + a) * a.digamma()


class FisherSnedecor(Distribution):
    """F-distribution: quotients of the means of `df1` and of `df2` squares of normal numbers."""

    df1: Tensor
    df2: Tensor
    has_rsample = True
    arg_constraints: ClassVar = {"df1": constraints.positive, "df2": constraints.positive}
    support = constraints.positive

    def __init__(self, df1: Any, df2: Any, validate_args: bool | None = None) -> None:
        self.df1, self.df2 = together(df1, df2)
        super().__init__(self.df1.shape, validate_args=validate_args)

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

    def log_prob(self, value: Tensor) -> Tensor:
        self._validate_sample(value)
        a, b, ratio = self.df1 / 2, self.df2 / 2, self.df1 / self.df2
        return a * ratio.log() + (a - 1) * value.log() - (a + b) * (ratio * value).log1p() - log_beta(a, b)


class StudentT(Location):
    """Student's t-distribution with `df` degrees of freedom, location and scale."""

    has_rsample = True
    df: Tensor
    arg_constraints: ClassVar = {"df": constraints.positive, **Location.arg_constraints}

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

    def rsample(self, sample_shape: Shape = ()) -> Tensor:
        shape = self._extended_shape(sample_shape)
        noise = functional.randn(shape, dtype=self.df.dtype, device=self.df.device)
        return self.loc + self.scale * noise * (2 * standard_gamma(self.df / 2, shape) / self.df).rsqrt()

    def log_prob(self, value: Tensor) -> Tensor:
        squares = (self._standard(value) ** 2 / self.df).log1p()
        return -0.5 * (self.df + 1) * squares - self._normalization()

    def _normalization(self) -> Tensor:
        return self.scale.log() + 0.5 * math.log(2 * math.pi) - _half_step(0.5 * self.df)

    def entropy(self) -> Tensor:
        return 0.5 * (self.df + 1) * _slope_of_half_step(0.5 * self.df) + self._normalization()


FAR = 16.0  # from here the series in 1 / a are accurate enough


def _half_step(a: Tensor) -> Tensor:
    """log Γ(a + ½) - log Γ(a) - ½ log a."""
    near, far = a.clamp(max=FAR), 1 / a.clamp(min=FAR)
    series = far * even_series(far, (-1 / 8, 1 / 192, -1 / 640, 17 / 14336, -31 / 18432))
    return functional.where(a < FAR, (near + 0.5).lgamma() - near.lgamma() - 0.5 * near.log(), series)


def _slope_of_half_step(a: Tensor) -> Tensor:
    """ψ(a + ½) - ψ(a)."""
    near, far = a.clamp(max=FAR), 1 / a.clamp(min=FAR)
    series = 0.5 * far + far**2 * even_series(far, (1 / 8, -1 / 64, 1 / 128, -17 / 2048, 31 / 2048))
    return functional.where(a < FAR, (near + 0.5).digamma() - near.digamma(), series)


def log_beta(a: Tensor, b: Tensor) -> Tensor:
    """log B(a, b)."""
    return a.lgamma() + b.lgamma() - (a + b).lgamma()
