"""Maximum and average over windows, for every array library.

A window's maximum or sum is taken one axis at a time, over strided slices: no columns, no padded copies, and
the first axis runs over whole contiguous lines.
"""

from collections.abc import Callable, Iterator
from functools import lru_cache, reduce
from itertools import product
from math import prod
from typing import Any

from backends.geometry import (
    Array,
    Sizes,
    Window,
    channels_first,
    channels_last,
    check_gradient,
    pooling_sizes,
    tap_range,
    wide_dtype,
)


def max_pool(xp: Any, x: Array, window: Window, ceil_mode: bool) -> tuple[Array, Array]:
    """Largest element of every window of x (N, C, *S) and its int64 flat index into the plane *S.

    The first of equal elements is chosen; a NaN wins over every number; padding never wins.
    """
    y, taps = max_of_windows(xp, x, window, ceil_mode)
    return y, _indices(xp, taps, x.shape[2:], window)


def max_of_windows(xp: Any, x: Array, window: Window, ceil_mode: bool) -> tuple[Array, Array]:
    """As `max_pool`, but with the number of the tap within the window, in C order.

    uint8 if that is enough, else int32.
    """
    out = pooling_sizes(x.shape, window, ceil_mode)
    xs = xp.ascontiguousarray(channels_last(x))
    y = xs
    for axis, geometry in enumerate(zip(out, *window, strict=True), 1):
        y = _slide(xp, xp.maximum, y, axis, _lowest(xp, x.dtype), *geometry)
    return channels_first(y), channels_first(_taps(xp, xs, y, window))


def take_taps(xp: Any, x: Array, taps: Array, window: Window) -> Array:
    """The element of x (N, C, *S) that `taps` (N, C, *out) names in each window."""
    xs, ts = channels_last(x), channels_last(taps)
    y = xp.zeros(ts.shape, dtype=x.dtype)
    for number, outputs, inputs in _each_tap(xs.shape[1:-1], ts.shape[1:-1], window):
        y[outputs] = xp.where(ts[outputs] == number, xs[inputs], y[outputs])
    return channels_first(y)


def put_taps(xp: Any, g: Array, taps: Array, x_shape: Sizes, window: Window) -> Array:
    """Adjoint of `take_taps`: zeros of `x_shape` with g (N, C, *out) added where `taps` says."""
    gs, ts = channels_last(g).astype(wide_dtype(xp, g.dtype), copy=False), channels_last(taps)
    dx = xp.zeros((x_shape[0], *x_shape[2:], x_shape[1]), dtype=gs.dtype)
    apart = all(s > (k - 1) * d for k, s, d in zip(window.kernel, window.stride, window.dilation, strict=True))
    for number, outputs, inputs in _each_tap(x_shape[2:], ts.shape[1:-1], window):
        picked = xp.where(ts[outputs] == number, gs[outputs], 0)
        if apart:  # windows do not overlap
            dx[inputs] = picked
        else:
            dx[inputs] += picked
    return channels_first(dx.astype(g.dtype, copy=False))


def _each_tap(sizes: Sizes, out: Sizes, window: Window) -> Iterator[tuple[int, Any, Any]]:
    """The number of each tap, and indices into (N, *out, C) and (N, *sizes, C); see `Window.each_tap`."""
    for number, (_, outputs, inputs) in enumerate(window.each_tap(sizes, out)):
        yield number, (slice(None), *outputs), (slice(None), *inputs)


def avg_pool(
    xp: Any, x: Array, window: Window, ceil_mode: bool, count_include_pad: bool, divisor: float | None
) -> Array:
    """Mean of every window of x (N, C, *S), which is not dilated, or its sum over `divisor`.

    Padding counts as elements if `count_include_pad`; the overhang of `ceil_mode` never does.
    """
    out = pooling_sizes(x.shape, window, ceil_mode)
    y = xp.ascontiguousarray(channels_last(x)).astype(wide_dtype(xp, x.dtype), copy=False)
    for axis, geometry in enumerate(zip(out, *window, strict=True), 1):
        y = _slide(xp, xp.add, y, axis, 0, *geometry)
    y = y / _divisor(xp, y.dtype, x.shape[2:], out, window, count_include_pad, divisor)
    return channels_first(y.astype(x.dtype, copy=False))


def avg_pool_input(
    xp: Any, g: Array, x_shape: Sizes, window: Window, ceil_mode: bool, count_include_pad: bool, divisor: float | None
) -> Array:
    """Adjoint of `avg_pool`: the gradient g (N, C, *out) carried to `x_shape`."""
    out = pooling_sizes(x_shape, window, ceil_mode)
    check_gradient("avg_pool_input", g.shape, (*x_shape[:2], *out))
    wide = wide_dtype(xp, g.dtype)
    dx = xp.ascontiguousarray(channels_last(g)).astype(wide, copy=False)
    dx = dx / _divisor(xp, wide, x_shape[2:], out, window, count_include_pad, divisor)
    axes = list(enumerate(zip(x_shape[2:], *window[:3], strict=True), 1))
    for axis, geometry in reversed(axes):
        dx = _spread(xp, dx, axis, *geometry)
    return channels_first(dx.astype(g.dtype, copy=False))


