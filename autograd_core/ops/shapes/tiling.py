"""Flips, rolls and rotations, and repeated elements."""

import operator

import numpy as np

from autograd_core import dtypes, functional
from autograd_core.errors import OperandError
from autograd_core.kinds import SHAPE
from autograd_core.ops import axes
from autograd_core.ops.shapes.shape import expand, flatten, flip, ravel, reshape, transpose
from autograd_core.registry import composition, integers, op, sample


def _moves(shifts, dims, ndim):
    """Shifts and axes: one shift per axis of `dims`, or one for the flattened tensor (None)."""
    shifts = tuple(map(operator.index, shifts if isinstance(shifts, (tuple, list)) else (shifts,)))
    if dims is None or (isinstance(dims, (tuple, list)) and not dims):
        if len(shifts) != 1:
            raise OperandError(f"roll(): {len(shifts)} shifts need as many dims; none were given")
        return shifts[0], None
    if not ndim:
        raise IndexError(f"roll(): dims {dims} of a tensor without axes")
    dims = tuple(axes.one(d, ndim) for d in (dims if isinstance(dims, (tuple, list)) else (dims,)))
    if len(shifts) != len(dims):
        raise OperandError(f"roll(): {len(shifts)} shifts for {len(dims)} dims; pass one for each")
    return shifts, dims


@op(SHAPE, symbol="roll",
    samples=(sample((2, 3), shifts=1),
             sample((2, 3), shifts=-4, dims=1),
             sample((3, 4), shifts=(1, 2), dims=(0, -1)),
             sample((0, 3), shifts=1, dims=0),
             sample((), shifts=2)),
    reference=lambda x, shifts, dims=None: np.roll(x, shifts, dims),
    vjp=lambda xp, g, shifts, dims: xp.roll(
        g, shifts=tuple([-k for k in shifts]) if isinstance(shifts, (tuple, list)) else -shifts, dims=dims))
def roll(xp, x, *, shifts, dims=None):
    """The elements shifted cyclically by `shifts` along `dims`; without `dims`, in the flattened tensor."""
    shifts, dims = _moves(shifts, dims, x.ndim)
    return xp.roll(x, shifts, dims) if x.ndim else x.copy()


@composition(SHAPE,
             samples=(sample((2, 3)), sample((2, 3), 2), sample((2, 3, 2), k=-1, dims=(2, 0)), sample((0, 3), 4)),
             reference=lambda x, k=1, dims=(0, 1): np.rot90(x, k, dims))
def rot90(input, k=1, dims=(0, 1)):
    """The plane of two axes rotated by `k` quarter turns, from the first axis towards the second."""
    if len(dims) != 2:
        raise OperandError(f"rot90() rotates a plane of two axes, not of {len(dims)}")
    if input.ndim < 2:
        raise OperandError(f"rot90() takes a tensor of at least 2 axes, not one of shape {input.shape}")
    k, a, b = operator.index(k), axes.one(dims[0], input.ndim), axes.one(dims[1], input.ndim)
    if a == b:
        raise OperandError(f"rot90(): dims {tuple(dims)} are the same axis")
    if k % 4 == 0:
        return functional.clone(input)
    if k % 4 == 2:
        return flip(input, (a, b))
    return transpose(flip(input, b), a, b) if k % 4 == 1 else flip(transpose(input, a, b), b)


@composition(SHAPE, samples=(sample((2, 3)), sample((1, 2, 2)), sample((2, 0))), reference=lambda x: np.flip(x, 1))
def fliplr(input):
    """The elements in reverse order along the second axis."""
    if input.ndim < 2:
        raise OperandError(f"fliplr() takes a tensor of at least 2 axes, not one of shape {input.shape}")
    return flip(input, 1)


@composition(SHAPE, samples=(sample((2, 3)), sample((3,)), sample((0, 2))), reference=lambda x: np.flip(x, 0))
def flipud(input):
    """The elements in reverse order along the first axis."""
    if not input.ndim:
        raise OperandError("flipud() takes a tensor with axes, not one of shape ()")
    return flip(input, 0)


def _counts(given, keyword):
    given = given if keyword is None else (keyword,)
    return tuple(map(operator.index, given[0] if len(given) == 1 and isinstance(given[0], (tuple, list)) else given))


def _tiled(keyword):
    """Samples of a function that takes counts one by one, or in a tuple by keyword."""
    return (
        sample((2, 3), 2, 1),
        sample((3,), 2, 2),
        sample((2,), 3),
        sample((2, 3), **{keyword: (2, 0)}),
        sample((0, 3), 1, 2),
        sample((), **{keyword: (2,)}),
    )


def _slow_tile(x, *counts, repeats=None, dims=None):
    return np.tile(x, counts or repeats or dims)


