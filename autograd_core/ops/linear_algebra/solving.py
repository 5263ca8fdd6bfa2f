"""Inverses and linear systems with square matrices."""

from collections import namedtuple

import numpy as np

from autograd_core import functional
from autograd_core.errors import OperandError
from autograd_core.kinds import MATMUL
from autograd_core.ops.linear_algebra import matrices
from autograd_core.ops.linear_algebra.matrices import NEAR, adjoint, by_matrix, product, regular, triangular
from autograd_core.registry import NO_GRADIENT, composition, op, sample

SQUARE = (sample(regular(3, 3)), sample(regular(2, 2, 2)), sample((0, 0)))
TriangularSolution = namedtuple("TriangularSolution", "solution cloned_coefficient")
Solution = namedtuple("Solution", "result info")


def _refuse_singular(info):
    matrices.refuse_failed(info, "the matrix is singular: pivot {} of its LU factorization is zero; use pinv() or "
                                 "lstsq()")


def _gauss_jordan(a):
    """The inverse by elimination on the matrix augmented with the identity."""
    n = len(a)
    both = np.concatenate([a, np.eye(n)], 1)
    for k in range(n):
        p = k + int(abs(both[k:, k]).argmax())
        both[[k, p]] = both[[p, k]]
        both[k] /= both[k, k]
        for i in [i for i in range(n) if i != k]:
            both[i] -= both[i, k] * both[k]
    return both[:, n:]


@op(MATMUL, symbol="A⁻¹", domain=NEAR, module="linalg", method=False, broadcasts=False, wide=True,
    outputs=("inverse", "info"), detached=("info",), samples=(*SQUARE, sample(regular(2, 2), check_errors=True)),
    reference=lambda a, check_errors=False: (by_matrix(_gauss_jordan)(a), np.zeros(a.shape[:-2], np.int32)),
    vjp=lambda xp, g, inverse: -product(xp, xp.swapped(inverse), g[0], xp.swapped(inverse)))
def inv_ex(xp, a, *, check_errors=False):
    """Inverses, infinite for singular matrices, and the position of each one's first zero pivot (0 if none)."""
    matrices.require("inv", a, square=True)
    inverse, info = xp.kernels.inverse(a)
    if check_errors:
        _refuse_singular(info)
    return inverse, info


@composition(MATMUL, domain=NEAR, samples=SQUARE, reference=by_matrix(_gauss_jordan),
             aliases=("linalg.inv",))
def inverse(input):
    """Inverses of square matrices; LinAlgError names a singular one.

    >>> from autograd_core import tensor
    >>> tensor([[2.0, 0.0], [0.0, 4.0]]).inverse()
    tensor([[0.5000, 0.0000],
            [0.0000, 0.2500]])
    """
    return inv_ex(input, check_errors=True)[0]


SYSTEMS = (
    sample(regular(3, 3), (3, 2)), sample(regular(2, 2, 2), (2, 2, 1)), sample(regular(2, 2), (3, 2, 2)),
    sample(regular(2, 1, 2, 2), (3, 2, 1)), sample((0, 0), (0, 2)), sample(regular(2, 2), (2, 0)),
)


def _solve_rule(xp, g, a, y, needs):
    of_b = xp.solve_system(xp.swapped(a), g)
    return -product(xp, of_b, xp.swapped(y)) if needs[0] else None, of_b


def _check_system(name, a, b):
    matrices.require(name, a, b)
    matrices.require(name, a, square=True)
    if b.shape[-2] != a.shape[-1]:
        raise OperandError(f"{name}() takes as many right-hand rows as the matrix has, not {b.shape[-2]}")


@op(MATMUL, symbol="A⁻¹B", domain=NEAR, method=False, wide=True, joint=_solve_rule,
    samples=(*SYSTEMS, sample(regular(3, 3), (3, 2), check_errors=False)),
    reference=lambda a, b, check_errors=True: by_matrix(_gauss_jordan)(a) @ b)
