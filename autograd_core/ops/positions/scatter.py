"""Scattering: elements written or added at positions given by an index tensor of the same rank."""

from functools import partial
from typing import Any

import numpy as np

from autograd_core import dtypes, functional
from autograd_core.engine.libraries import LIBRARY
from autograd_core.errors import DtypeError, OperandError, PositionError
from autograd_core.kinds import INDEXING
from autograd_core.ops import axes
from autograd_core.ops.positions.indexing import check_index, spread
from autograd_core.ops.shapes.shape import ravel, reshape
from autograd_core.registry import composition, integers, op, sample
from autograd_core.tensor import Tensor
from backends.generic.indexing import grid, is_expanded


def _slow(combine):
    """A reference that visits the elements of src one by one."""

    def reference(x, dim, index, src, **statics):
        out = np.atleast_1d(x).copy()
        index, src = np.atleast_1d(index), src if np.isscalar(src) else np.atleast_1d(src)
        for at in np.ndindex(index.shape):
            to = (*at[: dim % out.ndim], int(index[at]), *at[dim % out.ndim + 1 :])
            out[to] = combine(out[to], src if np.isscalar(src) else src[at], **statics)
        return out.reshape(np.shape(x))

    return reference


def written(x, src, index):
    """`x` with `src` written at an index expression of arrays; at repeated positions the last one remains."""
    try:
        return functional.put_view(x, src, path=(("getitem", (("index", index),), None),))
    except IndexError as e:
        raise PositionError(str(e)) from None


def _grid(index, dim):
    return grid(LIBRARY[index.array.__class__], index.array, dim)


def _lifted(x):
    return x if x.ndim else reshape(x, (1,))


def _shaped(x, shape):
    return x if x.array.shape == shape else reshape(x, shape)


def _fitted(name, input, dim, index, src):
    """Operands with at least one axis, and `src` cropped to the shape of `index`, after checks."""
    x, index, at = _lifted(input), _lifted(index), axes.one(dim, input.ndim)
    if isinstance(src, Tensor):
        src = _lifted(src)
        if src.array.dtype != x.array.dtype:
            raise DtypeError(f"{name}(): src of {src.dtype} must have the dtype of the tensor, {x.dtype}")
    if not index.array.size:
        index = functional.zeros((0,) * x.ndim, dtype="int64", device=index.device)
        src = reshape(ravel(src)[:0], index.shape) if isinstance(src, Tensor) else src
    check_index(x.array.shape, index.array, at, name)
    if isinstance(src, Tensor) and index.array.shape != src.array.shape:
        if src.ndim != index.ndim or any(k > s for k, s in zip(index.shape, src.shape, strict=True)):
            raise OperandError(f"{name}(): index of shape {index.shape} reaches beyond src of shape {src.shape}")
        src = src[tuple(slice(k) for k in index.shape)]
    return x, at, index, src


ADDED = (
    sample((3, 4), 0, integers((2, 4), 0, 3), (2, 4)),
    sample((2, 3), 1, integers((2, 2), 0, 3), (2, 3)),
    sample((2, 3), 1, integers((0, 2), 0, 3), (2, 2)),
    sample((), 0, integers((), 0, 1), ()),
)


@composition(INDEXING, samples=ADDED, reference=_slow(lambda old, new: old + new))
def scatter_add(input, dim, index, src):
    """`input` with the elements of `src` added along `dim` at `index`; repeated indices add up."""
    x, at, index, src = _fitted("scatter_add", input, dim, index, src)
    return _shaped(x + spread(src, index, dim=at, shape=x.array.shape), input.shape)


def _scattered(x, dim, index, src=None, value=None, reduce=None):
    combine = {None: lambda old, new: new, "add": lambda old, new: old + new,
               "multiply": lambda old, new: old * new}[reduce]
    return _slow(combine)(x, dim, index, value if src is None else src)


