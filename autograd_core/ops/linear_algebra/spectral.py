"""Eigenvalues and singular values with their vectors, which are differentiable where all values differ."""

from dataclasses import replace

import numpy as np

from autograd_core import functional
from autograd_core.engine.libraries import holds
from autograd_core.errors import OperandError, VmapError
from autograd_core.kinds import MATMUL
from autograd_core.ops.linear_algebra import matrices
from autograd_core.ops.linear_algebra.matrices import NEAR, adjoint, positive, product, regular
from autograd_core.registry import Sample, composition, op, sample


def _gaps(xp, values):
    """Column's minus row's value, for all pairs; 1 on the diagonal."""
    differences = values[..., None, :] - values[..., :, None]
    return differences + matrices.identity(xp, differences)


def _off_diagonal(xp, a):
    return xp.tril(a, diagonal=-1) + xp.triu(a, diagonal=1)


def _eigh_rule(xp, g, eigenvalues, eigenvectors):
    g_values, g_vectors = g
    v = eigenvectors
    if g_vectors is None:
        return product(xp, v * g_values[..., None, :], adjoint(xp, v))
    turning = 0.5 * _skew(xp, product(xp, adjoint(xp, v), g_vectors))
    _check_phase(xp, _diagonal(xp, turning), "eigh")
    inner = _off_diagonal(xp, turning / _gaps(xp, eigenvalues))
    if g_values is not None:
        inner = inner + matrices.identity(xp, inner) * g_values[..., None, :]
    return product(xp, v, inner, adjoint(xp, v))


def _directions(v):
    """Vectors (columns) without their phase, which is arbitrary."""
    return v * functional.conj(v[..., :1, :])


SYMMETRIC = tuple(
    Sample((x,), statics, lambda values, vectors: (values, _directions(vectors)))
    for x, statics in ((positive(3, 3), {}), (positive(2, 2, 2), {"UPLO": "U"}), (positive(1, 1), {}), ((0, 0), {}))
)


def _slow_eigh(a, UPLO="L"):
    """For positive definite matrices the SVD is the eigendecomposition, in descending order."""
    u, s, _ = np.linalg.svd(a)
    return s[..., ::-1], u[..., ::-1]


@op(MATMUL, symbol="eigh", domain=NEAR, samples=SYMMETRIC, reference=_slow_eigh, module="linalg", method=False,
    outputs=("eigenvalues", "eigenvectors"), partial=True, holomorphic=False, broadcasts=False, wide=True,
    tolerance=1e-11, vjp=_eigh_rule)
def eigh(xp, a, *, UPLO="L"):
    """Ascending eigenvalues and eigenvectors of symmetric or Hermitian matrices; one triangle, L or U, is read.

    The gradient of eigenvectors is NaN where eigenvalues repeat; functions of them must not depend on their phases.
    """
    matrices.require("eigh", a, square=True)
    return xp.linalg.eigh(a, _triangle(UPLO))


def _triangle(UPLO):
    if UPLO not in ("L", "U", "l", "u"):
        raise OperandError(f"UPLO must be 'L' or 'U', not {UPLO!r}")
    return UPLO.upper()


@op(MATMUL, symbol="λ(A=Aᴴ)", domain=NEAR, module="linalg", method=False, broadcasts=False, wide=True,
    holomorphic=False,
    samples=(sample(positive(3, 3)), sample(positive(2, 2, 2), UPLO="U"), sample(positive(1, 1)), sample((0, 0))),
    reference=lambda a, UPLO="L": _slow_eigh(a)[0], tolerance=1e-11,
    vjp=lambda xp, g, a, UPLO: _eigh_rule(xp, (g, None), None, xp.eigh(a, UPLO=UPLO)[1]))
def eigvalsh(xp, a, *, UPLO="L"):
    """Ascending eigenvalues of symmetric or Hermitian matrices, differentiable even where they repeat."""
    matrices.require("eigvalsh", a, square=True)
    return xp.linalg.eigvalsh(a, _triangle(UPLO))


def _check_phase(xp, diagonal, name):
    """A function of complex vectors that depends on their phases, which are arbitrary, has no derivative."""
    if diagonal.dtype.kind == "c" and 0 not in diagonal.shape:
        try:
            turning = xp.amax(xp.abs(xp.imag(diagonal))).item()
        except VmapError:  # samples are not read
            return
        if turning > 1e-2:  # as much as PyTorch allows
            raise OperandError(f"{name}: the vectors are unique up to a factor exp(i phi), and what is differentiated "
                               "depends on it; use functions that do not, such as v.abs() or v @ v.mH")


