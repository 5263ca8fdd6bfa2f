"""Further products: with added terms, over several axes, of several factors."""

import math
from itertools import pairwise

import numpy as np

from autograd_core import dtypes, functional
from autograd_core.dtypes import result_type
from autograd_core.errors import DtypeError, OperandError
from autograd_core.kinds import MATMUL
from autograd_core.ops import axes
from autograd_core.ops.linear_algebra.linalg import matmul, with_axes
from autograd_core.registry import composition, op, sample


def _blended(name, input, product, beta, alpha):
    """beta input + alpha product; with beta = 0 the input is ignored, even NaN."""
    if product.dtype.kind in dtypes.INTEGERS and not all(isinstance(v, int) for v in (beta, alpha)):
        raise OperandError(f"{name}(): for integer tensors beta and alpha must be integers, not {beta!r} and {alpha!r}")
    if input.dtype != product.dtype:
        raise DtypeError(f"{name}() takes tensors of one dtype, not {input.dtype} and {product.dtype}")
    if product.dtype.kind == "b":
        beta, alpha = bool(beta), bool(alpha)
    scaled = product if alpha == 1 else product * alpha
    if not _broadcasts(input.array.shape, product.array.shape):
        functional.expand(input, product.shape)  # raises
    return scaled if beta == 0 else (input if beta == 1 else input * beta) + scaled


def _broadcasts(shape, wanted):
    """Whether an operand beside one of the wanted shape gives a result of that shape."""
    pairs = zip(reversed(shape), reversed(wanted), strict=False)
    return shape == wanted or (len(shape) <= len(wanted) and all(k in (1, n) for k, n in pairs))


def _slow_product(product):
    return lambda x, a, b, beta=1, alpha=1: np.broadcast_to(beta * x + alpha * product(a, b), product(a, b).shape)


def _scaled(*inputs):
    first, *rest = inputs
    return (sample(*inputs), sample(first, *rest, beta=0.5, alpha=-2), sample(first, *rest, beta=0))


@composition(MATMUL, wide=True, reference=_slow_product(np.matmul),
             samples=(*_scaled((2, 2), (2, 3), (3, 2)), sample((2,), (2, 3), (3, 2)), sample((2, 2), (2, 0), (0, 2))))
def addmm(input, mat1, mat2, *, beta=1, alpha=1):
    """beta input + alpha (mat1 @ mat2); `input` broadcasts, and is ignored where beta is 0."""
    with_axes("addmm", (2, 2), mat1, mat2)
    return _blended("addmm", input, matmul(mat1, mat2), beta, alpha)


@composition(MATMUL, wide=True, reference=_slow_product(np.matmul),
             samples=(*_scaled((2,), (2, 3), (3,)), sample((), (2, 3), (3,)), sample((2,), (2, 0), (0,))))
def addmv(input, mat, vec, *, beta=1, alpha=1):
    """beta input + alpha (mat @ vec); `input` broadcasts, and is ignored where beta is 0."""
    with_axes("addmv", (2, 1), mat, vec)
    return _blended("addmv", input, matmul(mat, vec), beta, alpha)


@composition(MATMUL, wide=True, reference=_slow_product(np.outer),
             samples=(*_scaled((2, 3), (2,), (3,)), sample((3,), (2,), (3,)), sample((0, 3), (0,), (3,))))
def addr(input, vec1, vec2, *, beta=1, alpha=1):
    """beta input + alpha times the outer product of two vectors; `input` broadcasts, and is ignored where beta is 0.

    Unlike in matrix products, the dtypes may differ.
    """
    with_axes("addr", (1, 1), vec1, vec2)
    product = functional.unsqueeze(vec1, 1) * vec2
    dtype = result_type(input, product)
    return _blended("addr", functional.astype(input, dtype), functional.astype(product, dtype), beta, alpha)


def _stacks(name, batch1, batch2):
    with_axes(name, (3, 3), batch1, batch2)
    if batch1.shape[0] != batch2.shape[0]:
        raise OperandError(f"{name}() takes stacks of equal length, not shapes {batch1.shape} and {batch2.shape}")


@composition(MATMUL, wide=True, reference=_slow_product(np.matmul),
             samples=(*_scaled((2, 2, 2), (2, 2, 3), (2, 3, 2)), sample((2, 1), (2, 2, 1), (2, 1, 2)),
                      sample((0, 2, 2), (0, 2, 1), (0, 1, 2))))
def baddbmm(input, batch1, batch2, *, beta=1, alpha=1):
    """beta input + alpha (batch1 @ batch2), batched; `input` broadcasts, and is ignored where beta is 0."""
    _stacks("baddbmm", batch1, batch2)
    return _blended("baddbmm", input, matmul(batch1, batch2), beta, alpha)


@composition(MATMUL, wide=True, reference=_slow_product(lambda a, b: (a @ b).sum(0)),
             samples=(*_scaled((2, 2), (2, 2, 3), (2, 3, 2)), sample((2,), (2, 2, 1), (2, 1, 2)),
                      sample((2, 2), (0, 2, 1), (0, 1, 2))))
