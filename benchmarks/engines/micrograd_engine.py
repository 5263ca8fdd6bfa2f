"""micrograd: every number is a ``Value`` object of its own."""

from micrograd.engine import Value  # type: ignore[import-untyped, import-not-found, unused-ignore]
from micrograd.nn import MLP  # type: ignore[import-untyped, import-not-found, unused-ignore]

from benchmarks.steps import LEARNING_RATE, Step, scalar_step


def scalar() -> Step:
    return scalar_step(Value)


def mlp_tiny() -> Step:
    model = MLP(2, [16, 16, 1])

    def step() -> None:
        model.zero_grad()
        loss = (model([0.5, -0.3]) - 1.0) ** 2
        loss.backward()
        for parameter in model.parameters():
            parameter.data -= LEARNING_RATE * parameter.grad

    return step
