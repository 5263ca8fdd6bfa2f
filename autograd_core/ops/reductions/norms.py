"""Vector norms, and tensors normalised by them."""

import math

import numpy as np

from autograd_core import dtypes, functional, linalg
from autograd_core.engine.precision import together
from autograd_core.errors import DtypeError, OperandError
from autograd_core.kinds import REDUCTION
from autograd_core.ops import axes
from autograd_core.ops.domains import OFF_ZERO, POSITIVE
from autograd_core.ops.reductions.reduction import axis_of
from autograd_core.registry import composition, op, sample
from backends.generic.reduction import exact_factor

WIDER = {dtypes.float32: dtypes.float64, dtypes.complex64: dtypes.complex128}
OVER = (
    sample((4,), dim=0),
    sample((2, 3), dim=None),
    sample((2, 2, 3), dim=(0, 2), keepdim=True),
    sample((), dim=None),
    sample((0, 3), dim=1),
)


def _euclidean_rule(xp, g, x, y, dim, keepdim):
    """x / y; at 0 the minimum-norm subgradient, 0."""
    return _unit(xp, axes.spread(xp, g, x.shape, dim, keepdim), x, axes.spread(xp, y, x.shape, dim, keepdim))


@together
def _unit(xp, g, x, y):
    return xp.where(y == 0, 0, g) * (x / xp.where(y == 0, 1, y))


@op(REDUCTION, symbol="‖·‖", samples=OVER, holomorphic=False, method=False, wide=True,
    vjp=_euclidean_rule, reference=lambda x, dim, keepdim=False: _np_norm(x, 2, dim, keepdim))
def euclidean(xp, x, *, dim=None, keepdim=False):
    """√Σ|x|² over `dim`, without intermediate overflow or underflow."""
    if not x.size:
        return xp.sum(x.real, axis=axis_of(x, dim), keepdims=keepdim)
    axis = axis_of(x, dim)
    if x.dtype in WIDER:
        return xp.sqrt(xp.kernels.sum_of_squares(x, axis, keepdim)).astype(x.real.dtype)
    return xp.kernels.euclidean(x, axis, keepdim)


def _minkowski_rule(xp, g, x, y, p, dim, keepdim):
    """(x / y)ᵖ⁻¹; at 0 the minimum-norm subgradient, 0."""
    g, y = axes.spread(xp, g, x.shape, dim, keepdim), axes.spread(xp, y, x.shape, dim, keepdim)
    ratio = xp.where(x == 0, 1, x) / xp.where(y == 0, 1, y)
    return xp.where(x == 0, 0, xp.where(y == 0, 0, g) * ratio ** (p - 1))


@op(REDUCTION, symbol="‖·‖ₚ", domain=POSITIVE, method=False, wide=True, vjp=_minkowski_rule,
    samples=tuple(sample(*s.inputs, p=p, **s.statics) for s, p in zip(OVER, (3, 0.5, -2, 1.5, 4), strict=True)),
    reference=lambda x, p, dim, keepdim=False: (x**p).sum(dim, keepdims=keepdim) ** (1 / p))
def minkowski(xp, x, *, p, dim=None, keepdim=False):
    """(Σ xᵖ)¹ᐟᵖ of non-negative numbers over `dim`, without intermediate overflow or underflow."""
    axis = axis_of(x, dim)
    if not x.size:
        return xp.sum(x, axis=axis, keepdims=keepdim)
    factor = exact_factor(xp, (xp.max if p > 0 else xp.min)(x, axis=axis, keepdims=True))
    y = xp.sum((x * factor) ** p, axis=axis, keepdims=True) ** (1 / p) / factor
    return y if keepdim else y.squeeze(axis)


def _count(x, dim, keepdim):
    """The number of nonzero elements, NaN included, with a gradient of 0."""
    counted = functional.sign(functional.abs(functional.where(x == 0, x, 1)))
    return functional.sum(counted, dim=dim, keepdim=keepdim)


def _extreme(extremum):
    """The largest or smallest magnitude; ties share the gradient."""
    return lambda x, dim, keepdim: getattr(functional, extremum)(functional.abs(x), dim=dim, keepdim=keepdim)


NORMS = {
    2: lambda x, dim, keepdim: euclidean(x, dim=dim, keepdim=keepdim),
    1: lambda x, dim, keepdim: functional.sum(functional.abs(x), dim=dim, keepdim=keepdim),
    0: _count,
    math.inf: _extreme("amax"),
    -math.inf: _extreme("amin"),
}


def _in_dtype(x, dtype):
    if x.dtype.kind not in dtypes.INEXACT:
        raise DtypeError(f"a norm needs floating point elements, not {x.dtype}; convert them first: x.float()")
    own, dtype = x.dtype, dtypes.as_dtype(dtype)
    if dtype is None or dtype == own:
        return x
    if (dtype.kind == "c") != (own.kind == "c") or dtypes.promote_types(own, dtype) != dtype:
        raise DtypeError(f"a norm of {x.dtype} cannot be computed in {dtype}, which does not hold all its elements")
    return functional.astype(x, dtype)


