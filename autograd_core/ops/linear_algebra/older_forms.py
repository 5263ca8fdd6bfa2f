"""Linear algebra under the older top-level names, where they differ from `linalg`."""

from collections import namedtuple

import numpy as np

from autograd_core import functional
from autograd_core.kinds import MATMUL
from autograd_core.ops.linear_algebra import elimination, factorizations, least_squares, spectral
from autograd_core.ops.linear_algebra.matrices import NEAR, adjoint, by_matrix, regular
from autograd_core.registry import Sample, composition, sample

SVD = namedtuple("SVD", "U S V")


@composition(MATMUL, domain=NEAR, tolerance=1e-11, reference=by_matrix(factorizations.gram_schmidt),
             samples=factorizations.qr_samples(regular(3, 3), regular(4, 2)) + factorizations.EMPTY)
def qr(input, some=True) -> factorizations.QR:
    """`linalg.qr` in mode "reduced" if `some`, else "complete"."""
    return factorizations.qr(input, "reduced" if some else "complete")


@composition(MATMUL, domain=NEAR, samples=elimination.FACTORED, reference=by_matrix(elimination.doolittle))
def lu(input, pivot=True, get_infos=False):
    """`linalg.lu_factor`, also of singular matrices; with `get_infos`, also the position of the first zero pivot."""
    factors, pivots, info = elimination.lu_factor_ex(input, pivot=pivot)
    return (factors, pivots, info) if get_infos else (factors, pivots)


@composition(MATMUL, domain=NEAR, tolerance=1e-11,
             reference=lambda b, compact, pivots: elimination.reference_lu_solve(compact, pivots, b),
             samples=(sample((3, 2), *elimination.COMPACT), sample((0, 1), *elimination.NOTHING)))
def lu_solve(input, LU_data, LU_pivots):
    """`linalg.lu_solve` with the right-hand side first."""
    return elimination.lu_solve(LU_data, LU_pivots, input)


def _slow_svd(a):
    u, s, vh = spectral.reference_svd(a)
    return u, s, np.conj(np.swapaxes(vh, -1, -2))


@composition(MATMUL, domain=NEAR, tolerance=1e-11, reference=lambda a, some=True: _slow_svd(a),
             samples=(*[Sample((x,), {"some": some}, lambda u, s, v: spectral.seen_svd(u, s, adjoint(functional, v)))
                        for x in spectral.RECTANGULAR for some in (True, False)],
                      sample((0, 0))))
def svd(input, some=True, compute_uv=True) -> SVD:
    """U, S and V (not its adjoint, as in linalg.svd) with input = U diag(S) Vᴴ; `some` means not full_matrices.

    compute_uv=False makes U and V zero.
    """
    if not compute_uv:
        u, v = (functional.zeros(*input.shape[:-2], k, k, dtype=input.dtype, device=input.device)
                for k in input.shape[-2:])
        return SVD(u, spectral.svdvals(input), v)
    u, s, vh = spectral.svd_factors(input, full_matrices=not some)
    return SVD(u, s, adjoint(functional, vh))


@composition(MATMUL, domain=NEAR, samples=(sample(regular(3, 3)), sample(regular(4, 2), rcond=1e-9), sample((0, 2))),
             reference=least_squares.of_pinv, tolerance=1e-11)
def pinverse(input, rcond=1e-15):
    """Moore-Penrose inverses; singular values of at most `rcond` times the largest count as 0."""
    return least_squares.pinv(input, rcond)
