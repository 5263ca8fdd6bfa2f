"""States of models in files: safetensors, and those of PyTorch to read."""

from __future__ import annotations

import os
import uuid
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from autograd_core import Tensor
from autograd_core import functional as core
from autograd_core.registry import LIBRARY
from nn.module import Module
from nn.pytorch_files import is_pytorch, load_pytorch


def save(state: Module | Mapping[str, Tensor], path: str | os.PathLike[str]) -> None:
    """Write the state of a module, or any tensors by name, to a safetensors file.

    The file appears at once and complete: if anything fails, what was there before is untouched.
    """
    tensors = state.state_dict() if isinstance(state, Module) else state
    arrays = {}
    for name, t in tensors.items():
        host = LIBRARY[t.array.__class__].backend.to_host(t.array)
        arrays[name] = host if host.flags.c_contiguous else host.copy(order="C")
    path = Path(path)
    content = _safetensors().save(arrays)
    temporary = path.with_name(f"{path.name}.{uuid.uuid4().hex}.tmp")
    try:
        with temporary.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def load(path: str | os.PathLike[str]) -> Any:
    """The tensors of a file by name, for `Module.load_state_dict`: of safetensors, or of PyTorch's `.pt` and `.pth`.

    A PyTorch file may hold more around them, such as {"epoch": 3, "state_dict": ...}; this is returned as it is.
    Nothing in it is executed: files that hold whole models, and not only their state, raise an UnpicklingError.
    """
    if is_pytorch(Path(path)):
        return load_pytorch(Path(path))
    return {name: core.from_numpy(array) for name, array in _safetensors().load_file(path).items()}


def _safetensors() -> ModuleType:
    try:
        import safetensors.numpy
    except ImportError as e:
        raise ImportError('model files need the safetensors package: pip install "autograd-core[io]"') from e
    return safetensors.numpy
