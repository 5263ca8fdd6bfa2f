"""Running results along an axis, by NumPy's C loops; rows are divided among threads."""

from itertools import pairwise
from math import prod
from typing import Any

import numpy as np

from backends.buffers import empty
from backends.geometry import Array, blocks
from backends.threads import in_blocks

LONG = 1 << 7  # elements side by side: from here it is faster to combine them in one call
BLOCK = 1 << 15  # elements of rows at a time, whose wide copy stays in the cache


def running(name: str, x: Array, axis: int, wide: Any = None) -> Array:
    """See `backends.generic.scans.running`."""
    ufunc: np.ufunc = getattr(np, name)
    wide = np.dtype(wide or x.dtype)
    if x.size and prod(x.shape[axis + 1 :]) >= LONG:
        y = x.astype(wide, order="C")
        steps = np.moveaxis(y, axis, 0)
        for before, step in pairwise(steps):
            ufunc(before, step, out=step)
        return y.astype(x.dtype, copy=False)
    if x.size < BLOCK or axis != x.ndim - 1 or wide == x.dtype:  # NumPy's loop alone gains nothing from threads
        return ufunc.accumulate(x, axis=axis, dtype=wide).astype(x.dtype, order="C", copy=False)
    y = empty(x.shape, None, x.dtype)
    source, target = (v.reshape(-1, x.shape[axis]) for v in (x, y))

    def scan(at: slice) -> None:
        with np.errstate(all="ignore"):  # not inherited by threads
            target[at] = ufunc.accumulate(source[at].astype(wide), axis=1)

    in_blocks(scan, list(blocks(len(target), max(1, BLOCK // x.shape[axis]))))
    return y
