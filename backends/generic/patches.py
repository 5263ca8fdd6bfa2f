"""Windows of images laid out as columns, and their transpose, for every array library."""

from math import prod
from typing import Any

from backends.geometry import Array, Sizes, Window, check_gradient, wide_dtype


def patches(xp: Any, x: Array, window: Window) -> Array:
    """Every zero-padded window of x (N, C, *S) as a column: (N, C · taps, windows)."""
    kernel, stride, padding, dilation = window
    out = window.outputs("patches", x.shape)
    padded = xp.pad(x, [(0, 0), (0, 0), *[(p, p) for p in padding]]) if any(padding) else xp.ascontiguousarray(x)
    first, second, *spatial = padded.strides
    within = [a * d for a, d in zip(spatial, dilation, strict=True)]
    steps = [a * s for a, s in zip(spatial, stride, strict=True)]
    shape = (*x.shape[:2], *kernel, *out)
    windows = xp.lib.stride_tricks.as_strided(padded, shape, (first, second, *within, *steps))
    y = xp.empty(shape, dtype=x.dtype)
    y[...] = windows
    return y.reshape(x.shape[0], x.shape[1] * prod(kernel), prod(out))


def add_patches(xp: Any, g: Array, x_shape: Sizes, window: Window) -> Array:
    """Adjoint of `patches`: columns (N, C · taps, windows) are added at the positions they came from."""
    out = window.outputs("patches", x_shape)
    check_gradient("add_patches", g.shape, (x_shape[0], x_shape[1] * prod(window.kernel), prod(out)))
    parts = g.reshape(*x_shape[:2], *window.kernel, *out)
    x = xp.zeros(x_shape, dtype=wide_dtype(xp, g.dtype))
    for tap, outputs, inputs in window.each_tap(x_shape[2:], out):
        x[..., *inputs] += parts[:, :, *tap, *outputs]
    return x.astype(g.dtype, copy=False)
