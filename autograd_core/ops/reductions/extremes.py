"""The largest and smallest elements and their positions."""

from collections import namedtuple

import numpy as np

from autograd_core import functional
from autograd_core.engine.arguments import is_number
from autograd_core.engine.precision import together
from autograd_core.errors import OperandError
from autograd_core.kinds import REDUCTION
from autograd_core.ops import axes
from autograd_core.ops.reductions.reduction import EVERYWHERE, axis_of, reduced_by
from autograd_core.registry import NO_GRADIENT, composition, op, sample

ALONG_ONE = (sample((4,), dim=0), sample((2, 3, 4), dim=1), sample((3, 5), dim=-1, keepdim=True), sample((0, 3), dim=1))
Extremes = namedtuple("Extremes", "min max")


def tied_rule(xp, g, x, y, x_dtype, dim, keepdim):
    """The rule of a reduction that picks an element: ties share the gradient equally."""
    y = axes.spread(xp, y, x.shape, dim, keepdim)
    hit = x == y
    ties = xp.astype(xp.sum(hit, dim=dim, keepdim=True), dtype=x_dtype)
    return _shares(xp, axes.spread(xp, g, x.shape, dim, keepdim), x, y, ties)


@together
def _shares(xp, g, x, y, ties):
    return xp.where(x == y, g / ties, xp.where(y == y, 0, y))  # NaN where the extremum is


def check_some(x, dim, name, error=OperandError):
    """Raise if an element would have to be chosen from none."""
    dims = axes.normalized(dim, x.ndim)
    if dim is None and 0 in x.shape:
        raise error(f"{name}() of no elements is undefined; give dim=, or test x.numel() first")
    for d in dims if x.ndim else ():
        if not x.shape[d]:
            raise IndexError(f"{name}() along dim {d}, which has length 0 in shape {x.shape}, is undefined")


@op(REDUCTION, symbol="max", samples=EVERYWHERE, reference=reduced_by(np.max), vjp=tied_rule)
def amax(xp, x, *, dim=None, keepdim=False):
    """Largest element over `dim` (all axes by default); NaN if one is. Ties share the gradient equally."""
    check_some(x, dim, "amax")
    return xp.max(x, axis=axis_of(x, dim), keepdims=keepdim)


@op(REDUCTION, symbol="min", samples=EVERYWHERE, reference=reduced_by(np.min), vjp=tied_rule)
def amin(xp, x, *, dim=None, keepdim=False):
    """Smallest element over `dim` (all axes by default); NaN if one is. Ties share the gradient equally."""
    check_some(x, dim, "amin")
    return xp.min(x, axis=axis_of(x, dim), keepdims=keepdim)


@composition(REDUCTION,
             samples=(sample((2, 3)), sample((4,), dim=0), sample((3, 4), dim=-1, keepdim=True), sample((0, 3), dim=1)),
             reference=lambda x, dim=None, keepdim=False: tuple(
                 f(x, axis=dim, keepdims=keepdim) for f in (np.min, np.max)))
def aminmax(input, *, dim=None, keepdim=False) -> Extremes:
    """The smallest and the largest elements over `dim` (all axes by default), as (min, max)."""
    return Extremes(amin(input, dim=dim, keepdim=keepdim), amax(input, dim=dim, keepdim=keepdim))


def _picked_rule(xp, g, x_shape, indices, dim, keepdim):
    values = g[0]
    if not x_shape:
        return values
    if not keepdim:
        values, indices = (xp.reshape(v, shape=axes.kept(x_shape, dim)) for v in (values, indices))
    return xp.spread(values, indices, dim=dim, shape=x_shape)


def _pick(xp, x, search, dim, keepdim):
    """The elements along `dim` that `search` finds, and their indices."""
    at = axes.one(dim, x.ndim)
    check_some(x, at, search)
    indices = getattr(xp, search)(x.reshape(x.shape or (1,)), axis=at, keepdims=True)
    if not x.ndim:
        return x.copy(), indices.reshape(())
    values = xp.take_along_axis(x, indices, axis=at)
    return (values, indices) if keepdim else (values.squeeze(at), indices.squeeze(at))


