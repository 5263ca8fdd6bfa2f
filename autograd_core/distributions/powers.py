"""Distributions of powers of uniform or exponential random numbers."""

from __future__ import annotations

import math
from typing import Any, ClassVar

from autograd_core import functional
from autograd_core.distributions import constraints
from autograd_core.distributions.distribution import Shape
from autograd_core.distributions.elementwise_transforms import AffineTransform, ExpTransform, PowerTransform
from autograd_core.distributions.gammas import Exponential, log_beta
from autograd_core.distributions.location_scale import EULER
from autograd_core.distributions.transformed import Closed
from autograd_core.distributions.uniform import ByQuantile, ByTime, Uniform, uniform_within
from autograd_core.tensor import Tensor


class Pareto(ByTime, Closed):
    """Pareto distribution: P(X > x) = (`scale` / x)^`alpha` for x ≥ `scale`."""

    scale: Tensor
    alpha: Tensor
    arg_constraints: ClassVar = {"alpha": constraints.positive, "scale": constraints.positive}

    def __init__(self, scale: Any, alpha: Any, validate_args: bool | None = None) -> None:
        self._take(validate_args, scale=scale, alpha=alpha)

    def _parts(self) -> tuple[Any, ...]:
        return Exponential(self.alpha, validate_args=False), ExpTransform(), AffineTransform(0, self.scale)

    @constraints.dependent_property(is_discrete=False, event_dim=0)
    def support(self) -> constraints.Constraint:
        """Numbers of at least `scale`."""
        return constraints.greater_than_eq(self.scale)

    @property
    def mean(self) -> Tensor:
        a = self.alpha.clamp(min=1)
        return a * self.scale / (a - 1)

    @property
    def mode(self) -> Tensor:
        return self.scale

    @property
    def variance(self) -> Tensor:
        a = self.alpha.clamp(min=2)
        return self.scale**2 * a / ((a - 1) ** 2 * (a - 2))

    def _log_density(self, value: Tensor) -> Tensor:
        return self.alpha.log() - value.log() - self.alpha * self._time(value)

    def _cdf(self, value: Tensor) -> Tensor:
        return -(-self.alpha * self._time(value)).expm1()

    def _time(self, value: Tensor) -> Tensor:
        """log(value / scale), with all digits next to `scale`."""
        return ((value - self.scale) / self.scale).log1p()

    def _at(self, time: Tensor) -> Tensor:
        return self.scale * (time / self.alpha).exp()

    def entropy(self) -> Tensor:
        return (self.scale / self.alpha).log() + 1 + 1 / self.alpha


class GeneralizedPareto(ByQuantile):
    """Generalised Pareto distribution with tail index `concentration`."""

    loc: Tensor
    scale: Tensor
    concentration: Tensor
    arg_constraints: ClassVar = {
        "loc": constraints.real,
        "scale": constraints.positive,
        "concentration": constraints.real,
    }

    def __init__(self, loc: Any, scale: Any, concentration: Any, validate_args: bool | None = None) -> None:
        self._take(validate_args, loc=loc, scale=scale, concentration=concentration)

    @constraints.dependent_property(is_discrete=False, event_dim=0)
    def support(self) -> constraints.Constraint:
        """Numbers of at least `loc`, with an upper bound for a negative concentration."""
        end = self.loc - self.scale / self.concentration
        return constraints.interval(self.loc, functional.where(self.concentration < 0, end, math.inf))

    @property
    def mean(self) -> Tensor:
        k = self.concentration
        return functional.where(k < 1, self.loc + self.scale / (1 - k), math.inf)

    @property
    def mode(self) -> Tensor:
        return self.loc

    @property
    def variance(self) -> Tensor:
        k = self.concentration
        return functional.where(k < 0.5, self.scale**2 / ((1 - k) ** 2 * (1 - 2 * k)), math.inf)

    def _log_density(self, value: Tensor) -> Tensor:
        return -(1 + self.concentration) * self._time(value) - self.scale.log()

    def _cdf(self, value: Tensor) -> Tensor:
        return -(-self._time(value)).expm1()

    def log_cdf(self, value: Tensor) -> Tensor:
        """log P(X ≤ value)."""
        time = -self.log_survival_function(value)
        early = time < math.log(2)
        near, far = functional.where(early, time, 1.0), functional.where(early, 1.0, time)
        return functional.where(early, (-(-near).expm1()).log(), (-(-far).exp()).log1p())

    def log_survival_function(self, value: Tensor) -> Tensor:
        """log P(X > value)."""
        self._validate_sample(value)
        return -self._time(value)

    def _time(self, value: Tensor) -> Tensor:
        """-log P(X > value), which is log(1 + k·z) / k."""
        z, flat = (value - self.loc) / self.scale, self.concentration == 0
        k = functional.where(flat, 1.0, self.concentration)
        return functional.where(flat, z, (k * z).log1p() / k)

    def _quantile(self, u: Tensor) -> Tensor:
        time, flat = -(-u).log1p(), self.concentration == 0
        k = functional.where(flat, 1.0, self.concentration)
        return self.loc + self.scale * functional.where(flat, time, (k * time).expm1() / k)

    def entropy(self) -> Tensor:
        return self.scale.log() + self.concentration + 1


