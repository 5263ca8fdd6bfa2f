"""Reductions: many elements to one, over all axes or some."""

import math

import numpy as np

from autograd_core import dtypes, functional
from autograd_core.errors import DtypeError, OperandError
from autograd_core.kinds import REDUCTION
from autograd_core.ops import axes
from autograd_core.registry import NO_GRADIENT, Interval, composition, op, sample

REAL = Interval(-2, 2)
EVERYWHERE = (
    sample((2, 3)),
    sample((2, 3, 4), dim=1),
    sample((2, 3, 4), dim=(0, -1)),
    sample((3, 2), dim=-1, keepdim=True),
    sample(()),
    sample((2, 3), dim=None, keepdim=True),
    sample((0, 3), dim=1),
    sample((2, 3), dim=[0, 1]),
)
OF_NOTHING = (*EVERYWHERE, sample((0, 3)), sample((2, 0), dim=1))
CAST_FIRST = (*OF_NOTHING, sample((2, 3), dtype="float64"))
ALONG_ONE = (sample((4,), dim=0), sample((2, 3, 4), dim=1), sample((3, 5), dim=-1, keepdim=True), sample((0, 3), dim=1))


def axis_of(x, dim):
    """`dim` as NumPy takes it: a 0-d array has no axis to name, () stands for all."""
    if dim is None or (dim.__class__ is int and x.ndim):
        return dim
    dims = axes.normalized(dim, x.ndim)
    return dims if x.ndim else None


def _accumulator(x):
    """float16 adds up in float32."""
    return np.float32 if x.dtype == np.float16 else None


def _np(function):
    """A NumPy reduction as a reference."""
    return lambda x, dim=None, keepdim=False, **k: function(
        x, axis=tuple(dim) if isinstance(dim, list) else dim, keepdims=keepdim, **k
    )


def in_dtype(xp, g, dtype):
    """A cotangent in the dtype of the input, where `dtype=` made the output's another."""
    return g if g.dtype == dtype else xp.astype(g, dtype=dtype)


@op(
    REDUCTION,
    symbol="Σ",
    domain=REAL,
    samples=CAST_FIRST,
    reference=lambda x, dim=None, keepdim=False, dtype=None: _slow_sum(x, dim, keepdim),
    vjp=lambda xp, g, x_shape, x_dtype, dim, keepdim: xp.expand(
        axes.spread(xp, in_dtype(xp, g, x_dtype), x_shape, dim, keepdim), shape=x_shape
    ),
)
def sum(xp, x, *, dim=None, keepdim=False, dtype=None):
    """Sum over `dim` (all axes by default); integers and booleans add up in int64.

    >>> from autograd_core import tensor
    >>> tensor([[1.0, 2.0], [3.0, 4.0]]).sum(dim=0)
    tensor([4., 6.])
    """
    if dtype is None and x.dtype.kind in "biu":
        dtype = dtypes.int64
    if dtype is None and x.dtype.itemsize > 2:
        return xp.add.reduce(x, dim if dim.__class__ is int else axis_of(x, dim), None, None, keepdim)
    return xp.sum(x, axis=axis_of(x, dim), keepdims=keepdim, dtype=dtype or _accumulator(x)).astype(dtype or x.dtype)


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


@op(REDUCTION, symbol="mean", domain=REAL, samples=CAST_FIRST, reference=_np(np.mean), vjp=_mean_rule)
def mean(xp, x, *, dim=None, keepdim=False, dtype=None):
    """Mean over `dim` (all axes by default); of nothing it is NaN."""
    if dtype is not None:
        x = x.astype(dtype)
    if x.dtype.kind in "biu":
        raise DtypeError(f"mean() needs floating point elements, not {x.dtype}; convert them first: x.float().mean()")
    total = xp.add.reduce(x, axis=axis_of(x, dim), dtype=_accumulator(x), keepdims=keepdim)
    n = axes.count(x.shape, dim)
    return (total / n if n else total * math.nan).astype(x.dtype)


