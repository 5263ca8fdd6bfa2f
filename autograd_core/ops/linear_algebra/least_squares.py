"""Pseudoinverses and least squares for matrices of any shape and rank."""

from collections import namedtuple
from dataclasses import replace

import numpy as np

from autograd_core import functional
from autograd_core.errors import OperandError
from autograd_core.kinds import MATMUL
from autograd_core.ops.linear_algebra import matrices
from autograd_core.ops.linear_algebra.matrices import NEAR, adjoint, by_matrix, positive, product, regular
from autograd_core.ops.linear_algebra.spectral import svdvals
from autograd_core.registry import Interval, Values, composition, op, sample

Fit = namedtuple("Fit", "solution residuals rank singular_values")
SMALL = Values((), Interval(0, 1e-9))


def _pinv_rule(xp, g, a, y):
    """Golub and Pereyra (1973, https://doi.org/10.1137/0710036), where the rank is locally constant."""
    g, y_h = adjoint(xp, g), adjoint(xp, y)
    if a.shape[-2] <= a.shape[-1]:
        k = product(xp, g, y)
        k_y = product(xp, k, y_h)
        along = product(xp, product(xp, y_h, y), g - product(xp, k, a))
        return k_y - adjoint(xp, product(xp, y, k)) - product(xp, a, y, k_y) + along
    k = product(xp, y, g)
    y_k = product(xp, y_h, k)
    along = product(xp, g - product(xp, a, k), y, y_h)
    return y_k - adjoint(xp, product(xp, k, y)) + along - product(xp, y_k, y, a)


def _full_rank(a):
    """The pseudoinverse by the normal equations."""
    a_h = np.conj(a.T)
    return np.linalg.inv(a_h @ a) @ a_h if a.shape[0] >= a.shape[1] else a_h @ np.linalg.inv(a @ a_h)


def of_pinv(a, *tolerances, **given):
    """The reference, for matrices of full rank."""
    return by_matrix(_full_rank)(a) if a.size else np.zeros(a.shape[::-1])


@op(MATMUL, symbol="A⁺", domain=NEAR, method=False, broadcasts=False, wide=True, holomorphic=False, tolerance=1e-11,
    samples=(*[sample(x, SMALL, SMALL) for x in (regular(3, 3), regular(4, 2), regular(2, 2, 3), (0, 2), (2, 0))],
             sample(positive(2, 2), SMALL, SMALL, hermitian=True)),
    reference=of_pinv,
    vjp=(_pinv_rule, None, None))
def pseudoinverse(xp, a, atol, rtol, *, hermitian=False):
    """Moore-Penrose inverses; singular values of at most max(atol, rtol times the largest) count as 0.

    hermitian: use the eigenvalues of the lower triangle.
    """
    matrices.require("pinv", a)
    if hermitian:
        values, vectors = xp.linalg.eigh(a)
        return _inverted(xp, vectors, values, vectors, atol, rtol)
    u, s, vh = xp.linalg.svd(a, full_matrices=False)
    return _inverted(xp, u, s, xp.conj(vh.swapaxes(-1, -2)), atol, rtol)


def _inverted(xp, left, values, right, atol, rtol):
    """right diag(1 / values) leftᴴ, with values that are too small dropped."""
    size = xp.abs(values)
    least = xp.maximum(atol[..., None], rtol[..., None] * xp.max(size, axis=-1, keepdims=True, initial=0))
    small = size <= least
    inverse = xp.where(small, 0, 1 / xp.where(small, 1, values))
    return xp.matmul(right * inverse[..., None, :], xp.conj(left.swapaxes(-1, -2)))


def tolerances(A, atol, rtol):
    """Both tolerances as tensors; rtol defaults to the larger side times the machine epsilon, or to 0 with `atol`."""
    epsilon, real = matrices.precision(A.dtype)
    like, default = {"dtype": real, "device": A.device}, max(A.shape[-2:]) * epsilon
    absolute = functional.as_tensor(0.0 if atol is None else atol, **like)
    if rtol is None:
        rtol = functional.where(absolute > 0, 0.0, default)
    return absolute, functional.as_tensor(rtol, **like)


PSEUDO = (sample(regular(3, 3)), sample(regular(4, 2), rtol=1e-9), sample(regular(2, 2, 3), atol=1e-9),
          sample((0, 2)), sample(positive(2, 2), hermitian=True))


@composition(MATMUL, domain=NEAR, samples=PSEUDO, reference=of_pinv, module="linalg", tolerance=1e-11)
def pinv(A, rcond=None, hermitian=False, *, atol=None, rtol=None):
    """Moore-Penrose inverses; singular values of at most max(atol, rtol times the largest) count as 0.

    rtol (or rcond, NumPy's name) is by default the larger side times the machine epsilon, or 0 if atol is given.
    hermitian: only the lower triangle is read. The gradient is valid where the rank is locally constant.
    """
    matrices.require("pinv", A, square=hermitian)
    atol, rtol = tolerances(A, atol, rcond if rtol is None else rtol)
    batch = np.broadcast_shapes(A.shape[:-2], atol.shape, rtol.shape)
    A = A if batch == A.shape[:-2] else functional.expand(A, (*batch, *A.shape[-2:]))
    return pseudoinverse(A, atol, rtol, hermitian=hermitian)