class Weibull(ByTime, Closed):
    """Weibull distribution: exponential numbers to the power 1 / `concentration`, times `scale`."""

    scale: Tensor
    concentration: Tensor
    arg_constraints: ClassVar = {"scale": constraints.positive, "concentration": constraints.positive}
    support = constraints.positive

    def __init__(self, scale: Any, concentration: Any, validate_args: bool | None = None) -> None:
        self._take(validate_args, scale=scale, concentration=concentration)

    def _parts(self) -> tuple[Any, ...]:
        base = Exponential(functional.ones_like(self.scale), validate_args=False)
        return base, PowerTransform(1 / self.concentration), AffineTransform(0, self.scale)

    @property
    def mean(self) -> Tensor:
        return self.scale * (1 + 1 / self.concentration).lgamma().exp()

    @property
    def mode(self) -> Tensor:
        k = self.concentration
        return self.scale * ((k - 1) / k).clamp(min=0) ** (1 / k)

    @property
    def variance(self) -> Tensor:
        k = self.concentration
        return self.scale**2 * ((1 + 2 / k).lgamma().exp() - (2 * (1 + 1 / k).lgamma()).exp())

    def _log_density(self, value: Tensor) -> Tensor:
        k, z = self.concentration, value / self.scale
        return (k / self.scale).log() + functional.xlogy(k - 1, z) - z**k

    def _cdf(self, value: Tensor) -> Tensor:
        return -(-((value / self.scale) ** self.concentration)).expm1()

    def _at(self, time: Tensor) -> Tensor:
        return self.scale * time ** (1 / self.concentration)

    def entropy(self) -> Tensor:
        return EULER * (1 - 1 / self.concentration) + (self.scale / self.concentration).log() + 1


class Kumaraswamy(ByQuantile, Closed):
    """Kumaraswamy distribution: P(X ≤ x) = 1 - (1 - x^`concentration1`)^`concentration0` on [0, 1]."""

    concentration1: Tensor
    concentration0: Tensor
    arg_constraints: ClassVar = {"concentration1": constraints.positive, "concentration0": constraints.positive}
    support = constraints.unit_interval

    def __init__(self, concentration1: Any, concentration0: Any, validate_args: bool | None = None) -> None:
        self._take(validate_args, concentration1=concentration1, concentration0=concentration0)

    def _parts(self) -> tuple[Any, ...]:
        one = functional.ones_like(self.concentration0)
        first, last = PowerTransform(1 / self.concentration0), PowerTransform(1 / self.concentration1)
        return Uniform(0 * one, one, validate_args=False), first, AffineTransform(1, -1), last

    def _moment(self, n: int) -> Tensor:
        a, b = self.concentration1, self.concentration0
        return b * log_beta(1 + n / a, b).exp()

    @property
    def mean(self) -> Tensor:
        return self._moment(1)

    @property
    def mode(self) -> Tensor:
        a, b = self.concentration1, self.concentration0
        inside = (a >= 1) & (b >= 1) & (a * b > 1)
        return functional.where(inside, ((a - 1) / (a * b - 1)) ** (1 / a), math.nan)

    @property
    def variance(self) -> Tensor:
        return self._moment(2) - self._moment(1) ** 2

    def _log_density(self, value: Tensor) -> Tensor:
        a, b = self.concentration1, self.concentration0
        return (a * b).log() + functional.xlogy(a - 1, value) + functional.xlog1py(b - 1, -(value**a))

    def _cdf(self, value: Tensor) -> Tensor:
        return -functional.xlog1py(self.concentration0, -(value**self.concentration1)).expm1()

    def rsample(self, sample_shape: Shape = ()) -> Tensor:
        return self._quantile(1 - uniform_within(self._extended_shape(sample_shape), self.concentration1))

    def _quantile(self, u: Tensor) -> Tensor:
        return (-((-u).log1p() / self.concentration0).expm1()) ** (1 / self.concentration1)

    def entropy(self) -> Tensor:
        a, b = self.concentration1, self.concentration0
        return (1 - 1 / b) + (1 - 1 / a) * ((b + 1).digamma() + EULER) - (a * b).log()