def _prod_rule(xp, g, x, x_dtype, dim, keepdim):
    """The product of all *other* elements, by a tree of pairwise products: exact where elements are 0."""
    g = in_dtype(xp, g, x_dtype)
    ndim = len(x.shape)
    if not ndim:
        return g
    dims = axes.normalized(dim, ndim)
    order = (*(i for i in range(ndim) if i not in dims), *dims)
    rest = tuple(x.shape[i] for i in order[: ndim - len(dims)])
    rows = xp.reshape(xp.permute(x, dims=order), shape=(*rest, axes.count(x.shape, dim)))
    others = xp.permute(xp.reshape(_others(xp, rows), shape=tuple(x.shape[i] for i in order)), dims=axes.inverse(order))
    return axes.spread(xp, g, x.shape, dim, keepdim) * others


def _others(xp, x):
    """Along the last axis: the product of all elements but this one."""
    n = x.shape[-1]
    if n <= 1:
        return x**0
    even, odd = x[..., 0::2], x[..., 1::2]
    if n % 2:
        odd = xp.cat([odd, even[..., :1] ** 0], dim=-1)
    above = _others(xp, even * odd)
    pairs = xp.stack([above * odd, above * even], dim=-1)
    return xp.reshape(pairs, shape=(*x.shape[:-1], n + n % 2))[..., :n]


@op(REDUCTION, symbol="Π", domain=REAL, samples=CAST_FIRST, reference=_np(np.prod), vjp=_prod_rule)
def prod(xp, x, *, dim=None, keepdim=False, dtype=None):
    """Product over `dim` (all axes by default); of nothing it is 1. Its gradient is exact where elements are 0."""
    own = dtypes.int64 if x.dtype.kind in "biu" else x.dtype
    return xp.prod(x, axis=axis_of(x, dim), keepdims=keepdim, dtype=dtype or own)


def _extremum_rule(xp, g, x, y, x_dtype, dim, keepdim):
    """Ties share the gradient equally."""
    y = axes.spread(xp, y, x.shape, dim, keepdim)
    hit = x == y
    share = axes.spread(xp, g, x.shape, dim, keepdim) / xp.astype(xp.sum(hit, dim=dim, keepdim=True), dtype=x_dtype)
    return xp.where(hit, share, xp.where(y == y, 0, y))  # NaN where the extremum is


@op(REDUCTION, symbol="max", domain=REAL, samples=EVERYWHERE, reference=_np(np.max), vjp=_extremum_rule)
def amax(xp, x, *, dim=None, keepdim=False):
    """Largest element over `dim` (all axes by default); NaN if one is. Ties share the gradient equally."""
    return xp.max(x, axis=axis_of(x, dim), keepdims=keepdim)


@op(REDUCTION, symbol="min", domain=REAL, samples=EVERYWHERE, reference=_np(np.min), vjp=_extremum_rule)
def amin(xp, x, *, dim=None, keepdim=False):
    """Smallest element over `dim` (all axes by default); NaN if one is. Ties share the gradient equally."""
    return xp.min(x, axis=axis_of(x, dim), keepdims=keepdim)


def _picked_rule(xp, g, x_shape, indices, dim, keepdim):
    values = g[0]
    if not x_shape:
        return values
    if not keepdim:
        values, indices = (xp.reshape(v, shape=axes.kept(x_shape, dim)) for v in (values, indices))
    return xp.spread(values, indices, dim=dim, shape=x_shape)


def _pick(xp, x, indices, dim, keepdim):
    """The elements along `dim` at `indices` (which kept the axis), and the indices, shaped as asked."""
    if not x.ndim:
        return x, indices.reshape(())
    values = xp.take_along_axis(x, indices, axis=dim)
    return (values, indices) if keepdim else (values.squeeze(dim), indices.squeeze(dim))


@op(
    REDUCTION,
    symbol="max",
    domain=REAL,
    samples=ALONG_ONE,
    outputs=("values", "indices"),
    method=False,
    vjp=_picked_rule,
    reference=lambda x, dim, keepdim=False: (np.max(x, dim, keepdims=keepdim), np.argmax(x, dim, keepdims=keepdim)),
)
def max_along(xp, x, *, dim, keepdim=False):
    """Largest elements along `dim` and their first indices."""
    return _pick(xp, x, xp.argmax(x.reshape(x.shape or (1,)), axis=dim, keepdims=True), dim, keepdim)