def solve_system(xp, a, b, *, check_errors=True):
    """The x with a x = b, for (stacks of) matrices a and b."""
    _check_system("solve", a, b)
    x, info = xp.kernels.solve(a, b)
    if check_errors:
        _refuse_singular(info)
    return x


def _solved(A, B, left, check_errors):
    if B.ndim == 1 or (A.ndim - 1 == B.ndim and B.shape == A.shape[:-1]):  # a vector, or a stack of them
        if not left:
            raise OperandError("solve(): with left=False the right-hand side must be matrices, not vectors")
        return functional.squeeze(solve_system(A, functional.unsqueeze(B, -1), check_errors=check_errors), -1)
    if left:
        return solve_system(A, B, check_errors=check_errors)
    x = solve_system(functional.swapped(A), functional.swapped(B), check_errors=check_errors)
    return functional.swapped(x)


def _slow_solve(a, b, left=True, check_errors=False):
    inverse = by_matrix(_gauss_jordan)(a)
    vector = b.ndim == 1 or (a.ndim - 1 == b.ndim and b.shape == a.shape[:-1])
    return (inverse @ b[..., None])[..., 0] if vector else inverse @ b if left else b @ inverse


SIDES = (*SYSTEMS, sample(regular(3, 3), (3,)), sample(regular(2, 3, 3), (2, 3)),
         sample(regular(3, 3), (2, 3), left=False))


@composition(MATMUL, domain=NEAR, samples=SIDES, reference=_slow_solve, module="linalg")
def solve(A, B, *, left=True):
    """The X with A X = B (with left=False, X A = B) for square A; B holds matrices or vectors. LinAlgError if singular.

    >>> from autograd_core import linalg, tensor
    >>> linalg.solve(tensor([[2.0, 0.0], [0.0, 4.0]]), tensor([1.0, 1.0]))
    tensor([0.5000, 0.2500])
    """
    return _solved(A, B, left, True)


@op(MATMUL, symbol="pivot 0", domain=NEAR, method=False, broadcasts=False, wide=True, samples=SQUARE, vjp=NO_GRADIENT,
    reference=lambda a: np.zeros(a.shape[:-2], np.int32))
def zero_pivot(xp, a):
    """The 1-based position of the first zero pivot in the LU factorization of each matrix; 0 if there is none."""
    matrices.require("solve", a, square=True)
    return xp.kernels.lu_factor(a)[2]


@composition(MATMUL, domain=NEAR, module="linalg", samples=SIDES,
             reference=lambda a, b, left=True: (_slow_solve(a, b, left), np.zeros(a.shape[:-2], np.int32)))
def solve_ex(A, B, *, left=True, check_errors=False) -> Solution:
    """`solve`, and the position of each matrix's first zero pivot (0 if none), where X is NaN."""
    return Solution(_solved(A, B, left, check_errors), zero_pivot(A))


def _matrix_rule(xp, g, a, y, upper, unitriangular):
    rows = xp.solve_lower_upper(xp.swapped(a), g, upper=not upper, unitriangular=unitriangular)
    keep = xp.triu if upper else xp.tril
    return -keep(product(xp, rows, xp.swapped(y)), diagonal=(1 if upper else -1) if unitriangular else 0)


TRIANGLES = (
    sample(triangular(3, 3), (3, 2), upper=False), sample(regular(3, 3), (3, 2), upper=True),
    sample(triangular(2, 2, 2), (2, 2, 1), upper=False, unitriangular=True),
    sample(regular(2, 2), (4, 2, 2), upper=True), sample(triangular(2, 1, 2, 2), (3, 2, 1), upper=False),
    sample((0, 0), (0, 2), upper=True), sample((2, 2), (2, 0), upper=False),
)


def _slow_triangular(a, b, upper, unitriangular=False, left=True):
    a = np.triu(a) if upper else np.tril(a)
    n = a.shape[-1]
    a = a * (1 - np.eye(n)) + np.eye(n) if unitriangular else a
    return _slow_solve(a, b, left)


