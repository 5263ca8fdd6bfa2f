"""Running results along an axis, by the loops that NumPy has in C."""

import numpy as np

from backends.geometry import Array


def running(name: str, x: Array, axis: int) -> Array:
    """Running result of an associative function such as "maximum"."""
    ufunc: np.ufunc = getattr(np, name)
    return ufunc.accumulate(x, axis=axis)