@composition(SHAPE, samples=_tiled("repeats"), reference=_slow_tile)
def repeat(input, *counts, repeats=None):
    """The tensor repeated a number of times along each axis; new axes come first."""
    counts = _counts(counts, repeats)
    lead = len(counts) - input.ndim
    if lead < 0:
        raise OperandError(
            f"repeat(): {len(counts)} counts for a tensor of {input.ndim} axes; pass one for each, or use tile()"
        )
    if min(counts, default=0) < 0:
        raise OperandError(f"repeat() cannot repeat a negative number of times: {counts}")
    lengths = (1,) * lead + input.shape
    apart = reshape(input, tuple([k for n in lengths for k in (1, n)]))
    spread = expand(apart, tuple([k for pair in zip(counts, lengths, strict=True) for k in pair]))
    return reshape(functional.row_major(spread), tuple([r * n for r, n in zip(counts, lengths, strict=True)]))


@composition(SHAPE, samples=(*_tiled("dims"), sample((2, 3), 2)), reference=_slow_tile)
def tile(input, *counts, dims=None):
    """`repeat`, with missing leading counts taken as 1.

    >>> from autograd_core import tensor
    >>> tile(tensor([[1, 2]]), 2)
    tensor([[1, 2, 1, 2]])
    """
    counts = _counts(counts, dims)
    return repeat(input, (1,) * (input.ndim - len(counts)) + counts)


@composition(SHAPE,
             samples=(sample((2, 3), 2),
                      sample((2, 3), repeats=2, dim=-1),
                      sample((2, 3), integers((3,), 0, 3), dim=1),
                      sample(integers((3,), 0, 3)),
                      sample((0, 3), 2, dim=0)),
             reference=lambda x, repeats=None, dim=None: (
                 np.repeat(np.arange(len(x)), x) if repeats is None else np.repeat(x, repeats, dim)))
def repeat_interleave(input, repeats=None, dim=None, *, output_size=None):
    """Every element along `dim` repeated consecutively, by one count or by a tensor of counts.

    Without `dim` the tensor is flattened first. For a single tensor of counts, the repeated positions.

    >>> from autograd_core import tensor
    >>> repeat_interleave(tensor([5, 7]), tensor([1, 3]))
    tensor([5, 7, 7, 7])
    """
    if repeats is None:
        return functional.as_tensor(_repeated(input, input.numel()), device=input.device)
    if dim is None:
        input, dim = ravel(input), 0
    at = axes.one(dim, input.ndim)
    input = input if input.ndim else reshape(input, (1,))
    n = input.shape[at]
    if getattr(repeats, "ndim", 0) and repeats.numel() != 1:
        result = functional.index_select(input, at, functional.as_tensor(_repeated(repeats, n), device=input.device))
    else:
        before, after = input.shape[: at + 1], input.shape[at + 1 :]
        apart = expand(reshape(input, (*before, 1, *after)), (*before, _not_negative(operator.index(repeats)), *after))
        result = flatten(functional.row_major(apart), at, at + 1)
    if output_size is not None and output_size != result.shape[at]:
        raise OperandError(
            f"repeat_interleave(): output_size={output_size}, but the counts add up to {result.shape[at]}"
        )
    return result


def _repeated(counts, n):
    if counts.ndim != 1 or counts.dtype.kind not in dtypes.INTEGERS or counts.shape[0] != n:
        raise OperandError(
            f"repeat_interleave() takes a number or a vector of {n} integers as counts, not {counts.dtype} of shape "
            f"{counts.shape}"
        )
    counts = counts.cpu().numpy().astype(np.int64, copy=False)
    _not_negative(counts.min(initial=0))
    return np.repeat(np.arange(n), counts)


def _not_negative(count):
    if count < 0:
        raise OperandError(f"repeat_interleave() cannot repeat a negative number of times: {count}")
    return count


@composition(SHAPE, method=False,
             samples=(sample((3,)),
                      sample((3,), 2),
                      sample((2,), N=4, increasing=True),
                      sample((2,), 0),
                      sample((0,), 2)),
             reference=lambda x, N=None, increasing=False: np.vander(x, N, increasing=increasing))
def vander(x, N=None, increasing=False):
    """The powers of a vector's elements as columns, from the highest down to 0, or `increasing`."""
    if x.ndim != 1:
        raise OperandError(f"vander() takes a vector, not a tensor of shape {x.shape}")
    count = x.shape[0] if N is None else N
    if count < 0:
        raise OperandError(f"vander() takes no negative N: {N}")
    return powers(x, range(count)[:: 1 if increasing else -1])


def powers(x, exponents):
    """The powers of every element along a new last axis."""
    x = x if x.dtype.kind in dtypes.INEXACT else functional.astype(x, "int64")  # powers soon exceed smaller integers
    room = functional.empty(*x.shape, len(exponents), dtype=x.dtype, device=x.device)  # or fails before the first power
    return functional.stack([x**k for k in exponents], dim=-1) if exponents else room
