"""HIPS autograd, with the convolution and the pooling of its own examples."""

from collections.abc import Callable, Sequence
from typing import Any

import autograd.numpy as np
from autograd import grad, make_vjp
from autograd.scipy.signal import convolve
from autograd.scipy.special import logsumexp

from benchmarks.engines import plain
from benchmarks.steps import Step, expression
from benchmarks.workloads import classification_batch

Model = Callable[[Any, Sequence[Any]], Any]


def chain() -> Step:
    one = np.ones((4, 4), np.float32)

    def function(x: Any) -> Any:
        h = x
        for _ in range(100):
            h = h * x
        return h

    def step() -> None:
        vjp, _ = make_vjp(function)(one)
        vjp(one)

    return step


def scalar() -> Step:
    gradients = grad(lambda a, b: expression(a, b, lambda x: np.maximum(x, 0.0)), (0, 1))
    return lambda: gradients(-4.0, 2.0)


def mlp_tiny() -> Step:
    arrays = plain.layers(2, 16, 16, 1)
    inputs, target = np.array([[0.5, -0.3]], np.float32), np.array([[1.0]], np.float32)
    return _training(lambda parameters: np.mean((_mlp(inputs, parameters) - target) ** 2), arrays, plain.sgd(arrays))


def mlp() -> Step:
    arrays = plain.layers(784, 256, 128, 10)
    return _training(_cross_entropy(_mlp, *classification_batch("mlp")), arrays, plain.adam(arrays))


def lenet5() -> Step:
    arrays = plain.weights((1, 6, 5, 5), (6,), (6, 16, 5, 5), (16,)) + plain.layers(400, 120, 84, 10)
    images, labels = classification_batch("lenet5")
    padded = np.pad(images, ((0, 0), (0, 0), (2, 2), (2, 2)))
    return _training(_cross_entropy(_lenet5, padded, labels), arrays, plain.sgd(arrays, momentum=0.9))


def _mlp(x: Any, parameters: Sequence[Any]) -> Any:
    for weight, bias in zip(parameters[:-2:2], parameters[1:-2:2], strict=True):
        x = np.maximum(np.dot(x, weight) + bias, 0.0)
    return np.dot(x, parameters[-2]) + parameters[-1]


def _lenet5(x: Any, parameters: Sequence[Any]) -> Any:
    for weight, bias in zip(parameters[:4:2], parameters[1:4:2], strict=True):
        x = convolve(x, weight, axes=([2, 3], [2, 3]), dot_axes=([1], [0]), mode="valid")
        x = np.maximum(x + np.reshape(bias, (1, -1, 1, 1)), 0.0)
        count, channels, height, width = x.shape
        x = np.reshape(x, (count, channels, height // 2, 2, width // 2, 2))
        x = np.max(np.max(x, axis=3), axis=4)
    return _mlp(np.reshape(x, (len(x), -1)), parameters[4:])


def _cross_entropy(model: Model, inputs: Any, labels: Any) -> Callable[[Sequence[Any]], Any]:
    one_hot = np.eye(10, dtype=np.float32)[labels]

    def loss(parameters: Sequence[Any]) -> Any:
        scores = model(inputs, parameters)
        return -np.sum(one_hot * (scores - logsumexp(scores, axis=1, keepdims=True))) / len(inputs)

    return loss


def _training(loss: Callable[[Sequence[Any]], Any], arrays: Sequence[plain.Array], update: plain.Update) -> Step:
    gradients = grad(loss)
    return lambda: update(gradients(arrays))
