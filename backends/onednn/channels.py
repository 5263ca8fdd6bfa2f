"""A leaky ReLU with a slope for each channel: the larger of x and slope·x, for slopes of at most 1."""

from math import prod

import numpy as np

from backends.buffers import FLOAT32, empty
from backends.geometry import Array, Sizes
from backends.numpy_backend.reduction import total
from backends.onednn.choice import active
from backends.onednn.layouts import copied
from backends.onednn.passes import LANES, MAX, MUL, Formula, below, chained, constant, of, routine, smaller, times
from backends.strides import is_channels_last

POSITIVE = Formula((("y", of("x"), constant(0.0), below("x")),))  # 1, or 0
NEGATIVE_PART = Formula((("y", of("x"), constant(0.0), smaller("x"), times("g")),))  # g·min(0, x)


def prelu(x: Array, slopes: Array) -> Array | None:
    """See `backends.generic.channels.prelu`."""
    shapes = _shapes(x, slopes)
    if shapes is None:
        return None
    y = empty(x.shape, x.strides)
    chained(shapes[0], MUL, ((MAX,),), shapes[1]).run(x, np.ascontiguousarray(slopes), y, x)
    return y


def prelu_gradient(g: Array, x: Array, slopes: Array) -> tuple[Array, Array] | None:
    """See `backends.generic.channels.prelu_gradient`."""
    shapes = _shapes(x, slopes)
    if shapes is None or g.dtype != FLOAT32 or g.shape != x.shape:
        return None
    g = g if g.strides == x.strides else copied(g, x.strides)
    found, y = empty(x.shape, x.strides), empty(x.shape, x.strides)
    routine(("g", "x", "y"), NEGATIVE_PART, x.size).run(g, x, y)
    of_slopes = total(y, (0, *range(2, x.ndim)), False).reshape(slopes.shape)
    routine(("x", "y"), POSITIVE, x.size).run(x, y)
    chained(shapes[0], MAX, ((MUL,),), shapes[1]).run(y, np.ascontiguousarray(slopes), found, g)
    return found, of_slopes


def _shapes(x: Array, slopes: Array) -> tuple[Sizes, Sizes] | None:
    """The shapes of the operands, with axes joined, if the formulas hold for these slopes."""
    if x.dtype != FLOAT32 or slopes.dtype != FLOAT32 or x.size % LANES or not active():
        return None
    if not ((slopes > 0) & (slopes <= 1)).all():
        return None
    channels = x.shape[1]
    if x.flags.c_contiguous:
        return (x.shape[0], channels, prod(x.shape[2:])), (1, channels, 1)
    return ((x.size // channels, channels), (1, channels)) if is_channels_last(x.shape, x.strides) else None