def _along(extreme, argument):
    return lambda x, dim, keepdim=False: (extreme(x, dim, keepdims=keepdim), argument(x, dim, keepdims=keepdim))


@op(REDUCTION, symbol="max", samples=ALONG_ONE, outputs=("values", "indices"), method=False,
    vjp=_picked_rule, reference=_along(np.max, np.argmax))
def max_along(xp, x, *, dim, keepdim=False):
    """Largest elements along `dim` and their first indices."""
    return _pick(xp, x, "argmax", dim, keepdim)


@op(REDUCTION, symbol="min", samples=ALONG_ONE, outputs=("values", "indices"), method=False,
    vjp=_picked_rule, reference=_along(np.min, np.argmin))
def min_along(xp, x, *, dim, keepdim=False):
    """Smallest elements along `dim` and their first indices."""
    return _pick(xp, x, "argmin", dim, keepdim)


def _extremum(input, dim, keepdim, other, whole, along, pairwise):
    if is_number(input):
        raise TypeError(f"the first operand must be a tensor, not the number {input}")
    if hasattr(dim, "array") or other is not None:
        return pairwise(input, dim if other is None else other)
    return whole(input) if dim is None else along(input, dim=dim, keepdim=keepdim)


EITHER = (sample((2, 3)), sample((4,), dim=0), sample((3, 4), dim=1, keepdim=True), sample((0, 3), dim=1))


def _whole_or_along(extreme, argument):
    along = _along(extreme, argument)
    return lambda x, dim=None, keepdim=False: extreme(x) if dim is None else along(x, dim, keepdim)


@composition(REDUCTION, samples=EITHER, reference=_whole_or_along(np.max, np.argmax))
def max(input, dim=None, keepdim=False, *, other=None):
    """The largest element; with an axis `dim`, (values, indices) along it; with a tensor, the larger of each pair.

    Over all elements ties share the gradient equally; along an axis the first one gets it.
    """
    return _extremum(input, dim, keepdim, other, amax, max_along, functional.maximum)


@composition(REDUCTION, samples=EITHER, reference=_whole_or_along(np.min, np.argmin))
def min(input, dim=None, keepdim=False, *, other=None):
    """The smallest element; with an axis `dim`, (values, indices) along it; with a tensor, the smaller of each pair.

    Over all elements ties share the gradient equally; along an axis the first one gets it.
    """
    return _extremum(input, dim, keepdim, other, amin, min_along, functional.minimum)


def _found(xp, x, search, dim, keepdim):
    check_some(x, dim, search, IndexError)
    y = getattr(xp, search)(x.reshape(x.shape or (1,)), axis=dim)
    return y.reshape(axes.kept(x.shape, dim)) if keepdim or not x.ndim else y


def _index(function):
    def reference(x, dim=None, keepdim=False):
        y = function(x, axis=dim)
        return y if not keepdim else np.reshape(y, axes.kept(x.shape, dim))

    return reference


INDEXED = (*ALONG_ONE, sample((2, 3)), sample((2, 3), keepdim=True))


@op(REDUCTION, symbol="argmax", samples=INDEXED, reference=_index(np.argmax), vjp=NO_GRADIENT)
def argmax(xp, x, *, dim=None, keepdim=False):
    """Index of the largest element (the first of ties) along `dim`, or in the flattened tensor."""
    return _found(xp, x, "argmax", dim, keepdim)


@op(REDUCTION, symbol="argmin", samples=INDEXED, reference=_index(np.argmin), vjp=NO_GRADIENT)
def argmin(xp, x, *, dim=None, keepdim=False):
    """Index of the smallest element (the first of ties) along `dim`, or in the flattened tensor."""
    return _found(xp, x, "argmin", dim, keepdim)
