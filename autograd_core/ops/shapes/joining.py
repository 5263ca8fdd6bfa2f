"""Concatenation, stacking and broadcasting of several tensors."""

import itertools
import math

import numpy as np

from autograd_core import functional
from autograd_core.creation.ranges import meshgrid
from autograd_core.dtypes import result_type
from autograd_core.errors import OperandError
from autograd_core.kinds import JOIN
from autograd_core.ops.shapes.shape import reshape
from autograd_core.registry import composition, op, sample
from autograd_core.tensor import Tensor

NOTHING = (0,)  # an empty vector joins with anything, as in PyTorch


def _split_rule(xp, g, xs_shape, xs_dtype, dim, needs):
    dim = dim if len(g.shape) > 1 else 0  # empty vectors join along any axis
    kept = [s != NOTHING or len(g.shape) == 1 for s in xs_shape]
    sizes = tuple(s[dim] for s, k in zip(xs_shape, kept, strict=True) if k)
    pieces = iter(xp.split_sizes(g, sizes=sizes, dim=dim))
    return [next(pieces) if k else xp.zeros_beside(g, shape=NOTHING, dtype=dtype)
            for k, dtype in zip(kept, xs_dtype, strict=True)]


@op(JOIN, symbol="cat", aliases=("concat", "concatenate"), method=False,
    samples=(sample([(2, 3), (4, 3)]), sample([(2, 3), (2, 0), (2, 1)], dim=1), sample([(2,)], dim=-1),
             sample([(0,), (1, 2), (0,), (3, 2)])),
    reference=lambda *xs, dim=0: np.concatenate([x for x in xs if x.ndim == xs[-1].ndim], dim),
    joint=_split_rule)
def cat(xp, *xs, dim=0):
    """Tensors concatenated along an existing axis; empty vectors are skipped."""
    joined = [x for x in xs if x.shape != NOTHING]
    return xp.concatenate(joined or xs, dim if joined else 0)


@op(JOIN, symbol="stack", method=False,
    samples=(sample([(2, 3), (2, 3)]), sample([(2,), (2,), (2,)], dim=-1), sample([(0,), (0,)])),
    reference=lambda *xs, dim=0: np.stack(xs, dim), joint=lambda xp, g, dim, needs: xp.unbind(g, dim=dim))
def stack(xp, *xs, dim=0):
    """Tensors of the same shape, joined along a new axis."""
    return xp.stack(xs, dim)


def _in_shape(x, shape, change):
    """A tensor that has the shape, itself; others, and arrays, by a function of tensor and shape."""
    return x if isinstance(x, Tensor) and x.shape == shape else change(x, shape)


def _at_least(name, reference, axes_of, doc):
    """atleast_1d and the like: a tensor for one tensor, a tuple for several or a list."""

    def atleast(*tensors):
        if len(tensors) == 1 and hasattr(tensors[0], "ndim"):
            return _in_shape(tensors[0], axes_of(tensors[0].shape), reshape)
        given = tensors[0] if len(tensors) == 1 else tensors
        return tuple([_in_shape(x, axes_of(x.shape), reshape) for x in given])

    atleast.__name__ = atleast.__qualname__ = name
    atleast.__doc__ = doc
    samples = (sample(()), sample((3,)), sample((2, 3)), sample((1, 2, 0)), sample((), (2,)), sample([(2,), ()]))
    return composition(
        JOIN,
        samples=samples,
        method=False,
        reference=lambda *xs: reference(*(xs[0] if isinstance(xs[0], list) else xs)),
    )(atleast)


atleast_1d = _at_least("atleast_1d", np.atleast_1d, lambda s: s or (1,),
                       "With at least one axis: a view, or the tensor itself.")
atleast_2d = _at_least("atleast_2d", np.atleast_2d, lambda s: (1,) * (2 - len(s)) + s,
                       "With at least two axes, new ones in front: a view, or the tensor itself.")
atleast_3d = _at_least("atleast_3d", np.atleast_3d, lambda s: (*(1,) * (2 - len(s)), *s, 1)[:3] if len(s) < 3 else s,
                       "With at least three axes, of a vector one on either side, of a matrix at the end: a view, or "
                       "the tensor itself."
                       )


def _with_axes(tensors, least, atleast):
    """Tensors with at least so many axes; no view of one that has them."""
    return [x if x.ndim >= least else atleast(x) for x in tensors]


@composition(JOIN, aliases=("row_stack",), method=False,
             samples=(sample([(2, 3), (3,)]), sample([(3,), (3,)]), sample([(0, 3), (2, 3)]), sample([(), (1, 1)])),
             reference=np.vstack)
def vstack(tensors):
    """Tensors joined along the first axis; numbers and vectors become rows."""
    return cat(_with_axes(_several(tensors, "vstack"), 2, atleast_2d))


@composition(JOIN, method=False,
             samples=(sample([(2, 3), (2, 1)]), sample([(3,), (2,)]), sample([(2, 0), (2, 1)]), sample([(), (2,)])),
             reference=np.hstack)
