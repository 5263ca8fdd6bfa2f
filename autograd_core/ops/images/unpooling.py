"""Unpooling: pooled elements back in their places, zeros elsewhere."""

import math

import numpy as np

from autograd_core import functional
from autograd_core.engine.libraries import LIBRARY, all_below
from autograd_core.errors import DtypeError, OperandError
from autograd_core.kinds import POOLING
from autograd_core.ops.images.planes import window_of, with_batch
from autograd_core.ops.images.pooling import unpool
from autograd_core.registry import composition, integers, sample
from autograd_core.tensor import wrap


def _output_size(input, kernel, stride, padding, given, name):
    """The spatial lengths before pooling: those requested, or the shortest possible."""
    plain = [
        (n - 1) * s + k - 2 * p for n, k, s, p in zip(input.shape[-len(kernel) :], kernel, stride, padding, strict=True)
    ]
    if given is None:
        return plain
    size = list(given)[-len(kernel) :]
    if len(given) not in (len(kernel), len(kernel) + 2):
        raise ValueError(f"{name}(): output_size={given} does not give {len(kernel)} lengths")
    if any(abs(m - n) >= s for m, n, s in zip(size, plain, stride, strict=True)):
        raise ValueError(f"{name}(): output_size={given} may differ from {plain} by less than the stride {stride}")
    return size


def _prevailing(indices, size):
    """A mask of the elements that are the last with their index in their plane."""
    xp = LIBRARY[indices.array.__class__]
    planes = indices.array.reshape(math.prod(indices.shape[:2]), math.prod(indices.shape[2:]))
    places = (planes + xp.arange(planes.shape[0]).reshape(-1, 1) * size).reshape(-1)
    last = xp.zeros(planes.shape[0] * size, dtype=xp.int64)
    numbers = xp.arange(places.size)
    xp.maximum.at(last, places, numbers)
    return wrap((last[places] == numbers).reshape(indices.shape))


def _check_indices(input, indices, size, name):
    if indices.dtype != np.int64:
        raise DtypeError(f"{name}() takes int64 indices, as max pooling returns them, not {indices.dtype}")
    if indices.shape != input.shape:
        raise OperandError(f"{name}(): indices of shape {indices.shape} do not fit input of shape {input.shape}")
    if min(size) < 1 or 0 in input.shape[-len(size) - 1 :]:
        raise OperandError(f"{name}() cannot make planes of {size} from an input of shape {input.shape}")
    if not all_below(indices, math.prod(size)):
        raise OperandError(f"{name}(): an index lies outside of planes of {size}; give output_size, "
                           "or indices that max pooling returned")


def _unpool(input, indices, kernel_size, stride, padding, output_size, rank):
    name = f"max_unpool{rank}d"
    x, single = with_batch(input, rank, name)
    kernel, stride, padding, _ = window_of(kernel_size, stride, padding, 1, rank)
    if min(stride) < 1:
        raise OperandError(f"{name}(): stride {stride} must be positive")
    size = _output_size(input, kernel, stride, padding, output_size, name)
    _check_indices(input, indices, size, name)
    at = indices.unsqueeze(0) if single else indices
    # `unpool` adds, so of elements with the same index only the last is kept.
    kept = functional.where(_prevailing(at, math.prod(size)), x, 0.0)
    y = unpool(kept, at, shape=(*x.shape[:2], *size))
    return y.squeeze(0) if single else y


def _slow_unpool(x, indices, kernel_size, stride=None, padding=0, output_size=None):
    rank = x.ndim - 2
    kernel, s, p = (np.broadcast_to(v, rank) for v in (kernel_size, stride or kernel_size, padding))
    size = output_size or tuple((np.array(x.shape[2:]) - 1) * s + kernel - 2 * p)
    y = np.zeros((*x.shape[:2], math.prod(size)))
    for at in np.ndindex(x.shape):
        y[(*at[:2], indices[at])] = x[at]
    return y.reshape(*x.shape[:2], *size)


def _samples(*shapes_and_more):
    """Samples with indices that repeat."""
    return tuple(
        sample(shape, integers(shape, 0, high), *arguments, **named)
        for shape, high, arguments, named in shapes_and_more
    )


@composition(POOLING, reference=_slow_unpool,
             samples=_samples(((1, 2, 3), 6, (2,), {}), ((1, 1, 3), 5, (3, 2), {"padding": 1}),
                              ((0, 1, 2), 4, (2,), {})))
def max_unpool1d(input, indices, kernel_size, stride=None, padding=0, output_size=None):
    """The elements that `max_pool1d` selected, at their indices among zeros; see `max_unpool2d`."""
    return _unpool(input, indices, kernel_size, stride, padding, output_size, 1)


@composition(POOLING, reference=_slow_unpool,
             samples=_samples(((1, 2, 2, 2), 16, (2,), {}), ((1, 1, 2, 2), 15, (2,), {"output_size": (5, 3)}),
                              ((0, 1, 2, 2), 4, (2,), {})))
def max_unpool2d(input, indices, kernel_size, stride=None, padding=0, output_size=None):
    """The elements that `max_pool2d` selected, at their indices among zeros: a partial inverse.

    output_size: selects among the sizes that pooling maps to the same size. Where indices repeat, the last element
    remains, and gets the gradient.
    """
    return _unpool(input, indices, kernel_size, stride, padding, output_size, 2)


@composition(POOLING, reference=_slow_unpool,
             samples=_samples(((1, 1, 1, 2, 2), 32, (2,), {}), ((0, 1, 1, 2, 2), 4, (2,), {})))
def max_unpool3d(input, indices, kernel_size, stride=None, padding=0, output_size=None):
    """The elements that `max_pool3d` selected, at their indices among zeros; see `max_unpool2d`."""
    return _unpool(input, indices, kernel_size, stride, padding, output_size, 3)