def _slide(
    xp: Any,
    combine: Callable[..., Array],
    x: Array,
    axis: int,
    fill: Any,
    count: int,
    kernel: int,
    stride: int,
    padding: int,
    dilation: int,
) -> Array:
    """Combine the `kernel` taps of every window along one axis; taps outside the array are left out."""
    head = (slice(None),) * axis
    taps = [tap_range(x.shape[axis], count, k * dilation - padding, stride) for k in range(kernel)]
    # If two taps exist for every output, they start the result, which saves filling it.
    taps.sort(key=lambda tap: tap[0] != slice(0, count))
    whole = [head + (i,) for o, i in taps[:2] if o == slice(0, count)]
    if len(whole) == 2:
        y = combine(x[whole[0]], x[whole[1]])
    elif whole:
        y = x[whole[0]].copy()
    else:
        y = xp.full((*x.shape[:axis], count, *x.shape[axis + 1 :]), fill, dtype=x.dtype)
    for o, i in taps[len(whole) :]:
        part = y[head + (o,)]
        combine(part, x[head + (i,)], out=part)
    return y


def _spread(xp: Any, g: Array, axis: int, size: int, kernel: int, stride: int, padding: int) -> Array:
    """Adjoint of summing `kernel` taps along one axis: from the windows back to `size` positions."""
    head = (slice(None),) * axis
    x = xp.zeros((*g.shape[:axis], size, *g.shape[axis + 1 :]), dtype=g.dtype)
    for k in range(kernel):
        o, i = tap_range(size, g.shape[axis], k - padding, stride)
        if stride >= kernel:
            x[head + (i,)] = g[head + (o,)]
        else:
            x[head + (i,)] += g[head + (o,)]
    return x


def _taps(xp: Any, x: Array, y: Array, window: Window) -> Array:
    """The number of the first tap of each window that equals its maximum y (N, *out, C).

    Counts the taps before the first match, in bytes, which moves much less memory than selecting indices.
    """
    last = prod(window.kernel) - 1
    passed = xp.zeros(y.shape, dtype=xp.uint8 if last < 256 else xp.int32)
    missing = xp.ones(y.shape, dtype=xp.bool_)
    # On a GPU, the test would wait.
    has_nan = x.dtype.kind not in "iub" and (getattr(xp, "asynchronous", False) or xp.isnan(y).any().item())
    for number, outputs, inputs in _each_tap(x.shape[1:-1], y.shape[1:-1], window):
        if number == last:
            break
        value = x[inputs]
        differs = value != y[outputs]
        if has_nan:
            differs &= value == value
        missing[outputs] &= differs
        passed += missing
    return passed


def _indices(xp: Any, taps: Array, sizes: Sizes, window: Window) -> Array:
    """Flat int64 indices into planes of `sizes` of taps (N, C, *out)."""
    kernel, stride, padding, dilation = window
    out = taps.shape[2:]
    offsets = [_offset(tap, dilation, sizes) for tap in product(*map(range, kernel))]
    indices = xp.asarray(offsets, dtype=xp.int64)[channels_last(taps)]
    for axis, (count, s, p) in enumerate(zip(out, stride, padding, strict=True)):
        starts = (xp.arange(count) * s - p) * prod(sizes[axis + 1 :])
        indices += starts.reshape(count, *(1,) * (len(sizes) - axis))
    if any(padding) and any(d > 1 for d in dilation):
        # A dilated window can miss the input altogether; its index must still be valid.
        indices = xp.clip(indices, 0, max(0, prod(sizes) - 1))
    return channels_first(indices)


def _offset(tap: Sizes, dilation: Sizes, sizes: Sizes) -> int:
    """The distance of a tap from its window's corner in the flat plane."""
    return reduce(lambda flat, axis: flat * axis[2] + axis[0] * axis[1], zip(tap, dilation, sizes, strict=True), 0)


def _lowest(xp: Any, dtype: Any) -> Any:
    """The value that never wins: -inf, or the smallest integer."""
    if dtype.kind in "iu":
        return xp.iinfo(dtype).min
    return False if dtype.kind == "b" else -float("inf")


def _divisor(
    xp: Any, dtype: Any, sizes: Sizes, out: Sizes, window: Window, count_include_pad: bool, divisor: float | None
) -> Any:
    """The divisor of each window's sum: a number, or an array that broadcasts against (N, *out, C)."""
    if divisor is not None:
        return divisor
    axes = _counts(sizes, out, window, count_include_pad)
    if all(len(set(counts)) == 1 for counts in axes):
        return prod(counts[0] for counts in axes)
    return xp.asarray([prod(counts) for counts in product(*axes)], dtype=dtype).reshape(1, *out, 1)


@lru_cache(maxsize=256)
def _counts(sizes: Sizes, out: Sizes, window: Window, count_include_pad: bool) -> list[list[int]]:
    """For each axis, how many elements every window has along it."""
    axes = []
    for size, count, k, s, p in zip(sizes, out, *window[:3], strict=True):
        starts = [o * s - p for o in range(count)]
        if count_include_pad:
            axes.append([min(start + k, size + p) - start for start in starts])
        else:
            axes.append([min(start + k, size) - max(start, 0) for start in starts])
    return axes
