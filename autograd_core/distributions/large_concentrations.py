"""Functions of concentrations, the shapes of gamma distributions, whose terms cancel where these are large: series."""

from __future__ import annotations

import math

from autograd_core import functional
from autograd_core.ops.pointwise.around_zero import even_series
from autograd_core.tensor import Tensor

FEW = 64.0  # below, logarithms of gamma functions are small
FAR = 16.0  # from here the series in 1 / a are accurate enough


def half_step(a: Tensor) -> Tensor:
    """log Γ(a + ½) - log Γ(a) - ½ log a."""
    near, far = a.clamp(max=FAR), 1 / a.clamp(min=FAR)
    series = far * even_series(far, (-1 / 8, 1 / 192, -1 / 640, 17 / 14336, -31 / 18432))
    return functional.where(a < FAR, (near + 0.5).lgamma() - near.lgamma() - 0.5 * near.log(), series)


def slope_of_half_step(a: Tensor) -> Tensor:
    """ψ(a + ½) - ψ(a)."""
    near, far = a.clamp(max=FAR), 1 / a.clamp(min=FAR)
    series = 0.5 * far + far**2 * even_series(far, (1 / 8, -1 / 64, 1 / 128, -17 / 2048, 31 / 2048))
    return functional.where(a < FAR, (near + 0.5).digamma() - near.digamma(), series)


def gamma_entropy(a: Tensor) -> Tensor:
    """Entropy of the gamma distribution of rate 1, a + log Γ(a) + (1 - a) ψ(a)."""
    return functional.stirling_rest(a) + 0.5 * (2 * math.pi * a).log() + (a - 1) * functional.log_less_digamma(a)


def gamma_divergence(a: Tensor, b: Tensor, ratio: Tensor) -> Tensor:
    """The divergence of the gamma distribution of shape a from that of b, by the ratio of their rates, q's to p's."""
    return b * functional.log_excess(a * ratio, b) + _beyond_stirling(a, b)


def dirichlet_divergence(a: Tensor, b: Tensor) -> Tensor:
    """The divergence of the Dirichlet distribution of the concentrations a (..., K) from that of b."""
    n, m = a.sum(-1, keepdim=True), b.sum(-1, keepdim=True)
    found = b * functional.log_excess(a * (m / n), b) + _beyond_stirling(a, b)
    return found.sum(-1) - _beyond_stirling(n, m).squeeze(-1)


def poisson_divergence(a: Tensor, b: Tensor) -> Tensor:
    """The divergence of the Poisson distribution of rate a from that of b."""
    never = a == 0
    return functional.where(never, b, a * functional.log_excess(b, functional.where(never, 1.0, a)))


def _beyond_stirling(a: Tensor, b: Tensor) -> Tensor:
    """log Γ(b) - log Γ(a) - (b - a) ψ(a) - b (r - 1 - log r), where r = a / b."""
    rests = functional.stirling_rest(b) - functional.stirling_rest(a)
    return rests + (b - a) * functional.log_less_digamma(a) + 0.5 * (a / b).log()
