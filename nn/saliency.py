"""Saliency maps: gradients of a score with respect to the input, plain and guided."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from typing import Any

from autograd_core import Tensor, enable_grad
from autograd_core import functional as core
from autograd_core.autograd import grad
from autograd_core.engine.nodes import Node
from nn.modes import in_mode
from nn.module import Module

Target = int | Sequence[int] | Tensor | Callable[[Tensor], Tensor] | None


def saliency(model: Module, input: Tensor, target: Target = None) -> Tensor:
    """The gradient of each input's score with respect to that input (Simonyan et al. 2013).

    target: the class, or one class per input, of the score in the output (N, C); None means the highest score. Or a
    function of the output whose sum is differentiated, such as `lambda y: y[:, 3].amax()` for a feature channel.
    The model runs in evaluation mode and is restored afterwards. Plot `g.abs().amax(1)`.

    >>> from autograd_core import tensor
    >>> from nn import Linear
    >>> layer = Linear(2, 2, bias=False)
    >>> layer.weight.data = tensor([[1.0, -2.0], [3.0, 4.0]])
    >>> saliency(layer, tensor([[5.0, 6.0]]), target=0)
    tensor([[ 1., -2.]])
    """
    return _gradient(model, input, target, None)


def guided_backprop(model: Module, input: Tensor, target: Target = None) -> Tensor:
    """`saliency` with negative gradients set to 0 at every ReLU, module or function (Springenberg et al. 2014).

    What remains are the parts of the input that raise the score through units that raise it too.
    """
    return _gradient(model, input, target, core.relu)


def rectifiers(output: Tensor) -> Iterator[Node]:
    """The nodes behind an output that are a ReLU or end with one."""
    seen = {output.node}
    stack: list[Any] = [output.node]
    while stack:
        node = stack.pop()
        if node is None or node.op is None:  # not differentiable, or a leaf
            continue
        if node.op.name == "relu" or node.op.name.endswith("_relu"):
            yield node
        stack += (fresh := set(node.parents) - seen)
        seen |= fresh


def _gradient(model: Module, input: Tensor, target: Target, at_rectifiers: Callable[[Tensor], Tensor] | None) -> Tensor:
    x = input.detach().requires_grad_()
    with ExitStack() as stack, in_mode(model, training=False), enable_grad():
        for module in model.modules():
            stack.enter_context(module.register_forward_hook(_watch))
        score = _score(model(x), target)
    if at_rectifiers is not None:
        for node in rectifiers(score):
            node.hooks = (*(node.hooks or ()), at_rectifiers)
    return grad(score, x)[0]


def _watch(module: Module, args: Any, output: Any) -> None:
    """A hook on all modules, so that a ReLU after a layer remains a separate operation."""


def _score(output: Tensor, target: Target) -> Tensor:
    if callable(target):
        return target(output).sum()
    if output.ndim != 2:
        raise ValueError(f"target is a class, but the output has shape {output.shape}, not (N, C); pass a function")
    if target is None:
        return core.amax(output, 1).sum()
    classes = core.as_tensor(target, device=output.device).reshape(-1, 1)
    return core.gather(output, 1, classes.expand(len(output), 1)).sum()