@op(MATMUL, symbol="△⁻¹B", domain=NEAR, method=False, wide=True, samples=TRIANGLES, reference=_slow_triangular,
    vjp=(_matrix_rule,
         lambda xp, g, a, upper, unitriangular: xp.solve_lower_upper(
             xp.swapped(a), g, upper=not upper, unitriangular=unitriangular)))
def solve_lower_upper(xp, a, b, *, upper, unitriangular=False):
    """The x with a x = b for triangular a, whose other triangle is not read."""
    _check_system("solve_triangular", a, b)
    return xp.kernels.solve_triangular(a, b, upper, unitriangular)


@composition(MATMUL, domain=NEAR, module="linalg", reference=_slow_triangular,
             samples=(*TRIANGLES, sample(triangular(3, 3), (2, 3), upper=False, left=False)))
def solve_triangular(A, B, *, upper, left=True, unitriangular=False):
    """The X with A X = B (with left=False, X A = B) for triangular A, whose other triangle is not read.

    unitriangular: the diagonal counts as ones and is not read either. A zero on the diagonal makes X infinite.
    """
    if left:
        return solve_lower_upper(A, B, upper=upper, unitriangular=unitriangular)
    x = solve_lower_upper(functional.swapped(A), functional.swapped(B), upper=not upper, unitriangular=unitriangular)
    return functional.swapped(x)


def _slow_older(b, a, upper=True, transpose=False, unitriangular=False):
    of = a.swapaxes(-1, -2) if transpose else a
    return _slow_triangular(of, b, upper != transpose, unitriangular), a


@composition(MATMUL, domain=NEAR, reference=_slow_older,
             samples=(sample((3, 2), regular(3, 3)), sample((2, 1), regular(2, 2), upper=False, transpose=True),
                      sample((2, 1), regular(2, 2), unitriangular=True), sample((0, 1), (0, 0))))
def triangular_solve(input, A, upper=True, transpose=False, unitriangular=False) -> TriangularSolution:
    """The older form of `linalg.solve_triangular`: the solution, and a copy of A."""
    matrices.require("triangular_solve", A, input)
    of = functional.swapped(A) if transpose else A
    x = solve_lower_upper(of, input, upper=upper != transpose, unitriangular=unitriangular)
    return TriangularSolution(x, functional.clone(A))


def _by_factor(L, B, upper):
    """Solve with L Lᴴ, or with Uᴴ U."""
    lower = adjoint(functional, L) if upper else L
    first = solve_lower_upper(lower, B, upper=False)
    return solve_lower_upper(adjoint(functional, lower), first, upper=True)


def _slow_by_factor(b, factor, upper=False):
    factor = np.triu(factor) if upper else np.tril(factor)
    turned = np.conj(factor.swapaxes(-1, -2))
    a = turned @ factor if upper else factor @ turned
    return by_matrix(_gauss_jordan)(a) @ b


@composition(MATMUL, domain=NEAR, reference=_slow_by_factor,
             samples=(sample((3, 2), triangular(3, 3)), sample((2, 2, 1), regular(2, 2), upper=True),
                      sample((0, 1), (0, 0))))
def cholesky_solve(input, input2, upper=False):
    """The X with A X = input, given the Cholesky factor `input2` of A (with `upper`, the upper one)."""
    matrices.require("cholesky_solve", input, input2)
    return _by_factor(input2, input, upper)


@composition(MATMUL, domain=NEAR,
             reference=lambda factor, upper=False: _slow_by_factor(np.eye(factor.shape[-1]), factor, upper),
             samples=(sample(triangular(3, 3)), sample(regular(2, 2, 2), upper=True), sample((0, 0))))
def cholesky_inverse(input, upper=False):
    """The inverse of a matrix, given its Cholesky factor."""
    matrices.require("cholesky_inverse", input, square=True)
    one = functional.eye(input.shape[-1], dtype=input.dtype, device=input.device)
    return _by_factor(input, one, upper)
