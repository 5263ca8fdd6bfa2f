"""Matrix norms, condition numbers and ranks."""

import math

import numpy as np

from autograd_core import functional, linalg
from autograd_core.errors import OperandError
from autograd_core.kinds import MATMUL, REDUCTION
from autograd_core.ops import axes
from autograd_core.ops.linear_algebra import matrices
from autograd_core.ops.linear_algebra.least_squares import tolerances
from autograd_core.ops.linear_algebra.matrices import NEAR, regular
from autograd_core.ops.linear_algebra.solving import inv_ex
from autograd_core.ops.linear_algebra.spectral import eigvalsh, svdvals
from autograd_core.registry import composition, sample

ORDERS = ("fro", "nuc", 2, -2, 1, -1, math.inf, -math.inf)


def _norm_of(A, ord):
    """The norm over the last two axes."""
    if ord == "nuc":
        return functional.sum(svdvals(A), dim=-1)
    measured = svdvals(A) if abs(ord) == 2 else functional.sum(functional.abs(A), dim=-2 if abs(ord) == 1 else -1)
    if not measured.shape[-1]:
        if ord < 0:
            raise OperandError(f"matrix_norm(): ord={ord} of a matrix without rows or columns is undefined")
        return functional.sum(measured, dim=-1)
    return (functional.amax if ord > 0 else functional.amin)(measured, dim=-1)


@composition(REDUCTION, domain=NEAR, module="linalg", tolerance=1e-11,
             samples=(*[sample(regular(3, 2), ord=o) for o in ORDERS], sample(regular(2, 2, 3), "nuc", keepdim=True),
                      sample((2, 3, 2), ord=1, dim=(2, 0), keepdim=True), sample((0, 2)), sample((0, 2), 2)),
             reference=lambda a, ord="fro", dim=(-2, -1), keepdim=False: np.linalg.norm(a, ord, dim, keepdim) if a.size
             else np.zeros(()))
def matrix_norm(A, ord="fro", dim=(-2, -1), keepdim=False, *, dtype=None):
    """Norms of matrices, in the axes `dim`: "fro", "nuc" (the sum of singular values), 2 (the largest), 1 (the largest
    sum of a column), inf (of a row); -2, -1 and -inf take the smallest."""
    if ord not in ORDERS:
        raise OperandError(f"matrix_norm(): ord={ord!r} is not one of {', '.join(map(repr, ORDERS))}")
    if isinstance(dim, int) or len(dim) != 2:
        raise OperandError(f"matrix_norm() runs over two axes, dim=(-2, -1), not {dim}")
    matrices.require("matrix_norm", A)
    rows, columns = axes.several(dim, A.ndim)
    if ord == "fro":
        return linalg.vector_norm(A, 2, (rows, columns), keepdim, dtype=dtype)
    A = A if dtype is None else functional.astype(A, dtype)
    y = _norm_of(functional.movedim(A, (rows, columns), (-2, -1)), ord)
    return functional.reshape(y, axes.kept(A.shape, (rows, columns))) if keepdim else y


VECTORS = (sample((3,)), sample((2, 3, 2)), sample((3,), ord=1), sample((2, 3), dim=1), sample((2, 3), ord=3.0, dim=0),
           sample(regular(2, 3), ord=1), sample((2, 3), ord="nuc"), sample((2, 2, 3), ord=2, dim=(0, 2), keepdim=True),
           sample((0,)), sample((2, 3), keepdim=True))


def _slow_norm(a, ord=None, dim=None, keepdim=False):
    whole = dim is None
    y = np.linalg.norm(a.ravel() if whole and ord is None else a, ord, dim, keepdim and not whole)
    return np.reshape(y, (1,) * a.ndim) if keepdim and whole else y


@composition(REDUCTION, domain=NEAR, module="linalg", samples=VECTORS, tolerance=1e-11, reference=_slow_norm)
def norm(A, ord=None, dim=None, keepdim=False, *, dtype=None):
    """`vector_norm` or `matrix_norm`, depending on the number of axes in `dim`, or of A; without `ord`, the 2-norm.

    >>> from autograd_core import linalg, tensor
    >>> linalg.norm(tensor([3.0, 4.0]))
    tensor(5.)
    """
    if ord is None:
        return linalg.vector_norm(A, 2, dim, keepdim, dtype=dtype)
    if dim is None:
        if A.ndim not in (1, 2):
            raise OperandError(f"norm(): with ord={ord!r} and no dim, A must have 1 or 2 axes, not shape {A.shape}")
        dim = tuple(range(A.ndim))
    if not isinstance(ord, str) and (isinstance(dim, int) or len(dim) == 1):
        return linalg.vector_norm(A, ord, dim, keepdim, dtype=dtype)
    return matrix_norm(A, ord, dim, keepdim, dtype=dtype)


@composition(MATMUL, domain=NEAR, module="linalg", tolerance=1e-11,
             samples=(sample(regular(3, 3)), sample(regular(3, 2)), *[sample(regular(2, 2), p=p) for p in ORDERS],
                      sample(regular(2, 2, 2)), *[sample((0, n), p=p) for n, p in ((0, None), (2, 1), (2, 2))]),
             reference=lambda a, p=None: np.linalg.cond(a, p) if a.size else np.zeros(()))
def cond(A, p=None):
    """Condition numbers: the largest singular value over the smallest, or the norm `p` of A times that of its inverse.

    Infinite for singular matrices.
    """
    if p is not None and p not in ORDERS:
        raise OperandError(f"cond(): p={p!r} is not one of {', '.join(map(repr, ORDERS))}")
    empty = 0 in A.shape
    matrices.require("cond", A, square=p in ("fro", "nuc") or not (empty or p in (None, 2, -2)))
    if empty:
        return functional.zeros(A.shape[:-2], dtype=matrices.precision(A.dtype)[1], device=A.device)
    if p in (None, 2, -2):
        s = svdvals(A)
        return s[..., -1] / s[..., 0] if p == -2 else s[..., 0] / s[..., -1]
    inverse, info = inv_ex(A)
    singular = info > 0
    inverse = functional.where(singular[..., None, None], A, inverse)  # whose norm may not exist
    return functional.where(singular, math.inf, matrix_norm(A, p) * matrix_norm(inverse, p))


def _slow_rank(a, hermitian=False, **given):
    if not a.size:
        return np.zeros(a.shape[:-2], np.int64)
    return np.linalg.matrix_rank(a, given.get("tol"), hermitian)


@composition(MATMUL, domain=NEAR, module="linalg", order=0, reference=_slow_rank,
             samples=(sample(regular(3, 3)), sample(regular(2, 2, 3), tol=1e-9), sample(regular(2, 2), hermitian=True),
                      sample(matrices.singular(3, 3)), sample((0, 2))))
def matrix_rank(A, tol=None, hermitian=False, *, atol=None, rtol=None):
    """The number of singular values of each matrix above max(atol, rtol times the largest).

    rtol is by default the larger side times the machine epsilon, or 0 if atol (or tol, NumPy's name) is given;
    hermitian: use the eigenvalues of the lower triangle.
    """
    matrices.require("matrix_rank", A, square=hermitian)
    atol, rtol = tolerances(A, tol if atol is None else atol, rtol)
    values = functional.abs(eigvalsh(A.detach())) if hermitian else svdvals(A.detach())
    if not values.shape[-1]:
        return functional.sum(values, dim=-1).to("int64")
    largest = functional.amax(values, dim=-1, keepdim=True)
    least = functional.maximum(functional.unsqueeze(atol, -1), functional.unsqueeze(rtol, -1) * largest)
    return functional.sum(values > least, dim=-1)
