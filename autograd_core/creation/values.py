"""Creation of tensors from values: numbers, nested lists, arrays, buffers."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from autograd_core import dtypes, functional
from autograd_core.creation.making import check_tensor, finish
from autograd_core.devices import default_device
from autograd_core.engine.libraries import all_below
from autograd_core.errors import DtypeError, OperandError
from autograd_core.registry import publish
from autograd_core.semantics.conversion import array_from
from autograd_core.tensor import Tensor


def tensor(
    data: Any,
    dtype: DTypeLike | None = None,
    device: str | None = None,
    requires_grad: bool = False,
    name: str | None = None,
    pin_memory: bool = False,
) -> Tensor:
    """A tensor with its own copy of `data`: a number, nested lists, an array or a tensor.

    Python floats become the default dtype (float32), integers int64; arrays keep their dtype. `name` labels the tensor
    in pictures. pin_memory: use page-locked memory.

    >>> tensor([[1, 2], [3, 4]]).shape
    (2, 2)
    """
    if pin_memory:
        return tensor(data, dtype, device, False, name).pin_memory().requires_grad_(requires_grad)
    kind = dtypes.get_default_dtype() if dtype is None else dtypes.as_dtype(dtype)
    device = device or default_device()
    if data.__class__ is float and kind.kind == "f":
        # A NumPy scalar computes several times faster than a 0-d array; it becomes an array before it is written.
        return finish(kind.type(data), device, requires_grad, name)
    return finish(array_from(data, dtype, copy=True), device, requires_grad, name)


def as_tensor(data: Any, dtype: DTypeLike | None = None, device: str | None = None) -> Tensor:
    """A tensor that shares the memory of `data` if possible; read-only arrays are copied."""
    device = device or default_device()
    if isinstance(data, Tensor):
        return data.to(device=device, dtype=dtype)
    return finish(array_from(data, dtype, copy=False), device, False, None)


def where_it_is(data: Any) -> Tensor:
    """`data` itself if it is a tensor, on whatever device, else `as_tensor(data)`."""
    return data if isinstance(data, Tensor) else as_tensor(data)


def from_numpy(array: np.ndarray[Any, Any] | Tensor) -> Tensor:
    """A tensor on the memory of a NumPy array; read-only arrays are copied. NumPy's functions of tensors gave tensors,
    which are returned as they are.
    """
    if isinstance(array, Tensor):
        return array
    if not isinstance(array, np.ndarray):
        raise TypeError(f"from_numpy() takes a NumPy array, not {type(array).__name__}")
    return finish(array_from(array, None, copy=False), None, False, None)


def asarray(
    obj: Any,
    dtype: DTypeLike | None = None,
    device: str | None = None,
    copy: bool | None = None,
    requires_grad: bool | None = None,
) -> Tensor:
    """A tensor that shares `obj` if possible; copy=True always copies, copy=False raises if sharing is impossible.

    requires_grad: False detaches the result from the graph of `obj`; by default it stays in it. The bytes of a buffer
    (`bytes`, `bytearray`, `memoryview`) are read as elements of `dtype`, by default floating point.
    """
    if isinstance(obj, bytes | bytearray | memoryview):
        obj = np.frombuffer(obj, dtypes.as_dtype(dtype) or dtypes.get_default_dtype())
    if isinstance(obj, Tensor):
        source = obj.detach() if requires_grad is False else obj
        t = source.to(device=device or default_device(), dtype=dtype, copy=bool(copy))
    else:
        t = (tensor if copy else as_tensor)(obj, dtype, device)
    if copy is False and (not hasattr(obj, "dtype") or t.dtype != obj.dtype):
        raise ValueError(f"asarray(): {type(obj).__name__} cannot be shared as {t.dtype}; drop copy=False")
    return t.requires_grad_() if requires_grad else t


def frombuffer(
    buffer: Any, *, dtype: DTypeLike, count: int = -1, offset: int = 0, requires_grad: bool = False
) -> Tensor:
    """A vector on the bytes of a buffer from `offset`; a copy if it is read-only."""
    array = np.frombuffer(buffer, dtypes.as_dtype(dtype), count, offset)
    return finish(array_from(array, None, copy=False), None, requires_grad, None)


def one_hot(input: Tensor, num_classes: int = -1) -> Tensor:
    """Integers as vectors with a single 1, in int64."""
    check_tensor(input, "one_hot")
    if input.dtype.kind not in dtypes.INTEGERS:
        raise DtypeError(f"one_hot() takes integers, not {input.dtype}")
    if num_classes < -1:
        raise OperandError(f"one_hot(): num_classes must be positive, or -1 for the largest class, not {num_classes}")
    if num_classes < 0 and not input.numel():
        raise OperandError("one_hot() cannot infer the number of classes from an empty tensor; pass num_classes")
    n = num_classes if num_classes >= 0 else int(input.max()) + 1
    if not all_below(input, n):
        raise RuntimeError(f"one_hot(): classes must lie between 0 and {n - 1}")
    return functional.place_ones(input, count=n)


def install() -> None:
    """Publish the functions in the functional form."""
    for f in (tensor, as_tensor, from_numpy, frombuffer, asarray, one_hot):
        publish(f)
