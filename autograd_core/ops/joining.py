"""Several tensors to one, one to several."""

import math

import numpy as np

from autograd_core.errors import OperandError
from autograd_core.kinds import JOIN
from autograd_core.ops import axes
from autograd_core.ops.shape import reshape
from autograd_core.registry import Interval, composition, op, sample

REAL = Interval(-2, 2)


def _split_rule(xp, g, xs_shape, dim, needs):
    return xp.split_sizes(g, sizes=tuple(s[dim] for s in xs_shape), dim=dim)


@op(JOIN, symbol="cat", domain=REAL, aliases=("concat", "concatenate"), method=False,
    samples=(sample([(2, 3), (4, 3)]), sample([(2, 3), (2, 0), (2, 1)], dim=1), sample([(2,)], dim=-1)),
    reference=lambda *xs, dim=0: np.concatenate(xs, dim), joint=_split_rule)  # fmt: skip
def cat(xp, *xs, dim=0):
    """Tensors joined along an existing axis."""
    return xp.concatenate(xs, dim)


@op(
    JOIN,
    symbol="stack",
    domain=REAL,
    method=False,
    samples=(sample([(2, 3), (2, 3)]), sample([(2,), (2,), (2,)], dim=-1), sample([(0,), (0,)])),
    reference=lambda *xs, dim=0: np.stack(xs, dim),
    joint=lambda xp, g, dim, needs: xp.unbind(g, dim=dim),
)
def stack(xp, *xs, dim=0):
    """Tensors of one shape joined along a new axis."""
    return xp.stack(xs, dim)


@op(JOIN, symbol="split", domain=REAL, outputs=..., view=True, method=False,
    samples=(sample((5, 2), sizes=(2, 3)), sample((2, 6), sizes=(1, 2, 3), dim=1), sample((2, 0), sizes=(1, 1))),
    reference=lambda x, sizes, dim=0: np.split(x, np.cumsum(sizes)[:-1], dim),
    vjp=lambda xp, g, dim: xp.cat(g, dim=dim))  # fmt: skip
def split_sizes(xp, x, *, sizes, dim=0):
    """Pieces of the given sizes along `dim`; views."""
    out, start, before = [], 0, (slice(None),) * (dim % x.ndim)
    for k in sizes:
        out.append(x[(*before, slice(start, start + k))])
        start += k
    return tuple(out)


@op(
    JOIN,
    symbol="unbind",
    domain=REAL,
    outputs=...,
    view=True,
    samples=(sample((3, 2)), sample((2, 3), dim=-1), sample((2, 0))),
    reference=lambda x, dim=0: list(np.moveaxis(x, dim, 0)),
    vjp=lambda xp, g, dim: xp.stack(g, dim=dim),
)
def unbind(xp, x, *, dim=0):
    """The slices along `dim`, without that axis; views."""
    before = (slice(None),) * axes.one(dim, x.ndim)
    return tuple(x[(*before, i, ...)] for i in range(x.shape[dim]))


@composition(
    JOIN,
    domain=REAL,
    samples=(sample((5, 2), 2), sample((2, 6), [1, 5], dim=1), sample((2, 0), 1)),
    reference=lambda x, split_size, dim=0: np.split(
        x,
        range(split_size, x.shape[dim], split_size) if isinstance(split_size, int) else np.cumsum(split_size)[:-1],
        dim,
    ),
)
def split(input, split_size, dim=0):
    """Pieces along `dim`: of length `split_size`, the last one shorter, or of the given lengths."""
    n = axes.length(input, dim, "split")
    if isinstance(split_size, int):
        if split_size <= 0:
            raise OperandError(f"split() needs a positive size, not {split_size}")
        sizes = [min(split_size, n - i) for i in range(0, n, split_size)] or [0]
    else:
        sizes = list(split_size)
    if sum(sizes) != n or min(sizes, default=0) < 0:
        raise OperandError(f"split(): the sizes {sizes} do not add up to the length {n} of axis {dim}")
    return split_sizes(input, sizes=tuple(sizes), dim=dim)


@composition(
    JOIN,
    domain=REAL,
    samples=(sample((5, 2), 3), sample((2, 4), 2, dim=1), sample((2, 0), 2)),
    reference=lambda x, chunks, dim=0: np.split(
        x, range(-(-x.shape[dim] // chunks), x.shape[dim], -(-x.shape[dim] // chunks)), dim
    ),
)
def chunk(input, chunks, dim=0):
    """At most `chunks` pieces of equal length along `dim`, the last one shorter."""
    if chunks <= 0:
        raise OperandError(f"chunk() needs a positive number of chunks, not {chunks}")
    n = axes.length(input, dim, "chunk")
    return split(input, math.ceil(n / chunks) if n else [0] * chunks, dim)


@composition(
    JOIN,
    domain=REAL,
    samples=(sample([(2, 3), (3,)]), sample([(3,), (3,)]), sample([(0, 3), (2, 3)]), sample([(), (1, 1)])),
    reference=np.vstack,
    method=False,
)
def vstack(tensors):
    """Tensors joined along the first axis; numbers and vectors become rows."""
    return cat([reshape(x, (1, -1)) if x.ndim < 2 else x for x in tensors])


@composition(
    JOIN,
    domain=REAL,
    samples=(sample([(2, 3), (2, 1)]), sample([(3,), (2,)]), sample([(2, 0), (2, 1)]), sample([(), (2,)])),
    reference=np.hstack,
    method=False,
)
def hstack(tensors):
    """Tensors joined along the second axis, numbers and vectors along the only one."""
    tensors = [x if x.ndim else reshape(x, (1,)) for x in tensors]
    return cat(tensors, dim=1 if tensors and tensors[0].ndim > 1 else 0)
