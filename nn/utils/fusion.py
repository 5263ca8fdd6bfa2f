"""Folds batch normalisation into a single layer; `nn.fuse` does it for a whole model."""

from __future__ import annotations

import copy
from typing import Any

from autograd_core import Tensor, no_grad
from nn.chains import folded
from nn.parameter import Parameter


@no_grad()
def fuse_conv_bn_weights(
    conv_w: Tensor,
    conv_b: Tensor | None,
    bn_rm: Tensor,
    bn_rv: Tensor,
    bn_eps: float,
    bn_w: Tensor | None,
    bn_b: Tensor | None,
    transpose: bool = False,
) -> tuple[Tensor, Tensor]:
    """Weight and bias, as parameters, of a convolution with the batch normalisation folded in.

    transpose: the output channels are the second axis of the weight, as in transposed convolutions.
    """
    weight, bias = folded(conv_w, conv_b, bn_rm, bn_rv, bn_eps, bn_w, bn_b, transpose)
    learns = conv_b is not None and conv_b.requires_grad
    return Parameter(weight, requires_grad=conv_w.requires_grad), Parameter(bias, requires_grad=learns)


def fuse_linear_bn_weights(
    linear_w: Tensor,
    linear_b: Tensor | None,
    bn_rm: Tensor,
    bn_rv: Tensor,
    bn_eps: float,
    bn_w: Tensor | None,
    bn_b: Tensor | None,
) -> tuple[Tensor, Tensor]:
    """Weight and bias of a linear layer with the batch normalisation folded in; see `fuse_conv_bn_weights`."""
    return fuse_conv_bn_weights(linear_w, linear_b, bn_rm, bn_rv, bn_eps, bn_w, bn_b)


def fuse_conv_bn_eval(conv: Any, bn: Any, transpose: bool = False) -> Any:
    """A copy of a convolution with the batch normalisation after it folded in; both must be in evaluation mode."""
    if conv.training or bn.training:
        raise ValueError("only modules in evaluation mode can be fused: call eval() on both")
    if bn.running_mean is None:
        raise ValueError(f"{bn} keeps no running statistics and cannot be fused")
    fused = copy.deepcopy(conv)
    statistics = bn.running_mean, bn.running_var, bn.eps, bn.weight, bn.bias
    fused.weight, fused.bias = fuse_conv_bn_weights(conv.weight, conv.bias, *statistics, transpose=transpose)
    return fused


def fuse_linear_bn_eval(linear: Any, bn: Any) -> Any:
    """A copy of a linear layer with the batch normalisation after it folded in; both must be in evaluation mode."""
    if bn.num_features not in (linear.out_features, 1):
        raise ValueError(f"{linear} returns {linear.out_features} features, but {bn} takes {bn.num_features}")
    return fuse_conv_bn_eval(linear, bn)
