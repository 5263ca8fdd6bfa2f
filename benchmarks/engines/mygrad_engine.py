"""MyGrad, with its defaults."""

from collections.abc import Callable, Sequence
from typing import Any

import mygrad
import numpy as np
from mygrad.nnet import max_pool, relu, softmax_crossentropy
from mygrad.nnet.layers import conv_nd

from benchmarks.engines import plain
from benchmarks.steps import Step, scalar_step
from benchmarks.workloads import classification_batch


def chain() -> Step:
    one = np.ones((4, 4), np.float32)
    x = mygrad.tensor(one)

    def step() -> None:
        h = x
        for _ in range(100):
            h = h * x
        h.backward(one)

    return step


def scalar() -> Step:
    return scalar_step(mygrad.tensor, relu)


def mlp_tiny() -> Step:
    arrays = plain.layers(2, 16, 16, 1)
    batch = np.array([[0.5, -0.3]], np.float32), np.array([[1.0]], np.float32)
    return _training(_mlp, lambda y, target: ((y - target) ** 2).mean(), arrays, plain.sgd(arrays), *batch)


def mlp() -> Step:
    arrays = plain.layers(784, 256, 128, 10)
    return _training(_mlp, softmax_crossentropy, arrays, plain.adam(arrays), *classification_batch("mlp"))


def lenet5() -> Step:
    arrays = plain.weights((6, 1, 5, 5), (6,), (16, 6, 5, 5), (16,)) + plain.layers(400, 120, 84, 10)
    update = plain.sgd(arrays, momentum=0.9)
    return _training(_lenet5, softmax_crossentropy, arrays, update, *classification_batch("lenet5"))


def _mlp(x: Any, parameters: Sequence[Any]) -> Any:
    for weight, bias in zip(parameters[:-2:2], parameters[1:-2:2], strict=True):
        x = relu(mygrad.matmul(x, weight) + bias)
    return mygrad.matmul(x, parameters[-2]) + parameters[-1]


def _lenet5(x: Any, parameters: Sequence[Any]) -> Any:
    for weight, bias, padding in zip(parameters[:4:2], parameters[1:4:2], (2, 0), strict=True):
        x = conv_nd(x, weight, stride=1, padding=padding) + bias.reshape(1, -1, 1, 1)
        x = max_pool(relu(x), (2, 2), 2)
    return _mlp(x.reshape(len(x), -1), parameters[4:])


def _training(
    model: Callable[[Any, Sequence[Any]], Any],
    loss: Callable[[Any, Any], Any],
    arrays: Sequence[plain.Array],
    update: plain.Update,
    inputs: Any,
    targets: Any,
) -> Step:
    parameters = [mygrad.tensor(array, copy=False) for array in arrays]

    def step() -> None:
        loss(model(inputs, parameters), targets).backward()
        update([parameter.grad for parameter in parameters])

    return step
