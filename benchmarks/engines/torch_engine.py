"""PyTorch: eager with its defaults, in its channels-last layout, and compiled."""

from dataclasses import replace
from itertools import pairwise

import torch
from torch import nn, optim
from torch.nn.utils.fusion import fuse_conv_bn_eval

from benchmarks.programs import Programs


def fold(model: nn.Module) -> nn.Module:
    """Fold every BatchNorm that is registered right behind a convolution into it."""
    for module in list(model.modules()):
        for (name, conv), (norm_name, norm) in pairwise(list(module.named_children())):
            if isinstance(conv, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
                setattr(module, name, fuse_conv_bn_eval(conv, norm))
                setattr(module, norm_name, nn.Identity())
    return model


eager = Programs(torch, nn, optim, fold)
channels_last = replace(eager, layout=lambda value: value.to(memory_format=torch.channels_last))
compiled = replace(eager, compile=torch.compile)
