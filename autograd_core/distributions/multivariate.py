"""Distributions of vectors, mixtures, and independent copies."""

from __future__ import annotations

import math
from typing import Any, ClassVar, Self

from autograd_core import dtypes, functional, linalg
from autograd_core.distributions import constraints
from autograd_core.distributions.discrete import Categorical
from autograd_core.distributions.distribution import (
    AroundLoc,
    Distribution,
    Shape,
    lazy_property,
    parts_of,
    sum_rightmost,
)
from autograd_core.distributions.exponential_family import ExponentialFamily
from autograd_core.distributions.gamma_draws import shares
from autograd_core.distributions.large_concentrations import FEW, gamma_entropy
from autograd_core.engine.libraries import checks_values, holds
from autograd_core.tensor import Tensor


def one_matrix(name: str, covariance_matrix: Any, precision_matrix: Any, scale_tril: Any) -> tuple[str, Tensor]:
    """The name and value of whichever of three matrices was passed."""
    given = {"covariance_matrix": covariance_matrix, "precision_matrix": precision_matrix, "scale_tril": scale_tril}
    matrices = [(key, m) for key, m in given.items() if m is not None]
    if len(matrices) != 1:
        raise ValueError(f"{name}() takes exactly one of {', '.join(given)}, not {len(matrices)}")
    if matrices[0][1].ndim < 2:
        raise ValueError(f"{name}(): {matrices[0][0]} must be a matrix, not of shape {matrices[0][1].shape}")
    return matrices[0]


def factored(name: str, matrix: Tensor) -> Tensor:
    """The Cholesky factor of the covariance matrix, from whichever matrix has this name."""
    if name == "scale_tril":
        return matrix
    return linalg.cholesky(matrix) if name == "covariance_matrix" else _precision_to_scale_tril(matrix)


def scale_tril_of(d: Any) -> Tensor:
    """The Cholesky factor of the covariance matrix, for the whole batch."""
    return d._unbroadcasted_scale_tril.expand(*d.batch_shape, -1, -1)


def covariance_of(d: Any) -> Tensor:
    """The covariance matrix."""
    factor = d._unbroadcasted_scale_tril
    return (factor @ factor.mT).expand(*d.batch_shape, -1, -1)


def precision_of(d: Any) -> Tensor:
    """The inverse of the covariance matrix."""
    return functional.cholesky_inverse(d._unbroadcasted_scale_tril).expand(*d.batch_shape, -1, -1)


# Three functions that libraries import by these names.


def _precision_to_scale_tril(P: Tensor) -> Tensor:
    """The Cholesky factor of the inverse of a matrix."""
    turned = linalg.cholesky(P.flip(-2, -1)).flip(-2, -1).mT
    unit = functional.eye(turned.shape[-1], dtype=turned.dtype, device=turned.device)
    return linalg.solve_triangular(turned, unit, upper=False)


def _batch_mv(bmat: Tensor, bvec: Tensor) -> Tensor:
    """Products of matrices (..., n, m) and vectors (..., m); a single matrix multiplies all vectors at once."""
    return bvec @ bmat.mT if bmat.ndim == 2 else (bmat @ bvec.unsqueeze(-1)).squeeze(-1)


def _batch_mahalanobis(bL: Tensor, bx: Tensor) -> Tensor:
    """The squared lengths of L⁻¹·x, for triangular matrices (..., n, n) and vectors (..., n)."""
    if bL.ndim > 2:
        return (linalg.solve_triangular(bL, bx.unsqueeze(-1), upper=False) ** 2).sum((-2, -1))
    solved = linalg.solve_triangular(bL, bx.reshape(-1, bx.shape[-1]).mT, upper=False)
    return (solved**2).sum(0).reshape(bx.shape[:-1])


