"""The operations behind in-place writes: the part of a tensor that a path of views leads to, and its replacement."""

import numpy as np

from autograd_core.kinds import INDEXING
from autograd_core.registry import OPS, Interval, op, sample

REAL = Interval(-2, 2)


def follow(xp, x, path):
    """Take the views of a path, one after the other."""
    for name, statics, which in path:
        x = OPS[name].forward(xp, x, **dict(statics))
        x = x if which is None else x[which]
    return x


def _slow_put(x, v, path):
    out = x.copy()
    part = out
    for _, statics, _ in path:
        part = part[dict(statics)["index"]]
    part[...] = v
    return out


FIRST_ROW = (("getitem", (("index", 0),), None),)
REPEATED = (("getitem", (("index", np.array([0, 2, 0])),), None),)
EVERY_OTHER = (("getitem", (("index", slice(None, None, 2)),), None),)


def _put_back(xp, g, x_shape, path):
    """Zeros to which `g` is added where `path` leads: an index array may lead to one place repeatedly."""
    zeros = xp.zeros_beside(g, shape=x_shape)
    *before, (name, statics, _) = path
    if name != "getitem" or not _has_arrays(dict(statics)["index"]):
        return xp.put_view(zeros, g, path=path)
    part = xp.get_view(zeros, path=before)
    return xp.put_view(zeros, xp.place(g, index=dict(statics)["index"], shape=part.shape), path=before)


def _has_arrays(index):
    return any(hasattr(i, "ndim") for i in (index if index.__class__ is tuple else (index,)))


@op(INDEXING, symbol="view", domain=REAL, method=False, view=True,
    samples=(sample((3, 2), path=FIRST_ROW), sample((3, 2), path=EVERY_OTHER), sample((0, 2), path=EVERY_OTHER),
             sample((3, 2), path=REPEATED)),
    reference=lambda x, path: x[dict(path[0][1])["index"]],
    vjp=_put_back)  # fmt: skip
def get_view(xp, x, *, path):
    """The part of `input` that a path of view operations leads to."""
    return follow(xp, x, path)


@op(
    INDEXING,
    symbol="write",
    domain=REAL,
    method=False,
    reference=_slow_put,
    samples=(
        sample((3, 2), (2,), path=FIRST_ROW),
        sample((3, 2), (2, 2), path=EVERY_OTHER),
        sample((0, 2), (0, 2), path=EVERY_OTHER),
    ),
    vjp=(
        lambda xp, g, v_shape, path: xp.put_view(g, xp.zeros_beside(g, shape=v_shape), path=path),
        lambda xp, g, path: xp.get_view(g, path=path),
    ),
)
def put_view(xp, x, v, *, path):
    """A copy of `input` in which the part that `path` leads to is `other`."""
    out = x.copy()
    part, last = follow(xp, out, path[:-1]), path[-1:]
    if last and last[0][0] == "getitem":
        part[dict(last[0][1])["index"]] = v  # reaches what is no view, too: one element, or a list of positions
    else:
        follow(xp, part, last)[...] = v
    return out


@op(INDEXING, symbol="0", domain=REAL, method=False, samples=(sample((2, 3), shape=(4,)), sample((0, 3), shape=(4,))),
    reference=lambda x, shape: [0.0] * shape[0], vjp=lambda xp, g: None)  # fmt: skip
def zeros_beside(xp, x, *, shape):
    """Zeros of `shape`, with the dtype and on the device of `input`."""
    return xp.zeros(shape, x.dtype)
