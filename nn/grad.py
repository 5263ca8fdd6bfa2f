"""Gradients of convolutions as functions: PyTorch's `torch.nn.grad`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from autograd_core import Tensor
from autograd_core import functional as core
from autograd_core.func import vjp


def _named(gradient: Callable[..., Tensor], conv: Callable[..., Tensor], what: str) -> Callable[..., Tensor]:
    gradient.__name__ = gradient.__qualname__ = f"{conv.__name__}_{what}"
    gradient.__doc__ = f"The gradient of `{conv.__name__}` by its {what}, for a gradient of its output."
    return gradient


def _of_input(conv: Callable[..., Tensor]) -> Callable[..., Tensor]:
    def gradient(
        input_size: Sequence[int],
        weight: Tensor,
        grad_output: Tensor,
        stride: Any = 1,
        padding: Any = 0,
        dilation: Any = 1,
        groups: int = 1,
    ) -> Tensor:
        zeros = core.zeros(*input_size, dtype=weight.dtype, device=weight.device)
        pull = vjp(lambda x: conv(x, weight, None, stride, padding, dilation, groups), zeros)[1]
        return pull(grad_output)[0]

    return _named(gradient, conv, "input")


def _of_weight(conv: Callable[..., Tensor]) -> Callable[..., Tensor]:
    def gradient(
        input: Tensor,
        weight_size: Sequence[int],
        grad_output: Tensor,
        stride: Any = 1,
        padding: Any = 0,
        dilation: Any = 1,
        groups: int = 1,
    ) -> Tensor:
        weight = core.zeros(*weight_size, dtype=input.dtype, device=input.device)
        pull = vjp(lambda w: conv(input, w, None, stride, padding, dilation, groups), weight)[1]
        return pull(grad_output)[0]

    return _named(gradient, conv, "weight")


conv1d_input, conv2d_input, conv3d_input = map(_of_input, (core.conv1d, core.conv2d, core.conv3d))
conv1d_weight, conv2d_weight, conv3d_weight = map(_of_weight, (core.conv1d, core.conv2d, core.conv3d))
