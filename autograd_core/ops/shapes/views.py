"""The operations behind in-place writes: reading the part of a tensor behind a path of views, and replacing it."""

from math import prod

import numpy as np

from autograd_core.dtypes import as_dtype, float64
from autograd_core.engine.versions import storage
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
    _write(xp, out, v, path)
    return out


# Steps that copy, if the elements do not lie in memory as the step asks for: how the copy becomes the source again.
UNDONE = {
    "reshape": lambda xp, part, x: part.reshape(x.shape),
    "reinterpret": lambda xp, part, x: part.view(x.dtype),
    "view_as_complex": lambda xp, part, x: OPS["view_as_real"].forward(xp, part),
}


def _write(xp, x, v, path):
    """Write `v` to the part of `x` that a path leads to, in whatever order the elements of `x` lie in memory."""
    if not path:
        x[...] = v
        return
    (name, statics, _), further = path[0], path[1:]
    if name == "getitem" and not further:
        assign(x, dict(statics)["index"], v)  # reaches single elements and lists of positions too
        return
    part = follow(xp, x, path[:1])
    _write(xp, part, v, further)
    if name in UNDONE and storage(part) is not storage(x):
        x[...] = UNDONE[name](xp, part, x)


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
