"""Reshaping, permutation and expansion; most of these are views that share the storage."""

import math

import numpy as np

from autograd_core import functional
from autograd_core.dtypes import as_dtype
from autograd_core.errors import OperandError
from autograd_core.kinds import SHAPE
from autograd_core.ops import axes
from autograd_core.ops.reductions.reduction import summed
from autograd_core.registry import NO_GRADIENT, composition, op, sample


@op(SHAPE, symbol="reshape", packs="shape", view=True,
    samples=(sample((2, 3), shape=(3, 2)),
             sample((2, 3, 4), shape=(-1, 6)),
             sample((), shape=(1, 1)),
             sample((6,), shape=(2, 3)),
             sample((0, 3), shape=(3, 0))),
    reference=np.reshape, vjp=lambda xp, g, x_shape: xp.reshape(g, shape=x_shape))
def reshape(xp, x, *, shape):
    """The same elements in order, in another shape; one length may be -1. A view if the strides permit."""
    y = xp.reshape(x, shape)
    if y.shape != shape and min((shape,) if shape.__class__ is int else shape, default=0) < -1:
        # NumPy takes any negative length for -1.
        raise OperandError(f"reshape: {tuple(shape)} has a negative length other than -1")
    return y


@composition(SHAPE,
             samples=(sample((2, 3), 3, 2), sample((2, 3), size=(6, 1)), sample((2, 3), "uint8"), sample((0, 2), 2, 0)),
             reference=lambda x, *shape, size=None: x.view(*shape) if shape == ("uint8",) else x.reshape(size or shape))
def view(input, *shape, size=None, dtype=None):
    """The same storage in another shape or, given a dtype, its bytes reinterpreted as elements of that dtype.

    Unlike PyTorch it copies if the strides permit no view, as `reshape` does, because strides depend on the kernels.
    """
    if size is not None:
        return reshape(input, size)
    if dtype is None and len(shape) == 1 and isinstance(shape[0], (str, type, np.dtype)):
        (dtype,) = shape
    return reshape(input, *shape) if dtype is None else functional.reinterpret(input, dtype=as_dtype(dtype))


@op(SHAPE, symbol="bytes", view=True, method=False,
    samples=(sample((2, 3), dtype=np.dtype("uint8")), sample((0, 2), dtype=np.dtype("uint8"))),
    reference=lambda x, dtype: x.view(dtype), vjp=NO_GRADIENT)
def reinterpret(xp, x, *, dtype):
    """The bytes of a tensor reinterpreted as elements of another dtype; a view if they are contiguous."""
    if x.ndim and x.dtype.itemsize != np.dtype(dtype).itemsize and x.strides[-1] != x.dtype.itemsize:
        x = x.copy()
    return x.view(dtype)


@op(SHAPE, symbol="permute", packs="dims", view=True, aliases=("permute_dims",),
    samples=(sample((2, 3), dims=(1, 0)),
             sample((2, 3, 4), dims=(2, 0, 1)),
             sample((2, 3, 4), dims=(-1, 0, 1)),
             sample((0, 3), dims=(1, 0))),
    reference=lambda x, dims: x.transpose(dims), vjp=lambda xp, g, dims: xp.permute(g, dims=axes.inverse(dims)))
def permute(xp, x, *, dims):
    """The axes in another order; a view."""
    try:
        return x.transpose(tuple(dims))
    except ValueError as e:
        raise e if isinstance(e, IndexError) else ValueError(f"dims must name each of the {x.ndim} axes once") from None


@op(SHAPE, symbol="expand", packs="shape", aliases=("broadcast_to",), view=True,
    samples=(sample((3, 1), shape=(3, 4)),
             sample((3,), shape=(2, 3)),
             sample((2, 1), shape=(3, -1, 2)),
             sample((), shape=(2,)),
             sample((1, 0), shape=(2, 0))),
    reference=lambda x, shape: np.broadcast_to(x, _filled(x, shape)),
    vjp=lambda xp, g, x_shape: xp.sum_to(g, shape=x_shape))