def _least_squares_rule(xp, g, a, a_shape, b, solution, rcond):
    """The derivative of A⁺ b (see `pseudoinverse`), with each A⁺ x as a least-squares solution."""

    def solved(matrix, right):
        return xp.least_squares(matrix, right, rcond=rcond)[0]

    a_h, g = adjoint(xp, a), g[0]
    of_b = solved(a_h, g)
    left = product(xp, b - product(xp, a, solution), adjoint(xp, solved(a, of_b)))
    right = product(xp, solved(a_h, solution), adjoint(xp, g - product(xp, a_h, of_b)))
    of_a = left - product(xp, of_b, adjoint(xp, solution)) + right
    return xp.sum_to(of_a, shape=a_shape)


FITS = (sample(regular(4, 2), (4, 2)), sample(regular(3, 3), (3, 1)), sample(regular(2, 2, 3), (2, 2, 2)),
        sample(regular(3, 2), (2, 3, 1)), sample((0, 2), (0, 3)), sample(regular(3, 2), (3, 0)))


@op(MATMUL, symbol="A⁺B", domain=NEAR, method=False, broadcasts=False, wide=True, holomorphic=False, tolerance=1e-11,
    samples=(*FITS, sample(regular(3, 2), (3, 2), rcond=1e-9)), outputs=("solution", "rank"), detached=("rank",),
    reference=lambda a, b, rcond=None: (of_pinv(a) @ b, np.linalg.matrix_rank(a) if a.size else np.zeros(a.shape[:-2])),
    vjp=(_least_squares_rule,
         lambda xp, g, a, b_shape, rcond: xp.sum_to(
             xp.least_squares(adjoint(xp, a), g[0], rcond=rcond)[0], shape=b_shape)))
def least_squares(xp, a, b, *, rcond=None):
    """The shortest x that minimises |a x - b|, and the rank; `rcond` times the largest singular value counts as 0."""
    matrices.require("lstsq", a, b)
    if a.shape[-2] != b.shape[-2]:
        raise OperandError(f"lstsq() takes as many right-hand rows as the matrix has, not {b.shape[-2]}")
    rcond = max(a.shape[-2:]) * matrices.precision(a.dtype)[0] if rcond is None else rcond
    return xp.kernels.least_squares(a, b, rcond)


# What each of LAPACK's drivers returns besides the solution.
DRIVERS = {"gels": {"residuals"}, "gelsy": {"rank"}, "gelsd": {"residuals", "rank", "values"},
           "gelss": {"residuals", "rank", "values"}}


@composition(MATMUL, domain=NEAR, module="linalg", tolerance=1e-11,
             samples=tuple(replace(s, statics={"driver": d}, seen=lambda *fit: fit[0])
                           for s, d in zip(FITS, (*DRIVERS, None, None), strict=True)),
             reference=lambda a, b, driver: of_pinv(a) @ b)
def lstsq(A, B, rcond=None, *, driver=None) -> Fit:
    """The X that minimises |A X - B| (the shortest if there are several), residuals, ranks and singular values.

    driver: as in PyTorch it selects the further results, the others being empty: "gelsy" (the default) the rank,
    "gels" the residuals, "gelsd" and "gelss" all. Residuals are sums of squares, empty unless there are more rows than
    columns and the rank is full. rcond: singular values of at most this times the largest count as 0; by default the
    machine epsilon times the larger side.
    """
    driver = driver or "gelsy"
    if driver not in DRIVERS:
        raise OperandError(f"lstsq(): driver {driver!r} is not one of {', '.join(map(repr, DRIVERS))}")
    matrices.require("lstsq", A)
    vector = B.ndim == A.ndim - 1 and B.shape == A.shape[:-1]
    right = functional.unsqueeze(B, -1) if vector else B
    x, rank = least_squares(A, right, rcond=rcond)
    residuals = functional.abs(functional.reshape(x, (-1,))[:0])
    given, (m, n) = DRIVERS[driver], A.shape[-2:]
    if "residuals" in given and m > n and ("rank" not in given or functional.all(rank == n).item()):
        residuals = functional.sum(functional.square(functional.abs(right - A @ x)), dim=-2)
    if "rank" not in given:
        rank = functional.zeros(0, dtype="int64", device=A.device)
    values = svdvals(A.detach()) if "values" in given else functional.zeros(0, dtype=residuals.dtype, device=A.device)
    return Fit(functional.squeeze(x, -1) if vector else x, residuals, rank, values)
