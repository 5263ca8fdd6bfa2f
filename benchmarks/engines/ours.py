"""This project's engine."""

import numpy as np

import autograd_core as ag
import nn
import optim
from benchmarks.steps import LEARNING_RATE, Step, chain_step, scalar_step, training_step
from benchmarks.workloads import classification_batch


def chain() -> Step:
    one = np.ones((4, 4), np.float32)
    return chain_step(ag.tensor(one, requires_grad=True), ag.tensor(one))


def scalar() -> Step:
    return scalar_step(lambda value: ag.tensor(value, dtype=np.float64, requires_grad=True))


def mlp_tiny() -> Step:
    model = nn.Sequential(nn.Linear(2, 16), nn.ReLU(), nn.Linear(16, 16), nn.ReLU(), nn.Linear(16, 1))
    optimizer = optim.SGD(model.parameters(), lr=LEARNING_RATE)
    return training_step(model, nn.functional.mse_loss, optimizer, ag.tensor([[0.5, -0.3]]), ag.tensor([[1.0]]))


def mlp() -> Step:
    model = nn.Sequential(nn.Linear(784, 256), nn.ReLU(), nn.Linear(256, 128), nn.ReLU(), nn.Linear(128, 10))
    return _classifier("mlp", model, optim.Adam(model.parameters(), lr=LEARNING_RATE))


def lenet5() -> Step:
    model = nn.models.lenet5()
    return _classifier("lenet5", model, optim.SGD(model.parameters(), lr=LEARNING_RATE, momentum=0.9))


def resnet20() -> Step:
    model = nn.models.resnet20()
    optimizer = optim.SGD(model.parameters(), lr=LEARNING_RATE, momentum=0.9, weight_decay=1e-4)
    return _classifier("resnet20", model, optimizer)


def _classifier(workload: str, model: nn.Module, optimizer: optim.Optimizer) -> Step:
    inputs, labels = classification_batch(workload)
    return training_step(model, nn.functional.cross_entropy, optimizer, ag.tensor(inputs), ag.tensor(labels))