def addbmm(input, batch1, batch2, *, beta=1, alpha=1):
    """beta input + alpha times the sum over b of batch1 (b, n, m) @ batch2 (b, m, p).

    `input` broadcasts to (n, p), and is ignored where beta is 0.
    """
    _stacks("addbmm", batch1, batch2)
    b, n, m = batch1.shape
    wide = functional.reshape(functional.permute(batch1, (1, 0, 2)), (n, b * m))
    return _blended("addbmm", input, matmul(wide, functional.flatten(batch2, 0, 1)), beta, alpha)


@composition(MATMUL, samples=(sample((3,), (3,)), sample((0,), (0,))), reference=np.vdot)
def vdot(input, other):
    """Inner product of two vectors, the first one conjugated."""
    with_axes("vdot", (1, 1), input, other)
    return functional.dot(functional.conj(input), other)


@composition(MATMUL, module="linalg",
             samples=(sample((2, 3), (2, 3)), sample((2, 1, 3), (2, 3), dim=1), sample((0, 3), (0, 3))),
             reference=lambda x, y, dim=-1: (np.conj(x) * y).sum(dim))
def vecdot(x, y, *, dim=-1):
    """Inner products of vectors along `dim`, with x conjugated; the other axes broadcast."""
    return functional.sum(functional.conj(x) * y, dim=dim)


@composition(MATMUL, reference=np.inner,
             samples=(sample((3,), (3,)), sample((2, 3), (4, 3)), sample((), (2, 3)),
                      sample((2, 0), (3, 0))))
def inner(input, other):
    """Sums of products along the last axes: for matrices input @ otherᵀ; a 0-d tensor multiplies."""
    if not (input.ndim and other.ndim):
        return input * other
    if input.shape[-1] != other.shape[-1]:
        raise OperandError(f"inner() takes last axes of equal length, not shapes {input.shape} and {other.shape}")
    return tensordot(input, other, ((-1,), (-1,)))


@composition(MATMUL, reference=np.kron,
             samples=(sample((2, 2), (2, 3)), sample((2,), (3, 1)), sample((2, 1, 2), (2,)), sample((), (2,)),
                      sample((0, 2), (2, 2))))
def kron(input, other):
    """Kronecker product: every element of `input` times all of `other`, as blocks."""
    n = max(input.ndim, other.ndim)
    a, b = ((1,) * (n - x.ndim) + tuple(x.shape) for x in (input, other))
    left = functional.reshape(input, tuple(k for m in a for k in (m, 1)))
    right = functional.reshape(other, tuple(k for m in b for k in (1, m)))
    return functional.reshape(left * right, tuple(m * k for m, k in zip(a, b, strict=True)))


@composition(MATMUL, method=False, reference=lambda a, b, dims=2: np.tensordot(a, b, dims),
             samples=(sample((2, 3, 2), (3, 2, 2)), sample((2, 3), (3, 2), dims=1), sample((2,), (3,), dims=0),
                      sample((2, 3, 2), (2, 2, 3), dims=((1, 0), (2, 0))), sample((2, 0), (0, 3), dims=1)))
def tensordot(a, b, dims=2):
    """Sum of products over several axes: the last `dims` of a with the first of b, or pairs ((of a), (of b)).

    >>> from autograd_core import ones
    >>> tensordot(ones(2, 3, 4), ones(4, 3, 5), dims=((1, 2), (1, 0))).shape
    (2, 5)
    """
    of_a, of_b = _contracted(a, b, dims.tolist() if hasattr(dims, "tolist") else dims)
    a, b = _stretched(a, of_a, b, of_b), _stretched(b, of_b, a, of_a)
    free_a, free_b = ([i for i in range(x.ndim) if i not in used] for x, used in ((a, of_a), (b, of_b)))
    lengths = [[x.shape[i] for i in of] for x, of in ((a, free_a), (a, of_a), (b, of_b), (b, free_b))]
    if lengths[1] != lengths[2]:
        raise OperandError(f"tensordot(): axes {of_a} of shape {a.shape} and {of_b} of {b.shape} differ in length")
    rows, inner, _, columns = map(math.prod, lengths)
    left = functional.reshape(functional.permute(a, (*free_a, *of_a)), (rows, inner))
    right = functional.reshape(functional.permute(b, (*of_b, *free_b)), (inner, columns))
    return functional.reshape(matmul(left, right), (*lengths[0], *lengths[3]))


def _stretched(x, of_x, y, of_y):
    """An axis that meets one of length 1 is summed, as if that one were expanded."""
    dims = tuple(i for i, j in zip(of_x, of_y, strict=True) if y.shape[j] == 1 != x.shape[i])
    return functional.sum(x, dim=dims, keepdim=True, dtype=x.dtype) if dims else x


