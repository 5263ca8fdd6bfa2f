"""Concatenation that does not copy parts already adjacent in memory."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from backends.buffers import address
from backends.geometry import Array, Sizes
from backends.numpy_backend.copies import concatenate


def joined(parts: Sequence[Array], axis: int) -> Array:
    """As the generic kernel, but a view if the parts are neighbouring slices of one array, as gradients often are."""
    first, count = parts[0], sum([v.shape[axis] for v in parts])
    step = _step(parts, axis)
    if step is None:
        return concatenate(parts, axis)
    shape, strides = (_with(sizes, axis, k) for sizes, k in ((first.shape, count), (first.strides, step)))
    return np.lib.stride_tricks.as_strided(first, shape, strides)


def _step(parts: Sequence[Array], axis: int) -> int | None:
    """The stride along an axis of the array of which these are consecutive slices; None if they are not."""
    first = parts[0]
    if first.base is None or not first.size or len(parts) < 2:
        return None
    step = (address(parts[1]) - address(first)) // first.shape[axis]
    strides = _with(first.strides, axis, step)
    alike = all(
        v.base is first.base
        and v.dtype == first.dtype
        and (v.strides if v.shape[axis] > 1 else _with(v.strides, axis, step)) == strides
        for v in parts
    )
    return step if alike and all(address(b) - address(a) == step * a.shape[axis] for a, b in pairwise(parts)) else None


def _with(sizes: Sizes, axis: int, value: int) -> Sizes:
    """`sizes` with the one of an axis replaced."""
    return (*sizes[:axis], value, *sizes[axis + 1 :])
