"""Exponential families: entropy and divergence from the log normalizer alone."""

from __future__ import annotations

from typing import Any

from autograd_core.autograd.transforms import grad
from autograd_core.distributions.distribution import Distribution, sum_rightmost
from autograd_core.tensor import Tensor


class ExponentialFamily(Distribution):
    """Base of distributions with density exp(⟨t(x), θ⟩ - F(θ) + k(x)).

    A subclass defines the natural parameters θ, `_natural_params`; the log normalizer F, `_log_normalizer(*θ)`; and for
    the entropy the mean of k(x), `_mean_carrier_measure`. ∇F(θ) is the mean of t(x), from which the rest follows
    (Nielsen and Nock 2010).
    """

    @property
    def _natural_params(self) -> tuple[Tensor, ...]:
        raise self._lacking("_natural_params")

    def _log_normalizer(self, *natural_params: Any) -> Tensor:
        raise self._lacking("_log_normalizer")

    @property
    def _mean_carrier_measure(self) -> Any:
        raise self._lacking("entropy: _mean_carrier_measure is not defined")

    def entropy(self) -> Tensor:
        negated: Tensor = self._mean_log_density(self) + self._mean_carrier_measure
        return -negated

    def _mean_log_density(self, q: ExponentialFamily) -> Tensor:
        """The mean, under this distribution, of the log density of another one of its family, without k(x)."""
        means = grad(lambda *natural: self._log_normalizer(*natural).sum(), tuple(range(len(self._natural_params))))
        mean: Tensor = -q._log_normalizer(*q._natural_params)
        for natural, slope in zip(q._natural_params, means(*self._natural_params), strict=True):
            mean = mean + sum_rightmost(natural * slope, natural.ndim - len(q.batch_shape))
        return mean
