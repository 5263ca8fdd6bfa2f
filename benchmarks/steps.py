"""The timed steps. Our names are PyTorch's, so the same code serves both, and some of it micrograd's scalars."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from operator import methodcaller
from typing import Any

Step = Callable[[], object]

# Small, so that thousands of steps do not memorise the batch: gradients would become denormal, and denormal
# numbers are many times slower. The value of the learning rate does not affect the time.
LEARNING_RATE = 1e-6


def chain_step(x: Any, seed: Any) -> Step:
    """A chain of 100 products, forward and backward."""

    def step() -> None:
        x.grad = None
        h = x
        for _ in range(100):
            h = h * x
        h.backward(seed)

    return step


def expression(a: Any, b: Any, relu: Callable[[Any], Any]) -> Any:
    """The expression of micrograd's README."""
    c = a + b
    d = a * b + b**3
    c = c + (c + 1)
    c = c + (1 + c + (-a))
    d = d + (d * 2 + relu(b + a))
    d = d + (3 * d + relu(b - a))
    f = (c - d) ** 2
    g = f / 2.0
    return g + 10.0 / f


def scalar_step(leaf: Callable[[float], Any], relu: Callable[[Any], Any] = methodcaller("relu")) -> Step:
    """The expression at a = -4, b = 2, forward and backward, on fresh leaves."""

    def step() -> tuple[Any, Any]:
        a, b = leaf(-4.0), leaf(2.0)
        expression(a, b, relu).backward()
        return a.grad, b.grad

    return step


def training_step(model: Any, loss: Callable[[Any, Any], Any], optimizer: Any, inputs: Any, targets: Any) -> Step:
    """One whole training step on a batch that stays the same."""

    def step() -> None:
        optimizer.zero_grad()
        loss(model(inputs), targets).backward()
        optimizer.step()

    return step


def margin_step(model: Any, optimizer: Any, inputs: Any, labels: Any) -> Step:
    """The training step of micrograd's README demo on the whole batch: hinge loss, L2 penalty, accuracy."""
    parameters = list(model.parameters())

    def step() -> Any:
        scores = model(inputs)
        loss = (1 - labels * scores).relu().mean() + 1e-4 * sum((p * p).sum() for p in parameters)
        accuracy = ((scores > 0) == (labels > 0)).sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return accuracy

    return step


def inference_step(no_grad: Callable[[], AbstractContextManager[Any]], model: Any, inputs: Any) -> Step:
    """One forward pass without recording."""

    def step() -> Any:
        with no_grad():
            return model(inputs)

    return step
