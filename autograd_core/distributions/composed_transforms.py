"""Transforms made of transforms: compositions, and transforms with batch axes reinterpreted as event axes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Self

from autograd_core import functional
from autograd_core.distributions import constraints
from autograd_core.distributions.constraints import Constraint
from autograd_core.distributions.distribution import sum_rightmost
from autograd_core.distributions.elementwise_transforms import Transform
from autograd_core.tensor import Tensor


class ComposeTransform(Transform):
    """A composition of transforms, the first one applied first; log-determinants add up."""

    def __init__(self, parts: Sequence[Transform], cache_size: int = 0) -> None:
        super().__init__(cache_size)
        self.parts = [part.with_cache(cache_size) for part in parts] if cache_size else list(parts)

    def with_cache(self, cache_size: int = 1) -> Self:
        """The composition with caches of the parts, which its inverse asks, too."""
        new = super().with_cache(cache_size)
        new.parts = [part.with_cache(cache_size) for part in self.parts]
        return new

    @property
    def bijective(self) -> bool:  # type: ignore[override]
        """Whether all parts are bijective."""
        return all(part.bijective for part in self.parts)

    @property
    def domain(self) -> Constraint:
        """The domain of the first, with as many event axes as any of them needs."""
        return self._end(self.parts, "domain", "codomain")

    @property
    def codomain(self) -> Constraint:
        """The codomain of the last, with as many event axes as any of them needs."""
        return self._end(self.parts[::-1], "codomain", "domain")

    @staticmethod
    def _end(parts: list[Transform], here: str, there: str) -> Constraint:
        if not parts:
            return constraints.real
        dim = getattr(parts[-1], there).event_dim
        for part in reversed(parts):
            own = getattr(part, here).event_dim
            dim = max(dim + own - getattr(part, there).event_dim, own)
        end: Constraint = getattr(parts[0], here)
        more = dim - end.event_dim
        return constraints.independent(end, more) if more else end

    @property
    def sign(self) -> Any:
        """The product of the signs."""
        return math.prod(part.sign for part in self.parts)

    def _inverted(self) -> ComposeTransform:
        return ComposeTransform([part.inv for part in reversed(self.parts)])

    def _call(self, x: Tensor) -> Tensor:
        for part in self.parts:
            x = part(x)
        return x

    def _inverse(self, y: Tensor) -> Tensor:
        for part in reversed(self.parts):
            y = part._inv_call(y)
        return y

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        if not self.parts:
            return functional.zeros_like(x)
        total, dim = None, self.domain.event_dim
        for part in self.parts:
            value = part(x)
            slope = sum_rightmost(part.log_abs_det_jacobian(x, value), dim - part.domain.event_dim)
            total = slope if total is None else total + slope
            dim, x = dim + part.codomain.event_dim - part.domain.event_dim, value
        return total  # type: ignore[return-value]

    def forward_shape(self, shape: Sequence[int]) -> tuple[int, ...]:
        for part in self.parts:
            shape = part.forward_shape(shape)
        return tuple(shape)

    def inverse_shape(self, shape: Sequence[int]) -> tuple[int, ...]:
        for part in reversed(self.parts):
            shape = part.inverse_shape(shape)
        return tuple(shape)

    def __repr__(self) -> str:
        return f"ComposeTransform({self.parts!r})"


class IndependentTransform(Transform):
    """A transform with its last `reinterpreted_batch_ndims` batch axes reinterpreted as event axes."""

    def __init__(self, base_transform: Transform, reinterpreted_batch_ndims: int, cache_size: int = 0) -> None:
        super().__init__(cache_size)
        self.base_transform, self.reinterpreted_batch_ndims = base_transform, reinterpreted_batch_ndims
        self.bijective = base_transform.bijective
        self.domain, self.codomain = (
            constraints.independent(end, reinterpreted_batch_ndims)
            for end in (base_transform.domain, base_transform.codomain)
        )

    @property
    def sign(self) -> Any:
        """The sign of the transform."""
        return self.base_transform.sign

    def _call(self, x: Tensor) -> Tensor:
        return self.base_transform(x)

    def _inverse(self, y: Tensor) -> Tensor:
        return self.base_transform._inv_call(y)

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        return sum_rightmost(self.base_transform.log_abs_det_jacobian(x, y), self.reinterpreted_batch_ndims)

    def forward_shape(self, shape: Sequence[int]) -> tuple[int, ...]:
        return self.base_transform.forward_shape(shape)

    def inverse_shape(self, shape: Sequence[int]) -> tuple[int, ...]:
        return self.base_transform.inverse_shape(shape)

    def __repr__(self) -> str:
        return f"IndependentTransform({self.base_transform!r}, {self.reinterpreted_batch_ndims})"


identity_transform = ComposeTransform([])
