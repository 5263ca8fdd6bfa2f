"""The memory behind a tensor and its views, as PyTorch's storages show it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from autograd_core import dtypes
from autograd_core.engine.versions import storage as owner
from autograd_core.tensor import Tensor, own_scalar, wrap


class Storage:
    """All elements in memory order, whatever part of them a tensor shows; writing one changes every view of it."""

    def __init__(self, elements: Tensor) -> None:
        self._elements = elements
        self.dtype, self.device, self.is_cuda = elements.dtype, elements.device, elements.is_cuda

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
        lines = "".join(f" {value}\n" for value in self.tolist())
        return f"{lines}[Storage of {len(self)} {self.dtype} on {self.device}]"


def storage(self: Tensor) -> Storage:
    """The memory of this tensor and of all its views, as elements of its dtype."""
    own_scalar(self)
    root = wrap(owner(self.array))
    return Storage(root.as_strided((root.numel(),), (1,), 0).view(self.dtype))


def untyped_storage(self: Tensor) -> Storage:
    """The memory of this tensor and of all its views, as bytes."""
    return storage(self).untyped()


def install() -> None:
    """Add the methods to Tensor."""
    for method in (storage, untyped_storage):
        setattr(Tensor, method.__name__, method)
