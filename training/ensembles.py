"""Ensembles: several models that answer together, and ways to make them differ (Dietterich 2000)."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterable
from typing import Any

import autograd_core as ag
import nn
from autograd_core import Tensor
from training.datasets import Dataset, Subset
from training.history import History


def mean_probability(scores: Tensor) -> Tensor:
    """The logarithm of the members' mean probabilities: scores (members, N, C, ...) to (N, C, ...)."""
    return ag.logsumexp(ag.log_softmax(scores, 2), 0) - math.log(len(scores))


def vote(scores: Tensor) -> Tensor:
    """The fraction of members that prefer each class: scores (members, N, C, ...) to (N, C, ...)."""
    return nn.functional.one_hot(scores.argmax(2), scores.shape[2]).to(scores.dtype).mean(0).movedim(-1, 1)


class Ensemble(nn.Module):
    """Models that answer together: what `combine` makes of their outputs, stacked along a new first axis.

    combine: `mean_probability` or `vote` for scores of classes, `lambda y: y.mean(0)` for numbers.
    """

    def __init__(self, models: Iterable[nn.Module], combine: Callable[[Tensor], Tensor] = mean_probability) -> None:
        super().__init__()
        self.members, self.combine = nn.ModuleList(models), combine
        if not len(self.members):
            raise ValueError("an ensemble needs at least one model")

    def forward(self, *inputs: Tensor) -> Tensor:
        return self.combine(ag.stack([member(*inputs) for member in self.members]))


def bootstrap(dataset: Dataset, generator: ag.Generator | None = None) -> Subset:
    """As many examples, drawn with replacement: other ones for every member of an ensemble (bagging, Breiman 1996)."""
    n = len(dataset)
    return Subset(dataset, ag.randint(n, (n,), generator=generator).tolist())


class Snapshots:
    """A callback for `fit` that keeps a copy of the model after every `period` epochs, in `models`.

    With `optim.lr_scheduler.CosineAnnealingWarmRestarts(optimizer, period)` each copy is from another minimum
    (Huang et al. 2017).
    """

    def __init__(self, model: nn.Module, period: int) -> None:
        if period < 1:
            raise ValueError(f"period must be at least 1 epoch, not {period}")
        self.model, self.period = model, period
        self.models: list[nn.Module] = []

    def __call__(self, history: History) -> None:
        if len(history) % self.period == 0:
            self.models.append(copy.deepcopy(self.model))

    def state_dict(self) -> dict[str, Any]:
        """The states of the copies, for `load_state_dict`."""
        return {"models": [model.state_dict() for model in self.models]}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Make copies of the model with these states."""
        models = [copy.deepcopy(self.model) for _ in state_dict["models"]]
        for model, state in zip(models, state_dict["models"], strict=True):
            model.load_state_dict(state)
        self.models = models
