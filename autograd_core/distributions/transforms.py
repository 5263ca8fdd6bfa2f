"""Invertible functions of elements, and the distributions of what they make of random variables."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from autograd_core import functional
from autograd_core.distributions import constraints
from autograd_core.distributions.distribution import Distribution, Shape
from autograd_core.distributions.multivariate import sum_rightmost
from autograd_core.tensor import Tensor, no_grad


class Transform:
    """An invertible function of every element, with the logarithm of its slope.

    cache_size: 1 keeps the last argument with its value, whose inverse then is exact.
    """

    codomain = constraints.real
    sign: Any = 1  # of the slope
    _inverse: Transform | None = None

    def __init__(self, cache_size: int = 0) -> None:
        self._cached: tuple[Any, Any] | None = (None, None) if cache_size else None

    def __call__(self, x: Tensor) -> Tensor:
        if self._cached is not None and self._cached[0] is x:
            return self._cached[1]  # type: ignore[no-any-return]
        y = self._call(x)
        if self._cached is not None:
            self._cached = x, y
        return y

    @property
    def inv(self) -> Transform:
        """The inverse function."""
        return _Inverse(self)

    def inverted(self, y: Tensor) -> Tensor:
        """The argument of which this is the value."""
        if self._cached is not None and self._cached[1] is y:
            return self._cached[0]  # type: ignore[no-any-return]
        return self._inverted(y)

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        """The logarithm of the size of the slope at `x`, where the value is `y`."""
        raise NotImplementedError(f"{type(self).__name__} does not say its slope")

    def _call(self, x: Tensor) -> Tensor:
        raise NotImplementedError(f"{type(self).__name__} does not say its value")

    def _inverted(self, y: Tensor) -> Tensor:
        raise NotImplementedError(f"{type(self).__name__} has no inverse")

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


class _Inverse(Transform):
    def __init__(self, of: Transform) -> None:
        super().__init__()
        self._of, self.sign = of, of.sign

    @property
    def inv(self) -> Transform:
        return self._of

    def _call(self, x: Tensor) -> Tensor:
        return self._of.inverted(x)

    def _inverted(self, y: Tensor) -> Tensor:
        return self._of(y)

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        return -self._of.log_abs_det_jacobian(y, x)


class ExpTransform(Transform):
    """exp(x)."""

    codomain = constraints.positive

    def _call(self, x: Tensor) -> Tensor:
        return x.exp()

    def _inverted(self, y: Tensor) -> Tensor:
        return y.log()

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        return x


class SigmoidTransform(Transform):
    """1 / (1 + exp(-x))."""

    codomain = constraints.unit_interval

    def _call(self, x: Tensor) -> Tensor:
        return x.sigmoid()

    def _inverted(self, y: Tensor) -> Tensor:
        return functional.logit(y)

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        return -functional.softplus(-x) - functional.softplus(x)


class TanhTransform(Transform):
    """tanh(x); its slope is exact far out, too, so use `cache_size=1` rather than clip what goes into `log_prob`."""

    codomain = constraints.interval(-1.0, 1.0)

    def _call(self, x: Tensor) -> Tensor:
        return x.tanh()

    def _inverted(self, y: Tensor) -> Tensor:
        return y.atanh()

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        return 2 * (math.log(2) - x - functional.softplus(-2 * x))


class AffineTransform(Transform):
    """loc + scale·x."""

    def __init__(self, loc: Any, scale: Any, event_dim: int = 0, cache_size: int = 0) -> None:
        super().__init__(cache_size)
        self.loc, self.scale, self.event_dim = loc, scale, event_dim

    @property
    def sign(self) -> Any:
        """That of `scale`."""
        return self.scale.sign() if isinstance(self.scale, Tensor) else int(math.copysign(1, self.scale))

    def _call(self, x: Tensor) -> Tensor:
        return self.loc + self.scale * x  # type: ignore[no-any-return]

    def _inverted(self, y: Tensor) -> Tensor:
        return (y - self.loc) / self.scale  # type: ignore[no-any-return]

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        slope = self.scale * functional.ones_like(x.detach())
        return sum_rightmost(slope.abs().log(), self.event_dim)


class ComposeTransform(Transform):
    """Transforms one after the other."""

    def __init__(self, parts: Sequence[Transform], cache_size: int = 0) -> None:
        super().__init__(cache_size)
        self.parts = list(parts)

    @property
    def codomain(self) -> constraints.Constraint:  # type: ignore[override]
        """That of the last."""
        return self.parts[-1].codomain

    @property
    def sign(self) -> Any:
        """The product of the signs."""
        return math.prod(part.sign for part in self.parts)

    def _call(self, x: Tensor) -> Tensor:
        for part in self.parts:
            x = part(x)
        return x

    def _inverted(self, y: Tensor) -> Tensor:
        for part in reversed(self.parts):
            y = part.inverted(y)
        return y

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        total: Any = 0
        for part in self.parts:
            value = part(x)
            total, x = total + part.log_abs_det_jacobian(x, value), value
        return total  # type: ignore[no-any-return]


class TransformedDistribution(Distribution):
    """What transforms, one after the other, make of the random variables of a distribution.

    >>> from autograd_core.distributions import Normal
    >>> TransformedDistribution(Normal(0.0, 1.0), TanhTransform()).log_prob(functional.tensor(0.0))
    tensor(-0.9189)
    """

    def __init__(self, base_distribution: Distribution, transforms: Transform | Sequence[Transform],
                 validate_args: bool | None = None) -> None:  # fmt: skip
        self.base_dist = base_distribution
        self.transforms = [transforms] if isinstance(transforms, Transform) else list(transforms)
        super().__init__(base_distribution.batch_shape, base_distribution.event_shape, validate_args)
        self.has_rsample = base_distribution.has_rsample
        self._all = ComposeTransform(self.transforms)

    @property
    def support(self) -> constraints.Constraint:
        """What the last transform gives."""
        if not self.transforms:
            return self.base_dist.support  # type: ignore[no-any-return]
        return constraints.independent(self._all.codomain, len(self.event_shape))

    def expand(self, batch_shape: Shape) -> TransformedDistribution:
        return TransformedDistribution(self.base_dist.expand(batch_shape), self.transforms, False)

    def sample(self, sample_shape: Shape = ()) -> Tensor:
        with no_grad():
            return self._all(self.base_dist.sample(sample_shape))

    def rsample(self, sample_shape: Shape = ()) -> Tensor:
        return self._all(self.base_dist.rsample(sample_shape))

    def log_prob(self, value: Tensor) -> Tensor:
        self._check(value)
        x = self._all.inverted(value)
        density = self.base_dist.log_prob(x)
        slope = self._all.log_abs_det_jacobian(x, value) if self.transforms else functional.zeros_like(x)
        return density - sum_rightmost(slope, slope.ndim - density.ndim)

    def cdf(self, value: Tensor) -> Tensor:
        self._check(value)
        below, sign = self.base_dist.cdf(self._all.inverted(value)), self._all.sign
        return sign * (below - 0.5) + 0.5  # type: ignore[no-any-return]

    def icdf(self, value: Tensor) -> Tensor:
        return self._all(self.base_dist.icdf(self._all.sign * (value - 0.5) + 0.5))

    def __repr__(self) -> str:
        return f"TransformedDistribution({self.base_dist!r}, {self.transforms!r})"
