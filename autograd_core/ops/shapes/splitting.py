"""Splitting along an axis, into views."""

import operator

import numpy as np

from autograd_core import functional
from autograd_core.errors import OperandError
from autograd_core.kinds import JOIN
from autograd_core.ops import axes
from autograd_core.registry import composition, op, sample


@op(JOIN, symbol="split", outputs=..., view=True, method=False,
    samples=(sample((5, 2), sizes=(2, 3)), sample((2, 6), sizes=(1, 2, 3), dim=1), sample((2, 0), sizes=(1, 1))),
    reference=lambda x, sizes, dim=0: np.split(x, np.cumsum(sizes)[:-1], dim),
    joint=lambda xp, g, dim, needs: [xp.kernels.joined(g, dim % g[0].ndim)],
    composite=lambda xp, g, dim: [xp.cat(g, dim=dim)])
def split_sizes(xp, x, *, sizes, dim=0):
    """Pieces of the given sizes along `dim`; views."""
    out, start, before = [], 0, (slice(None),) * (dim % x.ndim)
    for k in sizes:
        out.append(x[(*before, slice(start, start + k))])
        start += k
    return tuple(out)


def _stacked_rule(xp, g, dim, needs):
    at = dim % (g[0].ndim + 1)
    return [xp.kernels.joined([v.reshape(*v.shape[:at], 1, *v.shape[at:]) for v in g], at)]


@op(JOIN, symbol="unbind", outputs=..., view=True, samples=(sample((3, 2)), sample((2, 3), dim=-1), sample((2, 0))),
    reference=lambda x, dim=0: list(np.moveaxis(x, dim, 0)), joint=_stacked_rule,
    composite=lambda xp, g, dim: [xp.stack(g, dim=dim)])
def unbind(xp, x, *, dim=0):
    """The slices along `dim`, without that axis; views."""
    if not x.ndim:
        raise IndexError("unbind() takes a tensor with axes, not one of shape ()")
    at = axes.one(dim, x.ndim)
    return tuple([x[(*(slice(None),) * at, i, ...)] for i in range(x.shape[at])])


def _slow_split(x, split_size_or_sections=2, dim=0, split_size=2):
    size = split_size_or_sections
    return np.split(x, range(size, x.shape[dim], size) if isinstance(size, int) else np.cumsum(size)[:-1], dim)


@composition(JOIN, aliases=("unsafe_split",), reference=_slow_split,
             samples=(sample((5, 2), 2),
                      sample((2, 6), [1, 5], dim=1),
                      sample((3, 2), split_size_or_sections=2),
                      sample((3, 2), split_size=2),
                      sample((2, 0), 1)))
def split(input, split_size_or_sections=None, dim=0, *, split_size=None):
    """Pieces along `dim`, of one length (the last may be shorter) or of given lengths.

    The method's parameter is named `split_size`, the function's `split_size_or_sections`, as in PyTorch.

    >>> from autograd_core import arange
    >>> split(arange(5), 2)
    (tensor([0, 1]), tensor([2, 3]), tensor([4]))
    """
    size = split_size if split_size_or_sections is None else split_size_or_sections
    if isinstance(size, (list, tuple)):
        return split_with_sizes(input, size, dim)
    n = axes.length(input, dim, "split")
    if size is None or size < 0 or (not size and n):
        raise OperandError(f"split() needs a positive size, not {size}")
    return _equal_pieces(input, operator.index(size), n, dim)


def _equal_pieces(input, size, n, dim):
    """Pieces of an axis of length `n`; the last may be shorter."""
    whole, rest = divmod(n, size) if n else (0, 0)
    sizes = (size,) * whole + (rest,) * (rest > 0 or not n)
    return split_sizes(input, sizes=sizes, dim=dim)


@composition(JOIN, aliases=("unsafe_split_with_sizes",),
             samples=(sample((5, 2), [2, 3]), sample((2, 6), split_sizes=(1, 5), dim=1), sample((2, 0), [0, 2])),
             reference=lambda x, split_sizes, dim=0: np.split(x, np.cumsum(split_sizes)[:-1], dim))
def split_with_sizes(input, split_sizes, dim=0):
    """Pieces of given lengths along `dim`, which must add up to its length."""
    n, lengths = axes.length(input, dim, "split"), tuple(map(operator.index, split_sizes))
    if sum(lengths) != n or min(lengths, default=0) < 0:
        raise OperandError(f"split(): the sizes {list(lengths)} do not add up to the length {n} of axis {dim}")
    return functional.split_sizes(input, sizes=lengths, dim=dim)