@composition(INDEXING,
             samples=(*ADDED,
                      sample((3, 4), 0, integers((2, 4), 0, 3), 1.5),
                      sample((3, 4), -1, integers((2, 3), 0, 4), value=-1.0),
                      sample((3, 2), 0, integers((4, 2), 0, 3), (4, 2), reduce="add"),
                      sample((3, 2), 0, integers((4, 2), 0, 3), (4, 2), reduce="multiply")),
             reference=_scattered)
def scatter(input, dim, index, src=None, *, value=None, reduce=None):
    """`input` with elements of `src`, or one number, written along `dim` at `index`; the last at a place remains.

    reduce: "add" or "multiply" combines them with the elements of `input` instead.
    """
    src = value if src is None else src
    if src is None:
        raise TypeError("scatter() needs src, a tensor, or value, a number")
    if reduce not in (None, "add", "multiply"):
        raise OperandError(f"scatter(): reduce must be 'add' or 'multiply', not {reduce!r}; see scatter_reduce()")
    x, at, index, src = _fitted("scatter", input, dim, index, src)
    if not isinstance(src, Tensor):
        src = functional.full(index.shape, src, dtype=x.dtype, device=x.device)
    if reduce == "multiply":
        return _shaped(_product(x, at, index, src, True), input.shape)
    y = x + spread(src, index, dim=at, shape=x.array.shape) if reduce else written(x, src, _grid(index, at))
    return _shaped(y, input.shape)


def _extremum_rule(xp, g, x, index, src, y, x_dtype, dim, to_nan, needs):
    """Ties share the gradient equally, the elements of `input` included."""
    best = xp.gather(y, index=index, dim=dim)
    own, other = x == y, src == best
    if to_nan:
        own, other = own | (x != x), other | (src != src)
        y, best = xp.where(y == y, y, 0), xp.where(best == best, best, 0)
    ties = xp.astype(own, dtype=x_dtype) + xp.spread(
        xp.astype(other, dtype=x_dtype), index, dim=dim, shape=tuple(x.shape)
    )
    share = g / ties
    return (xp.where(own, share, xp.where(y == y, 0, y)), None,
            xp.where(other, xp.gather(share, index=index, dim=dim), xp.where(best == best, 0, best)))


@op(INDEXING, symbol="scatter max", method=False, real_only=True,
    samples=(sample((3, 2), integers((4, 2), 0, 3), (4, 2), dim=0, largest=True),
             sample((2, 3), integers((2, 4), 0, 3), (2, 4), dim=1, largest=False),
             sample((2, 3), integers((0, 3), 0, 2), (0, 3), dim=0, largest=True, to_nan=True)),
    reference=lambda x, index, src, dim, largest, to_nan=False: _slow(max if largest else min)(x, dim, index, src),
    joint=_extremum_rule)
def scatter_extremum(xp, x, index, src, *, dim, largest, to_nan=False):
    """The largest (or smallest) of each element and those that `index` assigns to its place along `dim`.

    to_nan: where the result is NaN, only NaN elements get the gradient, instead of NaN for all.
    """
    out = x.flatten()
    places = xp.arange(out.shape[0]).reshape(x.shape)[grid(xp, index, dim)]
    (xp.maximum if largest else xp.minimum).at(out, places.reshape(-1), src.reshape(-1))
    return out.reshape(x.shape)


def _without(x, at, index, value):
    """`x` with a number at every place that `index` names."""
    return written(x, functional.full(index.shape, value, dtype=x.dtype, device=x.device), _grid(index, at))


def _bound(dtype, largest):
    """The neutral element of a maximum (or minimum) in a dtype."""
    if dtype.kind == "b":
        return not largest
    if dtype.kind in dtypes.INTEGERS:
        return getattr(np.iinfo(dtype), "min" if largest else "max")
    return -np.inf if largest else np.inf


def _extremum(x, at, index, src, include_self, *, largest):
    if not include_self:
        x = _without(x, at, index, _bound(x.dtype, largest))
    return scatter_extremum(x, index, src, dim=at, largest=largest)


def _sum(x, at, index, src, include_self):
    x = x if include_self else _without(x, at, index, 0)
    return x + spread(src, index, dim=at, shape=x.array.shape)


