"""Continuous relaxations of discrete distributions: their samples are differentiable (Maddison, Jang et al. 2017)."""

from __future__ import annotations

import math
from typing import Any, ClassVar

from autograd_core import functional
from autograd_core.creation.values import where_it_is
from autograd_core.distributions import constraints
from autograd_core.distributions.discrete import Odds, OfChoices, OneHotCategorical
from autograd_core.distributions.distribution import Distribution, Shape, parts_of
from autograd_core.distributions.elementwise_transforms import ExpTransform, SigmoidTransform
from autograd_core.distributions.transformed import TransformedDistribution
from autograd_core.distributions.uniform import uniform_within
from autograd_core.tensor import Tensor


class OneHotCategoricalStraightThrough(OneHotCategorical):
    """`OneHotCategorical` with straight-through gradients: those of the probabilities (Bengio et al. 2013)."""

    has_rsample = True

    def rsample(self, sample_shape: Shape = ()) -> Tensor:
        return self.sample(sample_shape) + (self.probs - self.probs.detach())


class _Tempered(Distribution):
    """Base of relaxations, which have a temperature beside the parameters of what they relax."""

    has_rsample = True

    def __init__(
        self, temperature: Any, probs: Any = None, logits: Any = None, validate_args: bool | None = None
    ) -> None:
        self.temperature = temperature
        super().__init__(probs, logits, validate_args)


class LogitRelaxedBernoulli(_Tempered, Odds):
    """Log-odds of a relaxed Bernoulli variable: noisy log-odds divided by a temperature."""

    support = constraints.real

    def rsample(self, sample_shape: Shape = ()) -> Tensor:
        noise = functional.logit(uniform_within(self._extended_shape(sample_shape), self.logits))
        return (self.logits + noise) / self.temperature

    def _log_density(self, value: Tensor) -> Tensor:
        t = where_it_is(self.temperature)
        difference = self.logits - value * t
        return t.log() + difference - 2 * functional.softplus(difference)


class ExpRelaxedCategorical(_Tempered, OfChoices):
    """Logarithms of a relaxed one-hot vector, which becomes one-hot as the temperature decreases."""

    support = constraints.real_vector

    def rsample(self, sample_shape: Shape = ()) -> Tensor:
        noise = -(-uniform_within(self._extended_shape(sample_shape), self.logits).log()).log()
        return functional.log_softmax((self.logits + noise) / self.temperature, -1)

    def _log_density(self, value: Tensor) -> Tensor:
        t, count = where_it_is(self.temperature), self.event_shape[0]
        scores = functional.log_softmax(self.logits - value * t, -1).sum(-1)
        return scores + math.lgamma(count) + (count - 1) * t.log()


class _Relaxed(TransformedDistribution):
    """Base of relaxed distributions, with the parameters of the transformed distribution."""

    base_dist: Any
    relaxes: Any  # the class of what is transformed
    by: Any  # the class of the transform
    arg_constraints: ClassVar = Odds.arg_constraints
    temperature, probs, logits = parts_of("base_dist", "temperature", "probs", "logits")

    def __init__(
        self, temperature: Any, probs: Any = None, logits: Any = None, validate_args: bool | None = None
    ) -> None:
        super().__init__(self.relaxes(temperature, probs, logits, validate_args), self.by(), validate_args)


class RelaxedBernoulli(_Relaxed):
    """Numbers between 0 and 1 that approach 0 or 1 as the temperature decreases."""

    support = constraints.unit_interval
    relaxes, by = LogitRelaxedBernoulli, SigmoidTransform


class RelaxedOneHotCategorical(_Relaxed):
    """Vectors on the simplex that approach one-hot vectors as the temperature decreases."""

    arg_constraints: ClassVar = OfChoices.arg_constraints
    support = constraints.simplex
    relaxes, by = ExpRelaxedCategorical, ExpTransform
