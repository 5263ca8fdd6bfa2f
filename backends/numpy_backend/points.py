"""Weighted sums of pixels as products with a sparse matrix of the weights, five times as fast as adding K arrays."""

from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np

from backends.generic.points import pixel_rows, places_of
from backends.geometry import Array, Sizes, channels_first, channels_last

LARGE = 1 << 14  # products: from here the import pays


def read_points(plain: Callable[..., Array], x: Array, weights: Array, index: Array) -> Array:
    """See `backends.generic.points.read_points`, here `plain`."""
    if not _pays(x, weights, index):
        return plain(x, weights, index)
    y: Array = _matrix(weights, index, x.shape) @ pixel_rows(np, x)
    return channels_first(y.reshape(*index.shape[:2], -1))


def add_points(plain: Callable[..., Array], g: Array, weights: Array, index: Array, x_shape: Sizes) -> Array:
    """See `backends.generic.points.add_points`, here `plain`."""
    if not _pays(g, weights, index):
        return plain(g, weights, index, x_shape)
    n, c, *sizes = x_shape
    total: Array = _matrix(weights, index, x_shape).T @ channels_last(g).reshape(-1, c)
    return channels_first(total[:-1].reshape(n, *sizes, c))


def _pays(x: Array, weights: Array, index: Array) -> bool:
    return index.size * x.shape[1] >= LARGE and x.dtype == weights.dtype and x.dtype.char in "fd"


def _matrix(weights: Array, index: Array, x_shape: Sizes) -> Any:
    """One row for each point, one column for each pixel of all images, and a last column for zeros."""
    from scipy.sparse import csr_array

    places, shape = places_of(np, index, x_shape), (prod(index.shape[:2]), x_shape[0] * prod(x_shape[2:]) + 1)
    return csr_array((weights.ravel(), places.ravel(), np.arange(0, index.size + 1, index.shape[2])), shape=shape)