def _eig_rule(xp, g, x_dtype, eigenvalues, eigenvectors):
    """V⁻ᴴ (diag(gL) + (Vᴴ gV - Vᴴ V diag(Re(Vᴴ gV))) / conj(gaps)) Vᴴ; vectors are of length 1."""
    g_values, g_vectors = g
    v_h = adjoint(xp, eigenvectors)
    one = matrices.identity(xp, v_h)
    if g_vectors is None:
        inner = g_values[..., :, None] * v_h
    else:
        inner = product(xp, v_h, g_vectors)
        along = _diagonal(xp, inner)
        _check_phase(xp, along, "eig")
        inner = (inner - product(xp, v_h, eigenvectors) * along) / xp.conj(_gaps(xp, eigenvalues))
        inner = _off_diagonal(xp, inner)
        inner = product(xp, inner if g_values is None else inner + one * g_values[..., None, :], v_h)
    out = xp.solve_system(v_h, inner)
    return out if x_dtype.kind == "c" else xp.real(out)


def _slow_eig(a):
    """By the power method's relative, inverse iteration, from eigenvalues as roots of the characteristic polynomial."""
    if not len(a):
        return np.zeros(0, np.complex128), np.zeros((0, 0), np.complex128)
    values = np.roots(np.poly(a))
    values = values[np.argsort(values.real)]
    vectors = []
    for value in values:
        shifted = np.linalg.inv(a - (value + 1e-7) * np.eye(len(a)))
        v = np.ones(len(a), np.complex128)
        for _ in range(4):
            v = shifted @ v
            v = v / np.linalg.norm(v)
        vectors.append(v)
    return values.astype(np.complex128), np.reshape(vectors, a.shape).T.astype(np.complex128)


def _ordered(values, vectors):
    """Ordered by real parts, because LAPACK's order is arbitrary."""
    order = functional.tensor(np.argsort(values.numpy(force=True).real, -1), device=values.device)
    picked = functional.take_along_dim(vectors, order[..., None, :], -1)
    return functional.take_along_dim(values, order, -1), _directions(picked)


def _sums(values):
    """Symmetric functions of the eigenvalues, independent of their order: sums of powers."""
    return tuple(functional.sum(values**k, dim=-1) for k in (1, 2, 3))


GENERAL = (*[Sample((x,), {}, _ordered) for x in (regular(3, 3), regular(2, 2, 2), (1, 1))], sample((0, 0)))


@op(MATMUL, symbol="eig", domain=NEAR, module="linalg", method=False, reference=matrices.by_matrix(_slow_eig),
    samples=GENERAL, outputs=("eigenvalues", "eigenvectors"), partial=True, holomorphic=False, broadcasts=False,
    wide=True, tolerance=1e-9, vjp=_eig_rule)
def eig(xp, x):
    """Eigenvalues, in no particular order, and eigenvectors of square matrices, complex even if the matrix is real.

    The gradient of eigenvectors is NaN where eigenvalues repeat; functions of them must not depend on their phases.
    """
    matrices.require("eig", x, square=True)
    if not holds(xp.isfinite(x)):
        raise OperandError("eig() takes finite matrices; this one holds infinity or NaN")
    return tuple([v.astype(np.result_type(x.dtype, np.complex64)) for v in xp.linalg.eig(x)])


@composition(MATMUL, domain=NEAR, module="linalg", tolerance=1e-9,
             samples=tuple(replace(s, seen=_sums) for s in GENERAL),
             reference=lambda a: matrices.by_matrix(_slow_eig)(a)[0])
def eigvals(A):
    """Eigenvalues of square matrices, in no particular order, complex even if the matrix is real."""
    return eig(A)[0]


def _skew(xp, a):
    return a - adjoint(xp, a)


def _diagonal(xp, a):
    """As a row of every matrix."""
    return xp.sum(a * matrices.identity(xp, a), dim=-2, keepdim=True)


