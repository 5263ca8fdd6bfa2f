"""Memory layouts of the same elements."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


def contiguous(a: Array) -> Array:
    """Row-major, in its own memory."""
    return a.copy()


def transposed(a: Array) -> Array:
    """Column-major."""
    return a.copy(order="F")


def reversed_(a: Array) -> Array:
    """Negative strides along every axis."""
    backwards: Any = (..., *(slice(None, None, -1),) * a.ndim)
    return a[backwards].copy()[backwards]


def sliced(a: Array) -> Array:
    """Every second element of a larger array, at an offset."""
    room = np.full([2 * k + 1 for k in a.shape], 77, a.dtype)
    every_second: Any = (..., *(slice(1, None, 2),) * a.ndim)
    part: Array = room[every_second]
    part[...] = a
    return part


def expanded(a: Array) -> Array:
    """The first slice of the first axis repeated with stride 0; the elements differ from those of `a`."""
    return np.broadcast_to(a[:1].copy(), a.shape) if a.ndim and a.shape[0] else a.copy()


def read_only(a: Array) -> Array:
    """Read-only memory."""
    a = a.copy()
    a.flags.writeable = False
    return a


LAYOUTS: dict[str, Callable[[Array], Array]] = {
    "contiguous": contiguous,
    "transposed": transposed,
    "reversed": reversed_,
    "sliced": sliced,
    "expanded": expanded,
    "read-only": read_only,
}
