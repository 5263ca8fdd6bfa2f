"""What `Tensor.dtype` gives: PyTorch's and NumPy's attributes in one class; the public names of dtypes.

Arrays, kernels and rules know only NumPy's dtypes, those of `dtypes.py`; `dtypes.as_dtype` converts what users pass.
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from autograd_core import dtypes

__all__ = [
    "cdouble", "cfloat", "complex32", "complex64", "complex128", "double", "float16", "float32", "float64",
    "get_default_dtype", "half", "int8", "int16", "int32", "int64", "long", "promote_types", "result_type", "short",
    "uint8", "uint16", "uint32", "uint64",
]  # fmt: skip


class Dtype:
    """The type of the elements of a tensor: one object for each NumPy dtype, which is its attribute `dtype`.

    It equals that NumPy dtype, hashes and prints like it and has its attributes, and NumPy takes it in its place.

    >>> Dtype("float32") is float32, float32 == np.float32, float32.is_floating_point, float32.kind
    (True, True, True, 'f')
    """

    __slots__ = ("__numpy_dtype__", "char", "dtype", "is_complex", "is_floating_point", "is_signed", "itemsize", "kind",
                 "name", "type")  # fmt: skip
    # isinstance(x.dtype, np.dtype) is true, as programs tell dtypes from names and types by it.
    __class__ = property(lambda self: np.dtype)

    __numpy_dtype__: np.dtype[Any]
    char: str
    dtype: np.dtype[Any]
    is_complex: bool
    is_floating_point: bool
    is_signed: bool
    itemsize: int
    kind: str
    name: str
    type: Any

    def __new__(cls, dtype: DTypeLike) -> Dtype:
        return OF[np.dtype(dtype)]

    def __getattr__(self, name: str) -> Any:
        return getattr(self.dtype, name)

    def __eq__(self, other: object) -> bool:
        return self is other or (other is not None and self.dtype == other)  # None stands for float64 in NumPy

    def __hash__(self) -> int:
        return hash(self.dtype)

    def __reduce__(self) -> tuple[Any, ...]:
        return Dtype, (self.dtype,)

    def __repr__(self) -> str:
        return str(self) if called_torch() else repr(self.dtype)

    def __str__(self) -> str:
        return f"torch.{self.name}" if called_torch() else str(self.dtype)

    def to_real(self) -> Dtype:
        """The dtype of the real and imaginary parts of complex numbers; of others the dtype itself."""
        if not self.is_complex:
            return self
        return OF[self.dtype["real"] if self.names else dtypes.real_part(self.dtype)]

    def to_complex(self) -> Dtype:
        """The dtype of complex numbers with parts of this one."""
        if self.is_complex:
            return self
        if self.name == "float16":
            return complex32
        if self.name not in ("float32", "float64", "bfloat16"):
            raise RuntimeError(f"there are no complex numbers with parts of {self}")
        return OF[dtypes.complex_like(self.dtype)]


def called_torch() -> bool:
    """Whether programs know this package as PyTorch; they take the name of a dtype from its printed form then."""
    return sys.modules.get("torch") is sys.modules["autograd_core"]


class _Objects(dict[np.dtype[Any], Dtype]):
    """The object for each dtype of NumPy, made when it is first asked for."""

    def __missing__(self, dtype: np.dtype[Any]) -> Dtype:
        made = object.__new__(Dtype)
        made.dtype = made.__numpy_dtype__ = dtype  # where NumPy looks
        made.char, made.kind, made.type = dtype.char, dtype.kind, dtype.type
        made.name, made.itemsize = dtype.name, dtype.itemsize
        made.is_complex = dtype.kind == "c" or dtype.names == ("real", "imag")
        made.is_floating_point = dtype.kind in dtypes.FLOATS and not made.is_complex
        made.is_signed = dtype.kind not in "bu"
        return self.setdefault(dtype, made)


OF = _Objects()

bool_, uint8, uint16, uint32, uint64 = map(
    OF.__getitem__, (dtypes.bool_, dtypes.uint8, dtypes.uint16, dtypes.uint32, dtypes.uint64)
)
int8, int16, int32, int64 = map(OF.__getitem__, (dtypes.int8, dtypes.int16, dtypes.int32, dtypes.int64))
float16, float32, float64 = map(OF.__getitem__, (dtypes.float16, dtypes.float32, dtypes.float64))
complex64, complex128 = map(OF.__getitem__, (dtypes.complex64, dtypes.complex128))
complex32 = OF[np.dtype([("real", np.float16), ("imag", np.float16)])]  # no tensor holds it
half, float_, double, int_, long, short, cfloat, cdouble = (
    float16, float32, float64, int32, int64, int16, complex64, complex128)  # fmt: skip


def get_default_dtype() -> Dtype:
    """The dtype of tensors made from Python floats."""
    return OF[dtypes.get_default_dtype()]


def promote_types(type1: DTypeLike, type2: DTypeLike) -> Dtype:
    """The dtype of `type1` combined with `type2`: float beside integer stays as it is (float32 with int64 is float32).

    >>> promote_types(float32, int64)
    dtype('float32')
    """
    return OF[dtypes.promote_types(np.dtype(type1), np.dtype(type2))]


def result_type(*operands: Any) -> Dtype:
    """The dtype that an operation on these tensors, arrays and Python scalars computes in: category first, and within
    one category arrays before 0-d arrays before Python scalars.

    >>> result_type(np.ones(2, "f4"), np.float64(1), 2.5)
    dtype('float32')
    """
    return OF[dtypes.result_type(*operands)]
