"""A leaky ReLU with a slope for each channel, for every array library."""

from typing import Any

from backends.geometry import Array, wide_dtype


def prelu(xp: Any, x: Array, slopes: Array) -> Array:
    """x (N, C, ...) where it is positive, elsewhere times the slope of its channel; slopes (C, 1, ...)."""
    return xp.where(x > 0, x, x * slopes)


def prelu_gradient(xp: Any, g: Array, x: Array, slopes: Array) -> tuple[Array, Array]:
    """The gradients of `prelu` in x and in the slopes; float32 for 16-bit floats."""
    g, x, slopes = (v.astype(wide_dtype(xp, v.dtype), copy=False) for v in (g, x, slopes))
    of_slopes = xp.where(x > 0, 0, g * x).sum(axis=(0, *range(2, x.ndim)))
    return xp.where(x > 0, g, g * slopes), of_slopes.reshape(slopes.shape)