class MultivariateNormal(AroundLoc):
    """Multivariate normal distribution, from a covariance matrix, its inverse, or its Cholesky factor `scale_tril`."""

    has_rsample = True
    arg_constraints: ClassVar = {
        "loc": constraints.real_vector,
        "covariance_matrix": constraints.positive_definite,
        "precision_matrix": constraints.positive_definite,
        "scale_tril": constraints.lower_cholesky,
    }
    support = constraints.real_vector

    def __init__(
        self,
        loc: Tensor,
        covariance_matrix: Tensor | None = None,
        precision_matrix: Tensor | None = None,
        scale_tril: Tensor | None = None,
        validate_args: bool | None = None,
    ) -> None:
        name, matrix = one_matrix("MultivariateNormal", covariance_matrix, precision_matrix, scale_tril)
        if loc.ndim < 1:
            raise ValueError("MultivariateNormal() takes vectors along the last axis of loc, not a number")
        batch = functional.broadcast_shapes(matrix.shape[:-2], loc.shape[:-1])
        self.loc = loc.expand(*batch, -1)
        vars(self)[name] = matrix.expand(*batch, -1, -1)
        super().__init__(batch, loc.shape[-1:], validate_args=validate_args)
        self._unbroadcasted_scale_tril = factored(name, matrix)

    scale_tril, covariance_matrix, precision_matrix = map(lazy_property, (scale_tril_of, covariance_of, precision_of))

    @property
    def variance(self) -> Tensor:
        return (self._unbroadcasted_scale_tril**2).sum(-1).expand(self._extended_shape())

    def rsample(self, sample_shape: Shape = ()) -> Tensor:
        noise = functional.randn(self._extended_shape(sample_shape), dtype=self.loc.dtype, device=self.loc.device)
        return self.loc + _batch_mv(self._unbroadcasted_scale_tril, noise)

    def _log_density(self, value: Tensor) -> Tensor:
        squares = _batch_mahalanobis(self._unbroadcasted_scale_tril, value - self.loc)
        return -0.5 * squares - self._log_scale() - 0.5 * self._size() * math.log(2 * math.pi)

    def entropy(self) -> Tensor:
        return (self._log_scale() + 0.5 * self._size() * (1 + math.log(2 * math.pi))).expand(self.batch_shape)

    def _size(self) -> int:
        return self.event_shape[0]

    def _log_scale(self) -> Tensor:
        return self._unbroadcasted_scale_tril.diagonal(dim1=-2, dim2=-1).log().sum(-1)


class Dirichlet(ExponentialFamily):
    """Dirichlet distribution: shares of gamma-distributed numbers in their sum."""

    has_rsample = True
    concentration: Tensor
    arg_constraints: ClassVar = {"concentration": constraints.independent(constraints.positive, 1)}
    support = constraints.simplex
    _mean_carrier_measure = 0

    def __init__(self, concentration: Tensor, validate_args: bool | None = None) -> None:
        if concentration.ndim < 1:
            raise ValueError("Dirichlet() takes concentrations along the last axis, not a number")
        self.concentration = concentration
        super().__init__(concentration.shape[:-1], concentration.shape[-1:], validate_args=validate_args)

    @property
    def mean(self) -> Tensor:
        return self.concentration / self.concentration.sum(-1, keepdim=True)

    @property
    def mode(self) -> Tensor:
        above = (self.concentration - 1).clamp(min=0)
        found = above / above.sum(-1, keepdim=True)
        flat = (self.concentration < 1).all(-1, keepdim=True)
        corner = functional.one_hot(self.concentration.argmax(-1), self.event_shape[0]).to(found.dtype)
        return functional.where(flat, corner, found)

    @property
    def variance(self) -> Tensor:
        total = self.concentration.sum(-1, keepdim=True)
        return self.mean * (1 - self.mean) / (total + 1)

    def rsample(self, sample_shape: Shape = ()) -> Tensor:
        return shares(self.concentration, self._extended_shape(sample_shape))

    def _log_density(self, value: Tensor) -> Tensor:
        a, n = self.concentration, self.concentration.sum(-1)
        if checks_values(n) and holds(n < FEW):
            return functional.xlogy(a - 1, value).sum(-1) + n.lgamma() - a.lgamma().sum(-1)
        of_shares = functional.gamma_log_density(a, 1.0, n.unsqueeze(-1) * value).sum(-1)
        rest = (value.sum(-1, dtype=dtypes.float64) - 1).to(value.dtype)
        of_total = functional.gamma_log_density(n, 1.0, n) - (a.shape[-1] - 1) * n.log()
        return of_shares - of_total + n * rest

    def entropy(self) -> Tensor:
        a, total = self.concentration, self.concentration.sum(-1)
        return gamma_entropy(a).sum(-1) - gamma_entropy(total) - (a.shape[-1] - 1) * total.digamma()

    @property
    def _natural_params(self) -> tuple[Tensor, ...]:
        return (self.concentration - 1,)

    def _log_normalizer(self, a: Tensor) -> Tensor:
        return (a + 1).lgamma().sum(-1) - (a + 1).sum(-1).lgamma()


