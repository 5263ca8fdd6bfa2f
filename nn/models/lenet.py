"""LeNet-5 (LeCun et al. 1998), in its modern form with ReLU and max pooling."""

from nn.containers import Sequential
from nn.layers.activation import ReLU
from nn.layers.convolution import Conv2d
from nn.layers.linear import Flatten, Linear
from nn.layers.pooling import MaxPool2d


def lenet5(num_classes: int = 10) -> Sequential:
    """Images (N, 1, 28, 28) to scores (N, num_classes); 61,706 parameters for ten classes."""
    return Sequential(
        Conv2d(1, 6, 5, padding=2),
        ReLU(),
        MaxPool2d(2),
        Conv2d(6, 16, 5),
        ReLU(),
        MaxPool2d(2),
        Flatten(),
        Linear(400, 120),
        ReLU(),
        Linear(120, 84),
        ReLU(),
        Linear(84, num_classes),
    )
