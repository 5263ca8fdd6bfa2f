"""Distributions of counts."""

from __future__ import annotations

import math
from typing import Any, ClassVar

from autograd_core import functional
from autograd_core.distributions import constraints
from autograd_core.distributions.discrete import Odds, OfChoices
from autograd_core.distributions.distribution import Shape, broadcast_all, one_of
from autograd_core.distributions.exponential_family import ExponentialFamily
from autograd_core.distributions.gamma_draws import standard_gamma
from autograd_core.distributions.large_concentrations import FEW
from autograd_core.distributions.uniform import uniform_within
from autograd_core.engine.libraries import all_true, required
from autograd_core.grad_mode import no_grad
from autograd_core.tensor import Tensor


class Geometric(Odds):
    """The number of failures before the first success, which has probability `probs`."""

    support = constraints.nonnegative_integer

    def __init__(self, probs: Any = None, logits: Any = None, validate_args: bool | None = None) -> None:
        super().__init__(probs, logits, validate_args)
        if self._validate_args and not required(all_true, self.probs > 0):
            raise ValueError(f"Geometric() needs probabilities above 0, not {self.probs.detach()}")

    @property
    def mean(self) -> Tensor:
        return 1 / self.probs - 1

    @property
    def mode(self) -> Tensor:
        return functional.zeros_like(self.probs)

    @property
    def variance(self) -> Tensor:
        return (1 / self.probs - 1) / self.probs

    def sample(self, sample_shape: Shape = ()) -> Tensor:
        with no_grad():
            u = uniform_within(self._extended_shape(sample_shape), self.probs)
            return (u.log() / (-self.probs).log1p()).floor()

    def _log_density(self, value: Tensor) -> Tensor:
        return functional.xlog1py(value, -self.probs) + self.probs.log()

    def entropy(self) -> Tensor:
        return self._cost(self.probs) / self.probs


class Binomial(Odds):
    """The number of successes in `total_count` trials with success probability `probs`."""

    total_count: Tensor
    has_enumerate_support = True
    arg_constraints: ClassVar = {"total_count": constraints.nonnegative_integer, **Odds.arg_constraints}

    def __init__(
        self, total_count: Any = 1, probs: Any = None, logits: Any = None, validate_args: bool | None = None
    ) -> None:
        value, total = broadcast_all(one_of(probs, logits), total_count)
        self.total_count = total.to(value.dtype)
        super().__init__(**{"logits" if probs is None else "probs": value}, validate_args=validate_args)

    @constraints.dependent_property(is_discrete=True, event_dim=0)
    def support(self) -> constraints.Constraint:
        """From 0 to the number of trials."""
        return constraints.integer_interval(0, self.total_count)

    @property
    def mean(self) -> Tensor:
        return self.total_count * self.probs

    @property
    def mode(self) -> Tensor:
        return ((self.total_count + 1) * self.probs).floor().clamp(max=self.total_count)

    @property
    def variance(self) -> Tensor:
        return self.mean * (1 - self.probs)

    def sample(self, sample_shape: Shape = ()) -> Tensor:
        shape = self._extended_shape(sample_shape)
        return functional.binomial(self.total_count.expand(shape), self.probs.detach().expand(shape))

    def _log_density(self, value: Tensor) -> Tensor:
        return functional.binomial_log_density(value, self.total_count - value, self.logits)

    def entropy(self) -> Tensor:
        found = self.log_prob(self.enumerate_support(expand=False))
        return -(found.exp() * found).sum(0)

    def enumerate_support(self, expand: bool = True) -> Tensor:
        largest = self.total_count.max()
        if not bool((self.total_count == largest).all()):
            raise NotImplementedError("enumerate_support() of binomial distributions with different total_count")
        counts = functional.arange(int(largest) + 1, dtype=self.probs.dtype, device=self.probs.device)
        return self._values(counts, expand)


