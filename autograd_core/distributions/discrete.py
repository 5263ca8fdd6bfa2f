"""Bernoulli, categorical and related distributions."""

from __future__ import annotations

import math
from typing import Any, ClassVar, Self

from autograd_core import dtypes, functional
from autograd_core.distributions import constraints
from autograd_core.distributions.distribution import (
    Distribution,
    Shape,
    broadcast_all,
    eps_of,
    lazy_property,
    one_of,
    parts_of,
)
from autograd_core.distributions.exponential_family import ExponentialFamily
from autograd_core.sizes import Size
from autograd_core.tensor import Tensor


class Odds(Distribution):
    """A probability `probs`, or its log-odds `logits`."""

    arg_constraints: ClassVar = {"probs": constraints.unit_interval, "logits": constraints.real}

    def __init__(self, probs: Any = None, logits: Any = None, validate_args: bool | None = None) -> None:
        (value,) = broadcast_all(one_of(probs, logits))
        vars(self)["logits" if probs is None else "probs"] = value
        super().__init__(value.shape, validate_args=validate_args)

    @lazy_property
    def probs(self) -> Tensor:
        """The probability."""
        return self.logits.sigmoid()

    @lazy_property
    def logits(self) -> Tensor:
        """log(p / (1 - p)), with p clamped away from 0 and 1."""
        return functional.logit(self.probs, eps=eps_of(self.probs))

    @property
    def param_shape(self) -> Size:
        """The shape of `probs` and `logits`."""
        return self.probs.shape

    def _cost(self, value: Tensor) -> Tensor:
        """-log of the probability of a value 0 or 1, linear in between."""
        logits, value = functional.broadcast_tensors(self.logits, value)
        return functional.binary_cross_entropy_with_logits(logits, value, reduction="none")


class Bernoulli(Odds, ExponentialFamily):
    """1 with probability `probs`, else 0."""

    has_enumerate_support = True
    support = constraints.boolean
    _mean_carrier_measure = 0

    @property
    def mean(self) -> Tensor:
        return self.probs

    @property
    def mode(self) -> Tensor:
        p = self.probs
        return functional.where(p == 0.5, math.nan, (p > 0.5).to(p.dtype))

    @property
    def variance(self) -> Tensor:
        return self.probs * (1 - self.probs)

    def sample(self, sample_shape: Shape = ()) -> Tensor:
        return functional.bernoulli(self.probs.detach().expand(self._extended_shape(sample_shape)))

    def _log_density(self, value: Tensor) -> Tensor:
        return -self._cost(value)

    def entropy(self) -> Tensor:
        return self._cost(self.probs)

    @property
    def _natural_params(self) -> tuple[Tensor, ...]:
        return (self.logits,)

    def _log_normalizer(self, odds: Tensor) -> Tensor:
        return functional.softplus(odds)

    def enumerate_support(self, expand: bool = True) -> Tensor:
        return self._values(functional.arange(2, dtype=self.probs.dtype, device=self.probs.device), expand)


