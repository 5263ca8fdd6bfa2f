"""Distributions whose logarithms, or log-odds, are normally distributed."""

from __future__ import annotations

from typing import Any, ClassVar

from autograd_core.distributions import constraints
from autograd_core.distributions.elementwise_transforms import ExpTransform
from autograd_core.distributions.locations import Normal
from autograd_core.distributions.transformed import TransformedDistribution
from autograd_core.distributions.vector_transforms import StickBreakingTransform
from autograd_core.tensor import Tensor


class LogisticNormal(TransformedDistribution):
    """Vectors on the simplex with normal stick-breaking log-odds."""

    base_dist: Any
    arg_constraints: ClassVar = Normal.arg_constraints
    support = constraints.simplex

    def __init__(self, loc: Any, scale: Any, validate_args: bool | None = None) -> None:
        base = Normal(loc, scale, validate_args)
        super().__init__(base if base.batch_shape else base.expand((1,)), StickBreakingTransform(), validate_args)

    @property
    def loc(self) -> Tensor:
        """The means of the log-odds."""
        return self.base_dist.base_dist.loc

    @property
    def scale(self) -> Tensor:
        """Their standard deviations."""
        return self.base_dist.base_dist.scale


class LogNormal(TransformedDistribution):
    """Log-normal distribution: exponentials of normal numbers with mean `loc` and standard deviation `scale`."""

    base_dist: Normal
    arg_constraints: ClassVar = Normal.arg_constraints
    support = constraints.positive

    def __init__(self, loc: Any, scale: Any, validate_args: bool | None = None) -> None:
        super().__init__(Normal(loc, scale, validate_args), ExpTransform(), validate_args)

    @property
    def loc(self) -> Tensor:
        """The means of the logarithms."""
        return self.base_dist.loc

    @property
    def scale(self) -> Tensor:
        """Their standard deviations."""
        return self.base_dist.scale

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
