"""Subclasses of Tensor: how their instances are made, and what an operation gives for them.

Operations test for the very class Tensor, so plain tensors pay nothing for what is here. The members of a subclass are
those of Tensor, which ask its `__torch_function__` first; functions ask it once there is an instance of a subclass.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from autograd_core.creation.filled import legacy_tensor
from autograd_core.engine.overriding import MET, DisableTorchFunctionSubclass, state
from autograd_core.registry import OPS
from autograd_core.semantics.members import Subclassed, add_members
from autograd_core.tensor import Tensor, own_scalar, wrap
from backends.locks import shared_lock

UNCONVERTED = ("grad", "_base", "grad_fn")  # properties whose values keep their class
_lock = shared_lock()


def _init_subclass(cls: Any, /, **options: Any) -> None:
    super(Tensor, cls).__init_subclass__(**options)
    if Tensor in cls.__bases__:
        cls.__bases__ = tuple([Subclassed if base is Tensor else base for base in cls.__bases__])
    for name in ("array", "node"):  # a tensor consists of them, so other meanings give way
        if getattr(cls, name) is not vars(Tensor)[name]:
            setattr(cls, name, vars(Tensor)[name])


def _new(cls: type, *args: Any, **kwargs: Any) -> Any:
    """Of a tensor, one on the same memory and in the same graph; see `legacy_tensor`."""
    if len(args) == 1 and isinstance(args[0], Tensor) and not kwargs:
        return as_subclass(args[0], cls)
    return _turned(legacy_tensor(*args, **kwargs), cls)


def as_subclass(self: Tensor, cls: type) -> Any:
    """The tensor as an instance of a subclass, on the same memory and in the same graph."""
    with DisableTorchFunctionSubclass():
        return _turned(OPS["reshape"].call(self, shape=self.array.shape), cls)


def _make_subclass(cls: type, data: Tensor, require_grad: bool = False) -> Any:
    """An instance of a subclass on the memory of a tensor, outside of its graph."""
    own_scalar(data)
    return _turned(wrap(data.array).requires_grad_(require_grad), cls)


def _turned(t: Tensor, cls: type) -> Any:
    """A tensor that nobody else knows, as an instance of a subclass."""
    if cls is not Tensor:
        _prepare()
        try:
            t.__class__ = cls
        except TypeError as e:
            raise TypeError(f"{cls.__name__} cannot be a class of tensors: {e}; it must be without __slots__") from None
    return t


def _torch_function(cls: type, func: Any, types: Sequence[type], args: Any = (), kwargs: Any = None) -> Any:
    """What a subclass does by default: tensors among the results become instances of it."""
    if not all(issubclass(cls, kind) for kind in types):
        return NotImplemented
    if cls is Tensor and not state.classes:  # another library asks again for its own function
        return NotImplemented
    with DisableTorchFunctionSubclass():
        result = func(*args, **(kwargs or {}))
    return result if cls is Tensor or func in unconverted() else _converted(result, cls, args)


@cache
def unconverted() -> frozenset[Any]:
    """What reads properties whose values keep their class."""
    return frozenset(vars(Tensor)[name].__get__ for name in UNCONVERTED)


def _converted(result: Any, cls: type, args: Any) -> Any:
    """A result with tensors as instances of a class; one that was an argument stays what it is."""
    if isinstance(result, Tensor):
        if isinstance(result, cls):
            return result
        fresh = result.__class__ is Tensor and not any(result is value for value in args)
        return _turned(result, cls) if fresh else as_subclass(result, cls)
    if isinstance(result, tuple | list) and any(isinstance(part, Tensor | tuple | list) for part in result):
        parts = [_converted(part, cls, args) for part in result]
        return result._make(parts) if hasattr(result, "_make") else type(result)(parts)
    return result


@cache
def _prepare() -> None:
    """Let the members of subclasses, and public functions, ask `__torch_function__`."""
    with _lock:  # the first tensors of subclasses may be made by several threads
        add_members()
    _lead()


@cache
def _lead() -> None:
    """Let public functions ask `__torch_function__`, also those that consist of operations."""
    from autograd_core.compatibility.leading import lead_through_classes  # it imports all public functions

    with _lock:
        lead_through_classes()


def install() -> None:
    """Add to Tensor what makes subclasses of it."""
    members = {
        "__new__": staticmethod(_new), "__init_subclass__": classmethod(_init_subclass), "as_subclass": as_subclass,
        "__torch_function__": classmethod(_torch_function), "_make_subclass": staticmethod(_make_subclass),
    }  # fmt: skip
    for name, member in members.items():
        setattr(Tensor, name, member)
    MET.append(_lead)
