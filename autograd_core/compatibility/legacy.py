"""PyTorch's legacy names: types of tensors, `Variable`, the generator of the CPU, and autocast by kind of device."""

from __future__ import annotations

import operator
from typing import Any

from autograd_core import dtypes
from autograd_core.creation.filled import of_dtype
from autograd_core.devices import set_default_device
from autograd_core.engine.casting import get_autocast_dtype, is_autocast_enabled
from autograd_core.public_dtypes import OF, Dtype
from autograd_core.random import generator_of
from autograd_core.tensor import Tensor, wrap


class _Typed(type):
    """The type of tensors of one dtype and device: calling it makes one, and `isinstance` compares both."""

    dtype: Dtype
    device: str

    def __call__(cls, *args: Any) -> Tensor:
        return of_dtype(cls.dtype, *args, device=cls.device)

    def __instancecheck__(cls, value: Any) -> bool:
        return isinstance(value, Tensor) and (value.dtype, value.device.type) == (cls.dtype, cls.device)


TYPES = {
    "BFloat16Tensor": dtypes.bfloat16(), "BoolTensor": dtypes.bool_, "ByteTensor": dtypes.uint8,
    "CharTensor": dtypes.int8, "DoubleTensor": dtypes.float64, "FloatTensor": dtypes.float32,
    "HalfTensor": dtypes.float16, "IntTensor": dtypes.int32, "LongTensor": dtypes.int64, "ShortTensor": dtypes.int16,
}  # fmt: skip


def _typed(name: str, device: str) -> _Typed:
    dtype = OF[TYPES[name]]
    doc = f"Makes tensors of {dtype} from sizes or data, and is their type to `isinstance`; prefer `tensor`."
    return _Typed(name, (), {"dtype": dtype, "device": device, "__doc__": doc})


globals().update({name: _typed(name, "cpu") for name in TYPES})
ON_CUDA = {name: _typed(name, "cuda") for name in TYPES}


def named(name: str) -> _Typed:
    """The type of tensors with PyTorch's name for it, such as "torch.cuda.FloatTensor"."""
    *device, kind = name.removeprefix("torch.").split(".")
    return ON_CUDA[kind] if device else globals()[kind]


NAMES = {dtype: name for name, dtype in TYPES.items()} | {
    dtypes.complex64: "ComplexFloatTensor", dtypes.complex128: "ComplexDoubleTensor", dtypes.uint16: "UInt16Tensor",
    dtypes.uint32: "UInt32Tensor", dtypes.uint64: "UInt64Tensor",
}  # fmt: skip


def type_name(x: Tensor) -> str:
    """PyTorch's name of a tensor's type, such as "torch.FloatTensor"."""
    place = "" if x.device.type == "cpu" else f"{x.device.type}."
    place += "sparse." if x.is_sparse else ""
    return f"torch.{place}{NAMES[x.array.dtype]}"


def typename(obj: Any, /) -> str:
    """The full name of an object's type, PyTorch's for a tensor; that of a class or function itself.

    >>> typename(3), typename(Variable)
    ('int', 'autograd_core.compatibility.legacy.Variable')
    """
    if isinstance(obj, Tensor):
        return type_name(obj)
    named = obj if hasattr(obj, "__qualname__") else type(obj)
    return f"{named.__module__}.{named.__qualname__}".removeprefix("builtins.")


def set_default_tensor_type(t: Any) -> None:
    """`set_default_dtype` and, for a type of tensors on CUDA, `set_default_device`, by a tensor type or its name."""
    t = named(t) if isinstance(t, str) else t
    set_default_device(None if t.device == "cpu" else t.device)
    dtypes.set_default_dtype(t.dtype)


class _Recorded(type):
    def __call__(cls, data: Tensor, requires_grad: bool = False) -> Tensor:
        return wrap(data.array).requires_grad_(requires_grad)

    def __instancecheck__(cls, value: Any) -> bool:
        return isinstance(value, Tensor)


class Variable(metaclass=_Recorded):
    """A new leaf on the storage of a tensor; every tensor is an instance."""


def is_autocast_cpu_enabled() -> bool:
    """Whether autocast is in effect on the CPU."""
    return is_autocast_enabled("cpu")


def get_autocast_cpu_dtype() -> Dtype:
    """The dtype that autocast computes in on the CPU."""
    return get_autocast_dtype("cpu")


def get_autocast_gpu_dtype() -> Dtype:
    """The dtype that autocast computes in on a GPU."""
    return get_autocast_dtype("cuda")


default_generator = generator_of("cpu")


def is_autocast_cache_enabled() -> bool:
    """Whether casts of parameters are kept for further use: no, they are parts of the graph."""
    return False


def clear_autocast_cache() -> None:
    """Forget casts of parameters: none are kept."""


sym_int, sym_float, sym_max, sym_min, sym_not, sym_sum = int, float, max, min, operator.not_, sum


def sym_ite(b: bool, t: Any, f: Any) -> Any:
    """`t` if `b` holds, else `f`."""
    return t if b else f
