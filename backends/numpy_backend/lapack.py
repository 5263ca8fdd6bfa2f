"""Factorizations by LAPACK.

NumPy computes float32 in float64, which is cheap for small matrices. From LARGE rows on SciPy's LAPACK, imported on
first use, computes in the dtype itself, as PyTorch does, two to five times as fast. Below PARALLEL rows BLAS has one
thread: more gain nothing, and on busy cores they wait for each other a hundred times as long as one would take.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import cache, partial
from math import prod
from types import SimpleNamespace
from typing import Any

import numpy as np

from backends import threads
from backends.generic import factorizations
from backends.geometry import Array

THREADED, LARGE, PARALLEL = 32, 128, 1024  # rows from which BLAS starts threads, and see above


@cache
def _scipy() -> Any:
    from scipy import linalg

    threads.blas_loaded()
    return linalg


@cache
def _routine(name: str, dtype: str) -> Any:
    found = _scipy().get_blas_funcs if name == "trsm" else _scipy().get_lapack_funcs
    return found(name, dtype=np.dtype(dtype))


def _threads(rows: int) -> AbstractContextManager[None]:
    return threads.one_blas_thread() if THREADED <= rows < PARALLEL else nullcontext()


def lu_factor(a: Array) -> tuple[Array, Array, Array]:
    """As the generic kernel; one call to LAPACK for each matrix."""
    getrf = _routine("getrf", a.dtype.char)
    batch, steps = a.shape[:-2], min(a.shape[-2:])
    lu, pivots, info = np.empty_like(a, order="C"), np.empty((*batch, steps), np.int32), np.zeros(batch, np.int32)
    with _threads(steps):
        for i in np.ndindex(batch) if steps else ():
            lu[i], swaps, info[i] = getrf(a[i])
            pivots[i] = swaps + 1
    return lu, pivots, info


def solve_triangular(a: Array, b: Array, upper: bool, unit: bool) -> Array:
    """As the generic kernel; one call to BLAS for each matrix, unless there are more of them than rows."""
    n = a.shape[-1]
    if a.ndim == b.ndim == 2 and b.size:
        with _threads(n):
            return np.ascontiguousarray(_solved(_routine("trsm", a.dtype.char), a, b, upper, unit))
    batch = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    if b.size and prod(batch) > 1 and a.size == n * n:
        columns = np.moveaxis(np.broadcast_to(b, (*batch, *b.shape[-2:])), -2, 0)
        x = solve_triangular(a.reshape(n, n), columns.reshape(n, -1), upper, unit)
        return np.moveaxis(x.reshape(columns.shape), 0, -2)
    if prod(batch) > n or not b.size:
        return factorizations.solve_triangular(np, a, b, upper, unit)
    trsm = _routine("trsm", a.dtype.char)
    x = np.empty((*batch, *b.shape[-2:]), b.dtype)
    a, b = np.broadcast_to(a, (*batch, *a.shape[-2:])), np.broadcast_to(b, x.shape)
    with _threads(n):
        for i in np.ndindex(batch):
            x[i] = _solved(trsm, a[i], b[i], upper, unit)
    return x


def _solved(trsm: Any, a: Array, b: Array, upper: bool, unit: bool) -> Array:
    """As a x = b or xᵀ aᵀ = bᵀ, with a or aᵀ, so that no operand must be copied into Fortran order."""
    turned = not a.flags.f_contiguous
    matrix, lower = (a.T, upper) if turned else (a, not upper)
    if b.flags.c_contiguous:
        return trsm(1, matrix, b.T, side=1, lower=lower, trans_a=not turned, diag=unit).T
    return trsm(1, matrix, b, lower=lower, trans_a=turned, diag=unit)


def least_squares(plain: Callable[..., tuple[Array, Array]], a: Array, b: Array, rcond: float) -> tuple[Array, Array]:
    """See `backends.generic.factorizations.least_squares`, here `plain`; by QR factorizations with pivoting."""
    batch, (m, n), k = np.broadcast_shapes(a.shape[:-2], b.shape[:-2]), a.shape[-2:], b.shape[-1]
    if not (prod(batch) * m * n * k and np.isfinite(a).all() and np.isfinite(b).all()):
        return plain(a, b, rcond)
    dtype = np.dtype(a.dtype if min(m, n) >= LARGE else np.result_type(a.dtype, np.float64))
    gelsy, lwork = (_routine(name, dtype.char) for name in ("gelsy", "gelsy_lwork"))
    size = int(lwork(m, n, k, rcond)[0].real)
    stack, x = np.broadcast_to(a, (*batch, m, n)), np.zeros((*batch, max(m, n), k), dtype)
    x[..., :m, :], rank = b, np.empty(batch, np.int64)
    with _threads(min(m, n)):
        for i in np.ndindex(batch):
            _, x[i], _, rank[i], _ = gelsy(stack[i], x[i], np.zeros(n, np.int32), rcond, size)
    for _ in range(len(batch) - a.ndim + 2):
        rank = rank[0]
    return x[..., :n, :].astype(a.dtype), rank[tuple(map(slice, a.shape[:-2]))]


# The functions of a single large matrix, with the signatures of NumPy's. LAPACK expects Fortran order, in which the
# transpose of a matrix in C order needs no copy.


def _succeeded(info: int, problem: str) -> None:
    if info:
        raise np.linalg.LinAlgError(problem)


def _cholesky(a: Array) -> Array:
    upper, info = _routine("potrf", a.dtype.char)(a.T)
    _succeeded(info, "Matrix is not positive definite")
    return upper.T


def _factored(a: Array) -> tuple[Array, Array]:
    lu, pivots, info = _routine("getrf", a.dtype.char)(a.T)
    _succeeded(info, "Singular matrix")
    return lu, pivots


def _inv(a: Array) -> Array:
    inverse, _ = _routine("getri", a.dtype.char)(*_factored(a), lwork=64 * len(a), overwrite_lu=True)
    return inverse.T


def _solve(a: Array, b: Array) -> Array:
    x, _ = _routine("getrs", a.dtype.char)(*_factored(a), b, trans=1)
    return x


def _signed_logarithm(a: Array) -> tuple[Any, Any]:
    """Sign and logarithm of the size of the determinant, in double precision."""
    lu, pivots, _ = _routine("getrf", a.dtype.char)(a.T)
    pivot = np.diagonal(lu).astype(np.complex128 if a.dtype.kind == "c" else np.float64)
    sign, odd = np.prod(np.sign(pivot)), np.count_nonzero(pivots != np.arange(len(a))) % 2
    with np.errstate(divide="ignore"):
        return -sign if odd else sign, np.log(np.abs(pivot)).sum()


def _slogdet(a: Array) -> tuple[Any, Any]:
    sign, logarithm = _signed_logarithm(a)
    return a.dtype.type(sign), a.real.dtype.type(logarithm)


def _det(a: Array) -> Any:
    sign, logarithm = _signed_logarithm(a)
    return a.dtype.type(sign * np.exp(logarithm))


def _eigh(a: Array, UPLO: str = "L") -> tuple[Array, Array]:
    return _scipy().eigh(a, lower=UPLO == "L", driver="evd", check_finite=False)


def _eigvalsh(a: Array, UPLO: str = "L") -> Array:
    return _scipy().eigh(a, lower=UPLO == "L", driver="evd", check_finite=False, eigvals_only=True)


def _eig(a: Array) -> tuple[Array, Array]:
    return _scipy().eig(a, check_finite=False)


def _svd(a: Array, full_matrices: bool = True, compute_uv: bool = True) -> Any:
    found = _scipy().svd(a.T, full_matrices, compute_uv, check_finite=False)
    return (found[2].T, found[1], found[0].T) if compute_uv else found


def _qr(a: Array, mode: str = "reduced") -> Any:
    if mode == "raw":
        compact, tau = _scipy().qr(a, mode=mode, check_finite=False)[0]
        return compact.T, tau
    modes = {"reduced": "economic", "complete": "full", "r": "r"}
    found = _scipy().qr(a, mode=modes[mode], check_finite=False)
    return found[0][: min(a.shape)] if mode == "r" else found


def _applied(name: str, to_large: Callable[..., Any], *args: Any, **options: Any) -> Any:
    """NumPy's function of stacks of matrices, or the one for large matrices, unless an element is not finite."""
    matrices = [x for x in args if isinstance(x, np.ndarray)]
    a, others = matrices[0], args[len(matrices) :]
    rows = min(a.shape[-2:])
    with _threads(rows):
        if rows < LARGE or a.dtype.char not in "fdFD" or not all(x.ndim > 1 and np.isfinite(x).all() for x in matrices):
            return getattr(np.linalg, name)(*args, **options)
        batch = np.broadcast_shapes(*[x.shape[:-2] for x in matrices])
        stacks = [np.broadcast_to(x, (*batch, *x.shape[-2:])) for x in matrices]
        found = [to_large(*[x[i] for x in stacks], *others, **options) for i in np.ndindex(batch)]
    if not batch or not found:
        return found[0] if found else getattr(np.linalg, name)(*args, **options)
    if not isinstance(found[0], tuple):
        return np.stack(found).reshape(*batch, *found[0].shape)
    return tuple([np.stack(parts).reshape(*batch, *parts[0].shape) for parts in zip(*found, strict=True)])


# NumPy's `linalg`, with other functions for large matrices.
LINALG = SimpleNamespace(**{name: getattr(np.linalg, name) for name in np.linalg.__all__})
for _function in (_cholesky, _det, _eig, _eigh, _eigvalsh, _inv, _qr, _slogdet, _solve, _svd):
    _name = _function.__name__[1:]
    setattr(LINALG, _name, partial(_applied, _name, _function))
