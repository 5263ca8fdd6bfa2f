"""Diagnostics of a network: dead units."""

from __future__ import annotations

from typing import Any

import autograd_core as ag
import nn
from autograd_core import Tensor
from autograd_core.drawing.collecting import observing
from nn.modes import in_mode
from nn.saliency import rectifiers
from training.trainer import Batches, pairs


def dead_units(model: nn.Module, loader: Batches) -> dict[str, Tensor]:
    """For every ReLU of a model, module or function, a mask of the units that are 0 for all examples.

    Masks have the shape of one example's output, so `mask.float().mean()` is the share of dead units. Keys are the
    paths of the modules whose forward applies the ReLU, in order of execution. The model runs in evaluation mode and
    is restored afterwards.

    >>> from training import DataLoader, TensorDataset
    >>> model = nn.Sequential(nn.Linear(1, 2), nn.ReLU())
    >>> model[0].weight.data, model[0].bias.data = ag.tensor([[1.0], [1.0]]), ag.tensor([0.0, -9.0])
    >>> dead_units(model, DataLoader(TensorDataset([[1.0], [2.0]], [0, 1])))
    {'1': tensor([False,  True])}
    """
    found: dict[str, Any] = {}
    with in_mode(model, training=False):
        for inputs, _ in pairs(loader, model):
            for name, y in _rectified(model, inputs).items():
                found[name] = found.get(name, True) & (y == 0).all(0)
    return {name: ag.as_tensor(mask) for name, mask in found.items()}


def _rectified(model: nn.Module, inputs: Any) -> dict[str, Any]:
    """The output of every ReLU, as an array, by the path of its module."""
    output, observations = observing.run(model, inputs, None)
    found: dict[str, Any] = {}
    for node in sorted(rectifiers(output), key=lambda node: -node.number):
        path = ".".join(observations.path(node.number))
        name, count = path, 1
        while name in found:
            count += 1
            name = f"{path} ({count})"
        found[name] = observations.values[node.number]
    return found
