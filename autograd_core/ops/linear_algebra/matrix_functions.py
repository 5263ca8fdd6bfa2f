"""Functions of square matrices: exponential and powers; tensor inverses and tensor equations."""

import math

import numpy as np

from autograd_core import functional
from autograd_core.errors import OperandError
from autograd_core.kinds import MATMUL
from autograd_core.ops import axes
from autograd_core.ops.linear_algebra import matrices
from autograd_core.ops.linear_algebra.linalg import matmul
from autograd_core.ops.linear_algebra.matrices import NEAR, by_matrix, regular
from autograd_core.ops.linear_algebra.solving import inverse, solve
from autograd_core.registry import Interval, Values, composition, op, sample


def _series(a):
    """The first terms of the power series, by Horner's rule."""
    y = one = np.eye(len(a))
    for k in range(30, 0, -1):
        y = one + a @ y / k
    return y


def _exp_rule(xp, g, a):
    """The derivative is the upper right block of the exponential of [[a, da], [0, a]] (Van Loan, 1978)."""
    a, n = xp.swapped(a), a.shape[-1]
    top, bottom = xp.cat((a, g), dim=-1), xp.cat((xp.zeros_like(g), a), dim=-1)
    return xp.matrix_exp(xp.cat((top, bottom), dim=-2))[..., :n, n:]


@op(MATMUL, symbol="exp(A)", domain=Interval(-1, 1), samples=(sample((3, 3)), sample((2, 2, 2)), sample((0, 0))),
    reference=by_matrix(_series), aliases=("linalg.matrix_exp",), broadcasts=False, wide=True,
    vjp=_exp_rule)
def matrix_exp(xp, a):
    """Exponentials of square matrices, the sums of aᵏ / k!.

    >>> from autograd_core import tensor
    >>> tensor([[0.0, 1.0], [0.0, 0.0]]).matrix_exp()
    tensor([[1., 1.],
            [0., 1.]])
    """
    matrices.require("matrix_exp", a, square=True)
    return xp.kernels.matrix_exp(a)


POWERS = tuple(sample(regular(2, 2), n) for n in (0, 1, 2, 5, -2))


@composition(MATMUL, domain=NEAR, aliases=("linalg.matrix_power",), reference=np.linalg.matrix_power,
             samples=(*POWERS, sample(regular(2, 2, 2), 3), sample((0, 0), 2)))
def matrix_power(input, n):
    """Integer powers of square matrices, negative ones by the inverse, by repeated squaring."""
    if input.ndim < 2 or input.shape[-1] != input.shape[-2]:
        raise OperandError(f"matrix_power() takes square matrices, not a tensor of shape {input.shape}")
    if not hasattr(n, "__index__"):
        raise TypeError(f"matrix_power(): n must be an integer, not {n!r}")
    n = n.__index__()
    if n == 0:
        one = functional.eye(input.shape[-1], dtype=input.dtype, device=input.device)
        return functional.where(True, one, input)  # recorded, as other powers are
    base, n, product = inverse(input) if n < 0 else input, abs(n), None
    while True:
        n, odd = divmod(n, 2)
        if odd:
            product = base if product is None else matmul(product, base)
        if not n:
            return functional.clone(product) if product is input else product
        base = matmul(base, base)


def _blocks(*shape):
    """Values of a tensor that is a well-conditioned matrix when its axes are merged."""
    n = math.isqrt(math.prod(shape))
    regular_one = regular(n, n).made
    return Values(shape, NEAR, made=lambda a: functional.reshape(regular_one(functional.reshape(a, (n, n))), shape))


@composition(MATMUL, domain=NEAR, module="linalg", tolerance=1e-11,
             reference=lambda a, ind=2: np.linalg.tensorinv(a, ind) if a.size else np.zeros((0, 0, 2)),
             samples=(sample(_blocks(2, 3, 6)), sample(_blocks(4, 2, 2), ind=1), sample((0, 2, 0))))
def tensorinv(A, ind=2):
    """The inverse with respect to tensordot of the linear map from the last axes to the first `ind`."""
    if not isinstance(ind, int) or ind <= 0:
        raise OperandError(f"tensorinv(): ind must be a positive integer, not {ind!r}")
    rows, columns = math.prod(A.shape[:ind]), math.prod(A.shape[ind:])
    if rows != columns:
        raise OperandError(f"tensorinv(): {A.shape[:ind]} and {A.shape[ind:]} hold {rows} and {columns} elements, "
                           "which must be equal")
    return functional.reshape(inverse(functional.reshape(A, (rows, columns))), (*A.shape[ind:], *A.shape[:ind]))


@composition(MATMUL, domain=NEAR, module="linalg", tolerance=1e-11,
             reference=lambda a, b, dims=None: np.linalg.tensorsolve(a, b, dims),
             samples=(sample(_blocks(2, 3, 6), (2, 3)), sample(_blocks(2, 2, 4), (2, 2)),
                      sample((0, 0), (0,))))
def tensorsolve(A, B, dims=None):
    """The X with tensordot(A, X, X.ndim) = B, after moving the axes `dims` of A to its end."""
    moved = [] if dims is None else [axes.one(d, A.ndim) for d in dims]
    A = functional.permute(A, (*[i for i in range(A.ndim) if i not in moved], *moved))
    shape = A.shape[B.ndim :]
    if A.shape[: B.ndim] != B.shape and math.prod(A.shape[: B.ndim]) != math.prod(shape):
        raise OperandError(f"tensorsolve(): shapes {A.shape} and {B.shape} do not fit together")
    rows = math.prod(B.shape)
    if rows != math.prod(shape):
        raise OperandError(f"tensorsolve(): {B.shape} and {shape} hold {rows} and {math.prod(shape)} elements, "
                           "which must be equal")
    return functional.reshape(solve(functional.reshape(A, (rows, rows)), functional.reshape(B, (rows,))), shape)
