"""NumPy's dtypes that tensors hold, the default floating-point dtype, and type promotion.

`public_dtypes.py` has the dtypes that users see.
"""

from __future__ import annotations

import functools
from types import SimpleNamespace
from typing import Any, cast, overload

import numpy as np
from numpy.typing import DTypeLike

from autograd_core.engine.libraries import LIBRARY, RULES
from autograd_core.errors import DtypeError, OperandError

DType = np.dtype[Any]

bool_ = np.dtype(np.bool_)
uint8, uint16, uint32, uint64 = map(np.dtype, ("u1", "u2", "u4", "u8"))
int8, int16, int32, int64 = map(np.dtype, ("i1", "i2", "i4", "i8"))
float16, float32, float64 = map(np.dtype, ("f2", "f4", "f8"))
complex64, complex128 = map(np.dtype, ("c8", "c16"))
_NATIVE = {d: d for d in (bool_, uint8, uint16, uint32, uint64, int8, int16, int32, int64, float16, float32, float64,
                          complex64, complex128)}  # fmt: skip

# Categories, by the letters of `dtype.kind`. V is that of bfloat16, which NumPy knows only through ml_dtypes.
INTEGERS = "iu"
EXACT = "biu"
FLOATS = "fV"
INEXACT = "fVc"
LIMITS = ("eps", "max", "min", "tiny", "smallest_normal", "resolution")
_RANK = {"b": 0, "u": 1, "i": 1, "f": 2, "V": 2, "c": 3}
_default: DType = float32


def set_default_dtype(dtype: DTypeLike) -> None:
    """Set the floating-point dtype of tensors made from Python floats, initially float32."""
    global _default
    given = as_dtype(dtype)
    if given.kind not in FLOATS:
        raise TypeError(f"the default dtype must be floating point, not {given}")
    _default = given


def get_default_dtype() -> DType:
    """The dtype of tensors made from Python floats."""
    return _default


def wrapped(number: int, dtype: DType) -> np.ndarray[Any, Any]:
    """An integer of up to 64 bits in another integer dtype, modulo its range."""
    if not -(2**63) <= number < 2**64:
        raise OperandError(f"{number} has more than 64 bits")
    return np.asarray(number % 2**64, np.uint64).astype(dtype)


def elements(numbers: Any, dtype: DType) -> np.ndarray[Any, Any]:
    """An array of Python numbers; as in PyTorch, negative ones wrap around in unsigned dtypes, down to -max."""
    try:
        return np.array(numbers, dtype)
    except OverflowError:
        if dtype.kind != "u":
            raise
        wide, most = np.array(numbers, np.int64), int(np.iinfo(dtype).max)
        if not -most <= wide.min() <= wide.max() <= most:
            raise
        return wide.astype(dtype)


def default_complex() -> DType:
    """The complex dtype with the precision of the default floating-point dtype."""
    return complex_like(_default)


@overload
def as_dtype(dtype: None) -> None: ...
@overload
def as_dtype(dtype: DTypeLike) -> DType: ...
def as_dtype(dtype: DTypeLike | None) -> DType | None:
    """NumPy's dtype in native byte order, from a dtype, a scalar type, a Python type or a name; None stays None.

    Raises TypeError for dtypes that tensors cannot hold, such as strings and objects.
    """
    if dtype is None:
        return None
    try:
        known = _NATIVE.get(cast(DType, dtype))
    except TypeError:  # it has no hash
        raise TypeError(f"expected a dtype, such as float32, not {dtype!r:.80}") from None
    if known is not None:
        return known
    try:
        found = bfloat16() if dtype == "bfloat16" else np.dtype(dtype)
    except (TypeError, ValueError):
        raise TypeError(f"expected a dtype, such as float32, not {dtype!r:.80}") from None
    if found.kind == "V" and is_numeric(found):
        return bfloat16()
    if not is_numeric(found):
        raise TypeError(f"tensors hold numbers or booleans, not {found}")
    return found if found.isnative else found.newbyteorder("=")


def is_numeric(dtype: DType) -> bool:
    """Whether tensors can hold elements of this dtype."""
    return dtype in _NATIVE or dtype.newbyteorder("=") in _NATIVE or dtype.name == "bfloat16"


