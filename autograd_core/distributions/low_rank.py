"""The multivariate normal distribution with a low-rank covariance."""

from __future__ import annotations

import math
from typing import Any, ClassVar

from autograd_core import functional, linalg
from autograd_core.distributions import constraints
from autograd_core.distributions.distribution import AroundLoc, Shape
from autograd_core.tensor import Tensor


class LowRankMultivariateNormal(AroundLoc):
    """Multivariate normal distribution with covariance W·Wᵀ + D.

    loc: (..., n). cov_factor: W (..., n, r). cov_diag: the diagonal (..., n) of D, positive. Densities cost r²·n
    operations instead of n³.
    """

    loc: Tensor
    cov_factor: Tensor
    cov_diag: Tensor
    has_rsample = True
    arg_constraints: ClassVar = {
        "loc": constraints.real_vector,
        "cov_factor": constraints.independent(constraints.real, 2),
        "cov_diag": constraints.independent(constraints.positive, 1),
    }
    support = constraints.real_vector

    def __init__(self, loc: Tensor, cov_factor: Tensor, cov_diag: Tensor, validate_args: bool | None = None) -> None:
        size = loc.shape[-1:]
        if cov_factor.ndim < 2 or cov_factor.shape[-2:-1] != size or cov_diag.shape[-1:] != size:
            raise ValueError(
                f"LowRankMultivariateNormal() of vectors, matrices and vectors of shapes {loc.shape}, "
                f"{cov_factor.shape} and {cov_diag.shape}"
            )
        batch = functional.broadcast_shapes(loc.shape[:-1], cov_factor.shape[:-2], cov_diag.shape[:-1])
        self.loc, self.cov_diag = loc.expand(*batch, -1), cov_diag.expand(*batch, -1)
        self.cov_factor = cov_factor.expand(*batch, -1, -1)
        super().__init__(batch, size, validate_args=validate_args)

    @property
    def variance(self) -> Tensor:
        return (self.cov_factor**2).sum(-1) + self.cov_diag

    @property
    def scale_tril(self) -> Tensor:
        """The Cholesky factor of the covariance matrix."""
        return linalg.cholesky(self.covariance_matrix)

    @property
    def covariance_matrix(self) -> Tensor:
        """The covariance matrix."""
        return self.cov_factor @ self.cov_factor.mT + self.cov_diag.diag_embed()

    @property
    def precision_matrix(self) -> Tensor:
        """The inverse of the covariance matrix, by Woodbury's identity."""
        half = linalg.solve_triangular(self._capacitance(), self._scaled().mT, upper=False)
        return (1 / self.cov_diag).diag_embed() - half.mT @ half

    def _scaled(self) -> Tensor:
        return self.cov_factor / self.cov_diag.unsqueeze(-1)

    def _capacitance(self) -> Tensor:
        """The Cholesky factor of 1 + Wᵀ·D⁻¹·W."""
        unit = functional.eye(self.cov_factor.shape[-1], dtype=self.loc.dtype, device=self.loc.device)
        return linalg.cholesky(unit + self.cov_factor.mT @ self._scaled())

    def _log_det(self) -> Tensor:
        return 2 * self._capacitance().diagonal(dim1=-2, dim2=-1).log().sum(-1) + self.cov_diag.log().sum(-1)

    def rsample(self, sample_shape: Shape = ()) -> Tensor:
        shape = self._extended_shape(sample_shape)
        like: dict[str, Any] = {"dtype": self.loc.dtype, "device": self.loc.device}
        few = functional.randn((*shape[:-1], self.cov_factor.shape[-1], 1), **like)
        return self.loc + (self.cov_factor @ few).squeeze(-1) + self.cov_diag.sqrt() * functional.randn(shape, **like)

    def log_prob(self, value: Tensor) -> Tensor:
        self._validate_sample(value)
        away = value - self.loc
        inner = linalg.solve_triangular(self._capacitance(), (self._scaled().mT @ away.unsqueeze(-1)), upper=False)
        squares = (away**2 / self.cov_diag).sum(-1) - (inner**2).sum((-2, -1))
        return -0.5 * (self.event_shape[0] * math.log(2 * math.pi) + self._log_det() + squares)

    def entropy(self) -> Tensor:
        return 0.5 * (self.event_shape[0] * (1 + math.log(2 * math.pi)) + self._log_det())
