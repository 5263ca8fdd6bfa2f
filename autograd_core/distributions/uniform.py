"""The uniform distribution, and the bases of those that are sampled as functions of uniform or exponential numbers."""

from __future__ import annotations

import math
from typing import Any, ClassVar

from autograd_core import dtypes, functional
from autograd_core.distributions import constraints
from autograd_core.distributions.distribution import Distribution, Shape
from autograd_core.engine.libraries import all_true, required
from autograd_core.tensor import Tensor


class ByQuantile(Distribution):
    """Base of distributions that are sampled as quantiles of uniform numbers, which makes samples differentiable."""

    has_rsample = True

    def rsample(self, sample_shape: Shape = ()) -> Tensor:
        like = getattr(self, self._given()[0])
        return self._quantile(uniform_within(self._extended_shape(sample_shape), like))

    def icdf(self, value: Tensor) -> Tensor:
        return self._quantile(value)

    def _quantile(self, u: Tensor) -> Tensor:
        raise NotImplementedError


class ByTime(ByQuantile):
    """Base of distributions that are sampled as functions of exponentially distributed times, of which -log(1 - u) is
    the quantile function.
    """

    def rsample(self, sample_shape: Shape = ()) -> Tensor:
        like = getattr(self, self._given()[0]).detach()
        return self._at(like.new_empty(self._extended_shape(sample_shape)).exponential_())

    def _quantile(self, u: Tensor) -> Tensor:
        return self._at(-(-u).log1p())

    def _at(self, time: Tensor) -> Tensor:
        raise NotImplementedError


class Uniform(ByQuantile):
    """Uniform distribution on [`low`, `high`)."""

    low: Tensor
    high: Tensor
    arg_constraints: ClassVar = {"low": constraints.real, "high": constraints.real}

    def __init__(self, low: Any, high: Any, validate_args: bool | None = None) -> None:
        self._take(validate_args, low=low, high=high)
        if self._validate_args and not required(all_true, self.low < self.high):
            raise ValueError(f"Uniform() needs low < high, not {self.low.detach()} and {self.high.detach()}")

    @constraints.dependent_property(is_discrete=False, event_dim=0)
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

    def _log_density(self, value: Tensor) -> Tensor:
        inside = (value >= self.low) & (value < self.high)
        return functional.where(inside, -(self.high - self.low).log(), -math.inf)

    def _cdf(self, value: Tensor) -> Tensor:
        return ((value - self.low) / (self.high - self.low)).clamp(0, 1)

    def _quantile(self, u: Tensor) -> Tensor:
        return self.low + u * (self.high - self.low)

    def entropy(self) -> Tensor:
        return (self.high - self.low).log()


def uniform_within(shape: tuple[int, ...], like: Tensor) -> Tensor:
    """Uniform numbers with the dtype and device of a tensor, none of them exactly 0 or 1."""
    limits = dtypes.finfo(like.dtype)
    u = functional.rand(shape, dtype=like.dtype, device=like.device)
    return u.clamp(limits.tiny, 1 - limits.eps / 2)
