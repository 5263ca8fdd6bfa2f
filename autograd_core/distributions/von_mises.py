"""The von Mises distribution of angles."""

from __future__ import annotations

import math
from typing import Any, ClassVar

from autograd_core import functional, special
from autograd_core.distributions import constraints
from autograd_core.distributions.distribution import AroundLoc, Shape
from autograd_core.grad_mode import no_grad
from autograd_core.tensor import Tensor


class VonMises(AroundLoc):
    """Angles with density proportional to exp(`concentration`·cos(x - `loc`)); `variance` is the circular variance."""

    loc: Tensor
    concentration: Tensor
    arg_constraints: ClassVar = {"loc": constraints.real, "concentration": constraints.positive}
    support = constraints.real

    def __init__(self, loc: Any, concentration: Any, validate_args: bool | None = None) -> None:
        self._take(validate_args, loc=loc, concentration=concentration)

    @property
    def variance(self) -> Tensor:
        return 1 - special.i1e(self.concentration) / special.i0e(self.concentration)

    def _log_density(self, value: Tensor) -> Tensor:
        below = 2 * self.concentration * ((value - self.loc) / 2).sin() ** 2
        return -below - special.i0e(self.concentration).log() - math.log(2 * math.pi)

    def sample(self, sample_shape: Shape = ()) -> Tensor:
        """Angles in [-π, π), by Best and Fisher's rejection method (1979)."""
        with no_grad():
            shape = self._extended_shape(sample_shape)
            k = self.concentration.double().expand(shape)
            t = 1 + (1 + 4 * k**2).sqrt()
            rho = (t - (2 * t).sqrt()) / (2 * k)
            r = functional.where(k < 1e-5, 1 / k + k, (1 + rho**2) / (2 * rho))
            angle, open_ = functional.zeros_like(r), functional.ones_like(r).bool()
            while bool(open_.any()):
                u, v, side = functional.rand((3, *shape), dtype=r.dtype, device=r.device)
                z = (math.pi * u).cos()
                f = ((1 + r * z) / (r + z)).clamp(-1, 1)
                c = k * (r - f)
                accepted = (c * (2 - c) > v) | ((c / v).log() + 1 - c >= 0)
                angle = functional.where(accepted, (side - 0.5).sign() * f.acos(), angle)
                open_ = open_ & ~accepted
            found = (angle + math.pi + self.loc.double()) % (2 * math.pi) - math.pi
            return found.to(self.loc.dtype)
