"""Distributions of covariance and correlation matrices."""

from __future__ import annotations

import math
from typing import Any, ClassVar

from autograd_core import dtypes, functional, linalg
from autograd_core.creation.values import where_it_is
from autograd_core.distributions import constraints
from autograd_core.distributions.distribution import Distribution, Shape, lazy_property
from autograd_core.distributions.exponential_family import ExponentialFamily
from autograd_core.distributions.gamma_draws import shares, standard_gamma
from autograd_core.distributions.multivariate import covariance_of, factored, one_matrix, precision_of, scale_tril_of
from autograd_core.engine.libraries import all_true, required
from autograd_core.grad_mode import no_grad
from autograd_core.tensor import Tensor


class Wishart(ExponentialFamily):
    """Wishart distribution: sums of outer products of `df` normal vectors.

    Their covariance is given as a matrix, by its inverse, or by its Cholesky factor."""

    df: Tensor
    has_rsample = True
    _mean_carrier_measure = 0
    arg_constraints: ClassVar = {
        "df": constraints.greater_than(0),
        "covariance_matrix": constraints.positive_definite,
        "precision_matrix": constraints.positive_definite,
        "scale_tril": constraints.lower_cholesky,
    }
    support = constraints.positive_definite

    def __init__(
        self,
        df: Any,
        covariance_matrix: Tensor | None = None,
        precision_matrix: Tensor | None = None,
        scale_tril: Tensor | None = None,
        validate_args: bool | None = None,
    ) -> None:
        name, matrix = one_matrix("Wishart", covariance_matrix, precision_matrix, scale_tril)
        df = functional.as_tensor(df, dtype=matrix.dtype, device=matrix.device)
        batch = functional.broadcast_shapes(matrix.shape[:-2], df.shape)
        self.df, vars(self)[name] = df.expand(batch), matrix.expand(*batch, -1, -1)
        super().__init__(batch, matrix.shape[-2:], validate_args=validate_args)
        if self._validate_args and not required(all_true, self.df > self._size() - 1):
            raise ValueError(f"Wishart() of matrices of size {self._size()} needs df above {self.df.detach()}")
        self._unbroadcasted_scale_tril = factored(name, matrix)

    scale_tril, covariance_matrix, precision_matrix = map(lazy_property, (scale_tril_of, covariance_of, precision_of))

    def _size(self) -> int:
        return self.event_shape[0]

    def _log_det(self) -> Tensor:
        return 2 * self.scale_tril.diagonal(dim1=-2, dim2=-1).log().sum(-1)

    def _counts(self) -> Tensor:
        return self.df.unsqueeze(-1) - functional.arange(self._size(), dtype=self.df.dtype, device=self.df.device)

    @property
    def mean(self) -> Tensor:
        return self.df[..., None, None] * self.covariance_matrix

    @property
    def mode(self) -> Tensor:
        factor = self.df - self._size() - 1
        return functional.where(factor > 0, factor, math.nan)[..., None, None] * self.covariance_matrix

    @property
    def variance(self) -> Tensor:
        v = self.covariance_matrix
        diagonal = v.diagonal(dim1=-2, dim2=-1)
        return self.df[..., None, None] * (v**2 + diagonal.unsqueeze(-1) * diagonal.unsqueeze(-2))

    def rsample(self, sample_shape: Shape = ()) -> Tensor:
        """Samples by Bartlett's decomposition."""
        shape = self._extended_shape(sample_shape)
        roots = (2 * standard_gamma(self._counts() / 2, shape[:-1])).sqrt()
        noise = functional.randn(shape, dtype=self.df.dtype, device=self.df.device).tril(-1)
        lower = self.scale_tril @ (noise + roots.diag_embed())
        return lower @ lower.mT

    def _log_density(self, value: Tensor) -> Tensor:
        size, half = self._size(), self.df / 2
        trace = functional.cholesky_solve(value, self.scale_tril).diagonal(dim1=-2, dim2=-1).sum(-1)
        density = (half - (size + 1) / 2) * linalg.slogdet(value)[1] - trace / 2
        return density - half * (size * math.log(2) + self._log_det()) - functional.mvlgamma(half, size)

    def entropy(self) -> Tensor:
        size, half = self._size(), self.df / 2
        slopes = (self._counts() / 2).digamma().sum(-1)
        scale = (size + 1) / 2 * (self._log_det() + size * math.log(2))
        return scale + functional.mvlgamma(half, size) - (half - (size + 1) / 2) * slopes + half * size

    @property
    def _natural_params(self) -> tuple[Tensor, ...]:
        return -self.precision_matrix / 2, (self.df - self._size() - 1) / 2

    def _log_normalizer(self, slope: Tensor, power: Tensor) -> Tensor:
        size, half = self._size(), power + (self._size() + 1) / 2
        return functional.mvlgamma(half, size) - half * linalg.slogdet(-slope)[1]


class LKJCholesky(Distribution):
    """Cholesky factors of correlation matrices with density proportional to det^(`concentration` - 1).

    Sampled by the onion method (Lewandowski, Kurowicka and Joe 2009).
    """

    concentration: Tensor
    arg_constraints: ClassVar = {"concentration": constraints.positive}
    support = constraints.corr_cholesky

    def __init__(self, dim: int, concentration: Any = 1.0, validate_args: bool | None = None) -> None:
        if dim < 2:
            raise ValueError(f"LKJCholesky() takes a size of at least 2, not {dim}")
        self.dim = dim
        self.concentration = where_it_is(concentration)
        super().__init__(self.concentration.shape, (dim, dim), validate_args=validate_args)

    def sample(self, sample_shape: Shape = ()) -> Tensor:
        with no_grad():
            shape, c = self._extended_shape(sample_shape), self.concentration
            like: dict[str, Any] = {"dtype": c.dtype, "device": c.device}
            before = functional.arange(self.dim - 1, **like)
            a = (before + 0.5).expand((*c.shape, self.dim - 1))
            b = c.unsqueeze(-1) + (self.dim - 2 - before) / 2
            radii = shares(functional.stack([a, b], -1), (*shape[:-2], self.dim - 1, 2))[..., 0].sqrt()
            noise = functional.randn(shape, **like).tril(-1)[..., 1:, :]
            below = radii.unsqueeze(-1) * noise / linalg.vector_norm(noise, dim=-1, keepdim=True)
            lower = functional.pad(below, [0, 0, 1, 0])
            return lower + (1 - (lower**2).sum(-1)).clamp(min=dtypes.finfo(c.dtype).tiny).sqrt().diag_embed()

    def _log_density(self, value: Tensor) -> Tensor:
        c, n = self.concentration, self.dim - 1
        diagonal = value.diagonal(dim1=-2, dim2=-1)[..., 1:]
        orders = functional.arange(n - 1, -1, -1, dtype=diagonal.dtype, device=diagonal.device)
        orders = orders + 2 * (c.unsqueeze(-1) - 1)
        alpha = c + n / 2
        norm = n / 2 * math.log(math.pi) + functional.mvlgamma(alpha - 0.5, n) - n * alpha.lgamma()
        return (orders * diagonal.log()).sum(-1) - norm