@composition(JOIN, aliases=("unsafe_chunk",), samples=(sample((5, 2), 3), sample((2, 4), 2, dim=1), sample((2, 0), 2)),
             reference=lambda x, chunks, dim=0: np.split(
                 x, range(-(-x.shape[dim] // chunks), x.shape[dim], -(-x.shape[dim] // chunks)), dim))
def chunk(input, chunks, dim=0):
    """At most `chunks` pieces of equal length along `dim`; the last may be shorter."""
    chunks = operator.index(chunks)
    if chunks <= 0:
        raise OperandError(f"chunk() needs a positive number of chunks, not {chunks}")
    n = axes.length(input, dim, "chunk")
    return _equal_pieces(input, -(-n // chunks), n, dim) if n else split_sizes(input, sizes=(0,) * chunks, dim=dim)


@composition(JOIN,
             samples=(sample((5, 2), 3),
                      sample((2, 6), [1, 5], dim=1),
                      sample((5,), [2, 4, 4]),
                      sample((3,), 5),
                      sample((2, 0), 2)),
             reference=lambda x, indices_or_sections, dim=0: np.array_split(x, indices_or_sections, dim))
def tensor_split(input, indices_or_sections=None, dim=0, *, sections=None, indices=None):
    """Pieces along `dim`, split at given positions, or into a number of nearly equal pieces."""
    n = axes.length(input, dim, "tensor_split")
    cuts = _cuts(_given(indices_or_sections, sections, indices), n)
    before = (slice(None),) * axes.one(dim, input.ndim)
    return tuple([functional.getitem(input, index=(*before, slice(a, b)))
                  for a, b in zip([0, *cuts], [*cuts, None], strict=True)])


def _given(*ways):
    """The value of whichever of several parameters was given."""
    return next((way for way in ways if way is not None), None)


def _cuts(indices_or_sections, n):
    """The positions at which to cut an axis of length `n`."""
    given = indices_or_sections.tolist() if hasattr(indices_or_sections, "tolist") else indices_or_sections
    if isinstance(given, (list, tuple)):
        return list(map(operator.index, given))
    count = operator.index(given)
    if count <= 0:
        raise OperandError(f"tensor_split() needs a positive number of sections, not {count}")
    cuts = [n] * (count - 1)  # fails at once where so many pieces have no room
    for i in range(1, min(count, n + 1)):
        cuts[i - 1] = i * (n // count) + min(i, n % count)
    return cuts


def _along(input, indices_or_sections, dim, name):
    """The pieces of a split that requires equal sizes."""
    if indices_or_sections is None:
        raise TypeError(f"{name}() needs a number of sections, or the positions at which to split")
    n = input.shape[dim]
    if not isinstance(indices_or_sections, (list, tuple)) and (indices_or_sections <= 0 or n % indices_or_sections):
        raise OperandError(f"{name}(): axis {dim} of length {n} is not {indices_or_sections} equal pieces")
    return tensor_split(input, indices_or_sections, dim)


@composition(JOIN, samples=(sample((2, 4), 2), sample((4,), [1, 2]), sample((0, 4), 2)), reference=np.hsplit)
def hsplit(input, indices_or_sections=None, *, sections=None, indices=None):
    """Pieces along the second axis, or the only one: split at positions, or into equal pieces."""
    if not input.ndim:
        raise OperandError("hsplit() takes a tensor with axes, not one of shape ()")
    return _along(input, _given(indices_or_sections, sections, indices), min(1, input.ndim - 1), "hsplit")


@composition(JOIN, samples=(sample((4, 2), 2), sample((4, 1), [1, 2]), sample((4, 0), 2)), reference=np.vsplit)
def vsplit(input, indices_or_sections=None, *, sections=None, indices=None):
    """Pieces along the first of at least two axes: split at positions, or into equal pieces."""
    if input.ndim < 2:
        raise OperandError(f"vsplit() takes a tensor of at least 2 axes, not one of shape {input.shape}")
    return _along(input, _given(indices_or_sections, sections, indices), 0, "vsplit")


@composition(JOIN, samples=(sample((2, 1, 4), 2), sample((1, 2, 4), [1, 2]), sample((0, 1, 4), 2)), reference=np.dsplit)
def dsplit(input, indices_or_sections=None, *, sections=None, indices=None):
    """Pieces along the third of at least three axes: split at positions, or into equal pieces."""
    if input.ndim < 3:
        raise OperandError(f"dsplit() takes a tensor of at least 3 axes, not one of shape {input.shape}")
    return _along(input, _given(indices_or_sections, sections, indices), 2, "dsplit")