class NegativeBinomial(Odds):
    """The number of successes, each with probability `probs`, before `total_count` failures."""

    total_count: Tensor
    arg_constraints: ClassVar = {
        "total_count": constraints.nonnegative,
        "probs": constraints.half_open_interval(0.0, 1.0),
        "logits": constraints.real,
    }
    support = constraints.nonnegative_integer

    def __init__(
        self, total_count: Any, probs: Any = None, logits: Any = None, validate_args: bool | None = None
    ) -> None:
        value, total = broadcast_all(one_of(probs, logits), total_count)
        self.total_count = total.to(value.dtype)
        super().__init__(**{"logits" if probs is None else "probs": value}, validate_args=validate_args)

    @property
    def mean(self) -> Tensor:
        return self.total_count * self.logits.exp()

    @property
    def mode(self) -> Tensor:
        return ((self.total_count - 1) * self.logits.exp()).floor().clamp(min=0)

    @property
    def variance(self) -> Tensor:
        return self.mean / (-self.logits).sigmoid()

    def sample(self, sample_shape: Shape = ()) -> Tensor:
        with no_grad():
            rate = standard_gamma(self.total_count, self._extended_shape(sample_shape)) * self.logits.exp()
            return functional.poisson(rate)

    def _log_density(self, value: Tensor) -> Tensor:
        n = self.total_count
        last = functional.where(n + value == 0, 0.0, (n / (n + value)).log())  # the last trial is a failure
        return functional.binomial_log_density(value, n, self.logits) + last


class Poisson(ExponentialFamily):
    """The number of events in a time in which `rate` are expected."""

    rate: Tensor
    arg_constraints: ClassVar = {"rate": constraints.nonnegative}
    support = constraints.nonnegative_integer

    def __init__(self, rate: Any, validate_args: bool | None = None) -> None:
        self._take(validate_args, rate=rate)

    @property
    def mean(self) -> Tensor:
        return self.rate

    @property
    def mode(self) -> Tensor:
        return self.rate.floor()

    @property
    def variance(self) -> Tensor:
        return self.rate

    def sample(self, sample_shape: Shape = ()) -> Tensor:
        return functional.poisson(self.rate.detach().expand(self._extended_shape(sample_shape)))

    def _log_density(self, value: Tensor) -> Tensor:
        return functional.gamma_log_density(value + 1, 1.0, self.rate)

    @property
    def _natural_params(self) -> tuple[Tensor, ...]:
        return (self.rate.log(),)

    def _log_normalizer(self, log_rate: Tensor) -> Tensor:
        return log_rate.exp()


class Multinomial(OfChoices):
    """The counts (..., K) of K choices among `total_count` draws, with `probs` or `logits` (..., K).

    probs are divided by their sum.
    """

    def __init__(
        self, total_count: int = 1, probs: Any = None, logits: Any = None, validate_args: bool | None = None
    ) -> None:
        self.total_count = total_count
        super().__init__(probs, logits, validate_args)

    @constraints.dependent_property(is_discrete=True, event_dim=1)
    def support(self) -> constraints.Constraint:
        """Counts that add up to `total_count`."""
        return constraints.multinomial(self.total_count)

    @property
    def mean(self) -> Tensor:
        return self.total_count * self.probs

    @property
    def variance(self) -> Tensor:
        return self.mean * (1 - self.probs)

    def sample(self, sample_shape: Shape = ()) -> Tensor:
        choices = self._choice.sample((self.total_count, *sample_shape))
        return functional.one_hot(choices, self.event_shape[0]).sum(0).to(self.probs.dtype)

    def _log_density(self, value: Tensor) -> Tensor:
        if self.total_count < FEW:
            orders = (value.sum(-1) + 1).lgamma() - (value + 1).lgamma().sum(-1)
            return orders + functional.xlogy(value, self.probs).sum(-1)
        total = value.sum(-1, keepdim=True)
        of_counts = functional.gamma_log_density(value + 1, 1.0, total * self.probs)
        return of_counts.sum(-1) - functional.gamma_log_density(total + 1, 1.0, total).squeeze(-1)

    def entropy(self) -> Tensor:
        n = self.total_count
        count = Binomial(n, self.probs)
        values = count.enumerate_support(expand=False)[1:]
        orders = ((values + 1).lgamma() * count.log_prob(values).exp()).sum((0, -1))
        return n * self._choice.entropy() - math.lgamma(n + 1) + orders
