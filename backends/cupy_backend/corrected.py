"""Functions of floats as NumPy defines them, where CuPy's give other numbers.

Its remainders and quotients are computed from the rounded quotient: off by one where that is near an integer, and NaN
for infinite divisors. Its logarithms of sums of powers of 2 lose what is much less than 1.
"""

from collections.abc import Callable
from typing import Any

from backends.cupy_backend.fusion import fused
from backends.cupy_backend.launch import Gpu
from backends.cupy_backend.layouts import FLOATS, name_of
from backends.generic import arithmetic
from backends.geometry import Array, wide_dtype

Function = Callable[..., Any]
# Each with a number as its second or its first operand.
WITH_NUMBER: dict[Function, tuple[Function, Function]] = {
    f: (lambda xp, x, number, f=f: f(xp, x, number), lambda xp, x, number, f=f: f(xp, number, x))
    for f in (arithmetic.remainder, arithmetic.floor_divide, arithmetic.logaddexp2)
}


def remainder(gpu: Gpu, a: Any, b: Any) -> Array | None:
    """NumPy's `remainder` of floats."""
    return _computed(gpu, arithmetic.remainder, a, b)


def floor_divide(gpu: Gpu, a: Any, b: Any) -> Array | None:
    """NumPy's `floor_divide` of floats."""
    return _computed(gpu, arithmetic.floor_divide, a, b)


def logaddexp2(gpu: Gpu, a: Any, b: Any) -> Array | None:
    """NumPy's `logaddexp2` of floats."""
    return _computed(gpu, arithmetic.logaddexp2, a, b)


def _computed(gpu: Gpu, function: Function, *operands: Any) -> Array | None:
    arrays = [v for v in operands if hasattr(v, "dtype")]
    dtype = gpu.xp.result_type(*operands)
    if name_of(dtype) not in FLOATS or any(v.dtype != dtype for v in arrays):
        return None
    if len(arrays) == 2:
        y = fused(gpu, function, *operands)
    else:
        first = arrays[0] is not operands[0]
        y = fused(gpu, WITH_NUMBER[function][first], *arrays, number=float(operands[not first]))
    if y is not None:
        return y
    wide = wide_dtype(gpu.xp, dtype)
    return function(gpu.xp, *[v.astype(wide, copy=False) if hasattr(v, "dtype") else v for v in operands]).astype(
        dtype, copy=False
    )