@op(
    REDUCTION,
    symbol="min",
    domain=REAL,
    samples=ALONG_ONE,
    outputs=("values", "indices"),
    method=False,
    vjp=_picked_rule,
    reference=lambda x, dim, keepdim=False: (np.min(x, dim, keepdims=keepdim), np.argmin(x, dim, keepdims=keepdim)),
)
def min_along(xp, x, *, dim, keepdim=False):
    """Smallest elements along `dim` and their first indices."""
    return _pick(xp, x, xp.argmin(x.reshape(x.shape or (1,)), axis=dim, keepdims=True), dim, keepdim)


def _extremum(input, dim, keepdim, other, whole, along, pairwise):
    if hasattr(dim, "array") or other is not None:
        return pairwise(input, dim if other is None else other)
    if dim is not None:
        return along(input, dim=dim, keepdim=keepdim)
    if 0 in input.shape:
        raise OperandError("the maximum or minimum of no elements is undefined; give dim=, or test x.numel() first")
    return whole(input)


@composition(
    REDUCTION,
    domain=REAL,
    samples=(sample((2, 3)), sample((4,), dim=0), sample((3, 4), dim=1, keepdim=True), sample((0, 3), dim=1)),
    reference=lambda x, dim=None, keepdim=False: (
        np.max(x) if dim is None else (np.max(x, dim, keepdims=keepdim), np.argmax(x, dim, keepdims=keepdim))
    ),
)
def max(input, dim=None, keepdim=False, *, other=None):
    """The largest element; with an axis `dim`, (values, indices) along it; with a tensor, the larger of each pair.

    Over all elements ties share the gradient equally, along an axis the first takes it.
    """
    return _extremum(input, dim, keepdim, other, amax, max_along, functional.maximum)


@composition(
    REDUCTION,
    domain=REAL,
    samples=(sample((2, 3)), sample((4,), dim=0), sample((3, 4), dim=1, keepdim=True), sample((0, 3), dim=1)),
    reference=lambda x, dim=None, keepdim=False: (
        np.min(x) if dim is None else (np.min(x, dim, keepdims=keepdim), np.argmin(x, dim, keepdims=keepdim))
    ),
)
def min(input, dim=None, keepdim=False, *, other=None):
    """The smallest element; with an axis `dim`, (values, indices) along it; with a tensor, the smaller of each pair.

    Over all elements ties share the gradient equally, along an axis the first takes it.
    """
    return _extremum(input, dim, keepdim, other, amin, min_along, functional.minimum)


def _index(function):
    def reference(x, dim=None, keepdim=False):
        y = function(x, axis=dim)
        return y if not keepdim else np.reshape(y, axes.kept(x.shape, dim))

    return reference


INDEXED = (*ALONG_ONE, sample((2, 3)), sample((2, 3), keepdim=True))


@op(REDUCTION, symbol="argmax", domain=REAL, samples=INDEXED, reference=_index(np.argmax), vjp=NO_GRADIENT)
def argmax(xp, x, *, dim=None, keepdim=False):
    """Index of the largest element, the first among equals: along `dim`, or in the flattened tensor."""
    y = xp.argmax(x, axis=dim)
    return xp.reshape(y, axes.kept(x.shape, dim)) if keepdim else y


@op(REDUCTION, symbol="argmin", domain=REAL, samples=INDEXED, reference=_index(np.argmin), vjp=NO_GRADIENT)
def argmin(xp, x, *, dim=None, keepdim=False):
    """Index of the smallest element, the first among equals: along `dim`, or in the flattened tensor."""
    y = xp.argmin(x, axis=dim)
    return xp.reshape(y, axes.kept(x.shape, dim)) if keepdim else y


@op(REDUCTION, symbol="∀", domain=REAL, samples=OF_NOTHING, reference=_np(np.all), vjp=NO_GRADIENT)
def all(xp, x, *, dim=None, keepdim=False):
    """Whether all elements are true (not zero)."""
    return xp.all(x, axis=axis_of(x, dim), keepdims=keepdim)


@op(REDUCTION, symbol="∃", domain=REAL, samples=OF_NOTHING, reference=_np(np.any), vjp=NO_GRADIENT)
def any(xp, x, *, dim=None, keepdim=False):
    """Whether any element is true (not zero)."""
    return xp.any(x, axis=axis_of(x, dim), keepdims=keepdim)


def _centred(xp, x, dim):
    return x - xp.mean(x, dim=dim, keepdim=True)


