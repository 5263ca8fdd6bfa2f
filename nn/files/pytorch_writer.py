"""Writes files that `torch.load` reads, without PyTorch: a pickle, and one file per storage."""

from __future__ import annotations

import io
import pickle
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from functools import cache
from typing import Any, BinaryIO

import numpy as np

from autograd_core import Tensor
from autograd_core.devices import Device
from autograd_core.engine.libraries import LIBRARY
from autograd_core.engine.versions import address, storage
from autograd_core.semantics.memory_format import Layout
from autograd_core.sizes import Size
from autograd_core.tensor import as_plain, wrap
from nn.files.pytorch_reader import DTYPES
from nn.parameter import Parameter

STORAGES = {dtype: name for name, dtype in DTYPES.items()}


@cache
def _storage_class(dtype: np.dtype[Any]) -> str | None:
    """PyTorch's name of the storage of such elements, if it has one; NumPy builds a dtype's name anew each time."""
    return STORAGES.get(dtype.name)


class _Name:
    """A class or function of PyTorch's, by its name."""

    def __init__(self, module: str, name: str) -> None:
        self.code = f"{module}\n{name}\n".encode()

    def __call__(self) -> None:
        """Present because pickle requires a callable here."""


class _Storage:
    """Elements in memory order, and the array that owns the memory, kept alive so that its id stays unique."""

    def __init__(self, owner: Any, key: str) -> None:
        self.owner, self.array, self.key = owner, owner.ravel(order="K"), key


class _ArrayType:
    """The dtype of an array, as a separate object that is written as PyTorch's dtype."""

    def __init__(self, dtype: np.dtype[Any]) -> None:
        self.code = dtype.str


_Pickler: Any = pickle._Pickler  # in Python: the C pickler refuses names of packages that are not installed


class _Writer(_Pickler):  # type: ignore[misc]  # which has no type
    """Writes tensors as PyTorch's files represent them."""

    def __init__(self, file: BinaryIO) -> None:
        super().__init__(file, protocol=2)
        self.storages: dict[int, _Storage] = {}

    def save(self, obj: Any, *args: Any, **options: Any) -> None:
        if (write := self.dispatch.get(obj.__class__)) is not None:  # most objects: numbers, strings, tuples
            if (known := self.memo.get(id(obj))) is not None:
                self.write(self.get(known[0]))
            else:
                write(self, obj)
            return
        if isinstance(obj, np.dtype):
            obj = _Name("torch", obj.name)
        if isinstance(obj, _Name):
            self.write(pickle.GLOBAL + obj.code)
        else:
            super().save(obj.item() if isinstance(obj, np.generic) else obj, *args, **options)

    def persistent_id(self, obj: Any) -> Any:
        if isinstance(obj, _Storage):
            if (name := _storage_class(obj.array.dtype)) is None:
                return "storage", _Name("torch.storage", "UntypedStorage"), obj.key, "cpu", obj.array.nbytes
            return "storage", _Name("torch", name), obj.key, "cpu", obj.array.size
        return None

    def reducer_override(self, obj: Any) -> Any:
        for kind, reduced in REDUCTIONS.items():
            if isinstance(obj, kind):
                return reduced(obj)
        if not isinstance(obj, Tensor):
            return NotImplemented
        make, parts = self._tensor(as_plain(obj))
        if obj.__class__ is Tensor:
            return make, parts
        return _Name("torch._tensor", "_rebuild_from_type_v2"), (make, obj.__class__, parts, vars(obj))

    def _tensor(self, t: Tensor) -> Any:
        if t.is_meta:
            description = t.array.dtype, tuple(t.shape), t.stride(), t.requires_grad
            return _Name("torch._utils", "_rebuild_meta_tensor_no_storage"), description
        if t.layout != Layout.strided:
            held = [wrap(part) for part in t.array.parts().values()]
            known = [t.is_coalesced()] if t.layout == Layout.sparse_coo else []
            return _Name("torch._utils", "_rebuild_sparse_tensor"), (t.layout, (*held, t.shape, *known))
        array = np.asarray(LIBRARY[t.array.__class__].backend.to_host(t.array))
        whole = storage(array)
        shared = whole.dtype == array.dtype and whole.flags.forc and min(array.strides, default=0) >= 0
        if not shared:
            array = whole = np.ascontiguousarray(array)
        if id(whole) not in self.storages:
            self.storages[id(whole)] = _Storage(whole, str(len(self.storages)))
        offset = 0 if array is whole else (address(array) - address(whole)) // array.itemsize
        strides = tuple(s // array.itemsize for s in array.strides)
        hooks: OrderedDict[str, Any] = OrderedDict()
        parts = self.storages[id(whole)], offset, array.shape, strides, t.requires_grad, hooks
        if _storage_class(array.dtype):
            return _Name("torch._utils", "_rebuild_tensor_v2"), parts
        return _Name("torch._utils", "_rebuild_tensor_v3"), (*parts, array.dtype)


def _array(array: np.ndarray[Any, Any]) -> Any:
    if array.dtype.kind not in "biufc":
        raise TypeError(f"save() writes arrays of numbers, not of {array.dtype}, for a state_dict()")
    empty = _Name("numpy", "ndarray"), (0,), b"b"
    return (
        _Name("numpy.core.multiarray", "_reconstruct"),
        empty,
        (1, array.shape, _ArrayType(array.dtype), False, array.tobytes()),
    )


# How objects of these types are written: a function of PyTorch or NumPy, and its arguments.
REDUCTIONS: dict[type, Callable[[Any], Any]] = {
    Parameter: lambda p: (_Name("torch._utils", "_rebuild_parameter"), (p.detach(), p.requires_grad, OrderedDict())),
    np.ndarray: _array,
    _ArrayType: lambda dtype: (_Name("numpy", "dtype"), (dtype.code, False, True)),
    Device: lambda device: (_Name("torch", "device"), (str(device),)),
    Layout: lambda layout: (_Name("torch.serialization", "_get_layout"), (f"torch.{layout}",)),
    Size: lambda size: (_Name("torch", "Size"), (tuple(size),)),
}


def written(obj: Any) -> bytes:
    """The bytes of a file that holds this object."""
    content, code = io.BytesIO(), io.BytesIO()
    writer = _Writer(code)
    writer.dump(obj)
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("archive/data.pkl", code.getvalue())
        archive.writestr("archive/byteorder", "little")
        for each in writer.storages.values():
            archive.writestr(f"archive/data/{each.key}", each.array.tobytes())
        archive.writestr("archive/version", "3\n")
    return content.getvalue()
