"""Running results along an axis, by NumPy's C loops."""

from itertools import pairwise
from math import prod
from typing import Any

import numpy as np

from backends.geometry import Array

LONG = 1 << 7  # elements side by side: from here it is faster to add them in one call


def running(name: str, x: Array, axis: int) -> Array:
    """The running result of an associative function such as "maximum"."""
    ufunc: np.ufunc = getattr(np, name)
    return ufunc.accumulate(x, axis=axis)


def cumulative(ufunc: np.ufunc, x: Array, axis: Any = None, dtype: Any = None) -> Array:
    """np.cumsum or np.cumprod, for np.add or np.multiply as `ufunc`."""
    if axis is None or dtype is None or prod(x.shape[axis + 1 :] if axis >= 0 else ()) < LONG or not x.size:
        scan = np.cumsum if ufunc is np.add else np.cumprod
        return scan(x, axis, dtype)
    y = x.astype(dtype, order="C")
    steps = np.moveaxis(y, axis, 0)
    for before, step in pairwise(steps):
        ufunc(before, step, out=step)
    return y
