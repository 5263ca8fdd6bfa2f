"""Reductions over all axes or some: sums, means, products, logical ones."""

import math

import numpy as np

from autograd_core import dtypes
from autograd_core.engine.libraries import checks_values, holds
from autograd_core.errors import DtypeError
from autograd_core.kinds import REDUCTION
from autograd_core.ops import axes
from autograd_core.registry import NO_GRADIENT, composition, op, sample

LARGE = 1 << 12  # size from which the order of a sum over several axes matters
EVERYWHERE = (
    sample((2, 3)), sample((2, 3, 4), dim=1), sample((2, 3, 4), dim=(0, -1)), sample((3, 2), dim=-1, keepdim=True),
    sample(()), sample((2, 3), dim=None, keepdim=True), sample((0, 3), dim=1), sample((2, 3), dim=[0, 1]),
)
OF_NOTHING = (*EVERYWHERE, sample((0, 3)), sample((2, 0), dim=1))
CAST_FIRST = (*OF_NOTHING, sample((2, 3), dtype="float64"))


def axis_of(x, dim):
    """`dim` for NumPy: None for a 0-d array, and all axes for ()."""
    if dim is None or (dim.__class__ is int and x.ndim):
        return dim
    dims = axes.normalized(dim, x.ndim)
    return dims if x.ndim else None


def accumulator(x):
    """The dtype in which sums accumulate: float32 for 16-bit floats."""
    return np.float32 if x.dtype.itemsize == 2 and x.dtype.kind in dtypes.FLOATS else None


def added(xp, x, dim, keepdim, dtype=None):
    """The sum over `dim` in the dtype of x, which has more than 16 bits, or in `dtype`, that of its accumulator."""
    if x.size >= LARGE:
        return xp.kernels.total(x, axes.normalized(dim, x.ndim), keepdim)
    return xp.add.reduce(x, dim if dim.__class__ is int else axis_of(x, dim), dtype, None, keepdim)


def reduced_by(function):
    """A NumPy reduction as a reference."""
    return lambda x, dim=None, keepdim=False, **k: function(
        x, axis=tuple(dim) if isinstance(dim, list) else dim, keepdims=keepdim, **k
    )


def in_dtype(xp, g, dtype):
    """An array in another dtype, such as a cotangent in that of the input if `dtype=` gave the output another."""
    return g if g.dtype == dtype else xp.astype(g, dtype=dtype)


@op(REDUCTION, symbol="Σ", holomorphic=True, samples=CAST_FIRST,
    reference=lambda x, dim=None, keepdim=False, dtype=None: _slow_sum(x, dim, keepdim),
    vjp=lambda xp, g, x_shape, x_dtype, dim, keepdim: xp.expand(
        axes.spread(xp, in_dtype(xp, g, x_dtype), x_shape, dim, keepdim), shape=x_shape))
def sum(xp, x, *, dim=None, keepdim=False, dtype=None):
    """Sum over `dim` (all axes by default); integers and booleans are summed in int64.

    >>> from autograd_core import tensor
    >>> tensor([[1.0, 2.0], [3.0, 4.0]]).sum(dim=0)
    tensor([4., 6.])
    """
    return summed(xp, x, dim, keepdim, dtype)


def summed(xp, x, dim, keepdim, dtype=None):
    """The sum over `dim`: of integers in int64, of 16-bit floats with an accumulator of 32 bits."""
    if dtype is None and x.dtype.kind in dtypes.EXACT:
        dtype = dtypes.int64
    if dtype is None and x.dtype.itemsize > 2:
        return added(xp, x, dim, keepdim)
    if dtype is None and x.size >= LARGE:
        return xp.kernels.total(x, axes.normalized(dim, x.ndim), keepdim, x.dtype)
    if dtype is None:
        return added(xp, x, dim, keepdim, accumulator(x)).astype(x.dtype)
    return xp.sum(x, axis=axis_of(x, dim), keepdims=keepdim, dtype=dtypes.as_dtype(dtype))


def _slow_sum(x, dim, keepdim):
    """Exactly rounded sums, one at a time."""
    dims = axes.normalized(dim, x.ndim)
    rest = tuple(i for i in range(x.ndim) if i not in dims)
    rows = x.transpose(*rest, *dims).reshape(*(x.shape[i] for i in rest), axes.count(x.shape, dim))
    out = np.array([math.fsum(rows[i]) for i in np.ndindex(rows.shape[:-1])]).reshape(rows.shape[:-1])
    return out.reshape(axes.kept(x.shape, dim)) if keepdim else out


def _mean_rule(xp, g, x_shape, x_dtype, dim, keepdim):
    g = axes.spread(xp, in_dtype(xp, g, x_dtype), x_shape, dim, keepdim) / (axes.count(x_shape, dim) or 1)
    return xp.expand(g, shape=x_shape)


@op(REDUCTION, symbol="mean", samples=CAST_FIRST, reference=reduced_by(np.mean), holomorphic=True, vjp=_mean_rule)
def mean(xp, x, *, dim=None, keepdim=False, dtype=None):
    """Mean over `dim` (all axes by default); NaN if empty. Integers need a floating-point `dtype`."""
    if dtype is not None:
        x = x.astype(dtypes.as_dtype(dtype))
    if x.dtype.kind in dtypes.EXACT:
        raise DtypeError(f"mean() needs floating point elements, not {x.dtype}; convert them first: x.float().mean()")
    total = added(xp, x, dim, keepdim, accumulator(x))
    n = axes.count(x.shape, dim)
    return (total / n if n else total * math.nan).astype(x.dtype, copy=False)


