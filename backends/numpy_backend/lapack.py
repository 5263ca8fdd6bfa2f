"""Factorizations by LAPACK, through SciPy, which is imported on first use."""

from math import prod
from typing import Any

import numpy as np

from backends.generic import factorizations
from backends.geometry import Array


def lu_factor(a: Array) -> tuple[Array, Array, Array]:
    """As the generic kernel; one call to LAPACK for each matrix."""
    from scipy.linalg import get_lapack_funcs

    (getrf,) = get_lapack_funcs(("getrf",), (a,))
    batch, steps = a.shape[:-2], min(a.shape[-2:])
    lu, pivots, info = np.empty_like(a, order="C"), np.empty((*batch, steps), np.int32), np.zeros(batch, np.int32)
    for i in np.ndindex(batch) if steps else ():
        lu[i], swaps, info[i] = getrf(a[i])
        pivots[i] = swaps + 1
    return lu, pivots, info


def solve_triangular(a: Array, b: Array, upper: bool, unit: bool) -> Array:
    """As the generic kernel; one call to BLAS for each system, unless there are more systems than rows."""
    batch = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    if prod(batch) > a.shape[-1] or not b.size:
        return factorizations.solve_triangular(np, a, b, upper, unit)
    from scipy.linalg import get_blas_funcs

    (trsm,) = get_blas_funcs(("trsm",), (a, b))
    x = np.empty((*batch, *b.shape[-2:]), b.dtype)
    a, b = np.broadcast_to(a, (*batch, *a.shape[-2:])), np.broadcast_to(b, x.shape)
    for i in np.ndindex(batch):
        x[i] = _solved(trsm, a[i], b[i], upper, unit)
    return x


def _solved(trsm: Any, a: Array, b: Array, upper: bool, unit: bool) -> Array:
    """Transposed if this saves a copy into Fortran order."""
    if a.flags.f_contiguous:
        return trsm(1, a, b, lower=not upper, diag=unit)
    return trsm(1, a.T, b, lower=upper, trans_a=1, diag=unit)