def _svd_rule(xp, g, U, S, Vh):
    """Differentiates the thin factors; PyTorch's formula."""
    g_u, g_s, g_vh = g
    k = S.shape[-1]
    u, vh = U[..., :k], Vh[..., :k, :]
    if g_u is None and g_vh is None:
        return product(xp, u * g_s[..., None, :], vh)
    g_u, g_vh = (None if g_u is None else g_u[..., :k]), (None if g_vh is None else g_vh[..., :k, :])
    inner, row = _svd_inner(xp, g_u, g_vh, u, S, vh), S[..., None, :]
    if g_s is not None:
        inner = inner + matrices.identity(xp, inner) * g_s[..., None, :]
    out = product(xp, u, inner, vh)
    if g_u is not None and u.shape[-2] > k:
        rest = g_u / row
        out = out + product(xp, rest - product(xp, u, product(xp, adjoint(xp, u), rest)), vh)
    if g_vh is not None and vh.shape[-1] > k:
        rest = g_vh / xp.swapped(row)
        out = out + product(xp, u, rest - product(xp, rest, adjoint(xp, vh), vh))
    return out


def _svd_inner(xp, g_u, g_vh, u, s, vh):
    """The part within the spans of the singular vectors."""
    row, gaps = s[..., None, :], _gaps(xp, s * s)
    turning = xp.zeros_like(gaps * u[..., :1, :1])
    inner = turning
    if g_u is not None:
        of_u = _skew(xp, product(xp, adjoint(xp, u), g_u))
        inner, turning = _off_diagonal(xp, of_u / gaps) * row, of_u
    if g_vh is not None:
        of_v = _skew(xp, product(xp, vh, adjoint(xp, g_vh)))
        inner, turning = inner + xp.swapped(row) * _off_diagonal(xp, of_v / gaps), turning + of_v
    _check_phase(xp, _diagonal(xp, turning), "svd")
    if g_u is not None and u.dtype.kind == "c":
        inner = inner + matrices.identity(xp, inner) * _diagonal(xp, of_u) / (2 * row)
    return inner


def seen_svd(u, s, vh):
    """The thin factors, with vectors freed of their common phase."""
    k = s.shape[-1]
    return _directions(u[..., :k]), s, vh[..., :k, :] * u[..., 0, :k, None]


def reference_svd(a, full_matrices=True, driver=None):
    """The SVD from the eigenvalues of aᴴa, accurate enough for well-conditioned matrices."""
    k = min(a.shape[-2:])
    values, v = np.linalg.eigh(np.conj(np.swapaxes(a, -1, -2)) @ a)
    s, v = np.sqrt(values[..., ::-1][..., :k]), v[..., ::-1][..., :k]
    return (a @ v) / s[..., None, :], s, np.conj(np.swapaxes(v, -1, -2))


RECTANGULAR = (regular(3, 3), regular(4, 2), regular(2, 2, 3))


@op(MATMUL, symbol="svd", domain=NEAR, reference=reference_svd, method=False, aliases=("linalg.svd",),
    samples=(*[Sample((x,), {"full_matrices": full}, seen_svd) for x in RECTANGULAR for full in (False, True)],
             Sample((RECTANGULAR[0],), {"driver": "gesvd"}, seen_svd), Sample(((0, 0),), {}, None)),
    outputs=("U", "S", "Vh"), partial=True, holomorphic=False, broadcasts=False, wide=True, tolerance=1e-11,
    vjp=_svd_rule)
def svd_factors(xp, a, *, full_matrices=True, driver=None):
    """Singular value decomposition a = U diag(S) Vh, S descending; full_matrices=False: as many vectors as values.

    `driver`, which selects a library on CUDA in PyTorch, has no effect.
    The gradient of vectors is NaN where singular values repeat; differentiated functions must not depend on their
    phases or on the vectors that only full_matrices=True adds.
    """
    matrices.require("svd", a)
    return xp.linalg.svd(a, full_matrices)


@op(MATMUL, symbol="σ(A)", domain=NEAR, module="linalg", method=False, broadcasts=False, wide=True, holomorphic=False,
    samples=(*[sample(x) for x in RECTANGULAR], sample(RECTANGULAR[0], driver="gesvd"), sample((0, 2))),
    reference=lambda a, driver=None: reference_svd(a)[1], tolerance=1e-11,
    vjp=lambda xp, g, a: _svd_rule(xp, (None, g, None), *xp.svd_factors(a, full_matrices=False)))
def svdvals(xp, a, *, driver=None):
    """Descending singular values, differentiable even where they repeat; `driver` has no effect."""
    matrices.require("svdvals", a)
    return xp.linalg.svd(a, compute_uv=False)