def _contracted(a, b, dims):
    """The axes of each operand that are summed over."""
    if isinstance(dims, int):
        if not 0 <= dims <= min(a.ndim, b.ndim):
            raise OperandError(f"tensordot(): {dims} axes cannot be summed over of shapes {a.shape} and {b.shape}")
        return tuple(range(a.ndim - dims, a.ndim)), tuple(range(dims))
    of_a, of_b = dims
    found = axes.several(of_a, a.ndim), axes.several(of_b, b.ndim)
    if len(found[0]) != len(found[1]):
        raise OperandError(f"tensordot(): dims must name as many axes of both tensors, not {dims}")
    return found


CHAINS = (sample([(2, 3), (3, 2), (2, 4)]), sample([(2, 3), (3, 2)]), sample([(3, 1), (1, 3), (3, 2), (2, 1)]))


def _chained(name, tensors):
    """The product of matrices, in the order that takes the fewest multiplications (dynamic programming)."""
    if not tensors:
        raise OperandError(f"{name}() takes at least one matrix")
    for x, y in pairwise(tensors):
        if x.shape[-1] != y.shape[-2]:
            raise OperandError(f"{name}(): shapes {x.shape} and {y.shape} do not fit together")
    lengths = [x.shape[0] for x in tensors] + [tensors[-1].shape[1]]
    n = len(tensors)
    best = {(i, i): (0, i) for i in range(n)}
    for span in range(1, n):
        for i in range(n - span):
            j = i + span
            best[i, j] = min((best[i, k][0] + best[k + 1, j][0] + lengths[i] * lengths[k + 1] * lengths[j + 1], k)
                             for k in range(i, j))

    def product(i, j):
        if i == j:
            return tensors[i]
        k = best[i, j][1]
        return matmul(product(i, k), product(k + 1, j))

    return product(0, n - 1)


@composition(MATMUL, module="linalg",
             samples=(*CHAINS, sample([(3,), (3, 2), (2,)]), sample([(2, 3), (3,)]), sample([(0, 3), (3, 2)])),
             reference=np.linalg.multi_dot)
def multi_dot(tensors):
    """The product of two or more matrices in the cheapest order; the first and the last may be vectors."""
    tensors = list(tensors)
    if len(tensors) < 2:
        raise OperandError(f"multi_dot() takes at least 2 tensors, not {len(tensors)}")
    row, column = tensors[0].ndim == 1, tensors[-1].ndim == 1
    tensors[0] = functional.unsqueeze(tensors[0], 0) if row else tensors[0]
    tensors[-1] = functional.unsqueeze(tensors[-1], 1) if column else tensors[-1]
    with_axes("multi_dot", (2,) * len(tensors), *tensors)
    product = _chained("multi_dot", tensors)
    return functional.reshape(product, product.shape[row : 1 if column else 2])


@composition(MATMUL, method=False,
             samples=(sample((2, 3), (3, 2), (2, 4)), sample((0, 3), (3, 2)), sample((2, 3))),
             reference=lambda *a: np.linalg.multi_dot(a) if len(a) > 1 else a[0])
def chain_matmul(*matrices):
    """The product of matrices, given as separate arguments, in the cheapest order."""
    with_axes("chain_matmul", (2,) * len(matrices), *matrices)
    return _chained("chain_matmul", matrices)


@op(MATMUL, symbol="×⃗", method=False, aliases=("linalg.cross",),
    samples=(sample((2, 3), (2, 3)), sample((3, 2), (3, 2), dim=0), sample((2, 3), (1, 3)), sample((0, 3), (0, 3))),
    reference=lambda a, b, dim=-1: np.cross(a, b, axis=dim),
    vjp=(lambda xp, g, b, dim: xp.vector_product(b, g, dim=dim),
         lambda xp, g, a, dim: xp.vector_product(g, a, dim=dim)))
def vector_product(xp, a, b, *, dim=-1):
    """Cross products of 3-vectors along `dim`; the other axes broadcast."""
    if a.ndim != b.ndim:
        raise OperandError(
            f"cross() takes tensors of as many axes, not of shapes {tuple(a.shape)} and {tuple(b.shape)}"
        )
    at = axes.one(dim, a.ndim)
    if not a.ndim or a.shape[at] != 3 or b.shape[at] != 3:
        raise OperandError(f"cross(): axis {dim} of shapes {tuple(a.shape)} and {tuple(b.shape)} must have length 3")
    x, y = ([v.take(k, axis=at) for k in range(3)] for v in (a, b))
    return xp.stack([x[1] * y[2] - x[2] * y[1], x[2] * y[0] - x[0] * y[2], x[0] * y[1] - x[1] * y[0]], at)


@composition(MATMUL, samples=(sample((2, 3), (2, 3)), sample((3, 3), (3, 3), dim=1), sample((3, 0), (3, 0))),
             reference=lambda a, b, dim=None: np.cross(a, b, axis=a.shape.index(3) if dim is None else dim))
def cross(input, other, dim=None):
    """`linalg.cross` along `dim`, by default the first axis of length 3."""
    if dim is None:
        found = [i for i, k in enumerate(functional.broadcast_shapes(input.shape, other.shape)) if k == 3]
        if not found:
            raise OperandError(f"cross() found no axis of length 3 in shapes {input.shape} and {other.shape}")
        dim = found[0]
    return vector_product(input, other, dim=dim)
