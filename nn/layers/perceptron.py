"""Rosenblatt's perceptron (1957): a neuron with a threshold, and its learning rule."""

from __future__ import annotations

from autograd_core import Tensor, no_grad
from autograd_core import functional as core
from autograd_core.creation.values import where_it_is
from nn.module import Module
from nn.parameter import Parameter


class Perceptron(Module):
    """1 where w·x + b ≥ 0, and 0 elsewhere: (..., in_features) to (...).

    The bias is the negative threshold. There is no gradient; `learn` corrects one mistake after another.

    >>> from autograd_core import tensor
    >>> nand = Perceptron(2)
    >>> nand.weight.data, nand.bias.data = tensor([-2.0, -2.0]), tensor(3.0)
    >>> nand(tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]))
    tensor([1., 1., 1., 0.])
    """

    weight: Tensor
    bias: Tensor | None
    _shown = ("in_features", "bias")

    def __init__(self, in_features: int, bias: bool = True) -> None:
        super().__init__()
        self.in_features = in_features
        self.weight = Parameter(core.zeros(in_features), requires_grad=False)
        self.register_parameter("bias", Parameter(core.zeros(()), requires_grad=False) if bias else None)

    def score(self, x: Tensor) -> Tensor:
        """w·x + b: (..., in_features) to (...)."""
        return core.linear(x, self.weight, self.bias)

    def forward(self, x: Tensor) -> Tensor:
        return (self.score(x) >= 0).astype(x.dtype)

    @no_grad()
    def correct(self, x: Tensor, y: float) -> bool:
        """One step of the learning rule for a sample and its class y, 1 or -1: if misclassified, w ← w + y·x.

        Returns whether it was misclassified. A sample on the boundary is, so learning can start at 0.
        """
        if y * self.score(x).item() > 0:
            return False
        self.weight += y * x
        if self.bias is not None:
            self.bias += y
        return True

    def learn(self, x: Tensor, y: Tensor, max_epochs: int = 1000) -> int:
        """Learn samples (N, in_features) of classes 1 and -1, or 1 and 0 (N); returns the number of corrections.

        This terminates for every separable set (Novikoff 1962). A RuntimeError after `max_epochs` means that the set is
        not separable, or that its margin is too small.
        """
        samples, classes = where_it_is(x), where_it_is(y).flatten().tolist()
        if not (set(classes) <= {1, -1} or set(classes) <= {1, 0}):
            raise ValueError(f"the classes must be 1 and -1, or 1 and 0, not {sorted(set(classes))}")
        if len(samples) != len(classes):
            raise ValueError(f"{len(samples)} samples do not go with {len(classes)} classes")
        corrections, wrong = 0, len(classes)
        for _ in range(max_epochs):
            wrong = sum(self.correct(x, label or -1) for x, label in zip(samples, classes, strict=True))
            if not wrong:
                return corrections
            corrections += wrong
        raise RuntimeError(f"{wrong} of {len(classes)} samples were wrong after {max_epochs} epochs")
