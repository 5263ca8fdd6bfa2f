"""Factorizations of stacks of matrices that array libraries lack, or offer without telling which matrix failed.

Matrices are the last two axes. `info` is 0 where a factorization succeeded, else the 1-based position where it failed,
as in LAPACK.
"""

from bisect import bisect_left
from math import prod
from typing import Any

import numpy as np

from backends.geometry import Array


def lu_factor(xp: Any, a: Array) -> tuple[Array, Array, Array]:
    """L below the diagonal and U on and above it, the 1-based rows exchanged, and the first zero pivot."""
    m, n = a.shape[-2:]
    count, steps = prod(a.shape[:-2]), min(m, n)
    lu = a.reshape(count, m, n).copy()
    pivots, info = xp.zeros((count, steps), xp.int32), xp.zeros(count, xp.int32)
    each = xp.arange(count)
    for k in range(steps):
        chosen = k + xp.argmax(_size(xp, lu[:, k:, k]), axis=1)
        pivots[:, k] = chosen + 1
        row = lu[each, chosen]
        lu[each, chosen] = lu[:, k]
        lu[:, k] = row
        zero = row[:, k] == 0
        info = xp.where((info == 0) & zero, k + 1, info)
        factors = lu[:, k + 1 :, k] / xp.where(zero, 1, row[:, k])[:, None]
        lu[:, k + 1 :, k] = factors
        lu[:, k + 1 :, k + 1 :] -= factors[:, :, None] * row[:, None, k + 1 :]
    batch = a.shape[:-2]
    return lu.reshape(a.shape), pivots.reshape(*batch, steps), info.reshape(batch).astype(xp.int32)


def _size(xp: Any, a: Array) -> Array:
    """The size by which LAPACK chooses pivots: |re| + |im| for complex numbers."""
    return xp.abs(a.real) + xp.abs(a.imag) if a.dtype.kind == "c" else xp.abs(a)


def row_order(xp: Any, pivots: Array, rows: int) -> Array:
    """The 0-based order of the rows after the exchanges `pivots` of an LU factorization: (..., rows)."""
    batch, steps = pivots.shape[:-1], pivots.shape[-1]
    count = prod(batch)
    swaps = pivots.reshape(count, steps) - 1
    order = xp.zeros((count, rows), xp.int64) + xp.arange(rows)
    each = xp.arange(count)
    for k in range(steps):
        chosen = swaps[:, k]
        row = order[each, chosen]
        order[each, chosen] = order[:, k]
        order[:, k] = row
    return order.reshape(*batch, rows)


def solve_triangular(xp: Any, a: Array, b: Array, upper: bool, unit: bool) -> Array:
    """Solve a x = b by substitution, one row of every system at a time; the other triangle is not read."""
    n = a.shape[-1]
    x = xp.empty((*np.broadcast_shapes(a.shape[:-2], b.shape[:-2]), *b.shape[-2:]), b.dtype)
    for i in reversed(range(n)) if upper else range(n):
        known = slice(i + 1, n) if upper else slice(0, i)
        row = b[..., i : i + 1, :] - xp.matmul(a[..., i : i + 1, known], x[..., known, :])
        x[..., i : i + 1, :] = row if unit else row / a[..., i : i + 1, i : i + 1]
    return x


def cholesky(xp: Any, a: Array) -> tuple[Array, Array]:
    """Lower factors, and the order of the first leading minor that is not positive; such a factor is not finite."""
    try:
        lower = xp.linalg.cholesky(a)
        if not a.shape[-1]:
            return lower, xp.zeros(a.shape[:-2], xp.int32)
        finite = xp.isfinite(xp.diagonal(lower, 0, -2, -1))  # OpenBLAS lets NaN pass
        return lower, xp.where(finite.all(-1), 0, xp.argmin(finite, -1) + 1).astype(xp.int32)
    except np.linalg.LinAlgError:
        n = a.shape[-1]
        flat = a.reshape(-1, n, n)
        found = [_failing_minor(xp, flat[i]) for i in range(len(flat))]
    info = xp.asarray(found, xp.int32).reshape(a.shape[:-2])
    failed = (info > 0)[..., None, None]
    return xp.where(failed, xp.nan, xp.linalg.cholesky(xp.where(failed, xp.eye(n, dtype=a.dtype), a))), info


def _failing_minor(xp: Any, a: Array) -> int:
    """The order of the first leading minor without a factor, 0 if there is none; all larger minors fail too."""

    def fails(order: int) -> bool:
        try:
            xp.linalg.cholesky(a[:order, :order])
        except np.linalg.LinAlgError:
            return True
        return False

    orders = range(1, len(a) + 1)
    return (bisect_left(orders, True, key=fails) + 1) % (len(a) + 1)


def inverse(xp: Any, a: Array) -> tuple[Array, Array]:
    """Inverses, and the first zero pivot; the result for a singular matrix is its adjugate divided by zero."""
    try:
        return xp.linalg.inv(a), xp.zeros(a.shape[:-2], xp.int32)
    except np.linalg.LinAlgError:
        info = _singular(xp, a)
    failed = (info > 0)[..., None, None]
    regular = xp.linalg.inv(xp.where(failed, xp.eye(a.shape[-1], dtype=a.dtype), a))
    return xp.where(failed, xp.swapaxes(_cofactor(xp, a), -1, -2) / xp.zeros_like(regular), regular), info


