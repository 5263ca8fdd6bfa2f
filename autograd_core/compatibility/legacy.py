"""PyTorch's legacy names: tensor types by dtype, and `Variable`."""

from __future__ import annotations

from typing import Any

from autograd_core import dtypes
from autograd_core.creation import of_dtype
from autograd_core.tensor import Tensor, wrap


class _Typed(type):
    """The type of tensors of one dtype: calling it makes one, and `isinstance` compares the dtype."""

    dtype: dtypes.DType

    def __call__(cls, *args: Any) -> Tensor:
        return of_dtype(cls.dtype, *args)

    def __instancecheck__(cls, value: Any) -> bool:
        return isinstance(value, Tensor) and value.dtype == cls.dtype


TYPES = {
    "BFloat16Tensor": dtypes.bfloat16(), "BoolTensor": dtypes.bool_, "ByteTensor": dtypes.uint8,
    "CharTensor": dtypes.int8, "DoubleTensor": dtypes.float64, "FloatTensor": dtypes.float32,
    "HalfTensor": dtypes.float16, "IntTensor": dtypes.int32, "LongTensor": dtypes.int64, "ShortTensor": dtypes.int16,
}  # fmt: skip
for _name, _dtype in TYPES.items():
    _doc = f"Makes tensors of {_dtype} from sizes or data, and is their type to `isinstance`; prefer `tensor`."
    globals()[_name] = _Typed(_name, (), {"dtype": _dtype, "__doc__": _doc})


def set_default_tensor_type(t: Any) -> None:
    """`set_default_dtype` by a tensor type or its name."""
    dtypes.set_default_dtype(TYPES[t.rpartition(".")[2]] if isinstance(t, str) else t.dtype)


class _Recorded(type):
    def __call__(cls, data: Tensor, requires_grad: bool = False) -> Tensor:
        return wrap(data.array).requires_grad_(requires_grad)

    def __instancecheck__(cls, value: Any) -> bool:
        return isinstance(value, Tensor)


class Variable(metaclass=_Recorded):
    """A new leaf on the storage of a tensor; every tensor is an instance."""
