"""Maximum and mean over windows, and their adjoints.

oneDNN ignores NaN and starts with the smallest number, so it computes maxima only of finite inputs. Like NumPy's kernel
it saves the number of the tap, so either gradient works with either maximum.
"""

from math import prod
from typing import Any

import numpy as np

from backends.buffers import FLOAT32, maker
from backends.geometry import Array, Sizes, Window, check_gradient, pooling_sizes
from backends.onednn import Unsupported
from backends.onednn.choice import active
from backends.onednn.elementwise import finite_like
from backends.onednn.layouts import to_channels_last
from backends.onednn.plans import OF_WORKSPACE, TRAINING, Plan, Workshop, dims, planned
from backends.settled import Prepared, prepared
from backends.strides import channels_last_strides

SMALL = 1 << 8  # elements of the image: from here the plans pay, of which every new shape needs one
MAXIMUM, MEAN_OF_ALL, MEAN_INSIDE = 0x1FF, 0x2FF, 0x3FF
TAPS = np.dtype(np.uint8)


class _Pooling(Plan):
    """A pooling or its adjoint; `make` makes an image for the result, `make_taps` the numbers of taps."""

    finite: Any = None  # whether an operand is

    def __init__(self, workshop: Workshop, desc: Any, shape: Sizes, **operands: Any) -> None:
        super().__init__(workshop, desc, **operands)
        self.make = maker(shape, channels_last_strides(shape))
        self.make_taps = maker(shape, channels_last_strides(shape, 1), TAPS)

    def maximum(self, x: Array) -> tuple[Array, Array] | None:
        """The largest values and their taps."""
        if not self.finite(x):
            return None
        y, taps = self.make(), self.make_taps()
        self.run(x, y, taps)
        return y, taps

    def image(self, x: Array, *taps: Array) -> Array:
        """The result alone."""
        y: Array = self.make()
        self.run(x, y, *taps)
        return y


@prepared
def max_of_windows(x: Array, window: Window, ceil_mode: bool) -> Prepared:
    """See `backends.generic.pooling.max_of_windows`."""
    if not _suits(x, x.shape) or max(window.dilation) > 1:
        return None
    plan, x = _pooled(MAXIMUM, x.shape, pooling_sizes(x.shape, window, ceil_mode), window), to_channels_last(x)
    plan.finite = plan.finite or finite_like(x)
    return plan.maximum, (x,)


@prepared
def put_taps(g: Array, taps: Array, x_shape: Sizes, window: Window) -> Prepared:
    """See `backends.generic.pooling.put_taps`."""
    if not _suits(g, x_shape) or max(window.dilation) > 1 or taps.dtype != TAPS:
        return None
    if taps.strides != channels_last_strides(taps.shape, 1):
        taps = np.ascontiguousarray(taps.transpose(0, *range(2, taps.ndim), 1))
    return _spread(MAXIMUM, x_shape, g.shape[2:], window).image, (to_channels_last(g), taps)


def avg_pool(x: Array, window: Window, ceil_mode: bool, count_include_pad: bool, divisor: float | None) -> Array | None:
    """See `backends.generic.pooling.avg_pool`."""
    kind = _mean(x, x.shape, ceil_mode, count_include_pad, divisor)
    if kind is None:
        return None
    return _pooled(kind, x.shape, pooling_sizes(x.shape, window, False), window).image(to_channels_last(x))


def avg_pool_input(
    g: Array, x_shape: Sizes, window: Window, ceil_mode: bool, count_include_pad: bool, divisor: float | None
) -> Array | None:
    """See `backends.generic.pooling.avg_pool_input`."""
    kind = _mean(g, x_shape, ceil_mode, count_include_pad, divisor)
    if kind is None:
        return None
    out = pooling_sizes(x_shape, window, False)
    check_gradient("avg_pool_input", g.shape, (*x_shape[:2], *out))
    return _spread(kind, x_shape, out, window).image(to_channels_last(g))


def _suits(x: Array, image: Sizes) -> bool:
    """Whether an array is one of float32, and the image large enough."""
    return bool(x.dtype == FLOAT32 and prod(image) >= SMALL and 3 <= x.ndim <= 5 and active())


def _mean(x: Array, image: Sizes, ceil_mode: bool, count_include_pad: bool, divisor: float | None) -> int | None:
    """oneDNN's algorithm for this mean; None if there is none: for overhanging windows, or with a divisor."""
    if not _suits(x, image) or ceil_mode or divisor is not None:
        return None
    return MEAN_OF_ALL if count_include_pad else MEAN_INSIDE


def _described(workshop: Workshop, kind: int, x_shape: Sizes, out: Sizes, window: Window) -> tuple[Any, ...]:
    """Descriptors of the image, the result and the saved taps, the geometry, and the forward primitive."""
    kernel, stride, padding, _ = window
    y_shape = (*x_shape[:2], *out)
    x, y = (workshop.memory(shape, channels_last_strides(shape)) for shape in (x_shape, y_shape))
    after = [(o - 1) * s + k - n - p for o, s, k, n, p in zip(out, stride, kernel, x_shape[2:], padding, strict=True)]
    if any(p >= k for p, k in zip(after, kernel, strict=True)):
        raise Unsupported("a window outside of its input")
    steps = dims(stride), dims(kernel), dims((0,) * len(kernel)), dims(padding), dims(after)
    forward = workshop.primitive("pooling_forward", TRAINING, kind, x, y, *steps)
    kept = workshop.asked(forward, OF_WORKSPACE)
    if kept is not None and workshop.size(kept) != np.prod(y_shape):
        raise Unsupported("windows with more taps than a byte can number")
    return x, y, kept, steps, forward


@planned
def _pooled(workshop: Workshop, kind: int, x_shape: Sizes, out: Sizes, window: Window) -> Plan:
    x, y, kept, _, desc = _described(workshop, kind, x_shape, out, window)
    return _Pooling(workshop, desc, (*x_shape[:2], *out), src=x, dst=y, workspace=kept)


@planned
def _spread(workshop: Workshop, kind: int, x_shape: Sizes, out: Sizes, window: Window) -> Plan:
    x, y, kept, steps, forward = _described(workshop, kind, x_shape, out, window)
    desc = workshop.primitive("pooling_backward", kind, x, y, *steps, forward)
    return _Pooling(workshop, desc, x_shape, diff_dst=y, diff_src=x, workspace=kept)