def solve(xp: Any, a: Array, b: Array) -> tuple[Array, Array]:
    """Solve a x = b; also returns the first zero pivot. x is NaN where a is singular."""
    try:
        return xp.linalg.solve(a, b), xp.zeros(a.shape[:-2], xp.int32)
    except np.linalg.LinAlgError:
        info = _singular(xp, a)
    failed = (info > 0)[..., None, None]
    x = xp.linalg.solve(xp.where(failed, xp.eye(a.shape[-1], dtype=a.dtype), a), b)
    return xp.where(failed, xp.nan, x), info


def _singular(xp: Any, a: Array) -> Array:
    """The first zero pivot of every matrix without an inverse; the last pivot if rounding made none exactly zero."""
    n = a.shape[-1]
    flat = a.reshape(-1, n, n)

    def place(i: int) -> int:
        try:
            xp.linalg.inv(flat[i])
        except np.linalg.LinAlgError:
            return int(lu_factor(xp, flat[i])[2].item()) or n
        return 0

    return xp.asarray([place(i) for i in range(len(flat))], xp.int32).reshape(a.shape[:-2])


def least_squares(xp: Any, a: Array, b: Array, rcond: float) -> tuple[Array, Array]:
    """The shortest x that minimises |a x - b|, with singular values up to `rcond` times the largest as 0; the rank."""
    u, s, vh = xp.linalg.svd(a, full_matrices=False)
    small = s <= rcond * xp.max(s, axis=-1, keepdims=True, initial=0)
    scaled = xp.matmul(xp.conj(u.swapaxes(-1, -2)), b) * xp.where(small, 0, 1 / xp.where(small, 1, s))[..., None]
    return xp.matmul(xp.conj(vh.swapaxes(-1, -2)), scaled), (~small).sum(axis=-1)


def cofactor(xp: Any, a: Array) -> Array:
    """The derivative of the determinant, det(a) a^-T, which is a polynomial and exists for singular matrices too."""
    inverted, info = inverse(xp, a)
    condition = _largest(xp, a) * _largest(xp, inverted)
    ill = (info > 0) | ((condition > float(np.finfo(a.dtype).eps) ** -0.5) & xp.isfinite(condition))
    regular = xp.linalg.det(a)[..., None, None] * xp.swapaxes(inverted, -1, -2)
    if xp.any(ill).item():
        regular[ill] = _cofactor(xp, a[ill])
    return regular


def _largest(xp: Any, a: Array) -> Array:
    return xp.max(xp.abs(a), axis=(-2, -1), initial=0)


def _cofactor(xp: Any, a: Array) -> Array:
    """The cofactors from the singular values: those of a diagonal matrix are products of all its other elements."""
    u, s, vh = xp.linalg.svd(a)
    one = xp.ones_like(s[..., :1])
    before = xp.cumprod(xp.concatenate((one, s[..., :-1]), -1), -1)
    after = xp.cumprod(xp.concatenate((one, s[..., :0:-1]), -1), -1)[..., ::-1]
    phase = (xp.linalg.det(u) * xp.linalg.det(vh))[..., None, None]
    return phase * xp.matmul(xp.conj(u) * (before * after)[..., None, :], xp.conj(vh))


# Numerator of the [13/13] Padé approximant of exp in ascending powers; the 1-norm up to which it is exact in float64.
PADE = (64764752532480000, 32382376266240000, 7771770303897600, 1187353796428800, 129060195264000, 10559470521600,
        670442572800, 33522128640, 1323241920, 40840800, 960960, 16380, 182, 1)  # fmt: skip
PADE_NORM = 5.371920351148152


def matrix_exp(xp: Any, a: Array) -> Array:
    """Exponentials, by scaling and squaring (Higham, 2005, https://doi.org/10.1137/04061101X)."""
    norm = xp.max(xp.sum(xp.abs(a), axis=-2), axis=-1, initial=0)
    halvings = xp.ceil(xp.log2(xp.where(xp.isfinite(norm), xp.maximum(norm / PADE_NORM, 1), 1))).astype(xp.int64)
    a = a / (2.0 ** halvings[..., None, None]).astype(norm.dtype)
    i = xp.eye(a.shape[-1], dtype=a.dtype)
    a2 = xp.matmul(a, a)
    a4 = xp.matmul(a2, a2)
    a6 = xp.matmul(a2, a4)

    def half(c: tuple[int, ...]) -> Array:
        """The sum of c[k] a^2k."""
        high = xp.matmul(a6, c[6] * a6 + c[5] * a4 + c[4] * a2)
        return high + c[3] * a6 + c[2] * a4 + c[1] * a2 + c[0] * i

    even, odd = half(PADE[::2]), xp.matmul(a, half(PADE[1::2]))
    y = i + 2 * xp.linalg.solve(even - odd, odd)  # the identity, exactly, of zeros
    for k in range(int(xp.max(halvings, initial=0).item())):
        y = xp.where((halvings > k)[..., None, None], xp.matmul(y, y), y)
    return y
