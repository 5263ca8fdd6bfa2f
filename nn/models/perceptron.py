"""Fully connected networks."""

from collections.abc import Callable, Iterable
from itertools import pairwise

from nn.containers import Sequential
from nn.layers.activation import ReLU, Sigmoid
from nn.layers.dropout import Dropout
from nn.layers.linear import Linear
from nn.module import Module


def perceptron(in_features: int) -> Sequential:
    """One neuron, σ(w·x + b): a perceptron with a smooth threshold, which gradients need; (N, in) to (N, 1)."""
    return Sequential(Linear(in_features, 1), Sigmoid())


def mlp(*sizes: int | Iterable[int], activation: Callable[[], Module] = ReLU, dropout: float = 0.0) -> Sequential:
    """Multilayer perceptron: linear layers from `sizes[0]` to `sizes[-1]` features, with activations in between.

    The sizes are numbers or lists of them: mlp(2, [16, 16], 1). dropout: the probability that a hidden unit is dropped
    in training.

    >>> mlp(2, 16, 1)
    Sequential(
      (0): Linear(in_features=2, out_features=16, bias=True)
      (1): ReLU()
      (2): Linear(in_features=16, out_features=1, bias=True)
    )
    """
    widths = [width for size in sizes for width in (size if isinstance(size, Iterable) else (size,))]
    if len(widths) < 2:
        raise ValueError(f"mlp() needs at least the numbers of inputs and outputs, as in mlp(2, 16, 1), not {sizes}")
    layers: list[Module] = []
    for inputs, outputs in pairwise(widths):
        if layers:
            layers.append(activation())
            if dropout:
                layers.append(Dropout(dropout))
        layers.append(Linear(inputs, outputs))
    return Sequential(*layers)
