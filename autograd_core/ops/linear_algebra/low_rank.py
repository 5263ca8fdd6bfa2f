"""Singular values and principal components of large matrices of low rank, by random projection.

Halko, Martinsson and Tropp, 2011 (https://doi.org/10.1137/090771806), algorithms 4.4 and 5.1.
"""

from autograd_core import functional
from autograd_core.errors import OperandError
from autograd_core.ops.linear_algebra import factorizations, matrices, solving, spectral
from autograd_core.ops.linear_algebra.matrices import adjoint
from autograd_core.registry import publish


def _range_of(A, q, niter):
    """An orthonormal basis of approximately the range of A, from `q` random vectors and power iterations."""
    start = functional.randn(A.shape[-1], q, dtype=A.dtype, device=A.device)
    basis = factorizations.qr(A @ start).Q
    for _ in range(niter):
        basis = factorizations.qr(adjoint(functional, A) @ basis).Q
        basis = factorizations.qr(A @ basis).Q
    return basis


def svd_lowrank(A, q=6, niter=2, M=None):
    """Approximate U, S and V of the `q` largest singular values of A, or A - M: random projection, `niter` iterations.

    Exact up to rounding if the rank is at most q; random numbers come from the generator of `manual_seed`.
    """
    matrices.require("svd_lowrank", A)
    A = A if M is None else A - M
    if A.shape[-2] < A.shape[-1]:
        v, s, u = svd_lowrank(adjoint(functional, A), q, niter)
        return u, s, v
    basis = _range_of(A, q, niter)
    u, s, vh = spectral.svd_factors(adjoint(functional, basis) @ A, full_matrices=False)
    return basis @ u, s, adjoint(functional, vh)


def pca_lowrank(A, q=None, center=True, niter=2):
    """Principal components of the rows of A: U, S and V of `svd_lowrank` for A minus its column means.

    q: their number, by default 6 or the shorter side; center: False if the means are already 0. A sparse A is computed
    as a dense one.
    """
    A = A.to_dense()
    matrices.require("pca_lowrank", A)
    shorter = min(A.shape[-2:])
    q = min(6, shorter) if q is None else q
    if not 0 <= q <= shorter:
        raise OperandError(f"pca_lowrank(): q={q} must be from 0 to the shorter side of shape {A.shape}")
    if niter < 0:
        raise OperandError(f"pca_lowrank(): niter={niter} must not be negative")
    mean = functional.mean(A, dim=-2, keepdim=True) if center and A.shape[-2] else None
    return svd_lowrank(A, q, niter, mean)


def lobpcg(A, k=None, B=None, X=None, n=None, iK=None, niter=None, tol=None, largest=None, method=None, tracker=None,
           ortho_iparams=None, ortho_fparams=None, ortho_bparams=None):
    """The `k` largest, or smallest, eigenvalues and vectors of A·x = λ·B·x, for symmetric A and positive definite B.

    They are computed directly, so the parameters of PyTorch's iteration have no effect. k: by default 1, or the number
    of columns of X. Vectors x satisfy xᵀ·B·x = 1, and have gradients like those of `linalg.eigh`. Sparse matrices are
    computed as dense ones.
    """
    A, B = A.to_dense(), B if B is None else B.to_dense()
    matrices.require("lobpcg", A, square=True)
    k = (1 if X is None else X.shape[-1]) if k is None else k
    if not 0 < k <= A.shape[-1]:
        raise OperandError(f"lobpcg(): k={k} must be from 1 to the size of a matrix of shape {A.shape}")
    lower = None if B is None else factorizations.cholesky(B)
    if lower is not None:
        half = solving.solve_triangular(lower, A, upper=False)
        A = adjoint(functional, solving.solve_triangular(lower, adjoint(functional, half), upper=False))
    values, vectors = spectral.eigh(A)
    if largest is None or largest:
        values, vectors = values.flip(-1), vectors.flip(-1)
    values, vectors = values[..., :k], vectors[..., :k]
    if lower is None:
        return values, vectors
    return values, solving.solve_triangular(adjoint(functional, lower), vectors, upper=True)


# Random, so not entries: results differ from call to call.
publish(svd_lowrank)
publish(pca_lowrank)
publish(lobpcg)  # because vectors are determined only up to a phase
