"""The LU factorization with row exchanges, and solving with it."""

from collections import namedtuple

import numpy as np

from autograd_core import functional
from autograd_core.engine.libraries import all_below
from autograd_core.errors import OperandError, PositionError
from autograd_core.kinds import INDEXING, MATMUL
from autograd_core.ops.linear_algebra import matrices
from autograd_core.ops.linear_algebra.matrices import NEAR, adjoint, by_matrix, product, regular
from autograd_core.ops.linear_algebra.solving import solve_lower_upper
from autograd_core.registry import Interval, Values, composition, op, sample

LU = namedtuple("LU", "LU pivots")
PLU = namedtuple("PLU", "P L U")
Unpacked = namedtuple("Unpacked", "P L U")


def _pivots(shape, low, high):
    return Values(shape, Interval(low, high), "int32")


def _order(pivots, rows):
    """The original position of each row after the exchanges."""
    order = list(range(rows))
    for k, other in enumerate(pivots):
        order[k], order[other - 1] = order[other - 1], order[k]
    return order


def _slow_exchange(x, pivots, back=False):
    out = np.empty_like(x)
    for at in np.ndindex(pivots.shape[:-1]):
        order = _order(pivots[at], x.shape[-2])
        out[at] = x[at][np.argsort(order) if back else order]
    return out


@op(INDEXING, symbol="Pᵀ", domain=NEAR, method=False, reference=_slow_exchange,
    samples=(sample((3, 2), _pivots((3,), 3, 4)), sample((4, 2), _pivots((2,), 2, 5), back=True),
             sample((2, 3, 1), _pivots((2, 2), 2, 4)), sample((0, 2), _pivots((0,), 1, 2))),
    vjp=(lambda xp, g, pivots, back: xp.exchange_rows(g, pivots, back=not back), None))
def exchange_rows(xp, x, pivots, *, back=False):
    """The rows of matrices after the exchanges of an LU factorization, 1 with pivots[0], 2 with pivots[1], and so on.

    back: undo the exchanges, from the last to the first.
    """
    order = xp.kernels.row_order(pivots, x.shape[-2])
    if back:
        order = xp.argsort(order, axis=-1)
    return xp.take_along_axis(x, order[..., None], -2)


def _lu_rule(xp, g, LU, pivots):
    """P L⁻ᴴ [tril(Lᴴ gL - gU₂ U₂ᴴ) + triu(gU Uᴴ - L₂ᴴ gL₂)] U⁻ᴴ, where 2 marks what exceeds the square part."""
    g, k = g[0], min(LU.shape[-2:])
    square, right, below = LU[..., :k, :k], LU[..., :k, k:], LU[..., k:, :k]
    g_square, g_right, g_below = g[..., :k, :k], g[..., :k, k:], g[..., k:, :k]
    lower = adjoint(xp, square)  # its strict upper triangle is that of L
    strict = xp.triu(lower, diagonal=1)
    one = matrices.identity(xp, square)
    of_lower = xp.tril(g_square, diagonal=-1)
    inner = product(xp, strict + one, of_lower) - product(xp, g_right, adjoint(xp, right))
    upper = product(xp, xp.triu(g_square), xp.tril(lower)) - product(xp, adjoint(xp, below), g_below)
    inner = xp.tril(inner, diagonal=-1) + xp.triu(upper)
    rows = _against_upper(xp, square, xp.solve_lower_upper(lower, inner, upper=True, unitriangular=True))
    if LU.shape[-1] > k:
        rows = xp.cat((rows, xp.solve_lower_upper(lower, g_right, upper=True, unitriangular=True)), dim=-1)
    if LU.shape[-2] > k:
        rows = xp.cat((rows, _against_upper(xp, square, g_below)), dim=-2)
    return xp.exchange_rows(rows, pivots, back=True)


def _against_upper(xp, square, x):
    """x U⁻ᴴ for the U of compact factors."""
    return adjoint(xp, xp.solve_lower_upper(square, adjoint(xp, x), upper=True))


def doolittle(a):
    """Compact factors and pivots, computed element by element."""
    a, pivots = a.copy(), []
    for k in range(min(a.shape)):
        p = k + int(abs(a[k:, k]).argmax())
        pivots.append(p + 1)
        a[[k, p]] = a[[p, k]]
        for i in range(k + 1, len(a)):
            a[i, k] /= a[k, k]
            for j in range(k + 1, a.shape[1]):
                a[i, j] -= a[i, k] * a[k, j]
    return a, np.array(pivots, np.int32)


def _mixed(a):
    """Well-conditioned matrices with reversed rows, so that rows are exchanged."""
    return functional.flip(matrices.regular().made(a), (-2,))


def _exchanging(*shape):
    return Values(shape, NEAR, made=_mixed)


FACTORED = (sample(regular(3, 3)), sample(_exchanging(3, 3)), sample(_exchanging(4, 2)), sample(_exchanging(2, 2, 4)),
            sample((0, 0)))


@op(MATMUL, symbol="LU", domain=NEAR, module="linalg", method=False, broadcasts=False, wide=True, holomorphic=False,
    outputs=("LU", "pivots", "info"), detached=("pivots", "info"), vjp=_lu_rule,
    samples=(*FACTORED, sample(regular(2, 2), pivot=True, check_errors=True)),
    reference=lambda a, **k: (*by_matrix(doolittle)(a), np.zeros(a.shape[:-2], np.int32)))
