"""Geometry of windows: output sizes, valid ranges and argument checks of convolution and pooling."""

from collections.abc import Sequence
from functools import lru_cache
from itertools import product
from math import prod
from typing import Any, NamedTuple

Array = Any
Sizes = tuple[int, ...]


class Window(NamedTuple):
    """A window that slides over an image with a border; every field has one number per spatial axis."""

    kernel: Sizes
    stride: Sizes
    padding: Sizes
    dilation: Sizes

    def outputs(self, op: str, x_shape: Sizes, ceil_mode: bool = False) -> Sizes:
        """How many windows images (N, C, *S) have along each axis; ValueError if there is none.

        With `ceil_mode` a last window may overhang but must start inside.
        """
        rank = len(x_shape) - 2
        if rank < 1:
            raise ValueError(f"{op} of x {x_shape}: needs dimensions (N, C, *spatial)")
        for name, value in zip(self._fields, self, strict=True):
            if len(value) != rank:
                raise ValueError(f"{op}: {name}={value} has {len(value)} entries for {rank} spatial dimensions")
            if min(value) < (lowest := int(name != "padding")):
                raise ValueError(f"{op}: {name}={value} must be at least {lowest}")
        sizes = []
        for n, k, s, p, d in zip(x_shape[2:], *self, strict=True):
            room = n + 2 * p - d * (k - 1) - 1
            count = (room + (s - 1 if ceil_mode else 0)) // s + 1
            sizes.append(count - 1 if ceil_mode and (count - 1) * s >= n + p else count)
        if min(sizes) < 1:
            raise ValueError(
                f"{op} of x {x_shape}: the window {self.kernel} with dilation {self.dilation} "
                f"is larger than the input {x_shape[2:]} padded by {self.padding}"
            )
        return tuple(sizes)

    def each_tap(self, plane: Sizes, out: Sizes) -> Sequence[tuple[Sizes, tuple[slice, ...], tuple[slice, ...]]]:
        """Every tap, the windows in which it lies within a plane, and the positions that it reads there."""
        return _each_tap(self, plane, out)


@lru_cache(maxsize=256)  # for small images this takes longer than the arithmetic
def _each_tap(window: Window, plane: Sizes, out: Sizes) -> Sequence[tuple[Sizes, tuple[slice, ...], tuple[slice, ...]]]:
    found = []
    for tap in product(*map(range, window.kernel)):
        axes = zip(plane, out, tap, window.stride, window.padding, window.dilation, strict=True)
        ranges = [tap_range(size, count, k * d - p, s) for size, count, k, s, p, d in axes]
        outputs, inputs = zip(*ranges, strict=True)
        found.append((tap, outputs, inputs))
    return found


class Geometry(NamedTuple):
    """How the kernels of a convolution slide: one number per spatial axis, and into how many groups channels fall."""

    stride: Sizes
    padding: Sizes
    dilation: Sizes
    groups: int


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


@lru_cache(maxsize=4096)
@lru_cache(maxsize=1024)
def tap_range(size: int, count: int, offset: int, step: int) -> tuple[slice, slice]:
    """Outputs `o < count` for which `o * step + offset` lies in `range(size)`, and the positions they read."""
    first = max(0, -(offset // step))
    stop = max(first, min(count, (size - 1 - offset) // step + 1))
    start = first * step + offset
    return slice(first, stop), slice(start, max(start, start + (stop - first) * step - step + 1), step)


def convolution_sizes(x_shape: Sizes, w_shape: Sizes, geometry: Geometry) -> Sizes:
    """Spatial sizes of a convolution's output; ValueError with the shapes when the operands do not fit."""
    if len(x_shape) < 3 or len(w_shape) != len(x_shape):
        raise ValueError(f"convolution of x {x_shape} with w {w_shape}: both need 2 + spatial rank dimensions")
    *steps, groups = geometry
    if groups < 1 or x_shape[1] != w_shape[1] * groups:
        raise ValueError(
            f"convolution of x {x_shape} with w {w_shape}, groups={groups}: x has {x_shape[1]} channels, "
            f"w expects {w_shape[1]} * {groups} = {w_shape[1] * groups}"
        )
    if w_shape[0] % groups:
        raise ValueError(f"convolution: w {w_shape} has {w_shape[0]} outputs, not divisible by groups={groups}")
    return Window(w_shape[2:], *steps).outputs("convolution", x_shape)


@lru_cache(maxsize=1024)
@lru_cache(maxsize=256)
def pooling_sizes(x_shape: Sizes, window: Window, ceil_mode: bool) -> Sizes:
    """Spatial sizes of a pooling's output; see `Window.outputs`."""
    out = window.outputs("pooling", x_shape, ceil_mode)
    if any(2 * p > k for p, k in zip(window.padding, window.kernel, strict=True)):
        raise ValueError(f"pooling: padding {window.padding} is more than half of the kernel {window.kernel}")
    return out


def check_gradient(op: str, g_shape: Sizes, expected: Sizes) -> None:
    """ValueError unless a cotangent has the shape of the output it belongs to."""
    if tuple(g_shape) != tuple(expected):
        raise ValueError(f"{op}: the gradient has shape {tuple(g_shape)}, the output has shape {tuple(expected)}")


def channels_last(array: Array) -> Array:
    """View of (N, C, *spatial) as (N, *spatial, C)."""
    return array.transpose(0, *range(2, array.ndim), 1)


def channels_first(array: Array) -> Array:
    """View of (N, *spatial, C) as (N, C, *spatial)."""
    return array.transpose(0, array.ndim - 1, *range(1, array.ndim - 1))


def spreads(shape: Sizes, whole: Sizes) -> bool:
    """Whether an array of this shape broadcasts to the whole one."""
    return len(shape) <= len(whole) and all(n in (1, m) for n, m in zip(shape[::-1], whole[::-1], strict=False))


def wide_dtype(xp: Any, dtype: Any) -> Any:
    """The type to accumulate in: float32 for the 16-bit floats (bfloat16 is of kind V), else the type itself."""
    return xp.dtype(xp.float32) if dtype.itemsize == 2 and dtype.kind in "fV" else dtype


def blocks(count: int, size: int) -> Sequence[slice]:
    """Consecutive slices of at most `size` that cover `range(count)`."""
    return [slice(i, min(i + size, count)) for i in range(0, count, size)]


def elements(sizes: Sizes) -> int:
    """Number of elements, at least one, for dividing by."""
    return max(1, prod(sizes))
