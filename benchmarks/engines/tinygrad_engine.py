"""tinygrad, its training steps captured and replayed by TinyJit."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

from tinygrad import Context, Tensor, TinyJit, dtypes, nn

from benchmarks.steps import LEARNING_RATE, Step, expression
from benchmarks.workloads import classification_batch


def chain() -> Step:
    x, seed = Tensor.ones(4, 4).contiguous().realize(), Tensor.ones(4, 4).contiguous().realize()

    def step() -> None:
        h = x
        for _ in range(100):
            h = h * x
        Tensor.realize(*h.gradient(x, gradient=seed))

    return step


def scalar() -> Step:
    def step() -> None:
        a, b = Tensor(-4.0, dtype=dtypes.float64), Tensor(2.0, dtype=dtypes.float64)
        Tensor.realize(*expression(a, b, Tensor.relu).gradient(a, b))

    return step


def mlp_tiny() -> Step:
    layers = _mlp(2, 16, 16, 1)
    optimizer = nn.optim.SGD(nn.state.get_parameters(layers), lr=LEARNING_RATE)
    inputs, target = Tensor([[0.5, -0.3]]), Tensor([[1.0]])
    return _training(lambda: (inputs.sequential(layers) - target).square().mean(), optimizer)


def mlp() -> Step:
    layers = _mlp(784, 256, 128, 10)
    return _classifier("mlp", layers, nn.optim.Adam(nn.state.get_parameters(layers), lr=LEARNING_RATE))


def lenet5() -> Step:
    layers = [nn.Conv2d(1, 6, 5, padding=2), Tensor.relu, Tensor.max_pool2d]
    layers += [nn.Conv2d(6, 16, 5), Tensor.relu, Tensor.max_pool2d, lambda x: x.flatten(1), *_mlp(400, 120, 84, 10)]
    optimizer = nn.optim.SGD(nn.state.get_parameters(layers), lr=LEARNING_RATE, momentum=0.9)
    return _classifier("lenet5", layers, optimizer)


def _mlp(*sizes: int) -> list[Callable[[Tensor], Tensor]]:
    layers: list[Callable[[Tensor], Tensor]] = []
    for inputs, outputs in pairwise(sizes):
        layers += [nn.Linear(inputs, outputs), Tensor.relu]
    return layers[:-1]


def _classifier(workload: str, layers: list[Callable[[Tensor], Tensor]], optimizer: Any) -> Step:
    inputs, labels = map(Tensor, classification_batch(workload))
    return _training(lambda: inputs.sequential(layers).sparse_categorical_crossentropy(labels), optimizer)


def _training(loss: Callable[[], Tensor], optimizer: Any) -> Step:
    @TinyJit
    def captured() -> Tensor:
        optimizer.zero_grad()
        value = loss().backward()
        return value.realize(*optimizer.schedule_step())

    def step() -> None:
        with Context(TRAINING=1):
            captured().item()  # waits

    return step