def expand(xp, x, *, shape):
    """Axes of length 1 repeated, without copying, to `shape`; -1 keeps a length, new axes come first. A view."""
    try:
        y = xp.broadcast_to(x, _filled(x, shape))
    except ValueError:
        raise ValueError(f"shape {x.shape} does not expand to {shape}; only axes of length 1 do") from None
    if y.size == x.size:
        return x.reshape(y.shape)
    if getattr(x.flags, "writeable", False):
        y.flags.writeable = True  # NumPy's own is read-only; parts in which no elements are repeated can be written
    return y


def _filled(x, shape):
    if -1 not in shape:
        return shape
    lead = len(shape) - x.ndim
    return tuple([x.shape[i - lead] if k == -1 and i >= lead else k for i, k in enumerate(shape)])


@op(SHAPE, symbol="Σ→", packs="shape", wide=True, aliases=("sum_to_size",),
    samples=(sample((3, 4), shape=(3, 1)),
             sample((2, 3), shape=(3,)),
             sample((2, 3), shape=(2, 3)),
             sample((2,), shape=()),
             sample((0, 3), shape=(1, 3))),
    reference=lambda x, shape: np.reshape(x.sum(_added(x.shape, shape), keepdims=True), shape),
    vjp=lambda xp, g, x_shape: xp.expand(g, shape=x_shape))
def sum_to(xp, x, *, shape):
    """Sum over the axes that broadcasting from `shape` would have added or stretched: the transpose of `expand`."""
    dims = _added(x.shape, shape)
    if not dims:
        return x.copy()
    return summed(xp, x, dims, True).reshape(shape)


def _added(full, shape):
    lead = len(full) - len(shape)
    stretched = [i for i, k in enumerate(shape) if lead < 0 or k != full[lead + i]]
    if any(shape[i] != 1 for i in stretched) or lead < 0:
        raise OperandError(f"sum_to_size(): {tuple(shape)} does not broadcast to the shape {tuple(full)}")
    return (*range(lead), *(lead + i for i in stretched))


@op(SHAPE, symbol="flip", packs="dims",
    samples=(sample((3,), dims=(0,)),
             sample((2, 3, 2), dims=(0, -1)),
             sample((0, 3), dims=(0,)),
             sample((3,), dims=())),
    reference=lambda x, dims: np.flip(x, axis=dims), vjp=lambda xp, g, dims: xp.flip(g, dims=dims))
def flip(xp, x, *, dims):
    """The elements in reverse order along `dims`."""
    dims = axes.several(dims, x.ndim)
    return xp.flip(x, dims if x.ndim else ()).copy()


@op(SHAPE, symbol="ᵀ", method=False, view=True, samples=(sample((2, 3)), sample((2, 3, 4)), sample((0, 3))),
    reference=lambda x: np.swapaxes(x, -1, -2), vjp=lambda xp, g: xp.swapped(g))
def swapped(xp, x):
    """The last two axes swapped; a view."""
    return x.T if x.ndim == 2 else x.swapaxes(-1, -2)


@composition(SHAPE, aliases=("swapaxes", "swapdims"),
             samples=(sample((2, 3), 0, 1), sample((2, 3, 4), -1, 0), sample((0, 3), 0, 1)), reference=np.swapaxes)
def transpose(input, dim0, dim1):
    """Two axes swapped; a view."""
    ndim = input.ndim
    i, j = axes.one(dim0, ndim), axes.one(dim1, ndim)
    dims = list(range(ndim))
    if ndim:
        dims[i], dims[j] = j, i
    return permute(input, tuple(dims))


@composition(SHAPE, samples=(sample((2, 3)), sample((3,)), sample(()), sample((0, 3))), reference=np.transpose)
def t(input):
    """The transpose of a matrix, or what a vector or 0-d tensor is; a view."""
    if input.ndim > 2:
        raise OperandError(f"t() takes at most 2 axes; this tensor has shape {input.shape}; use .mT or .permute(...)")
    return permute(input, tuple(reversed(range(input.ndim))))