def bfloat16() -> DType:
    """The 16-bit floating dtype with the range of float32."""
    try:
        import ml_dtypes
    except ImportError:
        raise ImportError("bfloat16 needs the package ml_dtypes: pip install ml_dtypes") from None
    scalar: type[np.generic] = ml_dtypes.bfloat16
    for table in (LIBRARY, RULES):
        table.setdefault(scalar, table[np.ndarray])
    return np.dtype(scalar)


def finfo(dtype: DTypeLike | None = None) -> Any:
    """The limits (eps, max, min, tiny, bits, ...) of a floating-point dtype, by default the default one."""
    small = getattr(dtype, "name", "").startswith("float8_")
    return _limits(np.dtype(dtype) if small else as_dtype(dtype) or _default)


class _Limits(SimpleNamespace):
    def __repr__(self) -> str:
        names = ("resolution", "min", "max", "eps", "smallest_normal", "tiny")
        numbers = ", ".join(f"{name}={getattr(self, name):g}" for name in names)
        return f"finfo({numbers}, dtype={self.dtype})"


@functools.cache
def _limits(dtype: DType) -> _Limits:
    """As Python's floats, so that what a program computes from them does not overflow."""
    if dtype.kind not in INEXACT:
        raise DtypeError(f"finfo() takes a floating-point dtype, not {dtype}; iinfo() takes integers")
    found: Any
    if dtype.isbuiltin == 2:
        import ml_dtypes

        found = ml_dtypes.finfo(dtype)  # type: ignore[no-untyped-call]
    else:
        found = np.finfo(dtype)
    numbers = {name: float(getattr(found, name)) for name in LIMITS}
    return _Limits(dtype=str(found.dtype), bits=found.bits, **numbers)


def of_python(value: Any) -> DType | None:
    """The dtype of a Python number: bool, int64, the default float or complex; None for anything else."""
    if value.__class__ is float:
        return _default
    if value.__class__ is int and -(2**63) <= value < 2**64:
        return int64
    kind = np.asarray(value).dtype.kind
    return {"b": bool_, "i": int64, "u": int64, "f": _default, "c": default_complex()}.get(kind)


@functools.cache
def promote_types(type1: DTypeLike, type2: DTypeLike) -> DType:
    """The dtype of `type1` combined with `type2`: float beside integer stays as it is (float32 with int64 is float32).

    >>> promote_types(float32, int64)
    dtype('float32')
    """
    low, high = sorted((np.dtype(type1), np.dtype(type2)), key=lambda d: _RANK[d.kind])
    if {low.name, high.name} == {"bfloat16", "float16"}:
        return float32
    if {low.kind, high.kind} == {"u", "i"} and uint64 in (low, high):
        raise DtypeError(f"{low} and {high} have no integer dtype in common; convert one of them")
    if _RANK[low.kind] == _RANK[high.kind] or (high.kind == "c" and low.kind == "f"):
        return np.promote_types(low, high)
    return high


def result_type(*operands: Any) -> DType:
    """The dtype that an operation on these tensors, arrays and Python scalars computes in: category first, and within
    one category arrays before 0-d arrays before Python scalars.

    >>> result_type(np.ones(2, "f4"), np.float64(1), 2.5)
    dtype('float32')
    """
    levels: list[DType | None] = [None, None, None]
    for x in operands:
        dtype = getattr(x, "dtype", None)
        level = 2 if dtype is None else 0 if x.ndim else 1
        dtype = of_python(x) if dtype is None else dtype
        before = levels[level]
        levels[level] = dtype if before is None else promote_types(before, dtype)
    first, *rest = [dtype for dtype in levels if dtype is not None]
    return np.dtype(functools.reduce(_dominate, rest, first))


def _dominate(strong: DType, weak: DType) -> DType:
    """A weaker level counts only if its category is higher; complex with float keeps the float's precision."""
    if _RANK[weak.kind] <= _RANK[strong.kind]:
        return strong
    return complex_like(strong) if weak.kind == "c" and strong.kind in FLOATS else weak


def complex_like(dtype: DType) -> DType:
    """The dtype of complex numbers with parts of a floating-point dtype, at least of float32."""
    return complex128 if dtype == float64 else complex64


def real_part(dtype: DType) -> DType:
    """The dtype of the real and imaginary parts."""
    return float64 if dtype == complex128 else float32


def can_cast(from_: DTypeLike, to: DTypeLike) -> bool:
    """Whether the category of `to` (boolean, integer, floating, complex) is not lower than that of `from_`."""
    return _RANK[np.dtype(from_).kind] <= _RANK[np.dtype(to).kind]
