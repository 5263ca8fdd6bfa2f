"""Masks: positions of nonzero elements, selection, and masked writes."""

import math
import operator

import numpy as np

from autograd_core import dtypes, functional
from autograd_core.engine.libraries import LIBRARY
from autograd_core.errors import DtypeError, InplaceError, OperandError
from autograd_core.kinds import INDEXING
from autograd_core.ops.positions.indexing import masked
from autograd_core.ops.positions.scatter import written
from autograd_core.registry import booleans, composition, integers, sample
from autograd_core.tensor import wrap


@composition(INDEXING, samples=(sample(integers((3, 4), -1, 2)), sample(booleans((5,)), as_tuple=True), sample((0, 3))),
             reference=lambda x, as_tuple=False: np.nonzero(x) if as_tuple else np.argwhere(x))
def nonzero(input, as_tuple=False):
    """The positions of nonzero elements: a matrix with one row per element, or a tuple of vectors."""
    array = input.array if input.ndim else input.array.reshape(1)
    found = [wrap(v) for v in LIBRARY[array.__class__].nonzero(array)]
    return tuple(found) if as_tuple else functional.stack(found, dim=-1)[:, : input.ndim]


@composition(INDEXING, samples=(sample(integers((3, 4), -1, 2)), sample(booleans((5,))), sample((0, 3))),
             reference=np.argwhere)
def argwhere(input):
    """The positions of nonzero elements: a matrix with one row per element."""
    return nonzero(input)


@composition(INDEXING,
             samples=(sample(integers((3, 2), -1, 2), size=9),
                      sample(booleans((5,)), size=1, fill_value=7),
                      sample((0, 3), size=2)),
             reference=lambda x, size, fill_value=-1:
                 np.concatenate([np.argwhere(x), np.full((size, x.ndim), fill_value)])[:size])
def nonzero_static(input, *, size, fill_value=-1):
    """The first `size` rows of `nonzero`, padded with rows of `fill_value`.

    >>> from autograd_core import tensor
    >>> nonzero_static(tensor([3, 0, 5]), size=3)
    tensor([[ 0],
            [ 2],
            [-1]])
    """
    found = nonzero(input)[: operator.index(size)]
    missing = functional.full((size - found.shape[0], input.ndim), fill_value, dtype=found.dtype, device=found.device)
    return functional.cat([found, missing])


@composition(INDEXING, method=False,
             samples=(sample(integers((5,), 0, 12), shape=(3, 4)),
                      sample(integers((), 0, 12), 12),
                      sample(integers((0,), 0, 2), shape=(2,))),
             reference=np.unravel_index)
def unravel_index(indices, shape):
    """Coordinates of positions in a flattened tensor of a shape: one tensor per axis."""
    lengths = tuple(shape) if isinstance(shape, (tuple, list)) else (shape,)
    if indices.dtype.kind not in dtypes.INTEGERS:
        raise OperandError(f"unravel_index() takes integers, not {indices.dtype}")
    if min(lengths, default=0) < 0:
        raise OperandError(f"unravel_index(): {lengths} has a negative length")
    indices = functional.astype(indices, "int64")
    steps = [math.prod(lengths[i + 1 :]) for i in range(len(lengths))]
    return tuple([functional.remainder(functional.floor_divide(indices, s), k)
                  for s, k in zip(steps, lengths, strict=True)])


@composition(INDEXING, reference=np.full_like, method=False,
             samples=(sample((2, 3), 1.5), sample((2, 3), ()), sample((0, 3), -1.0)))
def fill(input, value):
    """A tensor of the shape and dtype of `input`, filled with `value`, a number or a 0-d tensor."""
    if getattr(value, "ndim", 0):
        raise OperandError(f"fill() takes one value, not a tensor of shape {tuple(value.shape)}; use copy_()")
    return masked_fill(input, functional.ones_like(input.detach(), dtype="bool"), value)


@composition(INDEXING, reference=lambda x, mask, value: np.where(mask, value, x),
             samples=(sample((2, 3), booleans((3,)), 1.5), sample((2, 3), booleans((2, 1)), ()),
                      sample((0, 3), booleans((3,)), -1.0)))
def masked_fill(input, mask, value):
    """`input` with `value`, a number or a 0-d tensor, where `mask` holds."""
    if getattr(value, "ndim", 0):
        raise OperandError(f"masked_fill() takes one value, not a tensor of shape {tuple(value.shape)}; use where()")
    if mask.dtype.kind != "b":
        raise DtypeError(f"masked_fill(): mask must hold booleans, not {mask.dtype}")
    if hasattr(value, "dtype") and value.dtype.kind == "c" != input.dtype.kind:
        raise InplaceError(f"masked_fill(): {value} does not fit into {input.dtype} without losing its imaginary part")
    if isinstance(value, complex) or (input.dtype.kind in dtypes.INTEGERS and isinstance(value, int | float)):
        value = functional.full((), value, dtype=input.dtype, device=input.device)
    filled = functional.where(mask, value, input)
    return filled if filled.dtype == input.dtype else functional.astype(filled, input.dtype)


def _slow_masked_scatter(x, mask, source):
    out, mask = (a.copy() for a in np.broadcast_arrays(x, mask))
    out[mask] = source.ravel()[: mask.sum()]
    return out


@composition(INDEXING,
             samples=(sample((2, 3), booleans((2, 3)), (2, 4)),
                      sample((2, 3), booleans((3,)), (6,)),
                      sample((0, 3), booleans((3,)), (2,))),
             reference=_slow_masked_scatter)
def masked_scatter(input, mask, source):
    """`input` with the elements of `source`, in order, wherever `mask` holds."""
    if mask.dtype.kind != "b":
        raise DtypeError(f"masked_scatter(): mask must hold booleans, not {mask.dtype}")
    if source.dtype != input.dtype:
        raise DtypeError(f"masked_scatter(): source of {source.dtype} must have the tensor's dtype, {input.dtype}")
    x, mask = masked(input, mask, "masked_scatter")
    count = int(functional.sum(mask).item())
    if count > source.numel():
        raise OperandError(f"masked_scatter(): the mask selects {count} elements, but source has {source.numel()}")
    return written(x, functional.ravel(source)[:count], mask.array)
