"""The continuous Bernoulli distribution (Loaiza-Ganem and Cunningham 2019)."""

from __future__ import annotations

from typing import Any

from autograd_core import functional
from autograd_core.distributions import constraints
from autograd_core.distributions.discrete import Odds
from autograd_core.distributions.distribution import Shape
from autograd_core.distributions.quantiles import uniform_within
from autograd_core.tensor import Tensor


class ContinuousBernoulli(Odds):
    """Numbers x between 0 and 1 with a density proportional to `probs`^x·(1 - `probs`)^(1 - x).

    lims: between which probabilities a Taylor series around ½ is used.
    """

    has_rsample = True
    support = constraints.unit_interval

    def __init__(self, probs: Any = None, logits: Any = None, lims: tuple[float, float] = (0.499, 0.501),
                 validate_args: bool | None = None) -> None:  # fmt: skip
        self._lims = lims
        super().__init__(probs, logits, validate_args)

    def _pieces(self) -> tuple[Tensor, Tensor, Tensor]:
        """Where the series holds; the probabilities, moved out of there; and their distance from ½."""
        p = self.probs
        near = (p > self._lims[0]) & (p <= self._lims[1])
        return near, functional.where(near, self._lims[0], p), p - 0.5

    @property
    def mean(self) -> Tensor:
        near, p, x = self._pieces()
        far = p / (2 * p - 1) - 1 / functional.logit(p)
        return functional.where(near, 0.5 + (1 / 3 + 16 / 45 * x**2) * x, far)

    @property
    def variance(self) -> Tensor:
        near, p, x = self._pieces()
        far = p * (p - 1) / (1 - 2 * p) ** 2 + 1 / functional.logit(p) ** 2
        return functional.where(near, 1 / 12 - (1 / 15 - 128 / 945 * x**2) * x**2, far)

    def _log_norm(self) -> Tensor:
        near, p, x = self._pieces()
        far = functional.logit(p).abs().log() - (1 - 2 * p).abs().log()
        return functional.where(near, 0.6931471805599453 + (4 / 3 + 104 / 45 * x**2) * x**2, far)

    def rsample(self, sample_shape: Shape = ()) -> Tensor:
        return self.icdf(uniform_within(self._extended_shape(sample_shape), self.probs))

    def log_prob(self, value: Tensor) -> Tensor:
        self._validate_sample(value)
        return self._log_norm() - self._cost(value)

    def cdf(self, value: Tensor) -> Tensor:
        self._validate_sample(value)
        odds = self._odds()
        return (odds * value).expm1() / odds.expm1()

    def icdf(self, value: Tensor) -> Tensor:
        odds = self._odds()
        return (value * odds.expm1()).log1p() / odds

    def _odds(self) -> Tensor:
        return functional.where(self.logits == 0, 1e-9, self.logits)

    def entropy(self) -> Tensor:
        return -self._log_norm() + functional.softplus(self.logits) - self.mean * self.logits
