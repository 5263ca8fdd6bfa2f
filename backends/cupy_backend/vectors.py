"""Operators, functions and conversions of large arrays of floats, by kernels that read 16 bytes at once.

CuPy's kernels read elements one by one. A multiprocessor has 2,048 threads, and memory of 4.8 TB/s that answers after
0.6 µs needs 22 KB on their way to each of 132: 10 bytes for each thread.
"""

from collections.abc import Callable
from functools import cache, wraps
from math import inf
from typing import Any

from backends.cupy_backend.order import Ordered
from backends.cupy_backend.symbols import FORMS, NUMBER, OPERATORS, TESTS

Function = Callable[..., Any]
FUNCTIONS = (*FORMS, *TESTS, "power", "where")
# Elements, by the character of float16, bfloat16, float32, float64: below this CuPy's kernels start sooner.
MANY = dict.fromkeys("eE", 1 << 16) | dict.fromkeys("fd", 1 << 20)


def put_in_front(ordered: Ordered, kernels: Any) -> None:
    """Let `kernels.fused` and `kernels.cast`, where there are any, compute and convert large arrays, where they can."""
    array: Any = ordered.array
    library, fused = ordered.library, kernels.fused
    if kernels.cast is not None:
        array.astype = _casting(kernels.cast, array.astype)
    if fused is None:
        return
    for name in FUNCTIONS:
        if hasattr(library, name):
            setattr(library, name, _in_front(fused, array, name, getattr(library, name)))
    for operator, name in OPERATORS.items():
        for method in (f"__{operator}__", f"__r{operator}__", f"__i{operator}__"):
            if name in FUNCTIONS and hasattr(array, method):
                setattr(array, method, _in_front(fused, array, name, getattr(array, method), method))


def _is_large(x: Any) -> bool:
    return bool(x.size >= MANY.get(x.dtype.char, inf))


def _in_front(fused: Function, array: Any, name: str, plain: Function, method: str = "") -> Function:
    swapped, in_place = method.startswith("__r"), method.startswith("__i")

    @wraps(plain)
    def call(*operands: Any, **given: Any) -> Any:
        for x in operands:
            if x.__class__ is array and _is_large(x):
                out = operands[0] if in_place else given.get("out")
                if given.keys() <= {"out"} and (out is None or out.__class__ is array):
                    y = _computed(fused, name, x.dtype, operands[::-1] if swapped else operands, out)
                    if y is not None:
                        return y
                break
        return plain(*operands, **given)

    return call


def _computed(fused: Function, name: str, dtype: Any, operands: tuple[Any, ...], out: Any) -> Any:
    """The result; None if `fused` declines, or would copy. A number is rounded to the arrays' dtype, as NumPy does."""
    numbers = [i for i, v in enumerate(operands) if v.__class__ is float or v.__class__ is int]
    if not numbers:
        return fused(_of_elements(name, None), *operands, out=out, copies=False)
    (place, *more), arrays = numbers, [v for i, v in enumerate(operands) if i != numbers[0]]
    if more:
        return None
    number = float(dtype.type(operands[place]))
    return fused(_of_elements(name, place), *arrays, out=out, copies=False, number=number)


def _casting(cast: Function, plain: Function) -> Function:
    @wraps(plain)
    def astype(x: Any, dtype: Any, *rest: Any, **given: Any) -> Any:
        y = cast(x, dtype) if _is_large(x) and not rest and given.keys() <= {"copy"} else None
        return plain(x, dtype, *rest, **given) if y is None else y

    return astype


@cache
def _of_elements(name: str, place: int | None) -> Function:
    """The function of a namespace as one of arrays, and of a number at this place among them."""

    def function(xp: Any, *arrays: Any, **given: Any) -> Any:
        operands = [*arrays]
        if place is not None:
            operands.insert(place, given[NUMBER])
        return getattr(xp, name)(*operands)

    return function
