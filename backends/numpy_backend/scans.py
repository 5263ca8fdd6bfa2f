"""Running results along an axis, by NumPy's C loops, which gain nothing from threads."""

from itertools import pairwise
from math import prod
from typing import Any

import numpy as np

from backends.buffers import empty
from backends.geometry import Array, blocks

LONG = 1 << 7  # elements side by side: from here it is faster to combine them in one call
BLOCK = 1 << 15  # elements of rows at a time, whose wide copy stays in the cache


def running(name: str, x: Array, axis: int, wide: Any = None, back: bool = False) -> Array:
    """See `backends.generic.scans.running`."""
    ufunc: np.ufunc = getattr(np, name)
    wide = np.dtype(wide or x.dtype)
    if x.size and prod(x.shape[axis + 1 :]) >= LONG:
        y = x.astype(wide, order="C")
        steps = np.moveaxis(y, axis, 0)
        for before, step in pairwise(steps[::-1] if back else steps):
            ufunc(before, step, out=step)
        return y.astype(x.dtype, copy=False)
    if x.size < BLOCK or axis != x.ndim - 1 or wide == x.dtype:
        way = (slice(None),) * axis + (slice(None, None, -1 if back else 1),)
        y = ufunc.accumulate(x[way], axis=axis, dtype=wide)[way]
        return y.astype(x.dtype, order="C", copy=back)
    y, length = empty(x.shape, None, x.dtype), x.shape[axis]
    source, target = (v.reshape(-1, length)[:, :: -1 if back else 1] for v in (x, y))
    rows = np.empty((max(1, BLOCK // length), length), wide)
    for at in blocks(len(target), len(rows)):
        part = rows[: at.stop - at.start]
        np.copyto(part, source[at])
        target[at] = ufunc.accumulate(part, axis=1, out=part)
    return y
