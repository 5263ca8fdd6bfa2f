"""Diagonals, matrices built from them, and triangles."""

import operator

import numpy as np

from autograd_core import functional
from autograd_core.errors import OperandError
from autograd_core.kinds import SHAPE
from autograd_core.ops import axes
from autograd_core.ops.shapes.shape import ravel
from autograd_core.registry import composition, op, sample

OFFSETS = (
    sample((3, 3)), sample((3, 4), offset=1), sample((3, 2), offset=-1), sample((2, 3, 4), offset=1, dim1=-1, dim2=0),
    sample((2, 3), offset=5), sample((0, 3)),
)


def _pair(dim1, dim2, ndim, name):
    first, second = axes.one(dim1, ndim), axes.one(dim2, ndim)
    if first == second:
        raise OperandError(f"{name}(): dim1={dim1} and dim2={dim2} are the same axis of {ndim}")
    return first, second


@op(SHAPE, symbol="diagonal", view=True, samples=OFFSETS,
    reference=lambda x, offset=0, dim1=0, dim2=1: np.diagonal(x, offset, dim1, dim2),
    vjp=lambda xp, g, x_shape, offset, dim1, dim2: xp.place_diagonal(
        g, shape=x_shape, offset=offset, dim1=dim1, dim2=dim2))
def diagonal(xp, x, *, offset=0, dim1=0, dim2=1):
    """The elements with j = i + `offset` along two axes, as the last axis; a view.

    >>> from autograd_core import tensor
    >>> diagonal(tensor([[1, 2, 3], [4, 5, 6]]), offset=1)
    tensor([2, 6])
    """
    dim1, dim2 = _pair(dim1, dim2, x.ndim, "diagonal")
    return xp.kernels.diagonal(x, offset, dim1, dim2)


def _slow_place(x, shape, offset=0, dim1=0, dim2=1):
    out = np.zeros(shape)
    i = np.arange(x.shape[-1])
    np.moveaxis(out, (dim1, dim2), (-2, -1))[..., i + max(-offset, 0), i + max(offset, 0)] = x
    return out


@op(SHAPE, symbol="diagonal=", method=False,
    samples=(sample((3,), shape=(3, 3)),
             sample((2,), shape=(3, 3), offset=1),
             sample((3, 2), shape=(2, 3, 4), offset=-1, dim1=2, dim2=0),
             sample((0,), shape=(0, 3))),
    reference=_slow_place, vjp=lambda xp, g, offset, dim1, dim2: xp.diagonal(g, offset=offset, dim1=dim1, dim2=dim2))
def place_diagonal(xp, x, *, shape, offset=0, dim1=0, dim2=1):
    """Zeros of `shape` whose diagonal is `input`: the transpose of `diagonal`."""
    out = xp.zeros(shape, x.dtype)
    xp.kernels.diagonal(out, offset, *_pair(dim1, dim2, len(shape), "place_diagonal"))[...] = x
    return out


def _slow_embed(x, offset=0, dim1=-2, dim2=-1):
    n = x.shape[-1] + abs(offset)
    out = np.zeros((*x.shape[:-1], n, n))
    for i in range(x.shape[-1]):
        out[..., i + max(-offset, 0), i + max(offset, 0)] = x[..., i]
    return np.moveaxis(out, (-2, -1), (dim1, dim2))


@composition(SHAPE,
             samples=(sample((3,)),
                      sample((2, 3), offset=1),
                      sample((2, 2), offset=-1, dim1=0, dim2=2),
                      sample((2, 0))),
             reference=_slow_embed)
def diag_embed(input, offset=0, dim1=-2, dim2=-1):
    """Matrices in the axes `dim1` and `dim2`, with the last axis of `input` on a diagonal and zeros elsewhere."""
    first, second = _pair(dim1, dim2, input.ndim + 1, "diag_embed")
    if not input.ndim:
        raise OperandError("diag_embed() takes a tensor with axes, not one of shape ()")
    n, rest = input.shape[-1] + abs(offset), list(input.shape[:-1])
    for at in sorted((first, second)):
        rest.insert(at, n)
    return place_diagonal(input, shape=tuple(rest), offset=offset, dim1=first, dim2=second)


@composition(SHAPE, samples=(sample((3,)), sample((3,), 1), sample((2, 3)), sample((2, 3), diagonal=-1), sample((0,))),
             reference=lambda x, diagonal=0: np.diag(x, diagonal))
def diag(input, diagonal=0):
    """The matrix with a vector on its diagonal; or, in new memory, the diagonal of a matrix."""
    if input.ndim == 1:
        return diag_embed(input, diagonal)
    if input.ndim != 2:
        raise OperandError(
            f"diag() takes a vector or a matrix, not a tensor of shape {input.shape}; use diagonal() or diag_embed()"
        )
    return functional.clone(functional.diagonal(input, diagonal))


@composition(SHAPE, samples=(sample((2, 2)), sample((3,), 1), sample((), offset=-1), sample((0, 2))),
             reference=lambda x, offset=0: np.diagflat(x, offset))
def diagflat(input, offset=0):
    """The matrix with all elements of `input` on its diagonal."""
    return diag_embed(ravel(input), offset)


@composition(SHAPE, samples=(sample((3, 3)), sample((2, 3)), sample((0, 2))),
             reference=lambda x: sum((x[i, i] for i in range(min(x.shape))), 0.0))
def trace(input):
    """The sum of the diagonal of a matrix."""
    if input.ndim != 2:
        raise OperandError(f"trace() takes a matrix, not a tensor of shape {input.shape}")
    return functional.sum(diagonal(input))


def _slow_triangle(x, keep):
    return np.array([v if keep(i, j) else 0.0 for (*_, i, j), v in np.ndenumerate(x)]).reshape(x.shape)


TRIANGLES = (sample((3, 3)), sample((2, 2, 4), diagonal=1), sample((3, 2), diagonal=-1), sample((0, 3)))


def _check_matrix(x, name):
    if x.ndim < 2:
        raise OperandError(f"{name}() takes a matrix or a batch of them, not a tensor of shape {x.shape}")


@op(SHAPE, symbol="tril", samples=TRIANGLES,
    reference=lambda x, diagonal=0: _slow_triangle(x, lambda i, j: j <= i + diagonal),
    vjp=lambda xp, g, diagonal: xp.tril(g, diagonal=diagonal))
def tril(xp, x, *, diagonal=0):
    """The lower triangle of matrices, up to and including a diagonal; zeros above it."""
    _check_matrix(x, "tril")
    return xp.tril(x, operator.index(diagonal))


@op(SHAPE, symbol="triu", samples=TRIANGLES,
    reference=lambda x, diagonal=0: _slow_triangle(x, lambda i, j: j >= i + diagonal),
    vjp=lambda xp, g, diagonal: xp.triu(g, diagonal=diagonal))
def triu(xp, x, *, diagonal=0):
    """The upper triangle of matrices, from a diagonal upwards; zeros below it."""
    _check_matrix(x, "triu")
    return xp.triu(x, operator.index(diagonal))
