"""The base class of transforms, and invertible functions of elements."""

from __future__ import annotations

import copy
import math
import weakref
from collections.abc import Sequence
from typing import Any, Self, cast

from autograd_core import dtypes, functional
from autograd_core.creation.values import where_it_is
from autograd_core.distributions import constraints
from autograd_core.distributions.constraints import Constraint
from autograd_core.distributions.distribution import sum_rightmost
from autograd_core.tensor import Tensor


class Transform:
    """An invertible function with the log-determinant of its Jacobian, of elements, or of vectors or matrices.

    cache_size: 1 keeps the last argument and value, so that the inverse of the value is exact.
    """

    bijective = False
    domain: Any = constraints.real
    codomain: Any = constraints.real

    def __init__(self, cache_size: int = 0) -> None:
        if cache_size not in (0, 1):
            raise ValueError(f"{type(self).__name__}: cache_size must be 0 or 1, not {cache_size}")
        self._cache_size = cache_size
        self._cached_x_y: tuple[Any, Any] = (None, None)
        self._inv: weakref.ref[Transform] | None = None
        super().__init__()  # of a module that the class derives from too

    def __call__(self, x: Tensor) -> Tensor:
        if self._cached_x_y[0] is x:
            return self._cached_x_y[1]
        y = self._call(x)
        if self._cache_size:
            self._cached_x_y = x, y
        return y

    @property
    def inv(self) -> Transform:
        """The inverse function, whose own inverse is this one."""
        found = self._inv() if self._inv else None
        if found is None:
            found = self._inverted()
            found._inv, self._inv = weakref.ref(self), weakref.ref(found)
        return found

    @property
    def sign(self) -> Any:
        """The sign of the derivative; monotone functions define it."""
        raise NotImplementedError(f"{type(self).__name__} has no sign, so it does not transform probabilities of x < c")

    @property
    def event_dim(self) -> int:
        """The number of axes of an argument, if a value has as many."""
        if self.domain.event_dim != self.codomain.event_dim:
            raise ValueError(f"{type(self).__name__}: say .domain.event_dim or .codomain.event_dim, which differ")
        return self.domain.event_dim

    def _inverted(self) -> Transform:
        return _InverseTransform(self)

    def __getstate__(self) -> dict[str, Any]:
        state: Any = super().__getstate__()
        return {**state, "_inv": None}  # copies have inverses of their own

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and all(
            _equal(v, vars(other)[name]) for name, v in vars(self).items() if name[0] != "_" and "domain" not in name
        )

    def __hash__(self) -> int:
        return hash(type(self))

    def _inv_call(self, y: Tensor) -> Tensor:
        if self._cached_x_y[1] is y:
            return self._cached_x_y[0]
        x = self._inverse(y)
        if self._cache_size:
            self._cached_x_y = x, y
        return x

    def with_cache(self, cache_size: int = 1) -> Self:
        """The transform with another cache size."""
        new = copy.copy(self)
        Transform.__init__(new, cache_size)
        return new

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        """log|det J| at `x`, with value `y`."""
        raise NotImplementedError(f"{type(self).__name__} does not define log_abs_det_jacobian()")

    def forward_shape(self, shape: Sequence[int]) -> tuple[int, ...]:
        """The shape of the value for an argument of this shape."""
        return tuple(shape)

    def inverse_shape(self, shape: Sequence[int]) -> tuple[int, ...]:
        """The shape of the argument for a value of this shape."""
        return tuple(shape)

    def _call(self, x: Tensor) -> Tensor:
        raise NotImplementedError(f"{type(self).__name__} does not define _call()")

    def _inverse(self, y: Tensor) -> Tensor:
        raise NotImplementedError(f"{type(self).__name__} has no inverse")

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


def _equal(a: Any, b: Any) -> bool:
    if isinstance(a, Tensor) or isinstance(b, Tensor):
        return functional.equal(*(where_it_is(v) for v in (a, b)))
    return bool(a == b)


class _InverseTransform(Transform):
    def __init__(self, of: Transform) -> None:
        super().__init__()
        self.of, self.bijective = of, of.bijective
        self.domain, self.codomain = of.codomain, of.domain

    @property
    def inv(self) -> Transform:
        return self.of

    def with_cache(self, cache_size: int = 1) -> Self:
        return cast("Self", self.of.with_cache(cache_size).inv)

    @property
    def sign(self) -> Any:
        return self.of.sign

    def _call(self, x: Tensor) -> Tensor:
        return self.of._inv_call(x)

    def _inverse(self, y: Tensor) -> Tensor:
        return self.of(y)

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        return -self.of.log_abs_det_jacobian(y, x)

    def forward_shape(self, shape: Sequence[int]) -> tuple[int, ...]:
        return self.of.inverse_shape(shape)

    def inverse_shape(self, shape: Sequence[int]) -> tuple[int, ...]:
        return self.of.forward_shape(shape)

    def __repr__(self) -> str:
        return f"{self.of!r}.inv"


