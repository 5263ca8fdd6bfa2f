"""Reads files of `torch.save` without PyTorch and, unless they are trusted, without executing their contents.

A pickle is a program. This one may call only the few functions below, which build tensors and containers; any other
name is refused before it is looked up, unless the caller trusts the file.
"""

from __future__ import annotations

import io
import math
import pickle
import zipfile
from collections import Counter, OrderedDict
from collections.abc import Callable
from pickletools import genops
from typing import Any, BinaryIO, NamedTuple

import numpy as np
from numpy._core import multiarray

from autograd_core import Tensor
from autograd_core import functional as core
from autograd_core.devices import Device
from autograd_core.dtypes import DType, as_dtype, uint8
from autograd_core.engine.libraries import LIBRARY
from autograd_core.public_dtypes import Dtype
from autograd_core.semantics.memory_format import Layout
from autograd_core.sizes import Size
from autograd_core.tensor import wrap
from nn.files.locations import Placing, placing
from nn.parameter import Parameter

LEGACY_MAGIC, LEGACY_VERSION = 0x1950A86A20F9469CFC6C, 1001
DTYPES = {
    "DoubleStorage": "float64", "FloatStorage": "float32", "HalfStorage": "float16", "BFloat16Storage": "bfloat16",
    "LongStorage": "int64", "IntStorage": "int32", "ShortStorage": "int16", "CharStorage": "int8",
    "ByteStorage": "uint8", "BoolStorage": "bool", "ComplexFloatStorage": "complex64",
    "ComplexDoubleStorage": "complex128",
}  # fmt: skip

LISTED: list[Any] = []  # classes and functions that files may name, because the program says so
UNTYPED = "uint16", "uint32", "uint64"  # dtypes without a type of storage


class StorageType(NamedTuple):
    """The counterpart of a class such as `torch.FloatStorage`."""

    dtype: DType


def is_pytorch(file: BinaryIO) -> bool:
    """Whether a file was written by `torch.save`, judged by the bytes at its current position."""
    at = file.tell()
    start = file.read(16)
    file.seek(at)
    legacy = start[:2] == b"\x80\x02" and LEGACY_MAGIC.to_bytes(10, "little") in start
    return legacy or start.startswith(b"PK\x03\x04")


def load_pytorch(file: BinaryIO, trusted: bool, encoding: str, placed: Placing) -> Any:
    """The saved object: usually a dict of tensors by name, or a dict of such dicts and numbers.

    trusted: whether the file may name, and so call, anything that can be imported, as files of whole models do.
    """
    at = file.tell()
    archive, size = file.read(2) == b"PK", file.seek(0, io.SEEK_END)
    file.seek(at)
    try:
        if archive:
            return _Archive(file, placed).load(trusted, encoding)
        return _load_legacy(file, size, trusted, encoding, placed)
    except (zipfile.BadZipFile, EOFError, KeyError) as e:
        raise pickle.UnpicklingError(f"the file is damaged or ends early: {e}") from e


def _tensor(
    storage: Any, offset: int, size: tuple[int, ...], stride: tuple[int, ...], requires_grad: bool = False, *_: Any
) -> Tensor:
    last = offset + sum((n - 1) * s for n, s in zip(size, stride, strict=True)) if math.prod(size) else offset
    if min((offset, *size, *stride), default=0) < 0 or last >= storage.shape[0] + (not math.prod(size)):
        raise pickle.UnpicklingError(f"a tensor of shape {size} and strides {stride} lies outside its storage")
    strides = tuple(s * storage.dtype.itemsize for s in stride)
    view = LIBRARY[storage.__class__].lib.stride_tricks.as_strided(storage[offset:], size, strides)
    return wrap(view).requires_grad_(bool(requires_grad))


def _untyped(storage: Any, *parts: Any) -> Tensor:
    """A tensor of a dtype for which PyTorch has no type of storage, such as uint16."""
    return _tensor(storage.view(as_dtype(parts[5])), *parts[:4])


