"""Geometry of windows: output sizes, valid ranges and argument checks of convolution and pooling."""

from collections.abc import Sequence
from math import prod
from typing import Any, NamedTuple

Array = Any
Sizes = tuple[int, ...]


class Taps(NamedTuple):
    """A window sliding over an image: output `o` and tap `k` read position `o * stride + k * dilation - low`.

    Positions outside the image read zero, so a negative `low` crops and a large `out` pads on the far side.
    """

    kernel: Sizes
    stride: Sizes
    dilation: Sizes
    low: Sizes
    out: Sizes

    @property
    def reach(self) -> Sizes:
        """Length of the stretch of positions that the windows touch, per axis."""
        axes = zip(self.out, self.stride, self.kernel, self.dilation, strict=True)
        return tuple((o - 1) * s + (k - 1) * d + 1 for o, s, k, d in axes)


def tap_range(size: int, count: int, offset: int, step: int) -> tuple[slice, slice]:
    """Outputs `o < count` for which `o * step + offset` lies in `range(size)`, and the positions they read."""
    first = max(0, -(offset // step))
    stop = max(first, min(count, (size - 1 - offset) // step + 1))
    start = first * step + offset
    return slice(first, stop), slice(start, max(start, start + (stop - first) * step - step + 1), step)


def convolution_sizes(
    x_shape: Sizes, w_shape: Sizes, stride: Sizes, padding: Sizes, dilation: Sizes, groups: int
) -> Sizes:
    """Spatial sizes of a convolution's output; ValueError with the shapes when the operands do not fit."""
    rank = len(x_shape) - 2
    if rank < 1 or len(w_shape) != len(x_shape):
        raise ValueError(f"convolution of x {x_shape} with w {w_shape}: both need 2 + spatial rank dimensions")
    _check_lengths("convolution", rank, stride=stride, padding=padding, dilation=dilation)
    if groups < 1 or x_shape[1] != w_shape[1] * groups:
        raise ValueError(
            f"convolution of x {x_shape} with w {w_shape}, groups={groups}: x has {x_shape[1]} channels, "
            f"w expects {w_shape[1]} * {groups} = {w_shape[1] * groups}"
        )
    if w_shape[0] % groups:
        raise ValueError(f"convolution: w {w_shape} has {w_shape[0]} outputs, not divisible by groups={groups}")
    kernel = w_shape[2:]
    if min(kernel) < 1:
        raise ValueError(f"convolution: the kernel of w {w_shape} is empty")
    sizes = tuple(
        (h + 2 * p - d * (k - 1) - 1) // s + 1
        for h, k, s, p, d in zip(x_shape[2:], kernel, stride, padding, dilation, strict=True)
    )
    if min(sizes) < 1:
        raise ValueError(
            f"convolution of x {x_shape} with w {w_shape}: the kernel {kernel} with dilation {dilation} "
            f"is larger than the input {x_shape[2:]} padded by {padding}"
        )
    return sizes


def pooling_sizes(
    x_shape: Sizes, kernel: Sizes, stride: Sizes, padding: Sizes, dilation: Sizes, ceil_mode: bool
) -> Sizes:
    """Spatial sizes of a pooling's output; with `ceil_mode` a last window may overhang but must start inside."""
    rank = len(x_shape) - 2
    if rank < 1:
        raise ValueError(f"pooling of x {x_shape}: needs dimensions (N, C, *spatial)")
    _check_lengths("pooling", rank, kernel=kernel, stride=stride, padding=padding, dilation=dilation)
    if any(2 * p > k for p, k in zip(padding, kernel, strict=True)):
        raise ValueError(f"pooling: padding {padding} is more than half of the kernel {kernel}")
    sizes = []
    for h, k, s, p, d in zip(x_shape[2:], kernel, stride, padding, dilation, strict=True):
        room = h + 2 * p - d * (k - 1) - 1
        count = (room + (s - 1 if ceil_mode else 0)) // s + 1
        if ceil_mode and (count - 1) * s >= h + p:
            count -= 1
        sizes.append(count)
    if min(sizes) < 1:
        raise ValueError(
            f"pooling of x {x_shape}: the window {kernel} with dilation {dilation} "
            f"is larger than the input {x_shape[2:]} padded by {padding}"
        )
    return tuple(sizes)


def check_gradient(op: str, g_shape: Sizes, expected: Sizes) -> None:
    """ValueError unless a cotangent has the shape of the output it belongs to."""
    if tuple(g_shape) != tuple(expected):
        raise ValueError(f"{op}: the gradient has shape {tuple(g_shape)}, the output has shape {tuple(expected)}")


def _check_lengths(op: str, rank: int, **parameters: Sizes) -> None:
    for name, value in parameters.items():
        if len(value) != rank:
            raise ValueError(f"{op}: {name}={value} has {len(value)} entries for {rank} spatial dimensions")
        lowest = 0 if name == "padding" else 1
        if min(value) < lowest:
            raise ValueError(f"{op}: {name}={value} must be at least {lowest}")


def channels_last(array: Array) -> Array:
    """View of (N, C, *spatial) as (N, *spatial, C)."""
    return array.transpose(0, *range(2, array.ndim), 1)


def channels_first(array: Array) -> Array:
    """View of (N, *spatial, C) as (N, C, *spatial)."""
    return array.transpose(0, array.ndim - 1, *range(1, array.ndim - 1))


def wide_dtype(xp: Any, dtype: Any) -> Any:
    """The type to accumulate in: float32 for the 16-bit floats (bfloat16 is of kind V), else the type itself."""
    return xp.dtype(xp.float32) if dtype.itemsize == 2 and dtype.kind in "fV" else dtype


def blocks(count: int, size: int) -> Sequence[slice]:
    """Consecutive slices of at most `size` that cover `range(count)`."""
    return [slice(i, min(i + size, count)) for i in range(0, count, size)]


def elements(sizes: Sizes) -> int:
    """Number of elements, at least one, for dividing by."""
    return max(1, prod(sizes))