class Independent(Distribution):
    """A distribution with its last `reinterpreted_batch_ndims` batch axes reinterpreted as event axes.

    The logarithms of densities are summed over these axes.
    """

    mean, mode, variance = parts_of("base_dist", "mean", "mode", "variance")

    def __init__(
        self, base_distribution: Distribution, reinterpreted_batch_ndims: int, validate_args: bool | None = None
    ) -> None:
        self.base_dist, self.reinterpreted_batch_ndims = base_distribution, reinterpreted_batch_ndims
        batch, event = base_distribution.batch_shape, base_distribution.event_shape
        if reinterpreted_batch_ndims > len(batch):
            raise ValueError(f"Independent(): batch shape {batch} has fewer than {reinterpreted_batch_ndims} axes")
        split = len(batch) - reinterpreted_batch_ndims
        super().__init__(batch[:split], batch[split:] + event, validate_args=validate_args)
        self.has_rsample, self.has_enumerate_support = base_distribution.has_rsample, False

    @constraints.dependent_property
    def support(self) -> constraints.Constraint:
        """The support of the base distribution, extended over the event axes."""
        return constraints.independent(self.base_dist.support, self.reinterpreted_batch_ndims)

    def expand(self, batch_shape: Shape, _instance: Any = None) -> Self:
        inner = self.event_shape[: self.reinterpreted_batch_ndims]
        return self._with(batch_shape, _instance, base_dist=self.base_dist.expand((*batch_shape, *inner)))

    def sample(self, sample_shape: Shape = ()) -> Tensor:
        return self.base_dist.sample(sample_shape)

    def rsample(self, sample_shape: Shape = ()) -> Tensor:
        return self.base_dist.rsample(sample_shape)

    def log_prob(self, value: Tensor) -> Tensor:
        return self._summed(self.base_dist.log_prob(value))

    def entropy(self) -> Tensor:
        return self._summed(self.base_dist.entropy())

    def _summed(self, x: Tensor) -> Tensor:
        return sum_rightmost(x, self.reinterpreted_batch_ndims)

    def __repr__(self) -> str:
        return f"Independent({self.base_dist!r}, {self.reinterpreted_batch_ndims})"


class MixtureSameFamily(Distribution):
    """A mixture of the distributions along the last batch axis, with weights of a `Categorical`."""

    def __init__(
        self, mixture_distribution: Categorical, component_distribution: Distribution, validate_args: bool | None = None
    ) -> None:
        self.mixture_distribution, self.component_distribution = mixture_distribution, component_distribution
        parts, choices = component_distribution.batch_shape, mixture_distribution.param_shape[-1]
        if not isinstance(mixture_distribution, Categorical) or parts[-1:] != (choices,):
            raise ValueError(
                f"MixtureSameFamily() takes a Categorical of as many choices as there are components, not "
                f"{mixture_distribution!r} and a batch of shape {parts}"
            )
        super().__init__(parts[:-1], component_distribution.event_shape, validate_args=validate_args)

    def expand(self, batch_shape: Shape, _instance: Any = None) -> Self:
        parts = (*batch_shape, self.component_distribution.batch_shape[-1])
        return self._with(
            batch_shape,
            _instance,
            component_distribution=self.component_distribution.expand(parts),
            mixture_distribution=self.mixture_distribution.expand(batch_shape),
        )

    @constraints.dependent_property
    def support(self) -> constraints.Constraint:
        """What all components support."""
        return constraints.MixtureSameFamilyConstraint(self.component_distribution.support)

    @property
    def mean(self) -> Tensor:
        return self._averaged(self.component_distribution.mean)

    @property
    def variance(self) -> Tensor:
        part = self.component_distribution
        return self._averaged(part.variance + part.mean**2) - self.mean**2

    def _averaged(self, x: Tensor) -> Tensor:
        weights = self.mixture_distribution.probs
        dim = -1 - len(self.event_shape)
        return (x * weights.reshape(*weights.shape, *(1,) * len(self.event_shape))).sum(dim)

    def sample(self, sample_shape: Shape = ()) -> Tensor:
        dim = len(sample_shape) + len(self.batch_shape)
        choice = self.mixture_distribution.sample(sample_shape)
        values = self.component_distribution.sample(sample_shape)
        at = choice.reshape(*choice.shape, *(1,) * (1 + len(self.event_shape)))
        return values.take_along_dim(at.expand(*choice.shape, 1, *self.event_shape), dim).squeeze(dim)

    def _pad(self, value: Tensor) -> Tensor:
        """With an axis for the components."""
        return value.unsqueeze(-1 - len(self.event_shape))

    def _log_density(self, value: Tensor) -> Tensor:
        parts = self.component_distribution.log_prob(self._pad(value))
        return functional.logsumexp(parts + functional.log_softmax(self.mixture_distribution.logits, -1), -1)

    def cdf(self, value: Tensor) -> Tensor:
        parts = self.component_distribution.cdf(self._pad(value))
        return (parts * self.mixture_distribution.probs).sum(-1)

    def __repr__(self) -> str:
        return f"MixtureSameFamily(\n  {self.mixture_distribution!r},\n  {self.component_distribution!r})"
