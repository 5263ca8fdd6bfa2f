"""The in-place methods and operators of Tensor: `x.add_(y)`, `x += y`, `x[0] = y`, `x.zero_()` and the like."""

from __future__ import annotations

import functools
import math
import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from autograd_core import functional
from autograd_core.engine import direct
from autograd_core.engine.arguments import is_operand
from autograd_core.engine.entries import Composition, Op, public_names
from autograd_core.engine.inplace import as_operand, fitted, set_item, unrecorded, write
from autograd_core.engine.versions import record_write
from autograd_core.errors import InplaceError, OperandError
from autograd_core.kinds import BINARY, COMPARISON, ELEMENTWISE
from autograd_core.registry import COMPOSITIONS, LISTENERS, OPS, publish
from autograd_core.tensor import Tensor

OPERATORS = {
    "__iadd__": "add", "__isub__": "subtract", "__imul__": "multiply", "__itruediv__": "divide", "__ipow__": "pow",
    "__ifloordiv__": "floor_divide", "__imod__": "remainder", "__iand__": "bitwise_and", "__ior__": "bitwise_or",
    "__ixor__": "bitwise_xor", "__ilshift__": "bitwise_left_shift", "__irshift__": "bitwise_right_shift",
}  # fmt: skip
# Operations whose kinds do not preserve the shape, but which have in-place forms.
OTHERS = (
    "addbmm", "addmm", "addmv", "addr", "baddbmm", "cumprod", "cumsum", "index_add", "index_copy", "index_fill",
    "index_put", "index_reduce", "masked_fill", "masked_scatter", "put", "renorm", "scatter", "scatter_add",
    "scatter_reduce", "tril", "triu",
)  # fmt: skip


