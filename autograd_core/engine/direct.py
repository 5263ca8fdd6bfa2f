"""What writes need of NumPy: arithmetic that nothing records, where the tensor is, and copies."""

from collections.abc import Callable
from typing import Any

import numpy as np

from autograd_core.engine.libraries import LIBRARY
from autograd_core.tensor import Tensor

UFUNCS = {"add": np.add, "subtract": np.subtract, "multiply": np.multiply, "divide": np.divide}  # by entry
SIGNS = {"add": 1.0, "subtract": -1.0}  # of the entries that take a factor `alpha`
MOST = 1e38  # numbers of which float32 holds no more could raise an error of their own
LARGE = 1 << 16  # elements: from here kernels pay


Combined = tuple[Callable[..., Any], tuple[Any, ...]]  # (a, *others, out) -> None, elementwise, and the others


def _lerp(a: Any, end: Any, weight: float) -> Combined:
    """As the forward of `lerp`, to the last bit."""
    w = a.dtype.type(weight)
    near = abs(w) < 0.5

    def function(a: Any, b: Any, out: Any) -> None:
        d = b - a
        d *= w if near else w - 1
        np.add(d, a if near else b, out=out)

    return function, (end,)


def _scaled_sum(ufunc: np.ufunc) -> Callable[..., Combined]:
    def combined(a: Any, tensor1: Any, tensor2: Any, *, value: float = 1) -> Combined:
        def function(a: Any, b: Any, c: Any, out: Any) -> None:
            d = ufunc(b, c)
            if value != 1:
                d *= value
            np.add(a, d, out=out)

        return function, (tensor1, tensor2)

    return combined


def _clamp(a: Any, min: float | None = None, max: float | None = None) -> Combined:
    if min is max is None:
        raise TypeError  # which the composition explains
    return lambda a, out: a.clip(min, max, out=out), ()


# By entry: from an array and the further arguments of the method to what is computed of the array.
FORMS: dict[str, Callable[..., Combined]] = {
    "lerp": _lerp, "addcmul": _scaled_sum(np.multiply), "addcdiv": _scaled_sum(np.divide), "clamp": _clamp,
}  # fmt: skip


def combine(a: Any, entry: str, args: Any, options: Any) -> bool:
    """Write what an entry of `FORMS` computes to an array; False, and nothing is written, if that takes more."""
    if a.__class__ is not np.ndarray or a.dtype.char not in "fd" or not a.ndim:
        return False
    try:
        function, others = FORMS[entry](a, *args, **options)
    except (TypeError, ValueError):  # arguments that the entry itself refuses, or tensors for numbers
        return False
    numbers = [v for v in (*args, *options.values()) if not any(v is b for b in others)]
    if not all(v is None or (v.__class__ in (float, int) and -MOST < v < MOST) for v in numbers):
        return False
    arrays = [getattr(v, "array", None) for v in others]
    for b in arrays:
        if b.__class__ is not np.ndarray or b.dtype is not a.dtype or b.shape != a.shape:
            return False
        if b is not a and np.may_share_memory(a, b):
            return False
    try:
        with np.errstate(all="ignore"):
            LIBRARY[np.ndarray].kernels.in_place(function, a, *arrays)
    except (RuntimeWarning, FloatingPointError):
        pass  # warnings that are errors; NumPy raises them when everything is written
    return True


def replace(a: Any, entry: str, b: Any, alpha: float = 1) -> bool:
    """Write the result of an entry to an array; False, and nothing is written, if that takes more than arithmetic."""
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
        array.size >= LARGE
        and array.__class__ is value.__class__ is np.ndarray
        and array.shape == value.shape
        and not np.may_share_memory(array, value)
    ):
        LIBRARY[np.ndarray].copyto(array, value)
    else:
        array[...] = value
