"""Interoperation of tensors with Python numbers, NumPy arrays, other libraries, copying and pickling."""

from __future__ import annotations

import copy as copying
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from autograd_core import dtypes, functional
from autograd_core.devices import backend_of, to
from autograd_core.engine.libraries import ELSEWHERE, LIBRARY
from autograd_core.engine.nodes import Leaf
from autograd_core.engine.versions import address, storage
from autograd_core.errors import DtypeError, OperandError
from autograd_core.grad_mode import grad_enabled
from autograd_core.registry import publish
from autograd_core.semantics.numpy_functions import array_function, array_ufunc
from autograd_core.tensor import Tensor, own_scalar, wrap
from backends.strides import copying_order

LABELS = ("_name", "_role")
DLPACK_CPU = 1


def item(self: Tensor) -> Any:
    """The only element as a Python number."""
    if self.array.size != 1:
        raise OperandError(
            f"item() needs a tensor of one element; this one has shape {self.shape}; .tolist() returns them all"
        )
    return _host(self).item()


def tolist(self: Tensor) -> Any:
    """The elements as nested lists of Python numbers."""
    return _host(self).tolist()


def numpy(self: Tensor, force: bool = False) -> np.ndarray[Any, Any]:
    """The elements as a NumPy array that shares the storage. With `force`, a copy from any device or graph."""
    if force:
        return _host(self).copy()
    if self.node is not None and grad_enabled():
        raise RuntimeError("this tensor requires a gradient, which NumPy cannot carry; use .detach().numpy()")
    if self.device.type != "cpu":
        raise TypeError(f"this tensor is on {self.device}; use .cpu().numpy()")
    own_scalar(self)
    return _host(self)


def _host(t: Tensor) -> np.ndarray[Any, Any]:
    return LIBRARY[t.array.__class__].backend.to_host(t.array)


def _array(self: Tensor, dtype: Any = None, copy: bool | None = None) -> np.ndarray[Any, Any]:
    return np.array(numpy(self), dtype, copy=copy)


def _bool(self: Tensor) -> bool:
    if self.array.size != 1:
        raise OperandError(f"the truth of a tensor of shape {self.shape} is ambiguous; use .all() or .any()")
    return bool(item(self))


def _number(kind: type) -> Callable[[Tensor], Any]:
    def number(self: Tensor) -> Any:
        value = item(self)
        return kind(value.real if kind is not complex and isinstance(value, complex) and not value.imag else value)

    return number


def _index(self: Tensor) -> int:
    if self.array.dtype.kind not in dtypes.EXACT or self.array.size != 1:
        raise TypeError(
            f"only an integer tensor of one element can be an index, not {self.dtype} of shape {self.shape}"
        )
    return int(item(self))


def _len(self: Tensor) -> int:
    if not self.shape:
        raise TypeError("len() of a 0-d tensor")
    return self.shape[0]


def _iter(self: Tensor) -> Iterator[Tensor]:
    if not self.shape:
        raise TypeError("iteration over a 0-d tensor")
    return iter(functional.unbind(self))


def _contains(self: Tensor, value: Any) -> bool:
    if not isinstance(value, (Tensor, np.generic, int, float, complex)):
        raise DtypeError(f"a tensor contains numbers, not {type(value).__name__}")
    return bool((self == value).any())


def _reversed(self: Tensor) -> Tensor:
    return functional.flip(self, 0) if self.ndim else self


def _copy(self: Tensor) -> Tensor:
    """A tensor on the same elements, with a gradient of its own."""
    own_scalar(self)
    twin = _twin(self, self.array, None)
    vars(twin).update(vars(self))
    return twin


def _deepcopy(self: Tensor, memo: dict[int, Any]) -> Tensor:
    """A leaf with all that belongs to it, but for the gradient of a parameter."""
    if not self.is_leaf:
        raise RuntimeError("only leaves can be copied: a computed tensor carries its graph; .detach() it first")
    grad = None if getattr(self, "_role", None) == "parameter" else copying.deepcopy(self.grad, memo)
    memo[id(self)] = twin = _twin(self, _copied(self.array, memo), grad)
    vars(twin).update(copying.deepcopy(vars(self), memo))
    return twin


