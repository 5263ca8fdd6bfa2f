"""Models by name."""

from nn.models.lenet import lenet5
from nn.models.perceptron import mlp, perceptron
from nn.models.resnet import BasicBlock, CifarResNet, resnet20, resnet32, resnet44, resnet56, resnet110

__all__ = [
    "BasicBlock",
    "CifarResNet",
    "lenet5",
    "mlp",
    "perceptron",
    "resnet20",
    "resnet32",
    "resnet44",
    "resnet56",
    "resnet110",
]
