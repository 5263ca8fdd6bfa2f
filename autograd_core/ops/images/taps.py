"""Sparse linear maps along one axis, in which every output reads a few inputs. No operations here."""

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, NamedTuple

import numpy as np

from backends.generic.resampling import Columns

Array = Any
CATMULL_ROM, KEYS = -0.5, -0.75  # the parameters of PyTorch's cubic kernel with and without antialiasing


class Column(NamedTuple):
    """At most one input for every output: y[outputs] += weights * x[inputs]."""

    outputs: slice | Array
    inputs: slice | Array
    weights: Array | None  # None: all are 1


@dataclass(frozen=True, eq=False)
class Taps:
    """A linear map from `size` inputs to `count` outputs: y[to[i]] += weights[i]·x[of[i]]."""

    size: int
    count: int
    of: Array
    to: Array
    weights: Array

    def __repr__(self) -> str:
        return f"Taps({self.size} → {self.count})"

    @cached_property
    def transposed(self) -> "Taps":
        """The map from outputs back to inputs."""
        return Taps(self.count, self.size, self.to, self.of, self.weights)

    @cached_property
    def columns(self) -> Columns:
        """The map as a sum of columns, with slices in place of evenly spaced indices."""
        order = np.lexsort((self.of, self.to))
        of, to, weights = self.of[order], self.to[order], self.weights[order]
        rank = np.arange(len(to)) - np.searchsorted(to, to)
        parts = [rank == k for k in range(rank.max(initial=-1) + 1)]
        weighty = [None if (weights[p] == 1).all() else weights[p] for p in parts]
        return Columns(Column(_evenly(to[p]), _evenly(of[p]), w) for p, w in zip(parts, weighty, strict=True))

    @cached_property
    def of_integers(self) -> tuple["Taps", int]:
        """The map times a power of two and rounded, and the exponent: the largest for which weights have 15 bits."""
        places, inverse = np.unique(self.to * self.size + self.of, return_inverse=True)
        weights = np.bincount(inverse, self.weights)
        bits = next(k for k in range(23) if k == 22 or int(0.5 + weights.max() * 2 ** (k + 1)) >= 1 << 15)
        rounded = np.trunc(weights * 2**bits + np.copysign(0.5, weights))
        return Taps(self.size, self.count, places % self.size, places // self.size, rounded), bits


def _evenly(index: Array) -> slice | Array:
    """The slice equivalent to an index array, if there is one."""
    first, step = int(index[0]), int(index[1] - index[0]) if len(index) > 1 else 1
    if step > 0 and (np.diff(index) == step).all():
        return slice(first, int(index[-1]) + 1, step)
    return index


def picking(size: int, of: Array) -> Taps:
    """The map whose outputs are single inputs."""
    return Taps(size, len(of), of, np.arange(len(of)), np.ones(len(of)))


@lru_cache(maxsize=256)
def mean_of_cells(size: int, count: int) -> Taps:
    """Means from ⌊i·size / count⌋ to ⌈(i + 1)·size / count⌉."""
    starts, stops = cells(size, count)
    to, of = _ranges(starts, stops)
    return Taps(size, count, of, to, 1 / (stops - starts)[to])


def cells(size: int, count: int) -> tuple[Array, Array]:
    """Where the cells of adaptive pooling start and stop."""
    i = np.arange(count)
    return i * size // max(count, 1), -(-(i + 1) * size // max(count, 1))


def _ranges(starts: Array, stops: Array) -> tuple[Array, Array]:
    """Every pair of an output i and an input from starts[i] to stops[i]."""
    lengths = stops - starts
    to = np.repeat(np.arange(len(starts)), lengths)
    within = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    return to, starts[to] + within


@lru_cache(maxsize=256)
def interpolation(
    mode: str, size: int, count: int, factor: float | None = None, align_corners: bool = False, antialias: bool = False
) -> Taps:
    """Interpolation of `size` samples at `count` places.

    The places cover the same interval (from the first sample to the last if `align_corners`), or are 1 / factor apart.
    """
    if mode.startswith("nearest"):
        return picking(size, _nearest(size, count, factor, 0.5 if mode == "nearest-exact" else 0.0))
    step = size / count if factor is None else 1 / factor
    if align_corners:
        step = (size - 1) / (count - 1) if count > 1 else 0.0
    if antialias:
        return _smoothed(size, count, step, *FILTERS[mode])
    places = np.arange(count) * step if align_corners else (np.arange(count) + 0.5) * step - 0.5
    return _between(size, places, *INTERPOLANTS[mode])


def _nearest(size: int, count: int, factor: float | None, shift: float) -> Array:
    i = np.arange(count)
    if factor is None:
        return (i * 2 + int(2 * shift)) * size // (2 * count)
    step = np.float32(1 / factor)  # as in PyTorch: with all digits, 3 / 3.0000000000000004 would be below 1
    return np.minimum(np.floor((i.astype(np.float32) + np.float32(shift)) * step).astype(np.int64), size - 1)


def _between(size: int, places: Array, offsets: tuple[int, ...], weights_at: Any) -> Taps:
    """Weights for the samples at `offsets` from the one below each place; the outermost samples repeat outwards."""
    places = np.maximum(places, 0) if len(offsets) == 2 else places
    below = np.floor(places).astype(np.int64)
    weights = weights_at(places - below)
    of = np.stack([np.clip(below + k, 0, size - 1) for k in offsets])
    to = np.broadcast_to(np.arange(len(places)), of.shape)
    read = weights != 0
    return Taps(size, len(places), of[read], to[read], weights[read])


def _smoothed(size: int, count: int, step: float, half: int, filter_at: Any) -> Taps:
    """A filter of half-width `half`, widened by steps above 1, and renormalised where it is cut off."""
    wide, center = max(step, 1.0), (np.arange(count) + 0.5) * step
    starts = np.maximum(np.floor(center - half * wide + 0.5), 0).astype(np.int64)
    stops = np.minimum(np.floor(center + half * wide + 0.5), size).astype(np.int64)
    to, of = _ranges(starts, stops)
    weights = filter_at(abs(of - center[to] + 0.5) / wide)
    weights = weights / np.bincount(to, weights, count)[to]
    read = weights != 0
    return Taps(size, count, of[read], to[read], weights[read])


def cubic(t: Array, slope: float) -> Array:
    """Cubic convolution at a distance t (Keys 1981)."""
    near = ((slope + 2) * t - (slope + 3)) * t * t + 1
    far = ((slope * t - 5 * slope) * t + 8 * slope) * t - 4 * slope
    return np.where(t <= 1, near, np.where(t < 2, far, 0))


INTERPOLANTS: dict[str, tuple[tuple[int, ...], Any]] = {
    "linear": ((0, 1), lambda t: np.stack([1 - t, t])),
    "cubic": ((-1, 0, 1, 2), lambda t: np.stack([cubic(abs(t - k), KEYS) for k in (-1, 0, 1, 2)])),
}
FILTERS: dict[str, tuple[int, Any]] = {
    "linear": (1, lambda t: np.maximum(1 - t, 0)),
    "cubic": (2, lambda t: cubic(t, CATMULL_ROM)),
    "lanczos": (3, lambda t: np.where(t < 3, np.sinc(t) * np.sinc(t / 3), 0)),
}