def _copied(array: Any, memo: dict[int, Any]) -> Any:
    """A copy of an array; copies of arrays in one memory are in one memory too, unless elements are repeated."""
    owner, order = storage(array), copying_order(array)
    if order == "C" or owner.__class__ is not np.ndarray or not owner.flags.forc:
        return array.copy(order=order)
    twin = memo.get(id(owner))
    if twin is None:
        memo[id(owner)] = twin = owner.copy(order="K")
    room = twin.reshape(-1, order="A").view(np.uint8)
    start = address(array) - address(owner)
    return twin if array is owner else np.ndarray(array.shape, array.dtype, room, start, array.strides)


def _twin(source: Tensor, array: Any, grad: Tensor | None) -> Tensor:
    """A leaf with the attributes of `source` on another array."""
    twin = wrap(array)
    twin.__class__ = source.__class__
    twin._grad = grad
    if source.node is not None:
        twin.node = Leaf(twin)
    for label in LABELS:
        if hasattr(source, label):
            setattr(twin, label, getattr(source, label))
    return twin


def _reduce(self: Tensor) -> tuple[Any, ...]:
    labels = {label: getattr(self, label) for label in LABELS if hasattr(self, label)} | vars(self)
    kind = () if self.__class__ is Tensor else (self.__class__,)
    whole = self.array.__class__ in ELSEWHERE  # which knows how to be written
    elements = self.array if whole else (self.shape, self.stride(), self.dtype) if self.is_meta else _host(self)
    return _rebuild, (elements, str(self.device), self.requires_grad, labels, *kind)


def _rebuild(array: Any, device: str, requires_grad: bool, labels: dict[str, str], kind: type = Tensor) -> Tensor:
    if isinstance(array, tuple):
        shape, strides, dtype = array  # on "meta"
        t = functional.empty_strided(shape, strides, dtype, device)
    elif array.__class__ in ELSEWHERE:
        t = to(wrap(array), device)
    else:
        make = functional.as_tensor if array.flags.writeable else functional.tensor  # nothing else refers to the array
        t = make(array, device=device)
    t.requires_grad_(requires_grad)
    t = t if kind is Tensor else Tensor._make_subclass(kind, t, requires_grad)
    for label, value in labels.items():
        setattr(t, label, value)
    return t


def _dlpack(self: Tensor, **kwargs: Any) -> Any:
    if self.node is not None:
        raise BufferError("this tensor requires a gradient, which DLPack cannot carry; use .detach()")
    own_scalar(self)
    return self.array.__dlpack__(**kwargs)


def _dlpack_device(self: Tensor) -> tuple[int, int]:
    own_scalar(self)
    return self.array.__dlpack_device__()


def from_dlpack(ext_tensor: Any, *, device: str | None = None, copy: bool | None = None) -> Tensor:
    """A tensor on the memory of an object that supports DLPack, or a copy of it: on another device, or if `copy`."""
    if ext_tensor.__dlpack_device__()[0] == DLPACK_CPU:
        shared = functional.from_numpy(np.from_dlpack(ext_tensor))
    else:
        cuda: Any = backend_of("cuda")
        shared = wrap(cuda.share(cuda.namespace.from_dlpack(ext_tensor)))
    out = to(shared, device=device, copy=bool(copy))
    if copy is False and out is not shared:
        raise ValueError(f"moving from {shared.device} to {out.device} needs a copy, which copy=False excludes")
    return out


MEMBERS = {
    "__array__": _array, "__array_ufunc__": array_ufunc, "__array_function__": array_function, "__bool__": _bool,
    "__len__": _len,
    "__float__": _number(float), "__int__": _number(int), "__complex__": _number(complex), "__index__": _index,
    "__iter__": _iter, "__reversed__": _reversed,
    "__contains__": _contains, "__copy__": _copy, "__deepcopy__": _deepcopy, "__reduce__": _reduce,
    "__dlpack__": _dlpack,
    "__dlpack_device__": _dlpack_device, "item": item, "tolist": tolist, "numpy": numpy,
}  # fmt: skip


def install() -> None:
    """Add these members to Tensor."""
    for name, member in MEMBERS.items():
        setattr(Tensor, name, member)
    publish(from_dlpack)
