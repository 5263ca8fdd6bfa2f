"""Gradients of convolutions as functions: PyTorch's `torch.nn.grad`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from autograd_core import Tensor
from autograd_core import functional as core
from autograd_core.func import vjp


def _named(gradient: Callable[..., Tensor], conv: Callable[..., Tensor], what: str) -> Callable[..., Tensor]:
    gradient.__name__ = gradient.__qualname__ = f"{conv.__name__}_{what}"
    gradient.__doc__ = (
        f"The gradient of `{conv.__name__}` by its {what}, for a gradient of its output.\n\n"
        "geometry: stride, padding, dilation and groups, by position or by name."
    )
    return gradient


def _of_input(conv: Callable[..., Tensor]) -> Callable[..., Tensor]:
    def gradient(
        input_size: Sequence[int], weight: Tensor, grad_output: Tensor, *geometry: Any, **named: Any
    ) -> Tensor:
        zeros = core.zeros(*input_size, dtype=weight.dtype, device=weight.device)
        return vjp(lambda x: conv(x, weight, None, *geometry, **named), zeros)[1](grad_output)[0]

    return _named(gradient, conv, "input")


def _of_weight(conv: Callable[..., Tensor]) -> Callable[..., Tensor]:
    def gradient(
        input: Tensor, weight_size: Sequence[int], grad_output: Tensor, *geometry: Any, **named: Any
    ) -> Tensor:
        zeros = core.zeros(*weight_size, dtype=input.dtype, device=input.device)
        return vjp(lambda w: conv(input, w, None, *geometry, **named), zeros)[1](grad_output)[0]

    return _named(gradient, conv, "weight")


conv1d_input, conv2d_input, conv3d_input = map(_of_input, (core.conv1d, core.conv2d, core.conv3d))
conv1d_weight, conv2d_weight, conv3d_weight = map(_of_weight, (core.conv1d, core.conv2d, core.conv3d))
