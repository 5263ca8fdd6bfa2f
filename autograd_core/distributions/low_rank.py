"""The multivariate normal distribution with a low-rank covariance."""

from __future__ import annotations

import math
from typing import Any, ClassVar

from autograd_core import functional, linalg
from autograd_core.distributions import constraints
from autograd_core.distributions.distribution import AroundLoc, Shape
from autograd_core.distributions.multivariate import _batch_mahalanobis, _batch_mv
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
        self._unbroadcasted_cov_factor, self._unbroadcasted_cov_diag = cov_factor, cov_diag
        self._capacitance_tril = _batch_capacitance_tril(cov_factor, cov_diag)

    def _parts(self) -> tuple[Tensor, Tensor]:
        return self._unbroadcasted_cov_factor, self._unbroadcasted_cov_diag

    def _wide(self, matrix: Tensor) -> Tensor:
        return matrix.expand(*self.batch_shape, -1, -1)

    @property
    def variance(self) -> Tensor:
        return (self.cov_factor**2).sum(-1) + self.cov_diag

    @property
    def scale_tril(self) -> Tensor:
        """The Cholesky factor of the covariance matrix."""
        return self._wide(linalg.cholesky(self._covariance()))

    @property
    def covariance_matrix(self) -> Tensor:
        """The covariance matrix."""
        return self._wide(self._covariance())

    def _covariance(self) -> Tensor:
        factor, diagonal = self._parts()
        return factor @ factor.mT + diagonal.diag_embed()

    @property
    def precision_matrix(self) -> Tensor:
        """The inverse of the covariance matrix, by Woodbury's identity."""
        factor, diagonal = self._parts()
        half = linalg.solve_triangular(self._capacitance_tril, _scaled(factor, diagonal).mT, upper=False)
        return self._wide((1 / diagonal).diag_embed() - half.mT @ half)

    def rsample(self, sample_shape: Shape = ()) -> Tensor:
        shape = self._extended_shape(sample_shape)
        like: dict[str, Any] = {"dtype": self.loc.dtype, "device": self.loc.device}
        few = functional.randn((*shape[:-1], self.cov_factor.shape[-1]), **like)
        factor, diagonal = self._parts()
        return self.loc + _batch_mv(factor, few) + diagonal.sqrt() * functional.randn(shape, **like)

    def _log_density(self, value: Tensor) -> Tensor:
        squares = _batch_lowrank_mahalanobis(*self._parts(), value - self.loc, self._capacitance_tril)
        return -0.5 * (self.event_shape[0] * math.log(2 * math.pi) + self._log_det() + squares)

    def entropy(self) -> Tensor:
        return (0.5 * (self.event_shape[0] * (1 + math.log(2 * math.pi)) + self._log_det())).expand(self.batch_shape)

    def _log_det(self) -> Tensor:
        return _batch_lowrank_logdet(*self._parts(), self._capacitance_tril)


def _scaled(W: Tensor, D: Tensor) -> Tensor:
    return W / D.unsqueeze(-1)


# Three functions that libraries import by these names, of factors W (..., n, r) and diagonals D (..., n).


def _batch_capacitance_tril(W: Tensor, D: Tensor) -> Tensor:
    """The Cholesky factor of 1 + Wᵀ·D⁻¹·W."""
    unit = functional.eye(W.shape[-1], dtype=W.dtype, device=W.device)
    return linalg.cholesky(unit + W.mT @ _scaled(W, D))


def _batch_lowrank_logdet(W: Tensor, D: Tensor, capacitance_tril: Tensor) -> Tensor:
    """log det (W·Wᵀ + D)."""
    return 2 * capacitance_tril.diagonal(dim1=-2, dim2=-1).log().sum(-1) + D.log().sum(-1)


def _batch_lowrank_mahalanobis(W: Tensor, D: Tensor, x: Tensor, capacitance_tril: Tensor) -> Tensor:
    """xᵀ·(W·Wᵀ + D)⁻¹·x for vectors (..., n)."""
    return (x**2 / D).sum(-1) - _batch_mahalanobis(capacitance_tril, _batch_mv(_scaled(W, D).mT, x))
