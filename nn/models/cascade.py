"""Cascade-correlation: a network that grows unit by unit (Fahlman and Lebiere 1990)."""

from __future__ import annotations

from autograd_core import Tensor, linalg, no_grad
from autograd_core import functional as core
from autograd_core.autograd import grad
from nn.containers import ParameterList
from nn.module import Module
from nn.parameter import Parameter


class CascadeCorrelation(Module):
    """Linear outputs over the inputs and hidden tanh units, each of which reads the inputs and all units before it.

    `grow` adds a unit whose weights are then frozen; `fit_output` solves for the output weights. (N, in) to (N, out).
    """

    output: Tensor

    def __init__(self, in_features: int, out_features: int) -> None:
        super().__init__()
        self.in_features, self.out_features = in_features, out_features
        self.hidden = ParameterList()
        self.output = Parameter(core.zeros(out_features, in_features + 1))

    def features(self, x: Tensor) -> Tensor:
        """The features that the outputs read: 1, the inputs, and the hidden units: (N, 1 + in + hidden)."""
        features = core.cat([core.ones(x.shape[0], 1, dtype=x.dtype, device=x.device), x], dim=1)
        for weight in self.hidden:
            unit = core.tanh(core.matmul(features, weight))
            features = core.cat([features, unit.unsqueeze(1)], dim=1)
        return features

    def forward(self, x: Tensor) -> Tensor:
        return core.linear(self.features(x), self.output)

    @no_grad()
    def fit_output(self, x: Tensor, y: Tensor) -> float:
        """Fit the output weights to targets (N, out) by least squares; returns the mean squared error."""
        features = self.features(x)
        self.output = Parameter(linalg.lstsq(features, y)[0].T)
        return float(core.mse_loss(self(x), y).item())

    def grow(self, x: Tensor, y: Tensor, candidates: int = 8, steps: int = 200) -> float:
        """Add the candidate unit with the largest covariance with the residual errors; returns that covariance.

        Each is trained by Rprop (Riedmiller and Braun 1993) to maximise Σ over outputs |covariance of unit and error|.
        """
        with no_grad():
            features = self.features(x)
            errors = y - core.linear(features, self.output)
            errors = errors - errors.mean(dim=0)
        weights = core.randn(features.shape[1], candidates, dtype=x.dtype, device=x.device)
        rates, last = core.full_like(weights, 0.05), core.zeros_like(weights)
        for _ in range(steps):
            weights = weights.detach().requires_grad_()
            (slope,) = grad(_scores(features, weights, errors).sum(), weights)
            agreement = core.sign(slope * last)
            rates = core.clamp(rates * core.where(agreement > 0, 1.2, core.where(agreement < 0, 0.5, 1.0)), 1e-6, 1.0)
            last = core.where(agreement < 0, 0.0, slope)
            weights = weights.detach() + core.sign(last) * rates
        scores = _scores(features, weights, errors)
        best = int(core.argmax(scores).item())
        self.hidden.append(Parameter(weights[:, best].detach(), requires_grad=False))
        with no_grad():
            self.output = Parameter(core.cat([self.output, core.zeros_like(self.output[:, :1])], dim=1))
        return float(scores[best].item())

    def extra_repr(self) -> str:
        return f"in_features={self.in_features}, out_features={self.out_features}, hidden={len(self.hidden)}"


def _scores(features: Tensor, weights: Tensor, errors: Tensor) -> Tensor:
    """For each candidate, the sum over outputs of |Σ over samples of (unit - its mean)·error|."""
    units = core.tanh(core.matmul(features, weights))
    units = units - units.mean(dim=0)
    return core.abs(core.matmul(errors.T, units)).sum(dim=0)


def cascade_correlation(in_features: int, out_features: int) -> CascadeCorrelation:
    """A network without hidden units yet; `grow` adds them."""
    return CascadeCorrelation(in_features, out_features)
