"""Weighted sums of pixels as products with a sparse matrix of the weights, five times as fast as adding K arrays.

A few channels are read plane by plane instead, without a matrix.
"""

from collections.abc import Callable, Iterator
from math import prod
from typing import Any

import numpy as np

from backends.generic.points import of_rows, pixel_rows, places_of
from backends.geometry import Array, Sizes, channels_first, channels_last

LARGE = 1 << 14  # products: from here the import pays
FEW = 4  # channels


def read_points(plain: Callable[..., Array], x: Array, weights: Array, index: Array) -> Array:
    """See `backends.generic.points.read_points`, here `plain`."""
    if not _pays(x, weights, index):
        return plain(x, weights, index)
    if x.shape[1] <= FEW:
        taken = _taken(x, index)
        return sum((next(taken) * w for w in np.moveaxis(weights, -1, 0)), np.zeros((), x.dtype)).swapaxes(0, 1)
    y: Array = _matrix(weights, index, x.shape) @ pixel_rows(np, x)
    return channels_first(y.reshape(*index.shape[:2], -1))


def add_points(plain: Callable[..., Array], g: Array, weights: Array, index: Array, x_shape: Sizes) -> Array:
    """See `backends.generic.points.add_points`, here `plain`."""
    if not _pays(g, weights, index):
        return plain(g, weights, index, x_shape)
    n, c, *sizes = x_shape
    if c > FEW:
        return of_rows(_matrix(weights, index, x_shape).T @ channels_last(g).reshape(-1, c), x_shape)
    planes = np.zeros((c, n * (prod(sizes) + 1)), g.dtype)
    for w, places in zip(np.moveaxis(weights, -1, 0), _places(index, x_shape), strict=True):
        for plane, part in zip(planes, g.swapaxes(0, 1), strict=True):
            np.add.at(plane, places.reshape(-1), (part * w).reshape(-1))
    return planes.reshape(c, n, -1)[:, :, 1:].reshape(c, n, *sizes).swapaxes(0, 1)


def match_points(plain: Callable[..., Array], g: Array, x: Array, index: Array) -> Array:
    """See `backends.generic.points.match_points`, here `plain`."""
    if not _pays(x, g, index) or x.shape[1] > FEW:
        return plain(g, x, index)
    gs = g.swapaxes(0, 1)
    return np.moveaxis(np.array([np.add.reduce(pixels * gs, axis=0) for pixels in _taken(x, index)]), 0, -1)


def _pays(x: Array, weights: Array, index: Array) -> bool:
    return index.size * x.shape[1] >= LARGE and x.dtype == weights.dtype and x.dtype.char in "fd"


def _taken(x: Array, index: Array) -> Iterator[Array]:
    """For each of K samples, the pixels (C, N, P) that it names."""
    n, c, *sizes = x.shape
    planes = np.zeros((c, n, prod(sizes) + 1), x.dtype)
    planes[:, :, 1:] = x.reshape(n, c, -1).swapaxes(0, 1)
    for places in _places(index, x.shape):
        yield planes.reshape(c, -1).take(places, axis=1)


def _places(index: Array, x_shape: Sizes) -> Array:
    """For each of K samples, the places (N, P) in planes with a zero before each image."""
    return np.moveaxis(places_of(np, index, x_shape), -1, 0)


def _matrix(weights: Array, index: Array, x_shape: Sizes) -> Any:
    """One row for each point, one column for each row of `pixel_rows`."""
    from scipy.sparse import csr_array

    places, shape = places_of(np, index, x_shape), (prod(index.shape[:2]), x_shape[0] * (prod(x_shape[2:]) + 1))
    return csr_array((weights.ravel(), places.ravel(), np.arange(0, index.size + 1, index.shape[2])), shape=shape)
