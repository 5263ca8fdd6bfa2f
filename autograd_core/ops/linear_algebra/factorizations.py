"""Cholesky and QR factorizations."""

from collections import namedtuple
from dataclasses import replace

import numpy as np

from autograd_core import functional
from autograd_core.errors import OperandError
from autograd_core.kinds import MATMUL
from autograd_core.ops.linear_algebra import matrices
from autograd_core.ops.linear_algebra.matrices import NEAR, adjoint, by_matrix, positive, product, regular
from autograd_core.registry import composition, op, sample

QR = namedtuple("QR", "Q R")


def _cholesky_rule(xp, g, L, upper):
    """L⁻ᴴ Φ(Lᴴ gL) L⁻¹, where Φ makes a Hermitian matrix of the lower triangle."""
    lower, g = (adjoint(xp, L), adjoint(xp, g[0])) if upper else (L, g[0])
    below = xp.tril(product(xp, adjoint(xp, lower), g))
    inner = 0.5 * (below + adjoint(xp, xp.tril(below, diagonal=-1)))
    left = xp.solve_lower_upper(adjoint(xp, lower), inner, upper=True)
    return adjoint(xp, xp.solve_lower_upper(adjoint(xp, lower), adjoint(xp, left), upper=True))


def _banachiewicz(a, upper=False, check_errors=False):
    """Cholesky's method row by row, element by element."""
    n = len(a)
    out = np.zeros_like(a)
    for i in range(n):
        for j in range(i + 1):
            rest = a[i, j] - out[i, :j] @ np.conj(out[j, :j])
            out[i, j] = np.sqrt(rest) if i == j else rest / out[j, j]
    return np.conj(out.T) if upper else out


POSITIVE = (sample(positive(3, 3)), sample(positive(2, 2, 2), upper=True), sample((0, 0)))


@op(MATMUL, symbol="LLᵀ", domain=NEAR, module="linalg", method=False, broadcasts=False, wide=True, holomorphic=False,
    outputs=("L", "info"), detached=("info",), vjp=_cholesky_rule,
    samples=(*POSITIVE, sample(positive(2, 2), check_errors=True)),
    reference=lambda a, **k: (by_matrix(_banachiewicz)(a, **k), np.zeros(a.shape[:-2], np.int32)))
def cholesky_ex(xp, a, *, upper=False, check_errors=False):
    """Cholesky factors, and for each matrix the order of the first leading minor that is not positive (0 if none).

    The factor of such a matrix is not finite. Only the lower triangle is read, or with `upper` the upper; the
    gradient is Hermitian.
    """
    matrices.require("cholesky", a, square=True)
    lower, info = xp.kernels.cholesky(xp.conj(a.swapaxes(-1, -2)) if upper else a)
    if check_errors:
        matrices.refuse_failed(info, "the leading minor of order {} is not positive definite")
    return (xp.conj(lower.swapaxes(-1, -2)) if upper else lower), info


@composition(MATMUL, domain=NEAR, samples=POSITIVE, reference=by_matrix(_banachiewicz), aliases=("linalg.cholesky",))
def cholesky(input, upper=False):
    """The lower triangular L with L Lᴴ = input (with `upper`, the U with Uᴴ U), of positive definite matrices.

    LinAlgError names the matrix that is not positive definite.
    """
    return cholesky_ex(input, upper=upper, check_errors=True)[0]


def _qr_rule(xp, g, Q, R, mode):
    """[gQ + Q Ψ(triu(gR Rᴴ - Qᴴ gQ))] R⁻ᴴ, where Ψ makes a Hermitian matrix of the upper triangle."""
    g_q, g_r = g
    if Q.shape[-1] > R.shape[-1]:
        raise OperandError("qr: with mode='complete' the factors of a matrix of more rows than columns are not unique "
                           "and have no derivative; use mode='reduced'")
    inner = product(xp, g_r, adjoint(xp, R)) if g_r is not None else 0
    if g_q is not None:
        inner = inner - product(xp, adjoint(xp, Q), g_q)
    above = xp.triu(inner)
    strict = xp.triu(inner, diagonal=1)
    diagonal = above - strict
    inner = strict + adjoint(xp, strict) + 0.5 * (diagonal + xp.conj(diagonal))
    out = product(xp, Q, inner)
    out = out if g_q is None else g_q + out
    return adjoint(xp, xp.solve_lower_upper(R, adjoint(xp, out), upper=True))


def gram_schmidt(a, mode="reduced"):
    """Column by column, with the signs of Householder's reflections: a negative diagonal where the column's head is
    positive."""
    q, r = np.zeros_like(a), np.zeros((a.shape[1],) * 2, a.dtype)
    for j in range(a.shape[1]):
        rest = a[:, j].copy()
        for i in range(j):
            r[i, j] = np.conj(q[:, i]) @ rest
            rest -= r[i, j] * q[:, i]
        r[j, j] = np.linalg.norm(rest)
        q[:, j] = rest / r[j, j]
    return q, r


def _upright(q, r):
    """Both factors, normalised to a positive real diagonal of R."""
    turn = functional.sum(r * matrices.identity(functional, r), dim=-1)
    return q * turn[..., None, :], functional.conj(turn)[..., :, None] * r


EMPTY = (sample((0, 0)),)


def qr_samples(*shapes):
    return tuple(replace(sample(x), seen=_upright) for x in shapes)


@op(MATMUL, symbol="QR", domain=NEAR, method=False, broadcasts=False, wide=True, holomorphic=False, tolerance=1e-11,
    outputs=("Q", "R"), partial=True, vjp=_qr_rule, reference=by_matrix(gram_schmidt),
    samples=(*qr_samples(regular(3, 3), regular(4, 2), regular(2, 2, 2)),
             replace(sample(regular(3, 3), mode="complete"), seen=_upright), *EMPTY))
def qr_factors(xp, a, *, mode="reduced"):
    """Q with orthonormal columns and upper triangular R with Q R = a, for a with at least as many rows as columns."""
    matrices.require("qr", a)
    return xp.linalg.qr(a, mode)


MODES = ("reduced", "complete", "r")


@composition(MATMUL, domain=NEAR, module="linalg", tolerance=1e-11,
             samples=(*qr_samples(regular(3, 3), regular(4, 2)), sample((0, 2))),
             reference=lambda a: by_matrix(gram_schmidt)(a) if a.size else (np.zeros((0, 0)), a))
def qr(A, mode="reduced") -> QR:
    """Q with orthonormal columns and upper triangular R with Q R = A.

    mode: "reduced"; "complete" makes Q square, without a gradient if A has more rows than columns; "r" returns no Q.
    """
    if mode not in MODES:
        raise OperandError(f"qr(): mode {mode!r} is not one of 'reduced', 'complete', 'r'")
    matrices.require("qr", A)
    m, n = A.shape[-2:]
    square = A[..., :m] if m < n else A
    q, r = qr_factors(square, mode="complete" if mode == "complete" else "reduced")
    if m < n:
        r = functional.cat((r, adjoint(functional, q) @ A[..., m:]), dim=-1)
    return QR(functional.zeros(0, dtype=A.dtype, device=A.device) if mode == "r" else q, r)