def _sparse(layout: Layout, parts: tuple[Any, ...]) -> Tensor:
    """A sparse tensor: positions, values, shape and, for one by positions, whether it is coalesced."""
    if layout == Layout.sparse_coo:
        return core.sparse_coo_tensor(*parts[:3], is_coalesced=bool(parts[3:] and parts[3]))
    if layout not in (Layout.sparse_csr, Layout.sparse_csc):
        raise pickle.UnpicklingError(f"the file has a tensor of the layout {layout}, which does not exist here")
    return (core.sparse_csr_tensor if layout == Layout.sparse_csr else core.sparse_csc_tensor)(*parts)


def _of_class(make: Callable[..., Tensor], cls: type, args: Any, state: Any) -> Tensor:
    """A tensor of a subclass, with its attributes, one of which says that it is a parameter."""
    t = make(*args)
    t = t if t.__class__ is cls else t.as_subclass(cls)
    attributes = dict((state[0] if isinstance(state, tuple) else state) or {})
    t = Parameter(t, t.requires_grad) if attributes.pop("_is_param", False) else t
    vars(t).update(attributes)
    return t


def _bytes(text: str, encoding: str) -> bytes:
    """The form of bytes in pickle's protocol 2."""
    if encoding != "latin1":
        raise pickle.UnpicklingError(f"bytes are written in latin1, not in {encoding!r}")
    return text.encode("latin1")


ALLOWED: dict[tuple[str, str], Any] = {
    ("collections", "OrderedDict"): OrderedDict,
    ("collections", "Counter"): Counter,
    ("_codecs", "encode"): _bytes,
    **{("__builtin__", kind.__name__): kind for kind in (dict, set, frozenset, complex, bytes, bytearray)},
    ("numpy", "dtype"): np.dtype,
    ("numpy", "ndarray"): np.ndarray,
    **{
        (f"numpy.{core}.multiarray", name): function
        for core in ("core", "_core")
        for name, function in (("scalar", multiarray.scalar), ("_reconstruct", multiarray._reconstruct))
    },
    ("torch._utils", "_rebuild_tensor_v2"): _tensor,
    ("torch._utils", "_rebuild_tensor"): _tensor,
    ("torch._utils", "_rebuild_tensor_v3"): _untyped,
    ("torch._utils", "_rebuild_meta_tensor_no_storage"): lambda dtype, size, stride, requires_grad: core.empty_strided(
        size, stride, dtype, "meta", requires_grad
    ),
    ("torch._utils", "_rebuild_sparse_tensor"): _sparse,
    ("torch.serialization", "_get_layout"): lambda name: Layout(name.removeprefix("torch.")),
    ("torch.storage", "UntypedStorage"): StorageType(uint8),
    ("torch._utils", "_rebuild_parameter"): lambda data, requires_grad, *_: Parameter(data, requires_grad),
    ("torch._tensor", "_rebuild_from_type_v2"): _of_class,
    ("torch", "Tensor"): Tensor,
    ("torch", "Size"): Size,
    ("torch", "device"): Device,
}


class _Reader(pickle.Unpickler):
    """storage: gives the array for a storage's type, key and number of elements."""

    def __init__(
        self,
        file: Any,
        storage: Callable[[DType, str, int, str], Any] | None = None,
        trusted: bool = False,
        encoding: str = "utf-8",
    ) -> None:
        super().__init__(file, encoding=encoding)
        self._storage, self._trusted = storage, trusted

    def find_class(self, module: str, name: str) -> Any:
        if (found := _listed(module, name)) is not None:
            return found
        if self._trusted:
            return super().find_class(module, name)
        raise pickle.UnpicklingError(
            f"the file asks for {module}.{name}, which does not belong to a state and is not executed. "
            "Save model.state_dict() instead of the model, or load a file that you trust with weights_only=False"
        )

    def persistent_load(self, pid: Any) -> Any:
        if isinstance(pid, tuple) and len(pid) == 4 and pid[0] == "module":
            return pid[1]  # a class, beside its source
        if self._storage is None or not isinstance(pid, tuple) or len(pid) < 5 or pid[0] != "storage":
            raise pickle.UnpicklingError(f"the file refers to {pid!r}, which is not a storage of numbers")
        kind, key, saved, count, *view = pid[1:]
        if not isinstance(kind, StorageType):
            raise pickle.UnpicklingError(f"the file has a storage of the unknown type {kind!r}")
        array = self._storage(kind.dtype, str(key), count, str(saved))
        if view and view[0] is not None:
            _, start, length = view[0]
            return array[start : start + length]
        return array


