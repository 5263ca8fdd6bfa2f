"""The memory behind a tensor and its views, as PyTorch's storages show it."""

from __future__ import annotations

import operator
from collections.abc import Iterator, Sequence
from os import PathLike
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from autograd_core import dtypes, functional
from autograd_core.creation.making import finish, floating
from autograd_core.engine.versions import View
from autograd_core.engine.versions import storage as owner
from autograd_core.errors import DtypeError, InplaceError, OperandError
from autograd_core.grad_mode import grad_enabled, no_grad
from autograd_core.registry import publish
from autograd_core.tensor import Tensor, own_scalar, wrap


class Storage:
    """All elements in memory order, whatever part of them a tensor shows; writing one changes every view of it."""

    def __init__(self, elements: Tensor) -> None:
        self._elements = elements
        self.dtype, self.device, self.is_cuda = elements.dtype, elements.device, elements.is_cuda

    @classmethod
    def from_file(cls, filename: str | PathLike[str], shared: bool = False, nbytes: int = 0) -> Storage:
        """The bytes of a file, as memory; writes to them change the file only if it is shared.

        nbytes: from the start of the file, by default all.
        """
        import mmap
        from pathlib import Path

        with Path(filename).open("r+b" if shared else "rb") as file:
            access = mmap.ACCESS_WRITE if shared else mmap.ACCESS_COPY
            mapped = mmap.mmap(file.fileno(), nbytes, access=access)
        return cls(functional.from_numpy(np.frombuffer(mapped, np.uint8)))

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        return np.array(self._elements.numpy(), dtype, copy=copy)

    def __len__(self) -> int:
        return self._elements.numel()

    size = __len__

    def nbytes(self) -> int:
        """The size in bytes."""
        return self._elements.nbytes

    def __sizeof__(self) -> int:
        return object.__sizeof__(self) + self.nbytes()

    def element_size(self) -> int:
        """Bytes of one element."""
        return self.dtype.itemsize

    def data_ptr(self) -> int:
        """The address of the first element."""
        return self._elements.data_ptr()

    def untyped(self) -> Storage:
        """The same memory as bytes."""
        return Storage(self._elements.view(dtypes.uint8))

    def to(self, *, device: str, non_blocking: bool = False) -> Storage:
        """The elements on this device: a copy, or this storage if they are there."""
        moved = self._elements.to(device, non_blocking=non_blocking)
        return self if moved is self._elements else Storage(moved)

    def cpu(self) -> Storage:
        """The elements on the CPU: a copy, or this storage if they are there."""
        return self.to(device="cpu")

    def cuda(self, device: str | int | None = None, non_blocking: bool = False) -> Storage:
        """The elements on a CUDA GPU, by default the current one: a copy, or this storage if they are there."""
        moved = self._elements.cuda(device, non_blocking)
        return self if moved is self._elements else Storage(moved)

    def clone(self) -> Storage:
        """A copy."""
        return Storage(self._elements.clone())

    def tolist(self) -> list[Any]:
        """The elements as Python numbers."""
        return self._elements.tolist()

    def __iter__(self) -> Iterator[Any]:
        return iter(self.tolist())

    def __getitem__(self, index: Any) -> Any:
        found = self._elements[index]
        return Storage(found) if found.ndim else found.item()

    def __setitem__(self, index: Any, value: Any) -> None:
        self._elements[index] = value

    def __repr__(self) -> str:
        lines = "...\n" if self._elements.is_meta else "".join(f" {value}\n" for value in self.tolist())
        return f"{lines}[Storage of {len(self)} {self.dtype} on {self.device}]"


UntypedStorage = TypedStorage = Storage  # PyTorch's classes, for annotations


def storage(self: Tensor) -> Storage:
    """The memory of this tensor and of all its views, as elements of its dtype."""
    own_scalar(self)
    root = wrap(owner(self.array))
    return Storage(root.as_strided((root.numel(),), (1,), 0).view(self.dtype))


def untyped_storage(self: Tensor) -> Storage:
    """The memory of this tensor and of all its views, as bytes."""
    return storage(self).untyped()