class Categorical(Distribution):
    """Numbers 0, 1, ... with probabilities along the last axis of `probs`, or of exp(`logits`), up to normalisation.

    >>> Categorical(logits=functional.zeros(4)).entropy()
    tensor(1.3863)
    """

    arg_constraints: ClassVar = {"probs": constraints.simplex, "logits": constraints.real_vector}
    has_enumerate_support = True

    def __init__(self, probs: Any = None, logits: Any = None, validate_args: bool | None = None) -> None:
        value = one_of(probs, logits)
        if value.ndim < 1:
            raise ValueError("Categorical() takes probabilities along the last axis, not a number")
        if probs is None:
            vars(self)["logits"] = functional.log_softmax(value, -1)
        else:
            vars(self)["probs"] = value / value.sum(-1, keepdim=True)
        super().__init__(value.shape[:-1], validate_args=validate_args)

    @lazy_property
    def probs(self) -> Tensor:
        """The probabilities."""
        return self.logits.exp()

    @lazy_property
    def logits(self) -> Tensor:
        """The logarithms of the probabilities, which are clamped away from 0 and 1."""
        eps = eps_of(self.probs)
        return self.probs.clamp(eps, 1 - eps).log()

    @property
    def param_shape(self) -> Size:
        """The shape of `probs` and `logits`."""
        return self._parameter.shape

    @property
    def _parameter(self) -> Tensor:
        return self.probs if "probs" in vars(self) else self.logits

    @property
    def _count(self) -> int:
        return self._parameter.shape[-1]

    @constraints.dependent_property(is_discrete=True, event_dim=0)
    def support(self) -> constraints.Constraint:
        """The numbers of the choices."""
        return constraints.integer_interval(0, self._count - 1)

    @property
    def mean(self) -> Tensor:
        return functional.full(self._extended_shape(), math.nan, dtype=self.probs.dtype, device=self.probs.device)

    @property
    def mode(self) -> Tensor:
        return self._parameter.argmax(-1)

    @property
    def variance(self) -> Tensor:
        return self.mean

    def sample(self, sample_shape: Shape = ()) -> Tensor:
        rows = self.probs.detach().reshape(-1, self._count)
        draws = functional.multinomial(rows, math.prod(sample_shape), replacement=True)
        return draws.T.reshape((*sample_shape, *self.batch_shape))

    def _log_density(self, value: Tensor) -> Tensor:
        at, logits = value.long().unsqueeze(-1), self.logits
        if at.shape[:-1] != logits.shape[:-1]:
            at, logits = functional.broadcast_tensors(at, logits)
        return logits.gather(-1, at[..., :1]).squeeze(-1)

    def entropy(self) -> Tensor:
        if "probs" in vars(self):
            return functional.entr(self.probs).sum(-1)
        lowest = dtypes.finfo(self.logits.dtype).min  # 0·-∞ is 0
        return -(self.probs * self.logits.clamp(min=lowest)).sum(-1)

    def enumerate_support(self, expand: bool = True) -> Tensor:
        return self._values(functional.arange(self._count, device=self._parameter.device), expand)


class OfChoices(Distribution):
    """Base of distributions of vectors with one element per choice of a `Categorical`."""

    arg_constraints = Categorical.arg_constraints
    param_shape, probs, logits = parts_of("_choice", "param_shape", "probs", "logits")

    def __init__(self, probs: Any = None, logits: Any = None, validate_args: bool | None = None) -> None:
        self._choice = Categorical(probs, logits, validate_args)
        super().__init__(self._choice.batch_shape, self._choice.param_shape[-1:], validate_args=validate_args)

    def expand(self, batch_shape: Shape, _instance: Any = None) -> Self:
        return self._with(batch_shape, _instance, _choice=self._choice.expand(batch_shape))

    def __repr__(self) -> str:
        return repr(self._choice).replace("Categorical", type(self).__name__, 1)


class OneHotCategorical(OfChoices):
    """`Categorical` with one-hot vectors as values."""

    support = constraints.one_hot
    has_enumerate_support = True

    @property
    def mean(self) -> Tensor:
        return self.probs

    @property
    def mode(self) -> Tensor:
        return self._hot(self._choice.mode)

    @property
    def variance(self) -> Tensor:
        return self.probs * (1 - self.probs)

    def _hot(self, choice: Tensor) -> Tensor:
        return functional.one_hot(choice, self.event_shape[0]).to(self.probs.dtype)

    def sample(self, sample_shape: Shape = ()) -> Tensor:
        return self._hot(self._choice.sample(sample_shape))

    def _log_density(self, value: Tensor) -> Tensor:
        return self._choice.log_prob(value.argmax(-1))

    def entropy(self) -> Tensor:
        return self._choice.entropy()

    def enumerate_support(self, expand: bool = True) -> Tensor:
        return self._hot(self._choice.enumerate_support(expand))