def _mean(x, at, index, src, include_self):
    total = _sum(x, at, index, src, include_self)
    shape, whole = x.shape, all(i == at or k == n for i, (k, n) in enumerate(zip(index.shape, x.shape, strict=True)))
    if whole and is_expanded(index.array, at):  # then all elements of a slice count the same
        shape = tuple(n if i == at else 1 for i, n in enumerate(shape))
        index = index[tuple(slice(None if i == at else 1) for i in range(x.ndim))]
    count = spread(functional.ones(index.shape, dtype=x.dtype, device=x.device), index, dim=at, shape=shape)
    count = count + 1 if include_self else functional.clamp(count, min=1)
    return functional.floor_divide(total, count) if x.dtype.kind in dtypes.EXACT else total / count


def _product(x, at, index, src, include_self):
    """Products by group: each element, and those assigned to its place."""
    xp = LIBRARY[index.array.__class__]
    x = x if include_self else _without(x, at, index, 1)
    places = xp.arange(x.numel()).reshape(x.shape)
    groups = xp.concatenate([places.reshape(-1), places[_grid(index, at)].reshape(-1)])
    return reshape(_products(functional.cat([ravel(x), ravel(src)]), groups, x.numel()), x.shape)


def _products(values, groups, count):
    """The product of the elements of each of `count` groups, none of them empty.

    Pair by pair, by multiplication only, so gradients of any order are exact where elements are 0.
    """
    xp = LIBRARY[groups.__class__]
    order = xp.argsort(groups)
    values, groups = functional.getitem(values, index=order), groups[order]
    ranks = xp.arange(groups.shape[0]) - xp.searchsorted(groups, xp.arange(count))[groups]
    one = functional.ones_like(values.detach()[:1])
    while groups.shape[0] > count:
        n, heads = groups.shape[0], xp.nonzero(ranks % 2 == 0)[0]
        after = xp.minimum(heads + 1, n - 1)
        partners = xp.where(ranks[after] % 2 == 1, after, n)
        values = functional.getitem(values, index=heads) * functional.getitem(
            functional.cat([values, one]), index=partners
        )
        groups, ranks = groups[heads], ranks[heads] // 2
    return values


REDUCE: dict[str, Any] = {"sum": _sum, "mean": _mean, "prod": _product,
          "amax": partial(_extremum, largest=True), "amin": partial(_extremum, largest=False)}


def _slow_reduce(x, dim, index, src, reduce, include_self=True):
    out, index, src = np.atleast_1d(x).copy(), np.atleast_1d(index), np.atleast_1d(src)
    found: dict[Any, Any] = {}
    for at in np.ndindex(index.shape):
        found.setdefault((*at[: dim % out.ndim], int(index[at]), *at[dim % out.ndim + 1 :]), []).append(src[at])
    for to, values in found.items():
        values = np.array(values + [out[to]] * include_self)
        out[to] = getattr(np, reduce)(values)
    return out.reshape(np.shape(x))


@composition(INDEXING, reference=_slow_reduce,
             samples=(*[sample((3, 2), 0, integers((4, 2), 0, 3), (4, 2), reduce, **statics)
                        for reduce in REDUCE for statics in ({}, {"include_self": False})],
                      sample((2, 3), -1, integers((2, 0), 0, 3), (2, 3), "prod")))
def scatter_reduce(input, dim, index, src, reduce, *, include_self=True):
    """The "sum", "prod", "mean", "amax" or "amin" of the elements that `index` assigns to each place along `dim`.

    "max" and "min" are accepted too. The elements of `input` are included unless `include_self` is False. Places
    without assigned elements are kept.
    """
    reduce = {"max": "amax", "min": "amin"}.get(reduce, reduce)
    if reduce not in REDUCE:
        raise OperandError(f"scatter_reduce(): reduce must be one of {', '.join(REDUCE)}, not {reduce!r}")
    x, at, index, src = _fitted("scatter_reduce", input, dim, index, src)
    return _shaped(REDUCE[reduce](x, at, index, src, include_self), input.shape)
