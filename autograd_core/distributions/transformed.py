"""Distributions of transformed random variables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

from autograd_core import functional
from autograd_core.distributions import constraints
from autograd_core.distributions.composed_transforms import ComposeTransform
from autograd_core.distributions.distribution import Distribution, Shape, sum_rightmost
from autograd_core.distributions.elementwise_transforms import Transform
from autograd_core.distributions.multivariate import Independent
from autograd_core.grad_mode import no_grad
from autograd_core.tensor import Tensor


class TransformedDistribution(Distribution):
    """The distribution of a random variable after a sequence of transforms.

    >>> from autograd_core import functional
    >>> from autograd_core.distributions import Normal, TanhTransform
    >>> TransformedDistribution(Normal(0.0, 1.0), TanhTransform()).log_prob(functional.tensor(0.0))
    tensor(-0.9189)
    """

    def __init__(
        self,
        base_distribution: Distribution,
        transforms: Transform | Sequence[Transform],
        validate_args: bool | None = None,
    ) -> None:
        self.transforms = [transforms] if isinstance(transforms, Transform) else list(transforms)
        if wrong := [t for t in self.transforms if not isinstance(t, Transform)]:
            raise ValueError(f"transforms must be Transforms, not {type(wrong[0]).__name__}")
        whole = ComposeTransform(self.transforms)
        shape = base_distribution.batch_shape + base_distribution.event_shape
        domain, codomain = whole.domain.event_dim, whole.codomain.event_dim
        if len(shape) < domain:
            raise ValueError(f"{self.transforms} take events of at least {domain} axes, not of shape {shape}")
        made = whole.forward_shape(shape)
        needed = whole.inverse_shape(made)
        if needed != shape:
            batch = needed[: len(needed) - len(base_distribution.event_shape)]
            base_distribution = base_distribution.expand(batch)
        more = domain - len(base_distribution.event_shape)
        self.base_dist = Independent(base_distribution, more) if more > 0 else base_distribution
        split = len(made) - max(codomain, len(self.base_dist.event_shape) + codomain - domain)
        super().__init__(made[:split], made[split:], validate_args)

    @property
    def has_rsample(self) -> bool:  # type: ignore[override]
        """Whether the base distribution has rsample()."""
        return self.base_dist.has_rsample

    @constraints.dependent_property
    def support(self) -> Any:
        """The codomain of the last transform."""
        if not self.transforms:
            return self.base_dist.support
        end = self.transforms[-1].codomain
        more = len(self.event_shape) - end.event_dim
        return constraints.independent(end, more) if more else end

    def expand(self, batch_shape: Shape, _instance: Any = None) -> Self:
        needed = ComposeTransform(self.transforms).inverse_shape((*batch_shape, *self.event_shape))
        base = self.base_dist.expand(needed[: len(needed) - len(self.base_dist.event_shape)])
        return self._with(batch_shape, _instance, base_dist=base)

    def sample(self, sample_shape: Shape = ()) -> Tensor:
        with no_grad():
            return self._transformed(self.base_dist.sample(sample_shape))

    def rsample(self, sample_shape: Shape = ()) -> Tensor:
        return self._transformed(self.base_dist.rsample(sample_shape))

    def _transformed(self, x: Tensor) -> Tensor:
        for transform in self.transforms:
            x = transform(x)
        return x

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        density, dim = None, len(self.event_shape)
        for transform in reversed(self.transforms):
            x = transform.inv(value)
            dim += transform.domain.event_dim - transform.codomain.event_dim
            slope = sum_rightmost(transform.log_abs_det_jacobian(x, value), dim - transform.domain.event_dim)
            density = -slope if density is None else density - slope
            value = x
        base = sum_rightmost(self.base_dist.log_prob(value), dim - len(self.base_dist.event_shape))
        return base if density is None else density + base

    @property
    def _sign(self) -> Any:
        return ComposeTransform(self.transforms).sign

    def cdf(self, value: Tensor) -> Tensor:
        for transform in reversed(self.transforms):
            value = transform.inv(value)
        return self._directed(self.base_dist.cdf(value))  # checks the value: the ends of the support are allowed

    def icdf(self, value: Tensor) -> Tensor:
        return self._transformed(self.base_dist.icdf(self._directed(value)))

    def _directed(self, p: Tensor) -> Tensor:
        """A probability, or 1 minus it where the transforms decrease; small ones keep their digits."""
        return functional.where(functional.as_tensor(self._sign, device=p.device) > 0, p, 1 - p)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.base_dist!r}, {self.transforms!r})"


class Closed(TransformedDistribution):
    """Base of transformed distributions whose densities and quantiles have closed forms, more exact than `transforms`.

    A subclass has parameters and methods as any distribution, and tells in `_parts` what it is the transform of.
    """

    has_rsample = True
    expand, sample, __repr__ = Distribution.expand, Distribution.sample, Distribution.__repr__
    log_prob, cdf = Distribution.log_prob, Distribution.cdf

    def __init__(self, batch_shape: Shape, event_shape: Shape = (), validate_args: bool | None = None) -> None:
        Distribution.__init__(self, batch_shape, event_shape, validate_args)

    @property
    def base_dist(self) -> Any:  # type: ignore[override]
        """The distribution that is transformed."""
        return self._parts()[0]

    @property
    def transforms(self) -> list[Transform]:  # type: ignore[override]
        """The transforms, in order."""
        return [*self._parts()[1:]]

    def _parts(self) -> tuple[Any, ...]:
        """The distribution that is transformed, and the transforms."""
        raise NotImplementedError
