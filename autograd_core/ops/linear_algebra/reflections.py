"""Products of Householder reflections I - tau v vᴴ, LAPACK's representation of the Q of a QR factorization."""

import numpy as np

from autograd_core import functional
from autograd_core.errors import OperandError
from autograd_core.kinds import MATMUL
from autograd_core.ops.linear_algebra import matrices
from autograd_core.ops.linear_algebra.matrices import NEAR, adjoint, by_matrix, regular
from autograd_core.ops.linear_algebra.solving import solve_lower_upper
from autograd_core.registry import composition, op, sample


def _compact(name, A, tau):
    """V and T with Q = I - V T Vᴴ (Schreiber and Van Loan, 1989), T the inverse of diag(1 / tau) + triu(Vᴴ V, 1).

    There is no division by tau, which is 0 where a reflection is the identity.
    """
    matrices.require(name, A)
    m, k, like = A.shape[-2], tau.shape[-1] if tau.ndim else 0, {"dtype": A.dtype, "device": A.device}
    if tau.shape[:-1] != A.shape[:-2] or not tau.ndim or k > min(A.shape[-2:]) or tau.dtype != A.dtype:
        raise OperandError(f"{name}() takes matrices, and for each a vector tau no longer than their sides, of one "
                           f"dtype, not {A.dtype} {A.shape} and {tau.dtype} {tau.shape}")
    v = functional.tril(A[..., :k], -1) + functional.eye(m, k, **like)
    scale = functional.unsqueeze(tau, -1)
    mixed = scale * (adjoint(functional, v) @ v)
    return v, solve_lower_upper(mixed, scale * functional.eye(k, **like), upper=True, unitriangular=True)


def _reflected(a, tau):
    """One reflection after the other."""
    q = np.eye(len(a))
    for i, t in enumerate(tau):
        v = np.concatenate([np.zeros(i), [1], a[i + 1 :, i]])
        q = q - t * np.outer(q @ v, np.conj(v))
    return q


REFLECTORS = (sample((3, 3), (3,)), sample((4, 2), (2,)), sample((3, 2), (1,)), sample((0, 0), (0,)))


@composition(MATMUL, domain=NEAR, samples=REFLECTORS, reference=lambda a, tau: _reflected(a, tau)[:, : a.shape[1]],
             aliases=("linalg.householder_product",))
def orgqr(input, tau):
    """The first columns, as many as `input` has, of the product of the reflections stored below its diagonal."""
    v, t = _compact("householder_product", input, tau)
    m, n = input.shape[-2:]
    if m < n:
        raise OperandError(f"householder_product() takes at least as many rows as columns, not shape {input.shape}")
    one = functional.eye(m, n, dtype=input.dtype, device=input.device)
    return one - v @ (t @ adjoint(functional, v[..., :n, :]))


def _slow_ormqr(a, tau, other, left=True, transpose=False):
    q = _reflected(a, tau)
    q = np.conj(q.T) if transpose else q
    return q @ other if left else other @ q


@composition(MATMUL, domain=NEAR, reference=_slow_ormqr,
             samples=(sample((3, 3), (3,), (3, 2)), sample((4, 2), (2,), (3, 4), left=False),
                      sample((4, 2), (2,), (4, 1), transpose=True), sample((3, 1), (1,), (2, 3), False, True),
                      sample((0, 0), (0,), (0, 2))))
def ormqr(input, tau, other, left=True, transpose=False):
    """Q other (with left=False, other Q) without forming Q, the product of the reflections; with `transpose`, Qᴴ."""
    v, t = _compact("ormqr", input, tau)
    matrices.require("ormqr", other)
    side = other.shape[-2 if left else -1]
    if side != input.shape[-2] or other.shape[:-2] != input.shape[:-2]:
        raise OperandError(f"ormqr(): shapes {input.shape} and {other.shape} do not fit together")
    t = adjoint(functional, t) if transpose else t
    v_h = adjoint(functional, v)
    return other - v @ (t @ (v_h @ other)) if left else other - ((other @ v) @ t) @ v_h


def _householder(a):
    """Column by column; nothing below the diagonal, nothing to reflect."""
    a, k = a.copy(), min(a.shape)
    tau = np.zeros(k)
    for i in range(k):
        if a[i + 1 :, i].any():
            beta = -np.copysign(np.linalg.norm(a[i:, i]), a[i, i])
            tau[i] = (beta - a[i, i]) / beta
            v = np.concatenate([[1], a[i + 1 :, i] / (a[i, i] - beta)])
            a[i:, i:] -= tau[i] * np.outer(v, v @ a[i:, i:])
            a[i + 1 :, i] = v[1:]
    return a, tau


def _no_rule(xp, g, a):
    raise OperandError("geqrf: its reflections have no derivative here; use linalg.qr(), which has one")


@op(MATMUL, symbol="geqrf", domain=NEAR, outputs=("a", "tau"), broadcasts=False, wide=True, holomorphic=False, order=0,
    samples=(sample(regular(3, 3)), sample(regular(2, 3, 2)), sample((0, 2))), vjp=_no_rule,
    reference=by_matrix(_householder))
def geqrf(xp, input):
    """R on and above the diagonal, the vectors of Householder reflections below it, and their factors, for `orgqr`.

    Not differentiable, as in PyTorch: use `linalg.qr`.
    """
    matrices.require("geqrf", input)
    compact, tau = xp.linalg.qr(input, "raw")
    return compact.swapaxes(-1, -2), tau