class ExpTransform(Transform):
    """exp(x)."""

    bijective = True
    sign = 1
    codomain = constraints.positive

    def _call(self, x: Tensor) -> Tensor:
        return x.exp()

    def _inverse(self, y: Tensor) -> Tensor:
        return y.log()

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        return x


class PowerTransform(Transform):
    """x to the power of `exponent`, for positive x."""

    bijective = True
    domain = codomain = constraints.positive

    def __init__(self, exponent: Any, cache_size: int = 0) -> None:
        super().__init__(cache_size)
        self.exponent = exponent if isinstance(exponent, Tensor) else functional.tensor(exponent)

    @property
    def sign(self) -> Any:
        """The sign of the exponent."""
        return self.exponent.sign()

    def _call(self, x: Tensor) -> Tensor:
        return x**self.exponent

    def _inverse(self, y: Tensor) -> Tensor:
        return y ** (1 / self.exponent)

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        return (self.exponent * y / x).abs().log()

    def forward_shape(self, shape: Sequence[int]) -> tuple[int, ...]:
        return tuple(functional.broadcast_shapes(tuple(shape), self.exponent.shape))

    inverse_shape = forward_shape


def between_0_and_1(y: Tensor) -> Tensor:
    """`y`, kept away from 0 and 1, which rounding gives: their log-odds are infinite."""
    limits = dtypes.finfo(y.dtype)
    return y.clamp(limits.tiny, 1 - limits.eps)


def _clipped_sigmoid(x: Tensor) -> Tensor:
    return between_0_and_1(x.sigmoid())


class SigmoidTransform(Transform):
    """1 / (1 + exp(-x)), never 0 or 1."""

    bijective = True
    sign = 1
    codomain = constraints.unit_interval

    def _call(self, x: Tensor) -> Tensor:
        return _clipped_sigmoid(x)

    def _inverse(self, y: Tensor) -> Tensor:
        return functional.logit(between_0_and_1(y))

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        return -functional.softplus(-x) - functional.softplus(x)


class SoftplusTransform(Transform):
    """log(1 + exp(x))."""

    bijective = True
    sign = 1
    codomain = constraints.positive

    def _call(self, x: Tensor) -> Tensor:
        return functional.softplus(x)

    def _inverse(self, y: Tensor) -> Tensor:
        return y + (-(-y).expm1()).log()

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        return -functional.softplus(-x)


class TanhTransform(Transform):
    """tanh(x), with accurate tails: use `cache_size=1` rather than clip arguments of `log_prob`."""

    bijective = True
    sign = 1
    codomain = constraints.interval(-1.0, 1.0)

    def _call(self, x: Tensor) -> Tensor:
        return x.tanh()

    def _inverse(self, y: Tensor) -> Tensor:
        return y.atanh()

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        return 2 * (math.log(2) - x - functional.softplus(-2 * x))


class AbsTransform(Transform):
    """|x|; the inverse of y is y."""

    codomain = constraints.positive

    def _call(self, x: Tensor) -> Tensor:
        return x.abs()

    def _inverse(self, y: Tensor) -> Tensor:
        return y


class AffineTransform(Transform):
    """loc + scale·x."""

    bijective = True

    def __init__(self, loc: Any, scale: Any, event_dim: int = 0, cache_size: int = 0) -> None:
        super().__init__(cache_size)
        self.loc, self.scale = loc, scale
        self.domain = self.codomain = (
            constraints.independent(constraints.real, event_dim) if event_dim else constraints.real
        )

    @property
    def sign(self) -> Any:
        """The sign of `scale`."""
        return self.scale.sign() if isinstance(self.scale, Tensor) else int(math.copysign(1, self.scale))

    def _call(self, x: Tensor) -> Tensor:
        return self.loc + self.scale * x

    def _inverse(self, y: Tensor) -> Tensor:
        return (y - self.loc) / self.scale

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        slope = self.scale * functional.ones_like(x.detach())
        return sum_rightmost(slope.abs().log(), self.event_dim)

    def forward_shape(self, shape: Sequence[int]) -> tuple[int, ...]:
        parts = (getattr(part, "shape", ()) for part in (self.loc, self.scale))
        return tuple(functional.broadcast_shapes(tuple(shape), *parts))

    inverse_shape = forward_shape


class CumulativeDistributionTransform(Transform):
    """The cumulative distribution function of a distribution."""

    bijective = True
    sign = 1
    codomain = constraints.unit_interval

    def __init__(self, distribution: Any, cache_size: int = 0) -> None:
        super().__init__(cache_size)
        self.distribution = distribution

    @property
    def domain(self) -> Constraint | None:
        """The support of the distribution."""
        return self.distribution.support

    def _call(self, x: Tensor) -> Tensor:
        return self.distribution.cdf(x)

    def _inverse(self, y: Tensor) -> Tensor:
        return self.distribution.icdf(y)

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        return self.distribution.log_prob(x)
