"""Applies modules one after the other, with neighbours fused where possible."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from autograd_core import Tensor
from autograd_core import functional as core
from autograd_core.engine.casting import modes
from nn import functional as F
from nn.failures import locate
from nn.layers.activation import ReLU
from nn.layers.convolution import Conv1d, Conv2d, Conv3d
from nn.layers.linear import Identity, Linear
from nn.layers.normalization import BatchNorm1d, BatchNorm2d, BatchNorm3d
from nn.layers.pooling import MaxPool1d, MaxPool2d, MaxPool3d
from nn.module import Module

RELU = ReLU()
# By class, not by isinstance: a subclass may compute something else.
CONVOLUTIONS, NORMALIZATIONS = (Conv1d, Conv2d, Conv3d), (BatchNorm1d, BatchNorm2d, BatchNorm3d)
POOLINGS = (MaxPool1d, MaxPool2d, MaxPool3d)
FUNCTIONS: dict[str, Any] = vars(F)
NAMES: dict[type[Module], str] = {
    Linear: "linear",
    ReLU: "relu",
    **dict.fromkeys(NORMALIZATIONS, "batch_norm"),
    **{kind: kind._function for kind in (*CONVOLUTIONS, *POOLINGS)},
}
# What is called for a layer of each class, unless a program has replaced it.
CALLED = {kind: (kind.forward, FUNCTIONS[name], Module.__call__) for kind, name in NAMES.items()}
RECTIFIED: dict[type, Callable[[Any, Tensor], Tensor]] = {
    Linear: lambda layer, x: core.linear_relu(x, layer.weight, layer.bias),
    **dict.fromkeys(CONVOLUTIONS, lambda layer, x: layer.convolved(x, core.conv_relu)),
    **dict.fromkeys(NORMALIZATIONS, lambda layer, x: layer.normalized(x, core.batch_norm_relu)),
}


def _plain(layer: Module) -> bool:
    """Whether a layer computes what its class does: without hooks, and with nothing replaced in class and function."""
    kind = layer.__class__
    return layer._hooks is None and (kind.forward, FUNCTIONS[NAMES[kind]], kind.__call__) == CALLED[kind]


def chain(x: Any, *modules: Module) -> Any:
    """Apply the modules to x one after the other.

    A linear layer, a convolution or a batch normalisation also computes the ReLU behind it, and a convolution also a
    normalisation by running statistics, unless a hook observes the value in between. A ReLU before max pooling is
    applied after it: the same result and gradients with fewer elements. Programs may write to a pooling's result.
    """
    todo = [m for m in reversed(modules) if m.__class__ is not Identity or m._hooks is not None]
    while todo:
        layer = todo.pop()
        if not todo or layer.__class__ not in RECTIFIED or not _plain(layer):
            x = layer(x)
            continue
        norm = todo.pop() if layer.__class__ in CONVOLUTIONS and _folds(layer, todo[-1], x) else None
        relu = bool(todo) and todo[-1].__class__ is ReLU and _plain(todo[-1])
        if relu:
            todo.pop()
            if layer.__class__ in CONVOLUTIONS and todo and _only_chooses(todo[-1]):
                todo.insert(-1, cast(Any, core.relu_of))
                relu = False
        x = _together(x, layer, norm, relu) if relu or norm is not None else layer(x)
    return x


def _folds(layer: Any, norm: Any, x: Any) -> bool:
    """Whether a convolution can absorb the normalisation behind it: with fixed statistics, in a dtype precise enough.

    It does not pay if there are more weights than elements in the image.
    """
    return bool(
        norm.__class__ in NORMALIZATIONS
        and _plain(norm)
        and not norm.training
        and norm.running_mean is not None
        and norm.num_features == layer.out_channels
        and x.__class__ is Tensor
        and x.ndim == layer.rank + 2
        and x.ndim in norm.ndims
        and x.dtype.kind == "f"
        and x.dtype.itemsize >= 4
        and x.dtype == layer.weight.dtype == norm.running_mean.dtype
        and x.numel() > layer.weight.numel()
        and not modes()
    )


def _only_chooses(pool: Any) -> bool:
    """Whether a layer is a pooling that may be applied before ReLU instead of after it."""
    return pool.__class__ in POOLINGS and _plain(pool) and not pool.return_indices


def _together(x: Any, layer: Any, norm: Any, relu: bool) -> Any:
    try:
        if norm is None:
            return RECTIFIED[layer.__class__](layer, x)
        by = core.conv_relu if relu else getattr(F, layer._function)
        statistics = norm.running_mean, norm.running_var, norm.eps, norm.weight, norm.bias
        parameters = folded(layer.weight, layer.bias, *statistics)
        return layer.convolved(x, lambda x, _weight, _bias, *geometry: by(x, *parameters, *geometry))
    except Exception as e:
        locate(e, layer, (x,))
        raise


def folded(
    w: Tensor,
    b: Tensor | None,
    mean: Tensor,
    var: Tensor,
    eps: float,
    weight: Tensor | None,
    bias: Tensor | None,
    transpose: bool = False,
) -> tuple[Tensor, Tensor]:
    """Weight and bias of a convolution that also normalises by running statistics, in the dtype of w.

    w ← w·s, b ← (b - mean)·s + bias, for s = weight / √(var + eps). transpose: channels are the second axis of w.
    """
    scale = core.rsqrt(var + eps)
    scale = scale if weight is None else scale * weight
    shift = (-mean if b is None else b - mean) * scale
    shift = shift if bias is None else shift + bias
    shape = [1] * w.ndim
    shape[1 if transpose else 0] = -1
    return (w * scale.reshape(shape)).to(w.dtype), shift.to(w.dtype)
