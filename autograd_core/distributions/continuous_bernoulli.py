"""The continuous Bernoulli distribution (Loaiza-Ganem and Cunningham 2019)."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from autograd_core import functional
from autograd_core.distributions import constraints
from autograd_core.distributions.discrete import Odds
from autograd_core.distributions.distribution import Shape, eps_of
from autograd_core.distributions.exponential_family import ExponentialFamily
from autograd_core.distributions.uniform import uniform_within
from autograd_core.tensor import Tensor


class ContinuousBernoulli(Odds, ExponentialFamily):
    """Numbers x between 0 and 1 with a density proportional to `probs`^x·(1 - `probs`)^(1 - x).

    lims: the range of probabilities in which a Taylor series around ½ is used.
    """

    has_rsample = True
    _mean_carrier_measure = 0
    support = constraints.unit_interval

    def __init__(
        self,
        probs: Any = None,
        logits: Any = None,
        lims: tuple[float, float] = (0.499, 0.501),
        validate_args: bool | None = None,
    ) -> None:
        self._lims = lims
        super().__init__(probs, logits, validate_args)

    def _pieces(self) -> tuple[Tensor, Tensor, Tensor]:
        """Where to use the series; the log-odds, moved out of that range; and the distance of probabilities from ½."""
        p = self.probs
        near = (p > self._lims[0]) & (p <= self._lims[1])
        return near, functional.where(near, 1.0, self.logits), p - 0.5

    @property
    def mean(self) -> Tensor:
        near, odds, x = self._pieces()
        far = 0.5 + 0.5 / (odds / 2).tanh() - 1 / odds
        return functional.where(near, 0.5 + (1 / 3 + 16 / 45 * x**2) * x, far)

    @property
    def variance(self) -> Tensor:
        near, odds, x = self._pieces()
        far = 1 / odds**2 - 0.25 / (odds / 2).sinh() ** 2
        return functional.where(near, 1 / 12 - (1 / 15 - 128 / 945 * x**2) * x**2, far)

    def _log_norm(self) -> Tensor:
        near, odds, x = self._pieces()
        limit = -math.log(eps_of(odds))  # as if `probs` were clamped away from 0 and 1
        odds = odds.clamp(-limit, limit)
        far = (odds / (odds / 2).tanh()).log()
        return functional.where(near, math.log(2) + (4 / 3 + 104 / 45 * x**2) * x**2, far)

    def rsample(self, sample_shape: Shape = ()) -> Tensor:
        return self.icdf(uniform_within(self._extended_shape(sample_shape), self.probs))

    def _log_density(self, value: Tensor) -> Tensor:
        return self._log_norm() - self._cost(value)

    def _cdf(self, value: Tensor) -> Tensor:
        return self._falling(value, lambda slope, x: (-slope * x).expm1() / (-slope).expm1())

    def icdf(self, value: Tensor) -> Tensor:
        return self._falling(value, lambda slope, u: -(u * (-slope).expm1()).log1p() / slope)

    def _falling(self, value: Tensor, function: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
        """Apply a function for decreasing densities; an increasing one is mirrored."""
        rises = self.logits > 0
        slope = functional.where(self.logits == 0, 1e-9, self.logits.abs())
        found = function(slope, functional.where(rises, 1 - value, value))
        return functional.where(rises, 1 - found, found)

    def entropy(self) -> Tensor:
        return -self._log_norm() + functional.softplus(self.logits) - self.mean * self.logits

    @property
    def _natural_params(self) -> tuple[Tensor, ...]:
        return (self.logits,)

    def _log_normalizer(self, odds: Tensor) -> Tensor:
        there = ContinuousBernoulli(logits=odds, lims=self._lims, validate_args=False)
        return functional.softplus(odds) - there._log_norm()
