"""Reading and writing of states: safetensors and PyTorch's formats."""

from __future__ import annotations

import os
import uuid
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any, BinaryIO

from autograd_core import Tensor
from autograd_core import functional as core
from autograd_core.libraries import LIBRARY
from nn.files.pytorch_reader import is_pytorch, load_pytorch
from nn.module import Module


def save(state: Module | Mapping[str, Tensor], path: str | os.PathLike[str] | BinaryIO) -> None:
    """Write the state of a module, or tensors by name, to a safetensors file or an open binary file.

    A file given by path is replaced atomically: if anything fails, the previous file is untouched.
    """
    write(_safetensors().save(_arrays(state.state_dict() if isinstance(state, Module) else state)), path)


def write(content: bytes, path: str | os.PathLike[str] | BinaryIO) -> None:
    """Write to an open file, or replace the file at a path atomically."""
    if not isinstance(path, (str, os.PathLike)):
        path.write(content)
        return
    path = Path(path)
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
    arrays = {}
    for name, t in tensors.items():
        if not isinstance(t, Tensor):
            raise TypeError(f"save() writes a module or tensors by name; {name!r} is of type {type(t).__name__}")
        host = LIBRARY[t.array.__class__].backend.to_host(t.array)
        arrays[name] = host if host.flags.c_contiguous else host.copy(order="C")
    return arrays


def load(path: str | os.PathLike[str] | BinaryIO) -> Any:
    """The tensors of a safetensors, `.pt` or `.pth` file by name, for `Module.load_state_dict`.

    A PyTorch file may hold more, such as {"epoch": 3, "state_dict": ...}, which is returned as it is.
    Nothing in it is executed: files of whole models, rather than their state, raise an UnpicklingError.
    """
    if isinstance(path, (str, os.PathLike)):
        with Path(path).open("rb") as file:
            return load(file)
    if is_pytorch(path):
        return load_pytorch(path)
    return {name: core.from_numpy(array) for name, array in _safetensors().load(path.read()).items()}


def _safetensors() -> ModuleType:
    try:
        import safetensors.numpy
    except ImportError as e:
        raise ImportError('model files need the safetensors package: pip install "autograd-core[io]"') from e
    return safetensors.numpy