def lu_factor_ex(xp, a, *, pivot=True, check_errors=False):
    """Compact LU factors, the row exchanges (1-based), and the position of the first zero pivot (0 if none)."""
    matrices.require("lu_factor", a)
    if not pivot:
        raise OperandError(
            "lu_factor(): pivot=False is not provided; without exchanging rows the factors are inaccurate"
        )
    factors, pivots, info = xp.kernels.lu_factor(a)
    if check_errors:
        matrices.refuse_failed(info, "U[{0},{0}] is zero, so what is solved with it would divide by zero")
    return factors, pivots, info


@composition(MATMUL, domain=NEAR, samples=FACTORED, reference=by_matrix(doolittle), module="linalg")
def lu_factor(A, *, pivot=True) -> LU:
    """Compact LU factors (L below the diagonal, U on and above it) and the row exchanges, for `lu_solve`.

    Raises LinAlgError if U has a zero on its diagonal.
    """
    factors, pivots, _ = lu_factor_ex(A, pivot=pivot, check_errors=True)
    return LU(factors, pivots)


def _slow_unpacked(compact, pivots):
    """The permutation, L and U of one matrix."""
    m, n = compact.shape
    k = min(m, n)
    order = _order(pivots, m)
    return np.eye(m)[np.argsort(order)], np.tril(compact[:, :k], -1) + np.eye(m, k), np.triu(compact[:k])


@composition(MATMUL, domain=NEAR, samples=FACTORED, module="linalg",
             reference=by_matrix(lambda a: _slow_unpacked(*doolittle(a))))
def lu(A, *, pivot=True) -> PLU:
    """P, L and U with A = P L U: a permutation, a unit lower triangular and an upper triangular matrix."""
    return PLU(*lu_unpack(*lu_factor_ex(A, pivot=pivot)[:2]))


def _check_pivots(name, pivots, rows):
    if pivots.dtype != np.int32:
        raise OperandError(f"{name}(): pivots are int32, as lu_factor() returns them, not {pivots.dtype}")
    if not all_below(pivots - 1, rows):
        raise PositionError(f"{name}(): pivots lie between 1 and {rows}, the number of rows, as in lu_factor()")


@composition(MATMUL, domain=NEAR, method=False,
             samples=(sample((3, 3), _pivots((3,), 3, 4)), sample((2, 3), _pivots((2,), 2, 3)),
                      sample((0, 0), _pivots((0,), 1, 2))), reference=_slow_unpacked)
def lu_unpack(LU_data, LU_pivots, unpack_data=True, unpack_pivots=True) -> Unpacked:
    """P, L and U from compact factors and row exchanges; results not requested are empty."""
    matrices.require("lu_unpack", LU_data)
    *batch, m, n = LU_data.shape
    if unpack_pivots:
        _check_pivots("lu_unpack", LU_pivots, m)
    k, like = min(m, n), {"dtype": LU_data.dtype, "device": LU_data.device}
    p = lower = upper = functional.zeros(0, **like)
    if unpack_pivots:
        p = exchange_rows(functional.expand(functional.eye(m, **like), (*batch, m, m)), LU_pivots, back=True)
    if unpack_data:
        lower = functional.tril(LU_data[..., :k], -1) + functional.eye(m, k, **like)
        upper = functional.triu(LU_data[..., :k, :])
    return Unpacked(p, lower, upper)


def reference_lu_solve(compact, pivots, b, left=True, adjoint=False):
    p, lower, upper = _slow_unpacked(compact, pivots)
    a = p @ lower @ upper
    a = np.conj(a.T) if adjoint else a
    return np.linalg.solve(a, b) if left else np.linalg.solve(a.T, b.T).T


COMPACT = (regular(3, 3), _pivots((3,), 3, 4))
NOTHING = ((0, 0), _pivots((0,), 1, 2))


@composition(MATMUL, domain=NEAR, module="linalg", reference=reference_lu_solve, tolerance=1e-11,
             samples=(sample(*COMPACT, (3, 2)), sample(*COMPACT, (3, 2), adjoint=True),
                      sample(*COMPACT, (2, 3), left=False), sample(*COMPACT, (2, 3), left=False, adjoint=True),
                      sample(*NOTHING, (0, 1))))
def lu_solve(LU, pivots, B, *, left=True, adjoint=False):
    """The X with A X = B (with left=False, X A = B) for the A that `lu_factor` factored; `adjoint`: for Aᴴ instead."""
    matrices.require("lu_solve", LU, square=True)
    matrices.require("lu_solve", B)
    _check_pivots("lu_solve", pivots, LU.shape[-2])
    if pivots.shape[-1:] != LU.shape[-1:]:
        raise OperandError(f"lu_solve(): {LU.shape[-1]} rows have as many pivots, not {pivots.shape}")
    if not left:
        turned = matrices.adjoint(functional, B)
        return matrices.adjoint(functional, lu_solve(LU, pivots, turned, adjoint=not adjoint))
    batch = np.broadcast_shapes(LU.shape[:-2], B.shape[:-2])
    B = functional.expand(B, (*batch, *B.shape[-2:]))
    pivots = functional.expand(pivots, (*batch, pivots.shape[-1]))
    if not adjoint:
        y = solve_lower_upper(LU, exchange_rows(B, pivots), upper=False, unitriangular=True)
        return solve_lower_upper(LU, y, upper=True)
    turned = matrices.adjoint(functional, LU)
    y = solve_lower_upper(turned, B, upper=False)
    return exchange_rows(solve_lower_upper(turned, y, upper=True, unitriangular=True), pivots, back=True)
