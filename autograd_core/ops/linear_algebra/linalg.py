"""Products of vectors and matrices."""

import math

import numpy as np

from autograd_core import functional
from autograd_core.errors import OperandError
from autograd_core.kinds import MATMUL
from autograd_core.registry import composition, op, sample
from backends.generic.products import LARGE

PRODUCTS = (
    sample((2, 3), (3, 4)), sample((3,), (3,)), sample((2, 3), (3,)), sample((3,), (3, 2)), sample((2, 2, 3), (3, 2)),
    sample((2, 1, 2, 3), (3, 3, 2)), sample((3,), (2, 3, 2)), sample((2, 2, 3), (3,)), sample((0, 3), (3, 2)),
    sample((2, 0), (0, 3)),
)


def _left_rule(xp, g, a, b):
    if b.ndim == 1:
        return xp.reshape(g, shape=(*g.shape, 1)) * b
    if a.ndim == 1:
        return xp.reshape(xp.matmul(b, xp.reshape(g, shape=(*g.shape, 1))), shape=b.shape[:-1])
    return xp.matmul(g, xp.swapped(b))


def _right_rule(xp, g, a, b):
    if a.ndim == 1:
        return (
            g * a
            if b.ndim == 1
            else xp.reshape(a, shape=(*a.shape, 1)) * xp.reshape(g, shape=(*g.shape[:-1], 1, g.shape[-1]))
        )
    if b.ndim == 1:
        return xp.reshape(
            xp.matmul(xp.swapped(a), xp.reshape(g, shape=(*g.shape, 1))), shape=(*a.shape[:-2], a.shape[-1])
        )
    if b.ndim == 2 < a.ndim:  # a single product, instead of a stack of products and its sum
        a, g = [xp.reshape(v, shape=(math.prod(v.shape[:-1]), v.shape[-1])) for v in (a, g)]
    return xp.matmul(xp.swapped(a), g)


@op(MATMUL, symbol="@", samples=PRODUCTS, reference=np.matmul, operators=("__matmul__", "__rmatmul__"),
    aliases=("linalg.matmul",), crossed=True, vjp=(_left_rule, _right_rule))
def matmul(xp, a, b):
    """Product of matrices, of stacks of matrices (the leading axes broadcast), or of vectors.

    >>> from autograd_core import tensor
    >>> tensor([[1.0, 2.0]]) @ tensor([3.0, 4.0])
    tensor([11.])
    """
    if a.ndim == 2 == b.ndim:
        return xp.dot(a, b) if a.size + b.size < LARGE else xp.kernels.product(a, b)
    if not a.ndim or not b.ndim or a.shape[-1] != b.shape[-2 if b.ndim > 1 else 0]:
        raise ValueError(f"shapes {a.shape} and {b.shape}: the last axis meets the second-to-last, or the only one")
    if a.ndim == b.ndim > 2:
        return xp.kernels.product(a, b).astype(a.dtype, copy=False)
    return xp.matmul(a, b).astype(a.dtype, copy=False)  # NumPy multiplies stacks of bfloat16 matrices in float32


def _vectors(name, *tensors):
    for x in tensors:
        if x.ndim != 1:
            raise OperandError(f"{name}() takes vectors, not a tensor of shape {x.shape}; matmul() takes more axes")


@composition(MATMUL, samples=(sample((3,), (3,)), sample((0,), (0,))), reference=np.dot)
def dot(input, tensor):
    """Inner product of two vectors."""
    _vectors("dot", input, tensor)
    return matmul(input, tensor)


@composition(MATMUL, samples=(sample((3,), (2,)), sample((0,), (2,))), reference=np.outer, aliases=("ger",))
def outer(input, vec2):
    """Outer product of two vectors."""
    _vectors("outer", input, vec2)
    return functional.unsqueeze(input, 1) * vec2


def with_axes(name, ndims, *tensors):
    """Raise unless the tensors have these numbers of axes."""
    if tuple(x.ndim for x in tensors) != ndims:
        raise OperandError(f"{name}() takes tensors of {' and '.join(map(str, ndims))} axes, not of shapes "
                           f"{' and '.join(str(x.shape) for x in tensors)}; matmul() takes any")


@composition(MATMUL, samples=(sample((2, 3), (3, 2)), sample((0, 3), (3, 2))), reference=np.matmul)
def mm(input, mat2):
    """Product of two matrices."""
    with_axes("mm", (2, 2), input, mat2)
    return matmul(input, mat2)


@composition(MATMUL, samples=(sample((2, 3), (3,)), sample((2, 0), (0,))), reference=np.matmul)
def mv(input, vec):
    """Product of a matrix and a vector."""
    with_axes("mv", (2, 1), input, vec)
    return matmul(input, vec)


@composition(MATMUL, samples=(sample((2, 2, 3), (2, 3, 2)), sample((0, 2, 3), (0, 3, 2))), reference=np.matmul)
def bmm(input, mat2):
    """Products of corresponding matrices of two stacks."""
    with_axes("bmm", (3, 3), input, mat2)
    if input.shape[0] != mat2.shape[0]:
        raise OperandError(f"bmm() takes stacks of equal length, not shapes {input.shape} and {mat2.shape}")
    return matmul(input, mat2)
