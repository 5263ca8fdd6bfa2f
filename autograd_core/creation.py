"""Creation of tensors from values, and what all functions share that create tensors (`filled.py`, `ranges.py`)."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any, SupportsIndex

import numpy as np
from numpy.typing import DTypeLike

from autograd_core import dtypes, functional
from autograd_core.devices import default_device, library_of, place
from autograd_core.engine.libraries import LIBRARY, all_below
from autograd_core.engine.nodes import Leaf
from autograd_core.errors import DtypeError, OperandError
from autograd_core.registry import publish
from autograd_core.semantics.conversion import array_from
from autograd_core.sizes import Size
from autograd_core.tensor import Tensor, check_differentiable, wrap

ShapeLike = SupportsIndex | Sequence[SupportsIndex]


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


def finish(array: Any, device: str | None, requires_grad: bool, name: str | None) -> Tensor:
    """The tensor on this array, moved to `device` if one is given."""
    t = wrap(array if device is None else place(array, device))
    if name is not None:
        t.name = name
    if requires_grad:
        check_differentiable(array.dtype)
        t.node = Leaf(t)
    return t


def shape_of(size: tuple[Any, ...], keyword: ShapeLike | None = None) -> tuple[int, ...]:
    """The shape behind zeros(2, 3), zeros((2, 3)), zeros([2, 3]) and zeros(size=(2, 3))."""
    if keyword is not None:
        if size:
            raise TypeError("the shape was passed twice, by position and as size=")
        size = (keyword,)
    lengths = size[0] if len(size) == 1 and size[0].__class__ in (tuple, Size) else size
    for k in lengths:
        if k.__class__ is not int or k < 0:
            break
    else:
        return tuple(lengths)
    if len(size) == 1 and hasattr(size[0], "__iter__") and not hasattr(size[0], "__index__"):
        size = tuple(size[0])
    try:
        shape = tuple(map(operator.index, size))
    except TypeError as e:
        hint = "; divide with //" if any(isinstance(k, float) for k in size) else ""
        shown = tuple([type(k) if isinstance(k, Tensor) else k for k in size])
        raise TypeError(f"the lengths of a shape are integers, not {shown}{hint}") from e
    if any(k < 0 for k in shape):
        raise RuntimeError(f"lengths of a shape must not be negative: {shape}")
    return shape


def on_device(make: Callable[[Any], Any], device: str | None, requires_grad: bool, name: str | None = None) -> Tensor:
    """The tensor that `make` creates with the array library of a device."""
    device = device or default_device()
    library = LIBRARY[np.ndarray] if device is None else library_of(device)
    try:
        array = make(library)
    except (OverflowError, ValueError) as e:
        raise e if isinstance(e, RuntimeError) else OperandError(str(e)) from e
    return finish(array, device, requires_grad, name)


def floating(dtype: DTypeLike | None) -> dtypes.DType:
    """The dtype, or the default floating-point dtype for None."""
    return dtypes.get_default_dtype() if dtype is None else dtypes.as_dtype(dtype)


def number_of(value: Any) -> Any:
    """The number in a tensor or array with one element; anything else unchanged."""
    return value.item() if isinstance(value, (Tensor, np.generic, np.ndarray)) else value


def check_tensor(value: Any, function: str) -> None:
    """Raise unless a function got a tensor."""
    if not isinstance(value, Tensor):
        raise TypeError(f"{function}() takes a tensor, not {type(value).__name__}; make one with tensor(...)")


def one_hot(input: Tensor, num_classes: int = -1) -> Tensor:
    """Integers as vectors with a single 1, in int64."""
    check_tensor(input, "one_hot")
    if input.dtype.kind not in dtypes.INTEGERS:
        raise DtypeError(f"one_hot() takes integers, not {input.dtype}")
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
