"""Axis arithmetic for forwards and rules. No operations here."""

import math
import operator
from typing import Any

from autograd_core.errors import OperandError


def normalized(dim: Any, ndim: int) -> tuple[int, ...]:
    """The axes that a reduction over `dim` (None or empty for all, an int, or several) runs over."""
    if dim.__class__ is int:
        return (one(dim, ndim),)
    return tuple(range(ndim)) if dim is None or (isinstance(dim, (tuple, list)) and not dim) else several(dim, ndim)


def several(dim, ndim):
    """`dim` (an int, or several) as a tuple of axes, each from 0 to ndim - 1."""
    if not isinstance(dim, (tuple, list)):
        return (one(dim, ndim),)
    out = tuple([one(d, ndim) for d in dim])
    if len(set(out)) < len(out):
        raise OperandError(f"an axis appears twice in dim={dim}")
    return out


def length(x, dim, name):
    """The length of one axis; raises for a 0-d tensor."""
    if not x.ndim:
        raise OperandError(f"{name}() takes a tensor with axes, not one of shape ()")
    return x.shape[one(dim, x.ndim)]


def one(dim, ndim):
    """One axis, from 0 to ndim - 1; a 0-d tensor counts as having one."""
    if dim.__class__ is int and -ndim <= dim < ndim:
        return dim % ndim
    if not hasattr(dim, "__index__"):
        raise TypeError(f"dim must be an integer, not {dim!r}")
    dim = operator.index(dim)
    if not -max(ndim, 1) <= dim < max(ndim, 1):
        raise IndexError(f"dim {dim} is out of range for {ndim} axes")
    return dim % max(ndim, 1)


def kept(shape, dim):
    """The shape after a reduction with keepdim=True."""
    dims = normalized(dim, len(shape))
    return tuple(1 if i in dims else k for i, k in enumerate(shape))


def count(shape: tuple[int, ...], dim: Any) -> int:
    """How many elements are reduced into one."""
    dims = normalized(dim, len(shape))
    return math.prod([k for i, k in enumerate(shape) if i in dims])


def spread(xp, g, x_shape, dim, keepdim):
    """The result of a reduction, with the reduced axes restored at length 1."""
    if keepdim or (dim is None and not x_shape):
        return g
    return xp.reshape(g, shape=kept(x_shape, dim))


def inverse(dims):
    """The permutation that undoes `dims`."""
    return tuple(sorted(range(len(dims)), key=[d % len(dims) for d in dims].__getitem__))