def hstack(tensors):
    """Tensors joined along the second axis; numbers and vectors along their only one."""
    tensors = _with_axes(_several(tensors, "hstack"), 1, atleast_1d)
    return cat(tensors, dim=1 if tensors[0].ndim > 1 else 0)


@composition(JOIN, method=False,
             samples=(sample([(2, 3), (2, 3)]), sample([(3,), (3,)]), sample([(2, 1, 0), (2, 1, 1)]), sample([(), ()])),
             reference=np.dstack)
def dstack(tensors):
    """Tensors joined along the third axis."""
    return cat(_with_axes(_several(tensors, "dstack"), 3, atleast_3d), dim=2)


@composition(JOIN, method=False,
             samples=(sample([(2, 3), (2,)]), sample([(3,), (3,)]), sample([(0,), (0, 2)]), sample([(), ()])),
             reference=np.column_stack)
def column_stack(tensors):
    """Tensors joined along the second axis; numbers and vectors become columns."""
    return cat([reshape(x, (-1 if x.numel() else 0, 1)) if x.ndim < 2 else x
                for x in _several(tensors, "column_stack")], dim=1)


def _several(tensors, name):
    if hasattr(tensors, "ndim"):
        raise TypeError(f"{name}() takes a list or tuple of tensors, not one tensor")
    if not tensors:
        raise OperandError(f"{name}() needs at least one tensor; the list is empty")
    return list(tensors)


def _slow_block_diag(*tensors):
    xs = [np.atleast_2d(x) for x in tensors]
    out = np.zeros(np.sum([x.shape for x in xs], 0))
    row = column = 0
    for x in xs:
        out[row : row + x.shape[0], column : column + x.shape[1]] = x
        row, column = row + x.shape[0], column + x.shape[1]
    return out


@composition(JOIN, method=False,
             samples=(sample((2, 3), (1, 2)), sample((), (2,)), sample((2, 2)), sample((0, 2), (2, 1))),
             reference=_slow_block_diag)
def block_diag(*tensors):
    """The matrix with the given matrices along its diagonal and zeros elsewhere; numbers and vectors become rows."""
    if any(x.ndim > 2 for x in tensors):
        raise OperandError(f"block_diag() takes matrices, not tensors of shapes {[x.shape for x in tensors]}")
    if not tensors:
        return functional.empty(1, 0)
    dtype = result_type(*[x.array for x in tensors])
    blocks = [functional.astype(x, dtype) for x in atleast_2d(tensors)]
    width, rows, left = sum(x.shape[1] for x in blocks), [], 0
    for x in blocks:
        rows.append(functional.pad(x, (left, width - left - x.shape[1])))
        left += x.shape[1]
    return cat(rows)


def _check_vectors(tensors, name):
    if any(x.ndim != 1 for x in tensors):
        raise OperandError(f"{name}() takes vectors, not tensors of shapes {[x.shape for x in tensors]}")


@composition(JOIN, method=False,
             samples=(sample((2,), (3,)), sample((3,)), sample((2,), (1,), (2,)), sample((2,), (0,))),
             reference=lambda *xs:
                 np.array(list(itertools.product(*xs))).reshape(-1, len(xs))[:, 0 if len(xs) == 1 else slice(None)])
def cartesian_prod(*tensors):
    """All combinations of one element from each vector, as rows; for a single vector, the vector."""
    _check_vectors(tensors, "cartesian_prod")
    if len(tensors) == 1:
        return tensors[0]
    return stack([reshape(x, (math.prod(x.shape),)) for x in meshgrid(*tensors)], dim=1)


@composition(JOIN, samples=(sample((4,)), sample((3,), 3), sample((3,), r=2, with_replacement=True), sample((0,))),
             reference=lambda x, r=2, with_replacement=False: np.array(list(
                 (itertools.combinations_with_replacement if with_replacement else itertools.combinations)(x, r)
             )).reshape(-1 if r else 0, r))
def combinations(input, r=2, with_replacement=False):
    """All ordered choices of `r` elements of a vector, as rows; optionally with replacement."""
    _check_vectors([input], "combinations")
    if r < 0:
        raise OperandError(f"combinations() needs r ≥ 0, not {r}")
    if not r:
        return functional.empty(0, dtype=input.dtype, device=input.device)
    choose = itertools.combinations_with_replacement if with_replacement else itertools.combinations
    picked = np.array(list(choose(range(input.shape[0]), r)), np.int64).reshape(-1, r)
    return input[picked]


@composition(JOIN, method=False,
             samples=(sample((2, 1), (3,)), sample((), (2,)), sample((2, 3)), sample((1, 0), (2, 1))),
             reference=lambda *xs: list(np.broadcast_arrays(*xs)))
def broadcast_tensors(*tensors):
    """The tensors expanded to their common broadcast shape: views, or a tensor itself if it has that shape."""
    given = tensors[0] if len(tensors) == 1 and isinstance(tensors[0], list | tuple) else tensors
    try:
        shape = np.broadcast_shapes(*[x.shape for x in given])
    except ValueError as e:
        raise OperandError(f"broadcast_tensors(): {e}") from None
    return tuple([_in_shape(x, shape, functional.expand) for x in given])
