"""Reading and writing of states: safetensors and PyTorch's formats."""

from __future__ import annotations

import os
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from pickle import UnpicklingError
from types import ModuleType
from typing import Any, BinaryIO

import numpy as np

from autograd_core import Tensor
from autograd_core import functional as core
from autograd_core.dtypes import as_dtype
from autograd_core.engine.libraries import LIBRARY
from autograd_core.tensor import wrap
from nn.files.locations import Placing, placing
from nn.files.pytorch_reader import is_pytorch, load_pytorch
from nn.files.pytorch_writer import written
from nn.module import Module

# The names of dtypes in safetensors files.
DTYPES = {"BOOL": "bool", "BF16": "bfloat16", "C64": "complex64"}
DTYPES |= {f"F{n}": f"float{n}" for n in (16, 32, 64)}
DTYPES |= {f"{kind}{n}": f"{name}{n}" for kind, name in (("I", "int"), ("U", "uint")) for n in (8, 16, 32, 64)}


def save(state: Module | Mapping[str, Tensor], path: str | os.PathLike[str] | BinaryIO) -> None:
    """Write the state of a module, or tensors by name, to a file or an open binary file.

    A name that ends in .pt or .pth gets PyTorch's format; everything else is safetensors. A file given by path is
    replaced atomically: if anything fails, the previous file is untouched.
    """
    state = state.state_dict() if isinstance(state, Module) else state
    for_pytorch = isinstance(path, (str, os.PathLike)) and Path(path).suffix in (".pt", ".pth")
    write(written(state) if for_pytorch else _safetensors().numpy.save(_arrays(state)), path)


def write(content: bytes, path: str | os.PathLike[str] | BinaryIO) -> None:
    """Write to an open file, or replace the file at a path atomically."""
    if not isinstance(path, (str, os.PathLike)):
        if not hasattr(path, "write"):
            raise AttributeError(f"save() takes a path or an open binary file, not {type(path).__name__}")
        path.write(content)
        if flush := getattr(path, "flush", None):  # programs open the file again, by its name, before they close it
            flush()
        return
    path = Path(path)
    if not path.parent.is_dir():
        raise FileNotFoundError(f"cannot save '{path.name}': there is no folder '{path.parent}'; create it first")
    temporary = path.with_name(f"{path.name}.{uuid.uuid4().hex}.tmp")
    try:
        with temporary.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _arrays(tensors: Mapping[str, Tensor]) -> dict[str, Any]:
    if not isinstance(tensors, Mapping):
        raise TypeError(f"save() writes a module or tensors by name, not {type(tensors).__name__}")
    arrays = {}
    for name, t in tensors.items():
        if not isinstance(t, Tensor):
            raise TypeError(f"save() writes a module or tensors by name; {name!r} is of type {type(t).__name__}")
        if t.dtype.name not in DTYPES.values():
            raise TypeError(f"safetensors files hold no {t.dtype}, as {name!r} is; use a name that ends in .pt")
        host = LIBRARY[t.array.__class__].backend.to_host(t.array)
        arrays[name] = host if host.flags.c_contiguous else host.copy(order="C")
    return arrays


def load(
    path: str | os.PathLike[str] | BinaryIO, trusted: bool = False, encoding: str = "utf-8", map_location: Any = None
) -> Any:
    """The tensors of a safetensors, `.pt` or `.pth` file by name, for `Module.load_state_dict`.

    A PyTorch file may hold more, such as {"epoch": 3, "state_dict": ...}, which is returned as it is.
    Nothing in it is executed unless it is `trusted`: files of whole models, rather than their state, raise an
    UnpicklingError, and so do damaged files. encoding: that of strings that Python 2 wrote. map_location: the device of
    the tensors, as `placing` takes it.
    """
    if isinstance(path, (str, os.PathLike)):
        with Path(path).open("rb") as file:
            try:
                return load(file, trusted, encoding, map_location)
            except UnpicklingError as e:
                raise UnpicklingError(f"{os.fspath(path)}: {e}") from e
    if not hasattr(path, "read"):
        raise TypeError(f"load() takes a path or an open binary file, not {type(path).__name__}")
    placed = placing(map_location)
    if is_pytorch(path):
        return load_pytorch(path, trusted, encoding, placed)
    safetensors = _safetensors()
    try:
        entries = safetensors.deserialize(path.read())
    except safetensors.SafetensorError as e:
        raise UnpicklingError(f"this is neither a safetensors nor a PyTorch file, or it is damaged: {e}") from e
    return {name: _tensor(name, placed, **entry) for name, entry in sorted(entries)}


def _tensor(name: str, placed: Placing, dtype: str, shape: Sequence[int], data: bytes) -> Tensor:
    if dtype not in DTYPES:
        raise UnpicklingError(f"{name!r} holds elements of type {dtype}, which tensors cannot")
    read = core.from_numpy(np.frombuffer(data, as_dtype(DTYPES[dtype])))
    return wrap(placed(read.array, "cpu").reshape(shape))


def _safetensors() -> ModuleType:
    try:
        import safetensors.numpy
    except ImportError as e:
        raise ImportError('model files need the safetensors package: pip install "autograd-core[io]"') from e
    return safetensors
