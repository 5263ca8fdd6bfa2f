"""What all functions share that create tensors: the forms in which shapes, dtypes and devices are given."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any, SupportsIndex

import numpy as np
from numpy.typing import DTypeLike

from autograd_core import dtypes
from autograd_core.devices import default_device, library_of, place
from autograd_core.engine.libraries import LIBRARY
from autograd_core.engine.nodes import Leaf
from autograd_core.errors import OperandError
from autograd_core.sizes import Size
from autograd_core.tensor import Tensor, check_differentiable, wrap

ShapeLike = SupportsIndex | Sequence[SupportsIndex]


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


def on_device(make: Callable[[Any], Any], device: str | None, requires_grad: bool, name: str | None = None) -> Tensor:
    """The tensor that `make` creates with the array library of a device."""
    device = device or default_device()
    library = LIBRARY[np.ndarray] if device is None else library_of(device)
    try:
        array = make(library)
    except (OverflowError, ValueError) as e:
        raise e if isinstance(e, RuntimeError) else OperandError(str(e)) from e
    return finish(array, device, requires_grad, name)


def finish(array: Any, device: str | None, requires_grad: bool, name: str | None) -> Tensor:
    """The tensor on this array, moved to `device` if one is given."""
    t = wrap(array if device is None else place(array, device))
    if name is not None:
        t.name = name
    if requires_grad:
        check_differentiable(array.dtype)
        t.node = Leaf(t)
    return t