def _np_norm(x, ord=2, dim=None, keepdim=False):
    a = abs(x)
    if math.isinf(ord):
        return (np.max if ord > 0 else np.min)(a, axis=dim, keepdims=keepdim)
    if ord == 0:
        return np.sum(a != 0, axis=dim, keepdims=keepdim).astype(x.dtype)
    return np.sum(a**ord, axis=dim, keepdims=keepdim) ** (1 / ord)


@composition(REDUCTION, domain=OFF_ZERO, module="linalg",
             samples=(sample((2, 3)),
                      *[sample((2,), ord) for ord in (0, 0.5, 1, 3, -1, math.inf, -math.inf)],
                      sample((2, 2), 3, dim=1, keepdim=True),
                      sample((2, 1, 2), 2, dim=(0, 2)),
                      sample((0, 3), 1)),
             reference=_np_norm)
def vector_norm(x, ord=2, dim=None, keepdim=False, *, dtype=None):
    """(Σ|x|ᵒʳᵈ)¹ᐟᵒʳᵈ over `dim` (all axes by default), without intermediate overflow.

    inf is the largest, -inf the smallest magnitude, 0 the number of nonzero elements. The gradient at 0 is the
    minimum-norm subgradient, 0.

    >>> from autograd_core import linalg, tensor
    >>> linalg.vector_norm(tensor([3.0, 4.0]))
    tensor(5.)
    """
    if isinstance(ord, str):
        raise TypeError(f"vector_norm(): ord must be a number, not {ord!r}; matrix_norm() takes names")
    x = _in_dtype(x, dtype)
    if not axes.count(x.shape, dim) and (ord < 0 or ord == math.inf):
        raise OperandError(f"vector_norm(): the norm of order {ord} of no elements, in shape {x.shape}, is undefined")
    if ord in NORMS:
        return NORMS[ord](x, dim, keepdim)
    return minkowski(functional.abs(x), p=ord, dim=dim, keepdim=keepdim)


@composition(REDUCTION, domain=OFF_ZERO,
             samples=(sample((2, 3)),
                      sample((2, 3), 1, dim=1),
                      sample((3,), math.inf, keepdim=True),
                      sample((0, 3), 3)),
             reference=lambda x, p=2, dim=None, keepdim=False: _np_norm(x, p, dim, keepdim))
def norm(input, p="fro", dim=None, keepdim=False, *, dtype=None):
    """The norm of order `p` over `dim` (all axes by default); "fro" is 2, "nuc" the nuclear norm of matrices.

    Matrices count as vectors of their elements here; `linalg.matrix_norm` has matrix norms.
    """
    if p == "nuc":
        return linalg.matrix_norm(input, p, dim or (-2, -1), keepdim, dtype=dtype)
    if isinstance(p, str) and p != "fro":
        raise OperandError(f"norm(): p must be a number, 'fro' or 'nuc', not {p!r}")
    return vector_norm(input, 2 if p is None or p == "fro" else p, dim, keepdim, dtype=dtype)


@composition(REDUCTION, method=False,
             samples=(sample((2, 3)), sample((3,), p=4.0, dim=0), sample((2, 3), dim=(0, 1), eps=9.0), sample((0, 3))),
             reference=lambda x, p=2.0, dim=1, eps=1e-12: x / np.maximum(_np_norm(x, p, dim, True), eps))
def normalize(input, p=2.0, dim=1, eps=1e-12):
    """`input` divided by its norms of order `p` over `dim`, or by `eps` if that is larger."""
    return input / functional.clamp(vector_norm(input, p, dim, keepdim=True), min=eps)


def _np_renorm(x, p, dim, maxnorm):
    y = np.moveaxis(x.copy(), dim, 0)
    for part in y:
        length = (abs(part) ** p).sum() ** (1 / p)
        part *= maxnorm / (length + 1e-7) if length > maxnorm else 1
    return np.moveaxis(y, 0, dim)


@composition(REDUCTION, reference=_np_renorm,
             samples=(sample((2, 3), 2, 0, 1.0), sample((2, 3), 1, -1, 2.5), sample((0, 3), 3.0, 0, 1.0)))
def renorm(input, p, dim, maxnorm):
    """The slices along `dim` scaled down to norms of order `p` of at most `maxnorm`."""
    if input.ndim < 2:
        raise OperandError(f"renorm() takes a tensor of at least 2 axes, not of shape {input.shape}")
    if p <= 0 or maxnorm < 0:
        raise OperandError(f"renorm() takes p > 0 and maxnorm ≥ 0, not p = {p} and maxnorm = {maxnorm}")
    at = axes.one(dim, input.ndim)
    lengths = vector_norm(input, p, tuple(i for i in range(input.ndim) if i != at), keepdim=True)
    # PyTorch's 1e-7 keeps the rounded product from exceeding the bound.
    return input * functional.where(lengths > maxnorm, maxnorm / (lengths + 1e-7), 1)
