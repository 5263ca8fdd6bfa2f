"""Determinants, with the exact derivative at singular matrices too."""

import numpy as np

from autograd_core import functional
from autograd_core.kinds import MATMUL
from autograd_core.ops.linear_algebra import matrices
from autograd_core.ops.linear_algebra.matrices import NEAR, by_matrix, each, regular
from autograd_core.registry import composition, op, sample

SQUARE = (sample(regular(3, 3)), sample(regular(2, 2, 2)), sample(regular(1, 1)), sample((0, 0)))


def _minors(a):
    """Minors, with the alternating signs of cofactors."""
    n = len(a)
    out = np.empty((n, n), a.dtype)
    for i, j in np.ndindex(n, n):
        out[i, j] = (-1) ** (i + j) * _expanded(np.delete(np.delete(a, i, 0), j, 1))
    return out


def _expanded(a):
    """The determinant by expansion along the first row, without division."""
    if not len(a):
        return a.dtype.type(1)
    rest = [np.delete(a[1:], j, 1) for j in range(len(a))]
    return sum((-1) ** j * a[0, j] * _expanded(m) for j, m in enumerate(rest))


@op(MATMUL, symbol="det", domain=NEAR, samples=SQUARE, reference=by_matrix(_expanded),
    broadcasts=False, wide=True, module="linalg", aliases=("det",), vjp=lambda xp, g, a: each(g) * xp.cofactor(a))
def det(xp, a):
    """Determinants of square matrices, with exact gradients for singular ones too.

    >>> from autograd_core import tensor
    >>> tensor([[1.0, 2.0], [3.0, 4.0]]).det()
    tensor(-2.)
    """
    matrices.require("det", a, square=True)
    with np.errstate(over="ignore"):  # the warning would come from NumPy's own module, which our filter does not cover
        return xp.linalg.det(a)


def _cofactor_rule(xp, g, a):
    """The second derivative of the determinant, from products of all singular values but two: exact at any rank."""
    u, s, vh = xp.svd_factors(a, full_matrices=True)
    inner = matrices.product(xp, matrices.adjoint(xp, u), g, matrices.adjoint(xp, vh))
    others = _without_two(xp, s) * (xp.zeros_like(inner) + 1)
    one = matrices.identity(xp, inner)
    along = matrices.product(xp, others, xp.sum(inner * one, dim=-1, keepdim=True)) * one
    phase = each(xp.det(u) * xp.det(vh))
    return phase * matrices.product(xp, xp.conj(u), along - others * xp.swapped(inner), xp.conj(vh))


def _without_two(xp, s):
    """The products of all singular values except the i-th and the j-th, and 0 where i = j."""
    one = matrices.identity(xp, s[..., :, None] * s[..., None, :])
    kept = (1 - one)[..., :, None, :] * (1 - one)[..., None, :, :]  # i, j, and whether the k-th is a factor
    return (1 - one) * xp.prod(s[..., None, None, :] * kept + (1 - kept), dim=-1)


@op(MATMUL, symbol="cof", domain=NEAR, samples=SQUARE,
    reference=by_matrix(_minors), method=False, broadcasts=False, wide=True, vjp=_cofactor_rule)
def cofactor(xp, a):
    """Cofactor matrices, det(a) a⁻ᵀ for regular a: the gradient of the determinant."""
    matrices.require("cofactor", a, square=True)
    return xp.kernels.cofactor(a)


def _slogdet_rule(xp, g, a, sign):
    """The sign of a complex determinant rotates with the imaginary part of the trace of a⁻¹ da."""
    turn, weight = g
    if turn is not None and a.dtype.kind == "c":
        turn = xp.imag(turn * xp.conj(sign))
        weight = xp.complex(xp.zeros_like(turn) if weight is None else weight, turn)
    if weight is None:
        return xp.zeros_like(a)
    return each(weight) * matrices.adjoint(xp, xp.inv_ex(a)[0])


def _slow_slogdet(a):
    d = _expanded(a)
    return np.divide(d, abs(d)), np.log(abs(d))


@op(MATMUL, symbol="log|det|", domain=NEAR, samples=SQUARE, reference=by_matrix(_slow_slogdet),
    outputs=("sign", "logabsdet"), partial=True, holomorphic=False, broadcasts=False, wide=True,
    aliases=("linalg.slogdet",), vjp=_slogdet_rule)
def slogdet(xp, a):
    """Sign (of a complex determinant, its direction) and logarithm of the absolute value of determinants."""
    matrices.require("slogdet", a, square=True)
    return xp.linalg.slogdet(a)


@composition(MATMUL, domain=NEAR, samples=SQUARE, reference=by_matrix(lambda a: np.log(_expanded(a))))
def logdet(input):
    """Logarithms of determinants; NaN where one is negative."""
    sign, size = slogdet(input)
    if input.dtype.kind == "c":
        return functional.log(sign) + size
    return functional.where(sign == -1, np.nan, size)