def _method(
    function: Callable[..., Tensor], name: str, most: float = math.inf, entry: str = ""
) -> Callable[..., Tensor]:
    """most: how many operands there are besides the tensor; the function would write to a further one, its `out`."""
    simple, further = entry in direct.UFUNCS, {"alpha"} if entry in direct.SIGNS else set()
    combined = entry in direct.FORMS

    def method(self: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        if simple and len(args) == 1 and kwargs.keys() <= further:
            done = unrecorded(self, args[0]) and direct.replace(self.array, entry, args[0], **kwargs)
        else:
            operands = (*args, *kwargs.values())
            done = combined and unrecorded(self, *operands) and direct.combine(self.array, entry, args, kwargs)
        if done:
            record_write(self.array, 2)
            return self
        if len(args) > most:
            raise TypeError(f"{name}_() takes {most} operands besides the tensor, not {len(args)}")
        return write(self, functools.partial(function, **kwargs), *args, others=kwargs.values())

    method.__name__ = f"{name}_"
    method.__doc__ = f"`{name}` in place: writes the result into this tensor and returns it."
    method.__wrapped__ = function  # type: ignore[attr-defined]  # for the signature in help() and in the stub
    return method


def _operator(function: Callable[..., Tensor], entry: str = "") -> Callable[..., Any]:
    """The in-place operator; returns NotImplemented for operands of unknown types."""
    replace = direct.replace if entry in direct.UFUNCS else None

    def assign_operator(self: Tensor, other: Any) -> Any:
        if replace and unrecorded(self, other) and replace(self.array, entry, other):
            record_write(self.array, 2)
            return self
        return write(self, function, other) if is_operand(other) else NotImplemented

    return assign_operator


def _copied(x: Tensor, value: Any) -> Tensor:
    direct.copy(x.array, value)
    record_write(x.array, 3)
    return x


def _zero(self: Tensor) -> Tensor:
    """Write zeros; returns the tensor."""
    if unrecorded(self):
        return _copied(self, 0)
    return write(self, lambda x: functional.zeros_like(x.detach()))


def _fill(input: Tensor, value: Any) -> Tensor:
    """Write a number, or that of a 0-d tensor, to every element; returns the tensor."""
    dtype = input.array.dtype
    if value.__class__ in (float, int) and dtype.kind == "f" and unrecorded(input):
        return _copied(input, dtype.type(value))
    return write(input, functional.fill, value)


def _fill_diagonal(self: Tensor, fill_value: Any, wrap: bool = False) -> Tensor:
    """Write a number to the diagonal, where all indices are equal; returns the tensor.

    wrap: in a tall matrix the diagonal restarts one row below each of its ends.
    """
    if self.ndim < 2 or (self.ndim > 2 and len(set(self.shape)) > 1):
        raise InplaceError(
            f"fill_diagonal_() takes a matrix, or axes of one length, not a tensor of shape {self.shape}"
        )
    rows, *others = [
        functional.arange(n, device=self.device).reshape(-1, *(1,) * (self.ndim - 1 - i))
        for i, n in enumerate(self.shape)
    ]
    if wrap and self.ndim == 2:
        rows = rows % (self.shape[1] + 1)
    mask = functools.reduce(operator.and_, [rows == other for other in others])
    return write(self, lambda x: functional.masked_fill(x, mask, fill_value))


def _copy(self: Tensor, other: Any, non_blocking: bool = False) -> Tensor:
    """Copy the elements of `other`, broadcast and converted to this dtype and device; returns the tensor."""
    if other is self and self.node is None:
        return self
    a, b = self.array, other.array if isinstance(other, Tensor) else None
    same = a.__class__ is b.__class__ is np.ndarray and a.dtype is b.dtype and a.shape == b.shape
    if same and unrecorded(self, other):
        return _copied(self, b)
    return write(self, lambda x, s: functional.expand(fitted(as_operand(s, x), x).to(x.device), x.shape), other)


def _offer(entry: Op | Composition) -> None:
    """Add the in-place forms of an entry: methods, and functions for unary operations."""
    if entry.name not in OTHERS and not (entry.method and entry.kind in (ELEMENTWISE, BINARY, COMPARISON)):
        return
    for module, name in public_names(entry):
        if not module:
            most = len(entry.inputs) - 1 if isinstance(entry, Op) and entry.simple and not entry.form else math.inf
            method = _method(entry.call, name, most, entry.name)
            setattr(Tensor, method.__name__, method)
            if entry.kind is ELEMENTWISE:
                publish(method)


def _by_python(count: int) -> Callable[..., Tensor]:
    """What writes the results of a Python function of the elements of this tensor and of `count` others."""

    def computed(self: Tensor, *args: Any) -> Tensor:
        *others, function = args
        if self.requires_grad or any(t.requires_grad for t in others):
            raise OperandError("a Python function of single elements is not recorded; use .detach(), or no_grad()")
        lists = [t.expand(self.shape).flatten().tolist() for t in (self, *others)]
        values = functional.tensor([function(*numbers) for numbers in zip(*lists, strict=True)], dtype=self.array.dtype)
        return self.copy_(values.reshape(self.shape))

    name = {0: "apply_", 1: "map_", 2: "map2_"}[count]
    computed.__name__ = name
    computed.__doc__ = f"Write the results of a Python function of {count + 1} numbers, element by element; slow."
    return computed


def install() -> None:
    """Add the in-place methods and operators to Tensor."""
    entries: list[Op | Composition] = [*OPS.values(), *COMPOSITIONS.values()]
    for entry in entries:
        _offer(entry)
    LISTENERS.append(_offer)
    for symbol, name in OPERATORS.items():
        setattr(Tensor, symbol, _operator(getattr(functional, name), name))
    methods = {
        "zero_": _zero,
        "fill_": _fill,
        "copy_": _copy,
        "fill_diagonal_": _fill_diagonal,
        "__setitem__": set_item,
        "float_power_": _method(functional.float_power, "float_power"),  # not in the registry
        "conj_physical_": _method(lambda x: functional.conj(x), "conj_physical"),  # noqa: PLW0108  registered later
    }
    methods |= {method.__name__: method for method in map(_by_python, range(3))}
    for name, method in methods.items():
        method.__name__ = name
        setattr(Tensor, name, method)
    publish(_zero)
    publish(_fill)
