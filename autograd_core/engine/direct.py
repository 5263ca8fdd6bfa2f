"""What writes need of NumPy: arithmetic that nothing records, where the tensor is, and copies."""

from typing import Any

import numpy as np

from autograd_core.engine.libraries import LIBRARY
from autograd_core.tensor import Tensor

UFUNCS = {"add": np.add, "subtract": np.subtract, "multiply": np.multiply, "divide": np.divide}  # by entry
SIGNS = {"add": 1.0, "subtract": -1.0}  # of the entries that take a factor `alpha`
MOST = 1e38  # numbers of which float32 holds no more could raise an error of their own
LARGE = 1 << 16  # elements: from here kernels pay


def replace(entry: str, x: Tensor, other: Any, alpha: float = 1) -> bool:
    """Write the result of an entry to x; False, and nothing is written, if that takes more than arithmetic."""
    a, b = x.array, other
    if a.__class__ is not np.ndarray or a.dtype.char not in "fd" or alpha.__class__ not in (float, int):
        return False
    if isinstance(b, Tensor):
        b = b.array
        if b.dtype is not a.dtype or b.__class__ not in (np.ndarray, a.dtype.type):
            return False
    elif b.__class__ not in (float, int) or not -MOST < b < MOST:
        return False
    return arithmetic(entry, a, b, alpha)


def arithmetic(entry: str, a: Any, b: Any, alpha: float) -> bool:
    """Write to an array; False if the operands do not fit."""
    large = a.size >= LARGE and entry in SIGNS and np.shape(b) == a.shape and not np.may_share_memory(a, b)
    try:
        if alpha != 1 and not large:
            with np.errstate(all="ignore"):
                b = b * alpha
        if large:
            with np.errstate(all="ignore"):
                LIBRARY[np.ndarray].kernels.increase(a, b, SIGNS[entry] * alpha)
        else:
            UFUNCS[entry](a, b, out=a)
    except (RuntimeWarning, FloatingPointError):
        pass  # warnings that are errors; NumPy raises them when everything is written
    except (ValueError, OverflowError):  # a shape that does not broadcast, or a number that is too large
        return False
    return True


def copy(array: Any, value: Any) -> None:
    """Write an array, or a number, of the same dtype to an array."""
    if (
        array.__class__ is value.__class__ is np.ndarray
        and array.size >= LARGE
        and array.shape == value.shape
        and not np.may_share_memory(array, value)
    ):
        LIBRARY[np.ndarray].copyto(array, value)
    else:
        array[...] = value