def _variance(xp, x, dim, correction, keepdim):
    wide = x.astype(np.float32) if x.dtype == np.float16 else x
    d = wide - wide.mean(axis=axis_of(x, dim), keepdims=True)
    n = axes.count(x.shape, dim) - correction
    total = xp.sum(abs(d * d) if x.dtype.kind == "c" else d * d, axis=axis_of(x, dim), keepdims=keepdim)
    return (total / n if n > 0 else total * math.nan).astype(x.dtype)


def _np_spread(function):
    return lambda x, dim=None, correction=1, keepdim=False: function(x, axis=dim, ddof=correction, keepdims=keepdim)


SPREAD = (
    sample((2, 3)),
    sample((2, 3, 4), dim=1),
    sample((4, 3), dim=(0, 1), correction=0),
    sample((3, 2), dim=-1, keepdim=True),
    sample((0, 3), dim=1),
)


@op(REDUCTION, symbol="var", domain=REAL, samples=SPREAD, reference=_np_spread(np.var), method=False,
    vjp=lambda xp, g, x, dim, correction, keepdim: axes.spread(xp, g, x.shape, dim, keepdim) * (
        _centred(xp, x, dim) * (2 / _freedom(x, dim, correction))))  # fmt: skip
def variance(xp, x, *, dim=None, correction=1, keepdim=False):
    """Variance over `dim`, the sum of squared deviations divided by n - `correction`."""
    return _variance(xp, x, dim, correction, keepdim)


def _freedom(x, dim, correction):
    n = axes.count(x.shape, dim) - correction
    return n if n > 0 else math.nan


def _deviation_rule(xp, g, x, y, dim, correction, keepdim):
    """Where the deviation is 0 its minimum-norm subgradient is 0."""
    y = axes.spread(xp, y, x.shape, dim, keepdim)
    g = axes.spread(xp, g, x.shape, dim, keepdim)
    flat = y == 0
    return xp.where(flat, 0, g / (xp.where(flat, 1, y) * _freedom(x, dim, correction)) * _centred(xp, x, dim))


@op(
    REDUCTION,
    symbol="std",
    domain=REAL,
    samples=SPREAD,
    reference=_np_spread(np.std),
    method=False,
    vjp=_deviation_rule,
)
def deviation(xp, x, *, dim=None, correction=1, keepdim=False):
    """Standard deviation over `dim`, with n - `correction` degrees of freedom."""
    return xp.sqrt(_variance(xp, x, dim, correction, keepdim))


def _spread_arguments(input, dim, unbiased, correction):
    """PyTorch's older form has a boolean, `unbiased`, also in the place of `dim`."""
    if isinstance(dim, bool):
        dim, unbiased = None, dim
    if input.dtype.kind in "biu":
        raise DtypeError(
            f"var() and std() need floating point elements, not {input.dtype}; convert them first: x.float()"
        )
    if unbiased is not None:
        return dim, int(unbiased)
    return dim, 1 if correction is None else correction


@composition(REDUCTION, domain=REAL, samples=SPREAD, reference=_np_spread(np.var))
def var(input, dim=None, unbiased=None, *, correction=1, keepdim=False):
    """Variance over `dim` (all axes by default), divided by n - `correction`.

    >>> from autograd_core import tensor
    >>> tensor([1.0, 2.0, 3.0]).var()
    tensor(1.)
    """
    dim, correction = _spread_arguments(input, dim, unbiased, correction)
    return variance(input, dim=dim, correction=correction, keepdim=keepdim)


@composition(REDUCTION, domain=REAL, samples=SPREAD, reference=_np_spread(np.std))
def std(input, dim=None, unbiased=None, *, correction=1, keepdim=False):
    """Standard deviation over `dim` (all axes by default), with n - `correction` degrees of freedom."""
    dim, correction = _spread_arguments(input, dim, unbiased, correction)
    return deviation(input, dim=dim, correction=correction, keepdim=keepdim)


@op(REDUCTION, symbol="#", domain=REAL, samples=OF_NOTHING, reference=_np(np.count_nonzero), vjp=NO_GRADIENT)
def count_nonzero(xp, x, *, dim=None, keepdim=False):
    """How many elements are not zero."""
    return xp.sum(x != 0, axis=axis_of(x, dim), keepdims=keepdim, dtype=dtypes.int64)
