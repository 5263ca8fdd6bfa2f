"""The operations behind in-place writes: reading the part of a tensor behind a path of views, and replacing it."""

from math import prod

import numpy as np

from autograd_core.dtypes import as_dtype, float64
from autograd_core.kinds import INDEXING
from autograd_core.ops.shapes.strided import laid_out
from autograd_core.registry import OPS, op, sample
from autograd_core.semantics.subscripts import assign, axes_taken, may_repeat


def follow(xp, x, path):
    """Apply the view operations of a path in order."""
    for name, statics, which in path:
        x = OPS[name].forward(xp, x, **dict(statics))
        x = x if which is None else x[which]
    return x


def _slow_put(x, v, path):
    places = np.arange(x.size).reshape(x.shape)
    for _, statics, _ in path:
        places = places[dict(statics)["index"]]
    out = x.flatten()
    for place, new in zip(places.ravel(), v.ravel(), strict=True):
        out[place] = new
    return out.reshape(x.shape)


FIRST_ROW = (("getitem", (("index", 0),), None),)
REPEATED = (("getitem", (("index", np.array([0, 2, 0])),), None),)
EVERY_OTHER = (("getitem", (("index", slice(None, None, 2)),), None),)


@op(INDEXING, symbol="view", method=False, view=True, holomorphic=False,
    samples=(sample((3, 2), path=FIRST_ROW), sample((3, 2), path=EVERY_OTHER), sample((0, 2), path=EVERY_OTHER)),
    reference=lambda x, path: x[dict(path[0][1])["index"]],
    vjp=lambda xp, g, x_shape, x_dtype, path: xp.put_view(
        xp.zeros_beside(g, shape=x_shape, dtype=x_dtype), g, path=path
    ))
def get_view(xp, x, *, path):
    """The part of `input` that a path of view operations leads to, without repeated places."""
    return follow(xp, x, path)


def _arrived(xp, g, path):
    """The cotangent of the written elements: of several written to one place, the last one remains."""
    index = dict(path[-1][1]).get("index") if path else None
    if may_repeat(index):
        return xp.overwritten(xp.get_view(g, path=path[:-1]), index=index)
    return xp.get_view(g, path=path)


@op(INDEXING, symbol="write", method=False, holomorphic=False, reference=_slow_put,
    samples=(sample((3, 2), (2,), path=FIRST_ROW),
             sample((3, 2), (2, 2), path=EVERY_OTHER),
             sample((3, 2), (3, 2), path=REPEATED),
             sample((0, 2), (0, 2), path=EVERY_OTHER)),
    vjp=(lambda xp, g, v_shape, v_dtype, path: xp.put_view(
             g, xp.zeros_beside(g, shape=v_shape, dtype=v_dtype), path=path),
         _arrived))
def put_view(xp, x, v, *, path):
    """A copy of `input` in which the part that `path` leads to is `other`; the last of repeated positions remains."""
    out = laid_out(xp, x, **dict(path[0][1])) if path and path[0][0] == "restride" else xp.asarray(x).copy()
    part, last = follow(xp, out, path[:-1]), path[-1:]
    if last and last[0][0] == "getitem":
        assign(part, dict(last[0][1])["index"], v)  # reaches single elements and lists of positions too
    else:
        follow(xp, part, last)[...] = v
    return out


@op(INDEXING, symbol="overwrite", method=False,
    reference=lambda v, index, shape: _slow_put(np.zeros(shape), v, (("getitem", (("index", index),), None),)),
    samples=(sample((3, 2), index=np.array([0, 2, 0]), shape=(3, 2)),
             sample((2, 2), index=(slice(None), np.array([1, 1])), shape=(2, 3)),
             sample((0, 2), index=np.array([], int), shape=(3, 2))),
    vjp=lambda xp, g, index: xp.overwritten(g, index=index))
def overwrite(xp, x, *, index, shape):
    """Zeros of `shape` with `input` written at `index`; the last of repeated positions remains."""
    out = xp.zeros(shape, x.dtype)
    assign(out, index, x)
    return out


def _slow_overwritten(x, index):
    picked, places = x[index], np.arange(x.size).reshape(x.shape)[index].ravel()
    last = [p not in places[i + 1 :] for i, p in enumerate(places)]
    return picked * np.reshape(last, picked.shape)


@op(INDEXING, symbol="overwriteᵀ", method=False, reference=_slow_overwritten,
    samples=(sample((3, 2), index=np.array([0, 2, 0])),
             sample((2, 3), index=(slice(None), np.array([1, 1]))),
             sample((0, 2), index=np.array([], int))),
    vjp=lambda xp, g, x_shape, index: xp.overwrite(g, index=index, shape=x_shape))
def overwritten(xp, x, *, index):
    """The elements at `index`, and 0 for those that a later one at the same place overwrites: the transpose."""
    picked = xp.kernels.take_at(x, index)
    parts = index if index.__class__ is tuple else (index,)
    whole = 0 if any(i is Ellipsis for i in parts) else x.ndim - sum(map(axes_taken, parts))  # axes behind the index
    places = xp.zeros(x.shape[: x.ndim - whole], xp.int32)
    shape = picked.shape[: picked.ndim - whole]
    order = xp.arange(prod(shape), dtype=xp.int32).reshape(shape)
    assign(places, index, order)
    last = xp.kernels.take_at(places, index) == order
    return xp.where(last.reshape(*shape, *(1,) * whole), picked, xp.zeros((), x.dtype))


@op(INDEXING, symbol="0", method=False, reference=lambda x, shape, dtype: [0.0] * shape[0],
    samples=(sample((2, 3), shape=(4,), dtype=float64), sample((0, 3), shape=(4,), dtype=float64)),
    vjp=lambda xp, g: None)
def zeros_beside(xp, x, *, shape, dtype):
    """Zeros of `shape` and `dtype` on the device of `input`."""
    return xp.zeros(shape, as_dtype(dtype))