def _prod_rule(xp, g, x, y, x_dtype, dim, keepdim):
    """The product of all other elements, by a tree of pairwise products: exact where elements are 0."""
    g = in_dtype(xp, xp.where(y == y, g, y), x_dtype)  # NaN where the product is
    ndim = len(x.shape)
    if not ndim:
        return g
    dims = axes.normalized(dim, ndim)
    order = (*(i for i in range(ndim) if i not in dims), *dims)
    rest = tuple(x.shape[i] for i in order[: ndim - len(dims)])
    x = in_dtype(xp, x, accumulator(x) or x.dtype)
    rows = xp.reshape(xp.permute(x, dims=order), shape=(*rest, axes.count(x.shape, dim)))
    others = xp.permute(xp.reshape(_others(xp, rows), shape=tuple(x.shape[i] for i in order)), dims=axes.inverse(order))
    return axes.spread(xp, g, x.shape, dim, keepdim) * others


def _others(xp, x):
    """For each element, the product of all others along the last axis."""
    n = x.shape[-1]
    if n <= 1:
        return x**0
    even, odd = x[..., 0::2], x[..., 1::2]
    if n % 2:
        odd = xp.cat([odd, even[..., :1] ** 0], dim=-1)
    above = _others(xp, even * odd)
    pairs = xp.stack([above * odd, above * even], dim=-1)
    return xp.reshape(pairs, shape=(*x.shape[:-1], n + n % 2))[..., :n]


@op(REDUCTION, symbol="Π", samples=CAST_FIRST, reference=reduced_by(np.prod), wide=True,
    holomorphic=True, vjp=_prod_rule)
def prod(xp, x, *, dim=None, keepdim=False, dtype=None):
    """Product over `dim` (all axes by default); 1 if empty. Its gradient is exact where elements are 0."""
    own = dtypes.int64 if x.dtype.kind in dtypes.EXACT else x.dtype
    return xp.prod(x, axis=axis_of(x, dim), keepdims=keepdim, dtype=dtypes.as_dtype(dtype) or own)


def _truth(x, y):
    """The result as booleans, or as uint8 for uint8, PyTorch's former boolean type."""
    return y.astype(np.uint8) if x.dtype == np.uint8 else y


def _is_empty(dim):
    return isinstance(dim, tuple | list) and not dim


@op(REDUCTION, symbol="∀", samples=(*OF_NOTHING, sample((2, 3), dim=())), reference=reduced_by(np.all),
    holomorphic=False, vjp=NO_GRADIENT)
def all(xp, x, *, dim=None, keepdim=False):
    """Whether all elements are true (not zero), for each of them if `dim` is ()."""
    return _truth(x, x != 0 if _is_empty(dim) else xp.all(x, axis=axis_of(x, dim), keepdims=keepdim))


@op(REDUCTION, symbol="∃", samples=(*OF_NOTHING, sample((2, 3), dim=())), reference=reduced_by(np.any),
    holomorphic=False, vjp=NO_GRADIENT)
def any(xp, x, *, dim=None, keepdim=False):
    """Whether any element is true (not zero), for each of them if `dim` is ()."""
    return _truth(x, x != 0 if _is_empty(dim) else xp.any(x, axis=axis_of(x, dim), keepdims=keepdim))


@op(REDUCTION, symbol="#", samples=OF_NOTHING, reference=reduced_by(np.count_nonzero),
    holomorphic=False, vjp=NO_GRADIENT)
def count_nonzero(xp, x, *, dim=None, keepdim=False):
    """The number of nonzero elements over `dim` (all axes by default), as int64; NaN is not zero."""
    return xp.sum(x != 0, axis=axis_of(x, dim), keepdims=keepdim, dtype=dtypes.int64)


def _known(x):
    """A mask of the elements that are not NaN."""
    return x == x


@op(REDUCTION, symbol="Σ", samples=CAST_FIRST, reference=reduced_by(np.nansum), real_only=True,
    vjp=lambda xp, g, x, x_dtype, dim, keepdim: xp.where(
        _known(x), axes.spread(xp, in_dtype(xp, g, x_dtype), x.shape, dim, keepdim), 0))
def nansum(xp, x, *, dim=None, keepdim=False, dtype=None):
    """Sum over `dim` (all axes by default) in which NaN counts as 0."""
    if x.dtype.kind not in dtypes.FLOATS:
        return summed(xp, x, dim, keepdim, dtype)
    if checks_values(x) and (dtype is None or dtypes.as_dtype(dtype).kind in dtypes.FLOATS):
        total = summed(xp, x, dim, keepdim, dtype)
        if holds(_known(total)):  # any NaN would have reached its sum
            return total
    return summed(xp, xp.where(_known(x), x, 0), dim, keepdim, dtype)


@composition(REDUCTION, samples=(*EVERYWHERE, sample((2, 3), dtype="float64")), reference=reduced_by(np.nanmean))
def nanmean(input, dim=None, keepdim=False, *, dtype=None):
    """Mean over `dim` (all axes by default) of the elements that are not NaN."""
    if input.dtype.kind in dtypes.EXACT:
        raise DtypeError(f"nanmean() needs floating point elements, not {input.dtype}; convert them first: x.float()")
    total = nansum(input, dim=dim, keepdim=keepdim, dtype=dtype)
    return total / sum(_known(input), dim=dim, keepdim=keepdim)