@composition(SHAPE, aliases=("moveaxis",),
             samples=(sample((2, 3, 4), 0, 2),
                      sample((2, 3, 4), source=(0, 1), destination=(-1, 0)),
                      sample((0, 3), 0, 1)),
             reference=np.moveaxis)
def movedim(input, source, destination):
    """Axes `source` moved to positions `destination`, with the others in their order; a view."""
    source, destination = axes.several(source, input.ndim), axes.several(destination, input.ndim)
    if len(source) != len(destination):
        raise OperandError(f"movedim(): {len(source)} axes cannot move to {len(destination)} positions")
    order = [i for i in range(input.ndim) if i not in source]
    for to, of in sorted(zip(destination, source, strict=True)):
        order.insert(to, of)
    return permute(input, tuple(order[: input.ndim]))  # a 0-d tensor counts as having one axis


def _slow_squeeze(x, dim=None):
    dims = range(x.ndim) if dim is None else np.atleast_1d(dim) % max(x.ndim, 1)
    return x.reshape([k for i, k in enumerate(x.shape) if k != 1 or i not in dims])


@composition(SHAPE, reference=_slow_squeeze,
             samples=(sample((2, 1, 3)),
                      sample((1, 2, 1), dim=0),
                      sample((2, 3), dim=1),
                      sample((1, 2, 1), dim=(0, 2)),
                      sample((1, 2), dim=()),
                      sample((0, 1))))
def squeeze(input, dim=None):
    """Without the axes of length 1, or those of them in `dim`; a view."""
    shape = input.array.shape
    dims = range(len(shape)) if dim is None else axes.several(dim, len(shape))
    return reshape(input, tuple([k for i, k in enumerate(shape) if k != 1 or i not in dims]))


@composition(SHAPE, aliases=("expand_dims",),
             samples=(sample((2, 3), 0), sample((2, 3), -1), sample((), 0), sample((0, 3), 1)),
             reference=np.expand_dims)
def unsqueeze(input, dim):
    """With a new axis of length 1 at `dim`; a view."""
    shape = input.array.shape
    at = axes.one(dim, len(shape) + 1)
    return reshape(input, (*shape[:at], 1, *shape[at:]))


@composition(SHAPE,
             samples=(sample((2, 3, 4)), sample((2, 3, 4), 1), sample((2, 3, 4), 0, 1), sample(()), sample((0, 3))),
             reference=lambda x, start_dim=0, end_dim=-1: x.reshape(
                 *x.shape[:start_dim], -1, *x.shape[x.ndim if end_dim == -1 else end_dim + 1 :]))
def flatten(input, start_dim=0, end_dim=-1):
    """The axes from `start_dim` to `end_dim`, inclusive, merged into one."""
    lengths = input.array.shape
    first, last = axes.one(start_dim, len(lengths)), axes.one(end_dim, len(lengths))
    if first > last:
        raise OperandError(f"flatten(): start_dim {start_dim} comes after end_dim {end_dim}")
    if first == last and lengths:
        return input
    return reshape(input, (*lengths[:first], math.prod(lengths[first : last + 1]), *lengths[last + 1 :]))


@composition(SHAPE, samples=(sample((2, 3)), sample((0, 3))), reference=np.ravel)
def ravel(input):
    """All elements along one axis, next to each other in memory: a view where they are."""
    return reshape(input, (-1,)).contiguous()


@composition(SHAPE,
             samples=(sample((2, 6), 1, sizes=(2, -1)), sample((6,), 0, sizes=(3, 2)), sample((0, 6), 1, sizes=(3, 2))),
             reference=lambda x, dim, sizes: x.reshape(*x.shape[:dim], *sizes, *x.shape[dim + 1 :]))
def unflatten(input, dim, sizes):
    """Axis `dim` split into axes of lengths `sizes` (one may be -1); a view."""
    at = axes.one(dim, input.ndim)
    if sizes.count(-1) == 1:
        known = -math.prod(sizes)
        sizes = tuple(input.shape[at] // known if k == -1 and known else k for k in sizes)
    return reshape(input, (*input.shape[:at], *sizes, *input.shape[at + 1 :]))
