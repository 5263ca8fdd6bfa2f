"""PyTorch's `torch._check` and its relatives: conditions that libraries assert with a kind of error of their choice."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from autograd_core import dtypes
from autograd_core.tensor import Tensor

Message = Callable[[], object] | None


def _check_with(error_type: type[Exception], cond: bool, message: Message = None) -> None:
    """Raise an error with the text that `message()` gives unless a condition holds."""
    if not isinstance(cond, bool):
        raise TypeError(f"cond must be a bool, but got {type(cond)}")
    if message is not None and not callable(message):
        raise TypeError("message must be a callable")
    if not cond:
        raise error_type(str(message()) if message else "Expected cond to be True, but got False.")


_check = partial(_check_with, RuntimeError)
_check_index, _check_value, _check_type, _check_not_implemented = (
    partial(_check_with, kind) for kind in (IndexError, ValueError, TypeError, NotImplementedError)
)


def _check_tensor_all_with(error_type: type[Exception], cond: Tensor, message: Message = None) -> None:
    """Raise an error unless all elements of a tensor of booleans are true."""
    if not isinstance(cond, Tensor) or cond.array.dtype != dtypes.bool_:
        raise TypeError(f"cond must be a tensor of booleans, but got {getattr(cond, 'dtype', type(cond))}")
    _check_with(error_type, bool(cond.all()), message)


_check_tensor_all = partial(_check_tensor_all_with, RuntimeError)


def _check_is_size(i: Any, message: Message = None, *, max: int | None = None) -> None:
    """Raise an error unless a number is at least 0 and, if it is given, at most `max`."""
    _check(bool(i >= 0 and (max is None or i <= max)), message)
