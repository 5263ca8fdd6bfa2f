"""Invertible functions of vectors and matrices, and of slices along an axis."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from autograd_core import dtypes, functional, linalg
from autograd_core.distributions import constraints
from autograd_core.distributions.distribution import eps_of, sum_rightmost
from autograd_core.distributions.elementwise_transforms import Transform, between_0_and_1
from autograd_core.tensor import Tensor


class ReshapeTransform(Transform):
    """Reshapes events."""

    bijective = True

    def __init__(self, in_shape: Sequence[int], out_shape: Sequence[int], cache_size: int = 0) -> None:
        super().__init__(cache_size)
        self.in_shape, self.out_shape = tuple(in_shape), tuple(out_shape)
        if math.prod(self.in_shape) != math.prod(self.out_shape):
            raise ValueError(f"ReshapeTransform() of shapes {self.in_shape} and {self.out_shape} of different sizes")
        self.domain, self.codomain = (
            constraints.independent(constraints.real, len(shape)) for shape in (self.in_shape, self.out_shape)
        )

    def _call(self, x: Tensor) -> Tensor:
        return x.reshape(self.forward_shape(x.shape))

    def _inverse(self, y: Tensor) -> Tensor:
        return y.reshape(self.inverse_shape(y.shape))

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        return x.new_zeros(x.shape[: x.ndim - len(self.in_shape)])

    def forward_shape(self, shape: Sequence[int]) -> tuple[int, ...]:
        return self._with(shape, self.in_shape, self.out_shape)

    def inverse_shape(self, shape: Sequence[int]) -> tuple[int, ...]:
        return self._with(shape, self.out_shape, self.in_shape)

    def _with(self, shape: Sequence[int], old: tuple[int, ...], new: tuple[int, ...]) -> tuple[int, ...]:
        batch = len(shape) - len(old)
        if batch < 0 or tuple(shape[batch:]) != old:
            raise ValueError(f"ReshapeTransform() takes events of shape {old}, not a tensor of shape {tuple(shape)}")
        return (*shape[:batch], *new)


class SoftmaxTransform(Transform):
    """softmax(x); the inverse, the logarithm, is one of many preimages."""

    domain = constraints.real_vector
    codomain = constraints.simplex

    def _call(self, x: Tensor) -> Tensor:
        return functional.softmax(x, -1)

    def _inverse(self, y: Tensor) -> Tensor:
        return y.log()


class StickBreakingTransform(Transform):
    """Stick breaking, from n real numbers onto the simplex of n + 1 shares; zeros give equal shares."""

    bijective = True
    domain = constraints.real_vector
    codomain = constraints.simplex

    def _call(self, x: Tensor) -> Tensor:
        odds = x - self._offset(x)
        left = functional.pad((-functional.softplus(odds)).cumsum(-1), [1, 0]).exp()
        return functional.pad(between_0_and_1(odds.sigmoid()), [0, 1], value=1) * left

    def _inverse(self, y: Tensor) -> Tensor:
        part = y[..., :-1]
        left = (1 - part.cumsum(-1)).clamp(min=dtypes.finfo(y.dtype).tiny)
        return part.log() - left.log() + self._offset(part)

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        odds = x - self._offset(x)
        return (y[..., :-1].log() - functional.softplus(odds)).sum(-1)

    @staticmethod
    def _offset(x: Tensor) -> Tensor:
        return functional.arange(x.shape[-1], 0, -1, dtype=x.dtype, device=x.device).log()

    def forward_shape(self, shape: Sequence[int]) -> tuple[int, ...]:
        return (*shape[:-1], shape[-1] + 1)

    def inverse_shape(self, shape: Sequence[int]) -> tuple[int, ...]:
        return (*shape[:-1], shape[-1] - 1)


class LowerCholeskyTransform(Transform):
    """Lower triangular matrices with their diagonal exponentiated."""

    domain = constraints.independent(constraints.real, 2)
    codomain = constraints.lower_cholesky

    def _call(self, x: Tensor) -> Tensor:
        return x.tril(-1) + x.diagonal(dim1=-2, dim2=-1).exp().diag_embed()

    def _inverse(self, y: Tensor) -> Tensor:
        return y.tril(-1) + y.diagonal(dim1=-2, dim2=-1).log().diag_embed()


class PositiveDefiniteTransform(Transform):
    """L·Lᵀ for the results L of `LowerCholeskyTransform`."""

    domain = constraints.independent(constraints.real, 2)
    codomain = constraints.positive_definite

    def _call(self, x: Tensor) -> Tensor:
        lower = LowerCholeskyTransform()(x)
        return lower @ lower.mT

    def _inverse(self, y: Tensor) -> Tensor:
        return LowerCholeskyTransform()._inverse(linalg.cholesky(y))


class CorrCholeskyTransform(Transform):
    """Cholesky factors of correlation matrices, from vectors of unconstrained numbers.

    The hyperbolic tangents of these are partial correlations (Lewandowski, Kurowicka and Joe 2009).
    """

    bijective = True
    domain = constraints.real_vector
    codomain = constraints.corr_cholesky

    def _call(self, x: Tensor) -> Tensor:
        size = self._size(x.shape[-1])
        eps = eps_of(x)
        rows, columns = functional.tril_indices(size, size, -1)
        tanh = x.tanh().clamp(-1 + eps, 1 - eps)
        partial = x.new_zeros((*x.shape[:-1], size, size)).index_put((..., rows, columns), tanh)
        left = functional.pad((1 - partial**2).sqrt().cumprod(-1)[..., :-1], [1, 0], value=1)
        return (partial + functional.eye(size, dtype=x.dtype, device=x.device)) * left

    def _inverse(self, y: Tensor) -> Tensor:
        rows, columns = functional.tril_indices(y.shape[-1], y.shape[-1], -1)
        left = functional.pad(1 - (y**2).cumsum(-1)[..., :-1], [1, 0], value=1)
        return (y[..., rows, columns] / left[..., rows, columns].sqrt()).atanh()

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        rows, columns = functional.tril_indices(y.shape[-1], y.shape[-1], -2)
        left = 1 - (y**2).cumsum(-1)
        slopes = 2 * (math.log(2) - x - functional.softplus(-2 * x))
        return left[..., rows, columns].log().sum(-1) / 2 + slopes.sum(-1)

    @staticmethod
    def _size(count: int) -> int:
        size = math.isqrt(2 * count) + 1
        if size * (size - 1) // 2 != count:
            raise ValueError(f"CorrCholeskyTransform(): no matrix has {count} elements below its diagonal")
        return size

    def forward_shape(self, shape: Sequence[int]) -> tuple[int, ...]:
        size = self._size(shape[-1])
        return (*shape[:-1], size, size)

    def inverse_shape(self, shape: Sequence[int]) -> tuple[int, ...]:
        return (*shape[:-2], shape[-1] * (shape[-1] - 1) // 2)


class _Joined(Transform):
    """Base of transforms of parts along an axis."""

    transforms: list[Transform]
    dim: int

    def _parts(self, x: Tensor) -> Sequence[Tensor]:
        raise NotImplementedError

    _join: Callable[[Any, int], Tensor]

    def _over(self, function: Callable[..., Tensor], *tensors: Tensor) -> list[Tensor]:
        parts = [self._parts(tensor) for tensor in tensors]
        return [function(t, *part) for t, *part in zip(self.transforms, *parts, strict=True)]

    @property
    def bijective(self) -> bool:  # type: ignore[override]
        """Whether all parts are bijective."""
        return all(t.bijective for t in self.transforms)

    def _call(self, x: Tensor) -> Tensor:
        return self._join(self._over(lambda t, x: t(x), x), self.dim)

    def _inverse(self, y: Tensor) -> Tensor:
        return self._join(self._over(lambda t, y: t._inv_call(y), y), self.dim)

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        return self._join(self._over(lambda t, x, y: t.log_abs_det_jacobian(x, y), x, y), self.dim)


class CatTransform(_Joined):
    """Transforms of parts of given lengths (by default 1) along an axis."""

    _join = staticmethod(functional.cat)

    def __init__(
        self, tseq: Sequence[Transform], dim: int = 0, lengths: Sequence[int] | None = None, cache_size: int = 0
    ) -> None:
        super().__init__(cache_size)
        self.transforms, self.dim = list(tseq), dim
        self.lengths = [1] * len(self.transforms) if lengths is None else list(lengths)
        self.domain, self.codomain = (
            constraints.cat([getattr(t, end) for t in self.transforms], dim, self.lengths)
            for end in ("domain", "codomain")
        )

    def _parts(self, x: Tensor) -> Sequence[Tensor]:
        return x.split(self.lengths, self.dim)

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        most = self.domain.event_dim
        slopes = self._over(
            lambda t, x, y: sum_rightmost(t.log_abs_det_jacobian(x, y), most - t.domain.event_dim), x, y
        )
        dim = self.dim - x.ndim if self.dim >= 0 else self.dim
        return functional.cat(slopes, dim + most) if dim + most < 0 else sum(slopes[1:], slopes[0])


class StackTransform(_Joined):
    """One transform per slice along an axis."""

    _join = staticmethod(functional.stack)

    def __init__(self, tseq: Sequence[Transform], dim: int = 0, cache_size: int = 0) -> None:
        super().__init__(cache_size)
        self.transforms, self.dim = list(tseq), dim
        self.domain, self.codomain = (
            constraints.stack([getattr(t, end) for t in self.transforms], dim) for end in ("domain", "codomain")
        )

    def _parts(self, x: Tensor) -> Sequence[Tensor]:
        return x.unbind(self.dim)
