"""PyTorch's `torch.types`: names for annotations."""

from builtins import bool as _bool
from builtins import complex as _complex
from builtins import float as _float
from builtins import int as _int
from collections.abc import Sequence
from os import PathLike
from typing import IO

from autograd_core.autograd.graph import GradientEdge
from autograd_core.devices import Device as _device
from autograd_core.public_dtypes import Dtype
from autograd_core.semantics.memory_format import Layout as _layout
from autograd_core.semantics.storages import Storage
from autograd_core.sizes import Size
from autograd_core.tensor import Tensor

__all__ = ["Storage", "Tensor", "_bool", "_complex", "_device", "_float", "_int", "_layout"]

_dtype = Dtype
_size = Size | list[int] | tuple[int, ...]
_TensorOrTensors = Tensor | Sequence[Tensor]
_TensorOrTensorsOrGradEdge = _TensorOrTensors | GradientEdge | Sequence[GradientEdge]
_Number = (int, float, bool)
Number = int | float | bool
Device = _device | str | int | None
FileLike = str | PathLike[str] | IO[bytes]
