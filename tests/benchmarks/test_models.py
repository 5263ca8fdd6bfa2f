"""The networks of the benchmarks: that they are those their descriptions name, and that their FLOPs are counted."""

from collections.abc import Callable
from typing import Any

import pytest

import autograd_core as ag
import nn
from benchmarks import models
from benchmarks.workloads import WORKLOADS

MODELS: dict[str, tuple[Callable[[], nn.Module], int]] = {
    "mlp": (lambda: models.mlp(nn, 784, 256, 128, 10), 235_146),
    "lenet5": (lambda: models.lenet5(nn), 61_706),
    "resnet20": (lambda: models.resnet20(nn), 269_722),
    "vgg": (lambda: models.vgg(nn), 1_187_274),
    "unet": (lambda: models.unet(ag, nn), 482_737),
}


def cases() -> list[Any]:
    missing = pytest.mark.skipif(not hasattr(nn, "ConvTranspose2d"), reason="nn has no ConvTranspose2d yet")
    return [pytest.param(name, marks=missing if name == "unet" else ()) for name in MODELS]


@pytest.mark.parametrize("name", cases())
def test_products_are_those_of_the_model(name: str) -> None:
    """Each element of a weight is multiplied once at every position that its layer visits."""
    build, parameters = MODELS[name]
    model = build()
    counted: list[int] = []

    def count(module: nn.Module, inputs: tuple[ag.Tensor, ...], output: ag.Tensor) -> None:
        visited = inputs[0] if "Transpose" in type(module).__name__ else output
        counted.append(module.weight.numel() * visited[0, 0].numel())

    for module in model.modules():
        if getattr(module, "weight", None) is not None and module.weight.ndim > 1:
            module.register_forward_hook(count)
    model(ag.zeros(1, *WORKLOADS[name].batch[1:]))
    assert tuple(counted) == WORKLOADS[name].products
    assert sum(parameter.numel() for parameter in model.parameters()) == parameters


def test_flops_of_a_step() -> None:
    """Three products per layer in training, but two for the first; one in inference. A multiply-add counts twice."""
    first, *rest = (784 * 1024, 1024 * 1024, 1024 * 10)
    assert WORKLOADS["mlp-wide"].flops == 2 * 256 * (2 * first + 3 * sum(rest))
    assert WORKLOADS["resnet20-eval"].flops == 2 * 128 * sum(WORKLOADS["resnet20"].products)
    assert WORKLOADS["chain"].flops == 0
