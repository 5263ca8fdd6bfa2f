"""The scale and shift that normalisations apply."""

from typing import Any

from autograd_core import Tensor
from autograd_core import functional as core
from nn import init
from nn.module import Module
from nn.parameter import Parameter


class Affine(Module):
    """A module with an optional weight, initially 1, and an optional bias, initially 0."""

    weight: Tensor | None
    bias: Tensor | None

    def _affine(self, shape: tuple[int, ...] | int, weight: bool, bias: bool, device: Any, dtype: Any) -> None:
        self.register_parameter("weight", Parameter(core.ones(shape, device=device, dtype=dtype)) if weight else None)
        self.register_parameter("bias", Parameter(core.zeros(shape, device=device, dtype=dtype)) if bias else None)

    def reset_parameters(self) -> None:
        """Reset weight to 1 and bias to 0."""
        if self.weight is not None:
            init.ones_(self.weight)
        if getattr(self, "bias", None) is not None:
            init.zeros_(self.bias)  # type: ignore[arg-type]  # not None
