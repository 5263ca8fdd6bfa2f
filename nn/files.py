"""States of models in files, in the safetensors format."""

from __future__ import annotations

import os
import uuid
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType

from autograd_core import Tensor
from autograd_core import functional as core
from autograd_core.registry import LIBRARY
from nn.module import Module


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


def load(path: str | os.PathLike[str]) -> dict[str, Tensor]:
    """The tensors of a safetensors file by name, for `Module.load_state_dict`."""
    return {name: core.from_numpy(array) for name, array in _safetensors().load_file(path).items()}


def _safetensors() -> ModuleType:
    try:
        import safetensors.numpy
    except ImportError as e:
        raise ImportError('model files need the safetensors package: pip install "autograd-core[io]"') from e
    return safetensors.numpy
