"""micrograd: every number is a ``Value`` object of its own."""

from micrograd.engine import Value  # type: ignore[import-untyped, import-not-found, unused-ignore]
from micrograd.nn import MLP  # type: ignore[import-untyped, import-not-found, unused-ignore]

from benchmarks.steps import LEARNING_RATE, Step, scalar_step
from benchmarks.workloads import moons_batch


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


def moons() -> Step:
    model, (inputs, labels) = MLP(2, [16, 16, 1]), moons_batch()
    batch = [list(map(Value, row)) for row in inputs.tolist()]
    signs = labels.ravel().tolist()

    def step() -> object:
        scores = list(map(model, batch))
        losses = [(1 + -sign * score).relu() for sign, score in zip(signs, scores, strict=True)]
        loss = sum(losses) * (1.0 / len(losses)) + 1e-4 * sum(p * p for p in model.parameters())
        accuracy = sum((score.data > 0) == (sign > 0) for sign, score in zip(signs, scores, strict=True))
        model.zero_grad()
        loss.backward()
        for parameter in model.parameters():
            parameter.data -= LEARNING_RATE * parameter.grad
        return accuracy

    return step
