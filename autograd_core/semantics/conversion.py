"""Conversion to arrays from numbers, nested lists, tensors, and arrays of this and other libraries."""

from __future__ import annotations

import functools
import operator
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from autograd_core import dtypes, functional
from autograd_core.devices import backend_of
from autograd_core.engine.libraries import LIBRARY
from autograd_core.errors import DtypeError, OperandError, warn
from autograd_core.grad_mode import grad_enabled
from autograd_core.tensor import Tensor
from backends.strides import copying_order

_PYTHON_NUMBERS = {bool, int, float, complex}


def array_from(data: Any, dtype: DTypeLike | None, copy: bool) -> Any:
    """The array behind `data` in `dtype` (None: its own); a copy if `copy` is set or sharing is impossible."""
    if isinstance(data, Tensor):
        data = data.array
    elif isinstance(data, np.generic) and dtype is not None:
        data = data.item()  # as a number of Python it does not wrap around
    if data.__class__ in LIBRARY:
        return _converted(data, dtype, copy)
    if hasattr(data, "__cuda_array_interface__"):
        return _converted(backend_of("cuda").share(data), dtype, copy)  # type: ignore[attr-defined]
    if isinstance(data, np.ma.MaskedArray):
        raise TypeError("a masked array has no values under its mask; fill them first: data.filled(0)")
    if any(hasattr(data, name) for name in ("__array__", "__array_interface__")):
        return _converted(np.asarray(data), dtype, copy)
    if hasattr(data, "__dlpack__"):
        return _converted(functional.from_dlpack(data).array, dtype, copy)
    return _from_python(data, dtypes.as_dtype(dtype))


def _converted(array: Any, dtype: DTypeLike | None, copy: bool) -> Any:
    try:
        own = dtypes.as_dtype(array.dtype)
    except TypeError as e:
        raise DtypeError(f"cannot make a tensor of this array: {e}") from None
    target = dtypes.as_dtype(dtype) or own
    if array.dtype.kind == "c" and target.kind not in "cb":
        raise DtypeError(f"cannot convert {array.dtype} to {target}; use .real or .abs() first")
    if array.dtype != target:
        return array.astype(target, order=copying_order(array))
    frozen = array.__class__ is np.ndarray and not array.flags.writeable
    return array.copy(order=copying_order(array)) if copy or frozen else array


def _from_python(data: Any, dtype: dtypes.DType | None) -> np.ndarray[Any, Any]:
    found: set[dtypes.DType] = set()
    plain = _plain(data, found, dtype)
    if dtype is None:
        dtype = functools.reduce(dtypes.promote_types, found) if found else dtypes.get_default_dtype()
    try:
        return dtypes.elements(plain, dtype)
    except (OverflowError, ValueError) as e:
        if "inhomogeneous" in str(e):
            raise ValueError(_uneven(data)) from None
        raise OperandError(f"a number does not fit into {dtype}: {e}") from None
    except TypeError as e:
        raise DtypeError(f"cannot make a tensor of {dtype} of these numbers: {e}") from None


def _number(value: Any, wanted: dtypes.DType) -> Any:
    """What an object that is no number of Python, or an integer too large for any dtype, is in a dtype; else None."""
    if isinstance(value, int):
        return value if wanted.kind not in dtypes.INTEGERS and dtypes.of_python(value) is None else None
    if isinstance(value, (float, np.ndarray)):
        return None
    if hasattr(value, "__index__"):
        return operator.index(value)
    return float(value) if wanted.kind in dtypes.INEXACT and hasattr(value, "__float__") else None


def _uneven(data: Any) -> str:
    tensors = [v for v in data if isinstance(v, Tensor)]
    if len(tensors) == len(data):
        shapes = ", ".join(str(t.shape) for t in tensors)
        return (
            f"tensors of shapes {shapes} do not make one tensor; take a batch apart, as in `x, y = batch`, "
            "or join them with cat()"
        )
    if tensors and isinstance(data, tuple):
        return "several results do not make one tensor; take them apart, as in `output, state = lstm(x)`"
    return "cannot make a tensor of lists of different lengths, or of numbers beside lists; pad them to one length"


def _plain(data: Any, found: set[dtypes.DType], wanted: dtypes.DType | None) -> Any:
    """Nested lists with tensors replaced by arrays, and other numbers by Python's; adds the dtype of leaves to `found`.

    wanted: the dtype of the result, if it is given: then further objects, which convert themselves, are numbers.
    """
    if isinstance(data, (list, tuple)):
        kinds = set(map(type, data))
        if not kinds <= _PYTHON_NUMBERS:
            return [_plain(v, found, wanted) for v in data]
        leaves = [kind() for kind in kinds]
    elif isinstance(data, Tensor):
        if data.node is not None and grad_enabled():
            warn(
                "the numbers of a tensor that requires a gradient stand in a list: no gradient flows back to it; "
                "stack() or cat() keep it, detach() says that none is wanted"
            )
        data = LIBRARY[data.array.__class__].backend.to_host(data.array)
        data = data.reshape(()) if data.size == 1 else data  # a number, whatever its shape
        leaves = [data]
    else:
        leaves = [data]
        data = data.item() if isinstance(data, np.generic) else data
        if wanted is not None and (number := _number(data, wanted)) is not None:
            return number
    for leaf in leaves:
        dtype = leaf.dtype if isinstance(leaf, (np.ndarray, np.generic)) else dtypes.of_python(leaf)
        if dtype is None or not dtypes.is_numeric(dtype):
            if isinstance(leaf, int):
                raise OperandError(f"cannot make a tensor of {leaf}: no integer dtype is wide enough; make it a float")
            raise DtypeError(
                f"cannot make a tensor of {type(leaf).__name__}: numbers, lists of numbers or arrays are needed"
            )
        found.add(dtype)
    return data
