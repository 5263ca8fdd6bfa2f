"""`fuse`: batch normalisation folded into the layers before it, for models in evaluation."""

from __future__ import annotations

import copy
from collections import Counter
from typing import Any

from autograd_core import Tensor, enable_grad, no_grad
from autograd_core.engine.nodes import behind
from autograd_core.trees import leaves
from nn.layers.convolution import Conv1d, Conv2d, Conv3d
from nn.layers.linear import Identity, Linear
from nn.layers.normalization import _BatchNorm
from nn.module import Module
from nn.utils.fusion import fuse_conv_bn_weights

# By class, not by isinstance: a subclass may compute with another weight.
FOLDED = (Linear, Conv1d, Conv2d, Conv3d)
TOLERANCE = {"float64": 1e-9, "float32": 1e-3}  # of the outputs, relative to the largest


def fuse(model: Module, *example: Any) -> Module:
    """A copy for inference, with every batch normalisation folded into the layer before it where possible.

    Normalisation by running statistics is an affine map of each channel, which a convolution or linear layer absorbs:
    w ← w·s, b ← (b - mean)·s + bias, for s = weight / √(var + eps). Running the model, on `example` or, without one, on
    the first input of the copy, shows which layer feeds which; a normalisation is folded if nothing else reads the
    layer's output. Then the copy runs again, and outputs that differ by more than rounding raise a RuntimeError.

    >>> from autograd_core import randn
    >>> from nn import BatchNorm1d, Linear, Sequential
    >>> fuse(Sequential(Linear(2, 3), BatchNorm1d(3)), randn(4, 2))
    Sequential(
      (0): Linear(in_features=2, out_features=3, bias=True)
      (1): Identity()
    )
    """
    fused = copy.deepcopy(model).eval().requires_grad_(False)
    if example:
        _fold_all(fused, example)
    else:
        fused.register_forward_pre_hook(_fold_at_first_call)
    return fused


def _fold_at_first_call(model: Module, args: tuple[Any, ...]) -> None:
    model._unhook(_fold_at_first_call)
    _fold_all(model, args)


def _fold_all(model: Module, args: tuple[Any, ...]) -> None:
    pairs, before = _pairs(model, args)
    parents = [(owner, name, part) for owner in model.modules() for name, part in owner._modules.items()]
    for layer, norm in pairs:
        statistics: Any = norm.running_mean, norm.running_var, norm.eps, norm.weight, norm.bias
        layer.weight, layer.bias = fuse_conv_bn_weights(layer.weight, layer.bias, *statistics)
        for owner, name, part in parents:
            if part is norm:
                setattr(owner, name, Identity())
    with no_grad():
        after = _tensors(model(*args))
    for y, wanted in zip(after, before, strict=True):
        _check_close(type(model).__name__, y, wanted)


def _pairs(model: Module, args: tuple[Any, ...]) -> tuple[list[tuple[Any, _BatchNorm]], list[Tensor]]:
    """Pairs (layer, the normalisation that is the only reader of its output), and the output of the model."""
    made: dict[Any, Module] = {}  # by node: tensors would keep all intermediate results alive
    fed: dict[_BatchNorm, Any] = {}
    calls: Counter[Module] = Counter()

    def note(layer: Module, _: Any, output: Any) -> None:
        calls[layer] += 1
        made[output.node] = layer

    def look(norm: Any, inputs: tuple[Any, ...]) -> None:
        calls[norm] += 1
        fed[norm] = inputs[0].node

    handles = []
    for module in model.modules():
        if module.__class__ in FOLDED:
            handles.append(module.register_forward_hook(note))
        elif isinstance(module, _BatchNorm) and module.running_mean is not None:
            handles.append(module.register_forward_pre_hook(look))
    layers: list[Any] = [m for m in model.modules() if m.__class__ in FOLDED]
    own = Counter(id(t) for m in model.modules() for t in m._parameters.values())
    try:
        for layer in layers:
            layer.weight.requires_grad_()  # so that the run is recorded from here on
        with enable_grad():
            outputs = _tensors(model(*args))
    finally:
        for handle in handles:
            handle.remove()
        for layer in layers:
            layer.weight.requires_grad_(False)
    uses = _uses(outputs)

    def alone(layer: Any, norm: _BatchNorm) -> bool:
        once = calls[layer] == calls[norm] == uses[fed[norm]] == own[id(layer.weight)] == 1
        return once and layer._hooks is None

    pairs = [(made[node], norm) for norm, node in fed.items() if node is not None and node in made]
    return [pair for pair in pairs if alone(*pair)], [y.detach() for y in outputs]


def _uses(outputs: list[Tensor]) -> Counter[Any]:
    """How many times the output of each recorded operation is used, as an operand or as an output of the model."""
    uses = Counter(y.node for y in outputs)
    for node in behind([node for node in uses if node is not None]):
        uses.update(node.parents)
    return uses


def _tensors(outputs: Any) -> list[Tensor]:
    return [y for y in leaves(outputs) if isinstance(y, Tensor)]


def _check_close(name: str, y: Tensor, wanted: Tensor) -> None:
    if y.dtype.kind != "f" or not wanted.numel():
        return
    gap, size = (y - wanted).abs().max().item(), wanted.abs().max().item()
    if gap > TOLERANCE.get(y.dtype.name, 1e-2) * size:
        raise RuntimeError(
            f"fuse(): {name} with its batch normalisations folded changes the outputs by {gap:.3g} of {size:.3g}. A "
            "model whose forward() reads the layers' weights, or the running statistics, itself cannot be fused"
        )
