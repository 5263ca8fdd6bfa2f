"""Cross-validation."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import autograd_core as ag
from training.datasets import Dataset, Subset


def k_fold(dataset: Dataset, k: int = 5, generator: ag.Generator | None = None) -> Iterator[tuple[Subset, Subset]]:
    """k pairs (training, validation): random parts of equal size, up to one example, are held out in turn.

    k = len(dataset) is leave-one-out. Raises ValueError unless 2 ≤ k ≤ len(dataset).

    >>> [(len(train), len(held_out)) for train, held_out in k_fold(range(10), 3)]
    [(6, 4), (7, 3), (7, 3)]
    """
    n = len(dataset)
    if not 2 <= k <= n:
        raise ValueError(f"k_fold() of {n} examples needs 2 to {n} parts, not {k}")
    order = ag.randperm(n, generator=generator).tolist()
    for i in range(k):
        yield Subset(dataset, [at for j in range(k) if j != i for at in order[j::k]]), Subset(dataset, order[i::k])


@dataclass(frozen=True)
class Scores:
    """One score per held-out part."""

    values: tuple[float, ...]

    @property
    def mean(self) -> float:
        """The mean, an estimate of the score on new examples."""
        return statistics.fmean(self.values)

    @property
    def std(self) -> float:
        """The standard deviation between parts."""
        return statistics.stdev(self.values)

    def __str__(self) -> str:
        return f"{self.mean:.4g} ± {self.std:.2g}"


def cross_validate(
    score: Callable[[Subset, Subset], float], dataset: Dataset, k: int = 5, generator: ag.Generator | None = None
) -> Scores:
    """Score k splits: score(training, validation) trains a new model on the one and tests it on the other."""
    return Scores(tuple([float(score(train, held_out)) for train, held_out in k_fold(dataset, k, generator)]))