def _listed(module: str, name: str) -> Any:
    """What this name in a file stands for; None if it is not listed."""
    if module in ("torch", "torch.storage") and name in DTYPES:
        return StorageType(as_dtype(DTYPES[name]))
    if module == "torch" and name in (*DTYPES.values(), *UNTYPED):
        return Dtype(as_dtype(name))
    if (module, name) in ALLOWED:
        return ALLOWED[module, name]
    return next((found for found in LISTED if (found.__module__, found.__qualname__) == (module, name)), None)


def unlisted(file: BinaryIO) -> list[str]:
    """What a file names that is not listed, in alphabetical order."""
    named = [str(name).split(" ", 1) for code, name, _ in genops(_Archive(file).code) if code.name == "GLOBAL"]
    return sorted({f"{module}.{name}" for module, name in named if _listed(module, name) is None})


class _Archive:
    """The zip format: one pickle, and one file per storage."""

    def __init__(self, file: BinaryIO, placed: Placing | None = None) -> None:
        if not hasattr(file, "seekable"):  # as zipfile asks, but not the protocol of `load`
            file = io.BytesIO(file.read())
        self._zip, self._placed = zipfile.ZipFile(file), placed or placing(None)
        pickles = [name for name in self._zip.namelist() if name.split("/")[-1] == "data.pkl"]
        if not pickles:
            raise pickle.UnpicklingError("the zip file holds no data.pkl, so it was not written by torch.save")
        self._root = pickles[0].removesuffix("data.pkl")
        self.code = self._zip.read(pickles[0])
        order = f"{self._root}byteorder"
        self._order = self._zip.read(order).decode() if order in self._zip.namelist() else "little"
        self._arrays: dict[str, Any] = {}

    def load(self, trusted: bool, encoding: str) -> Any:
        return _Reader(io.BytesIO(self.code), self._storage, trusted, encoding).load()

    def _storage(self, dtype: DType, key: str, count: int, saved: str) -> Any:
        if key not in self._arrays:
            array = np.frombuffer(bytearray(self._zip.read(f"{self._root}data/{key}")), dtype)
            self._arrays[key] = self._placed(array.byteswap() if self._order == "big" else array, saved)
        return self._arrays[key]


def _load_legacy(file: BinaryIO, size: int, trusted: bool, encoding: str, placed: Placing) -> Any:
    """The format before PyTorch 1.6: pickles one after the other, then the storages."""
    if _Reader(file).load() != LEGACY_MAGIC or _Reader(file).load() != LEGACY_VERSION:
        raise pickle.UnpicklingError("the file was not written by torch.save")
    system = _Reader(file).load()
    arrays: dict[str, Any] = {}

    def storage(dtype: DType, key: str, count: int, saved: str) -> Any:
        if not 0 <= count * dtype.itemsize <= size:
            raise pickle.UnpicklingError(f"a storage of {count} elements does not fit into a file of {size} bytes")
        if key not in arrays:
            arrays[key] = placed(np.zeros(count, dtype), saved)
        return arrays[key]

    state = _Reader(file, storage, trusted, encoding).load()
    for key in _Reader(file).load():
        array = arrays[str(key)]
        count = int.from_bytes(file.read(8), "little")
        content = file.read(array.nbytes)
        if (count,) != array.shape or len(content) < array.nbytes:
            raise pickle.UnpicklingError(f"storage {key} should have {array.size} elements, but the file ends early")
        found = np.frombuffer(content, array.dtype)
        found = found if system.get("little_endian", True) else found.byteswap()
        wrap(array).copy_(core.from_numpy(found))
    return state
