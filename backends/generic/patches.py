"""Windows of images laid out as columns, and their transpose, for every array library."""

from itertools import product
from math import prod
from typing import Any

from backends.geometry import Array, Sizes, Taps, check_gradient, tap_range, wide_dtype


def patches(xp: Any, x: Array, kernel: Sizes, dilation: Sizes, padding: Sizes, stride: Sizes) -> Array:
    """Every zero-padded window of x (N, C, *S) as a column: (N, C · taps, windows)."""
    taps = _taps(x.shape, kernel, dilation, padding, stride)
    padded = xp.pad(x, [(0, 0), (0, 0), *[(p, p) for p in padding]]) if any(padding) else xp.ascontiguousarray(x)
    first, second, *spatial = padded.strides
    within = [a * d for a, d in zip(spatial, dilation, strict=True)]
    steps = [a * s for a, s in zip(spatial, stride, strict=True)]
    shape = (*x.shape[:2], *kernel, *taps.out)
    windows = xp.lib.stride_tricks.as_strided(padded, shape, (first, second, *within, *steps))
    y = xp.empty(shape, dtype=x.dtype)
    y[...] = windows
    return y.reshape(x.shape[0], x.shape[1] * prod(kernel), prod(taps.out))


def add_patches(
    xp: Any, g: Array, x_shape: Sizes, kernel: Sizes, dilation: Sizes, padding: Sizes, stride: Sizes
) -> Array:
    """Adjoint of `patches`: columns (N, C · taps, windows) are added at the positions they came from."""
    taps = _taps(x_shape, kernel, dilation, padding, stride)
    check_gradient("add_patches", g.shape, (x_shape[0], x_shape[1] * prod(kernel), prod(taps.out)))
    parts = g.reshape(*x_shape[:2], *kernel, *taps.out)
    x = xp.zeros(x_shape, dtype=wide_dtype(xp, g.dtype))
    for tap in product(*map(range, kernel)):
        axes = zip(x_shape[2:], taps.out, tap, dilation, padding, stride, strict=True)
        ranges = [tap_range(size, count, k * d - p, s) for size, count, k, d, p, s in axes]
        outputs, inputs = ((slice(None), slice(None), *part) for part in zip(*ranges, strict=True))
        x[inputs] += parts[(slice(None), slice(None), *tap)][outputs]
    return x.astype(g.dtype, copy=False)


def _taps(x_shape: Sizes, kernel: Sizes, dilation: Sizes, padding: Sizes, stride: Sizes) -> Taps:
    for name, value, lowest in (
        ("kernel", kernel, 1),
        ("dilation", dilation, 1),
        ("stride", stride, 1),
        ("padding", padding, 0),
    ):
        if min(value) < lowest:
            raise ValueError(f"patches: {name}={value} must be at least {lowest}")
    out = tuple(
        (n + 2 * p - d * (k - 1) - 1) // s + 1
        for n, k, d, p, s in zip(x_shape[2:], kernel, dilation, padding, stride, strict=True)
    )
    if min(out) < 1:
        raise ValueError(
            f"patches of x {x_shape}: the window {kernel} with dilation {dilation} "
            f"is larger than the input {x_shape[2:]} padded by {padding}"
        )
    return Taps(kernel, stride, dilation, padding, out)
