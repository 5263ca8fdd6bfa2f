"""Functions of shapes whose terms cancel where shapes are large; there they are series."""

from __future__ import annotations

import math

from autograd_core import functional
from autograd_core.engine.libraries import checks_values, holds
from autograd_core.ops.pointwise.around_zero import even_series
from autograd_core.ops.pointwise.gamma import STIRLING
from autograd_core.tensor import Tensor

FEW = 64.0  # below, logarithms of gamma functions are small
FAR = 16.0  # from here the series in 1 / a are accurate enough
SLOPE = 1 / 12, -1 / 120, 1 / 252, -1 / 240, 1 / 132, -691 / 32760  # of log a - ψ(a) - 1 / 2a, in 1 / a²


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
    if checks_values(a) and holds(a < FAR):
        return _near_gamma_entropy(a)
    near, far = a.clamp(max=FAR), 1 / a.clamp(min=FAR)
    stirling = far * even_series(far, STIRLING)
    of_slope = even_series(far, SLOPE)
    series = 0.5 * (1 + math.log(2 * math.pi) - far.log() - far) + stirling + (far - far**2) * of_slope
    return functional.where(a < FAR, _near_gamma_entropy(near), series)


def _near_gamma_entropy(a: Tensor) -> Tensor:
    return a + a.lgamma() + (1 - a) * a.digamma()
