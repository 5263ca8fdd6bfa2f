"""For libraries without layers and optimizers: initial weights, and in-place updates of NumPy arrays."""

from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from benchmarks.steps import LEARNING_RATE

Array = NDArray[np.float32]
Update = Callable[[Sequence[Array]], None]


def weights(*shapes: tuple[int, ...]) -> list[Array]:
    """Small normal weights; zeros for shapes of one axis, which are biases."""
    rng = np.random.default_rng(0)
    return [
        0.05 * rng.standard_normal(shape, np.float32) if shape[1:] else np.zeros(shape, np.float32) for shape in shapes
    ]


def layers(*sizes: int) -> list[Array]:
    """Weight (in, out) and bias (out,) of each layer of an MLP."""
    pairs = pairwise(sizes)
    return weights(*(shape for inputs, outputs in pairs for shape in ((inputs, outputs), (outputs,))))


def sgd(parameters: Sequence[Array], momentum: float = 0.0) -> Update:
    """v = μ v + g, p -= lr v; without momentum v is g."""
    velocities = [np.zeros_like(parameter) for parameter in parameters]

    def update(gradients: Sequence[Array]) -> None:
        for parameter, velocity, gradient in zip(parameters, velocities, gradients, strict=True):
            if momentum:
                velocity *= momentum
                velocity += gradient
                gradient = velocity
            parameter -= LEARNING_RATE * gradient

    return update


def adam(parameters: Sequence[Array], beta1: float = 0.9, beta2: float = 0.999, epsilon: float = 1e-8) -> Update:
    """Kingma & Ba 2014."""
    means = [np.zeros_like(parameter) for parameter in parameters]
    squares = [np.zeros_like(parameter) for parameter in parameters]
    steps = 0

    def update(gradients: Sequence[Array]) -> None:
        nonlocal steps
        steps += 1
        rate = LEARNING_RATE / (1 - beta1**steps)
        correction = 1 / (1 - beta2**steps) ** 0.5
        for parameter, mean, square, gradient in zip(parameters, means, squares, gradients, strict=True):
            mean += (1 - beta1) * (gradient - mean)
            square += (1 - beta2) * (gradient * gradient - square)
            parameter -= rate * mean / (np.sqrt(square) * correction + epsilon)

    return update
