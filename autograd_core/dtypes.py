"""Names of dtypes, the default floating dtype, and how the dtypes of operands combine."""

from __future__ import annotations

import functools

import numpy as np

bool_ = np.dtype(np.bool_)
uint8, int8, int16, int32, int64 = map(np.dtype, ("u1", "i1", "i2", "i4", "i8"))
float16, float32, float64 = map(np.dtype, ("f2", "f4", "f8"))
complex64, complex128 = map(np.dtype, ("c8", "c16"))
half, float_, double, int_, long, short = float16, float32, float64, int32, int64, int16

_RANK = {"b": 0, "u": 1, "i": 1, "f": 2, "V": 2, "c": 3}
_NAMED = {bool: bool_, int: int64, float: float32, complex: complex64}
_default = float32


def set_default_dtype(dtype):
    """Let Python floats make tensors of this floating dtype (float32 until changed)."""
    global _default
    dtype = as_dtype(dtype)
    if dtype.kind != "f":
        raise TypeError(f"the default dtype must be floating point, not {dtype}")
    _default = dtype
    promote_types.cache_clear()


def get_default_dtype():
    """The dtype that Python floats make."""
    return _default


def as_dtype(dtype):
    """A NumPy dtype from a dtype, a scalar type, a Python type or a name; None stays None."""
    if dtype is None or dtype.__class__ in _DTYPE_CLASSES:
        return dtype
    if dtype is float:
        return _default
    if dtype is complex:
        return default_complex()
    return _NAMED.get(dtype) or np.dtype(dtype)


_DTYPE_CLASSES = {d.__class__ for d in (bool_, uint8, int8, int16, int32, int64, float16, float32, float64)}


def default_complex():
    """The complex dtype with the precision of the default floating dtype."""
    return complex128 if _default == float64 else complex64


def of_python(data):
    """The dtype that Python numbers, or nested lists of them, make: bool, int64, the default float, or complex."""
    kind = np.asarray(data).dtype.kind
    return {"b": bool_, "i": int64, "u": int64, "f": _default, "c": default_complex()}.get(kind)


@functools.cache
def promote_types(a, b):
    """The dtype of `a` combined with `b`: float beside integer stays as it is (float32 with int64 is float32).

    >>> promote_types(float32, int64)
    dtype('float32')
    """
    a, b = as_dtype(a), as_dtype(b)
    ra, rb = _RANK[a.kind], _RANK[b.kind]
    if ra == rb:
        return np.promote_types(a, b)
    low, high = (a, b) if ra < rb else (b, a)
    if high.kind == "c" and low.kind == "f":
        return np.promote_types(low, high)
    return high


def result_type(*operands):
    """The dtype that an operation on these tensors, arrays and Python scalars computes in: category first, and within
    one category arrays before 0-d arrays before Python scalars.

    >>> result_type(np.ones(2, "f4"), np.float64(1), 2.5)
    dtype('float32')
    """
    levels = {}
    for x in operands:
        dtype = getattr(x, "dtype", None)
        level = 0 if dtype is None else 2 if x.ndim else 1
        dtype = as_dtype(type(x)) if dtype is None else dtype
        levels[level] = promote_types(levels[level], dtype) if level in levels else dtype
    best = None
    for level in sorted(levels, reverse=True):
        dtype = levels[level]
        if best is None or _RANK[dtype.kind] > _RANK[best.kind]:
            both_float = best is not None and best.kind == "f" and dtype.kind == "c"
            best = promote_types(best, dtype) if both_float and level else _complex_like(best) if both_float else dtype
    return best


def _complex_like(dtype):
    return complex128 if dtype == float64 else complex64