def from_file(
    filename: str | PathLike[str],
    shared: bool | None = None,
    size: int = 0,
    *,
    dtype: DTypeLike | None = None,
    layout: str | None = None,
    device: str | None = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
) -> Tensor:
    """A vector of `size` elements on the memory of a file, from its start.

    shared: writes to the tensor change the file, which is made, or made longer, if necessary.
    """
    from pathlib import Path

    kind = floating(dtype)
    nbytes = operator.index(size) * kind.itemsize
    if nbytes < 0:
        raise OperandError(f"from_file(): size must not be negative, but is {size}")
    if shared:
        with Path(filename).open("ab") as file:
            file.truncate(max(nbytes, file.tell()))
    elif nbytes > (there := Path(filename).stat().st_size):
        raise OperandError(f"from_file(): {size} elements of {kind} take {nbytes} bytes; the file has {there}")
    array = Storage.from_file(filename, bool(shared), nbytes)._elements.array if nbytes else np.empty(0, np.uint8)
    made = finish(array.view(kind), device, requires_grad, None)
    return made.pin_memory() if pin_memory else made


def is_storage(obj: Any, /) -> bool:
    """Whether an object is a storage."""
    return isinstance(obj, Storage)


def set_(
    self: Tensor,
    source: Tensor | Storage | None = None,
    storage_offset: int = 0,
    size: Sequence[int] | None = None,
    stride: Sequence[int] | None = None,
) -> Tensor:
    """Let this tensor show the elements of another one or of a storage, without copying them; returns it."""
    if self.requires_grad and grad_enabled():
        raise InplaceError("set_() of a tensor that requires a gradient; use `with no_grad():`")
    with no_grad():
        seen = functional.empty(0, dtype=self.dtype, device=self.device) if source is None else _elements(source, self)
        if size is not None:
            seen = seen.as_strided(size, functional.empty(size).stride() if stride is None else stride, storage_offset)
    if seen.dtype != self.dtype:
        raise DtypeError(f"set_() takes elements of {self.dtype}, not {seen.dtype}")
    own_scalar(seen)
    _leave(self)
    self.array = seen.array
    return self


def _leave(x: Tensor) -> None:
    """A view leaves its base; the views of a base stay with its memory, which becomes a tensor of its own."""
    alias = getattr(x, "_alias", None)
    if alias is None:
        return
    if alias.__class__ is View:
        alias.base._alias.discard(x)
    else:
        base = wrap(x.array, x.node)
        base._alias = alias
        for view in alias:
            view._alias.base = base
    del x._alias


def _elements(source: Tensor | Storage, x: Tensor) -> Tensor:
    if isinstance(source, Tensor):
        return source
    elements = source._elements
    return elements.view(x.dtype) if elements.dtype == dtypes.uint8 else elements


def is_set_to(self: Tensor, tensor: Tensor) -> bool:
    """Whether both tensors are the same elements, in the same memory and order."""
    return (self.data_ptr(), self.shape, self.stride()) == (tensor.data_ptr(), tensor.shape, tensor.stride())


def share_memory_(self: Tensor) -> Tensor:
    """Move the elements to memory that processes forked from this one share; returns the tensor.

    Tensors on a GPU stay where they are.
    """
    if self.is_cuda or is_shared(self) or not self.numel():
        return self
    import mmap

    alias = getattr(self, "_alias", ())
    if alias.__class__ is not View and any(True for _ in alias):
        raise InplaceError("share_memory_() of a tensor with live views; drop the views first")
    _leave(self)
    own_scalar(self)
    elements = self.array
    memory = np.frombuffer(mmap.mmap(-1, elements.nbytes), np.uint8).view(elements.dtype)
    self.array = functional.empty_like(wrap(elements)).set_(wrap(memory), 0, self.shape, self.stride()).array
    self.array[...] = elements
    return self


def is_shared(self: Tensor) -> bool:
    """Whether forked processes share the elements: those on a GPU, and after `share_memory_`."""
    import mmap

    own_scalar(self)
    base = owner(self.array).base
    return self.is_cuda or isinstance(getattr(base, "obj", base), mmap.mmap)


def install() -> None:
    """Add the methods to Tensor."""
    for method in (storage, untyped_storage, set_, is_set_to, share_memory_, is_shared):
        setattr(Tensor, method.__name__, method)
    publish(from_file)
    publish(is_storage)
