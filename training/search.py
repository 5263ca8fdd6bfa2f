"""Hyper-parameter search: on a grid or at random, coarse to fine, few epochs first."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

Parameters = dict[str, Any]


@dataclass(frozen=True)
class Range:
    """A range of numbers from `low` to `high`; log: draw log-uniformly, as suits a learning rate.

    Raises ValueError unless low ≤ high and, with log, 0 < low.
    """

    low: float
    high: float
    log: bool = False

    def __post_init__(self) -> None:
        if not self.low <= self.high or (self.log and self.low <= 0):
            raise ValueError(f"{self} is empty, or starts at a number without a logarithm")

    def draw(self, random: np.random.Generator) -> float:
        """Draw a number."""
        low, high = self._scaled(self.low), self._scaled(self.high)
        return self._unscaled(random.uniform(low, high))

    def around(self, value: float, share: float = 0.25) -> Range:
        """A range shorter by this factor, centred at the value as far as the old bounds allow."""
        low, high, middle = self._scaled(self.low), self._scaled(self.high), self._scaled(value)
        length = share * (high - low)
        start = min(max(middle - length / 2, low), high - length)
        return Range(self._unscaled(start), self._unscaled(start + length), self.log)

    def _scaled(self, x: float) -> float:
        return math.log(x) if self.log else x

    def _unscaled(self, x: float) -> float:
        return math.exp(x) if self.log else x


Space = Mapping[str, Sequence[Any] | Range]


def grid(space: Mapping[str, Sequence[Any]]) -> Iterator[Parameters]:
    """All combinations of the values.

    >>> list(grid({"lr": [0.1, 0.01], "width": [8]}))
    [{'lr': 0.1, 'width': 8}, {'lr': 0.01, 'width': 8}]
    """
    return (dict(zip(space, values, strict=True)) for values in itertools.product(*space.values()))


def samples(space: Space, n: int, seed: int = 0) -> Iterator[Parameters]:
    """n random combinations of numbers from `Range`s and elements of lists."""
    if n < 0:
        raise ValueError(f"the number of samples n must not be negative, but is {n}")
    if empty := [name for name, values in space.items() if not isinstance(values, Range) and not len(values)]:
        raise ValueError(f"the space has no values for {empty[0]!r}")
    random = np.random.default_rng(seed)
    for _ in range(n):
        yield {
            name: values.draw(random) if isinstance(values, Range) else values[int(random.integers(len(values)))]
            for name, values in space.items()
        }


class Trial(NamedTuple):
    """The score of one combination, and its number of epochs (None if the objective takes no number)."""

    parameters: Parameters
    score: float
    epochs: int | None = None


class SearchResult(NamedTuple):
    """All trials, by decreasing length, then by score; printed as a table."""

    trials: list[Trial]

    @property
    def best(self) -> Trial:
        """The trial with the lowest score among the longest ones."""
        return self.trials[0]

    def around(self, space: Space, share: float = 0.25) -> dict[str, Sequence[Any] | Range]:
        """The space of a finer search: every `Range` around its best value, and of every list the best element."""
        best = self.best.parameters
        return {
            name: values.around(best[name], share) if isinstance(values, Range) else [best[name]]
            for name, values in space.items()
        }

    def __str__(self) -> str:
        names = list(self.best.parameters)
        timed = self.best.epochs is not None
        table = [[*names, *(["epochs"] if timed else []), "score"]]
        for trial in self.trials:
            row = [*trial.parameters.values(), *([trial.epochs] if timed else []), trial.score]
            table.append([f"{v:.4g}" if isinstance(v, float) else str(v) for v in row])
        widths = [max(map(len, column)) for column in zip(*table, strict=True)]
        return "\n".join("  ".join(cell.rjust(w) for cell, w in zip(row, widths, strict=True)) for row in table)


def search(
    objective: Callable[..., float], candidates: Iterable[Parameters], epochs: Sequence[int] = (), keep: float = 1 / 3
) -> SearchResult:
    """Evaluate candidates; the best has the lowest objective(**parameters), such as a validation loss.

    epochs: increasing numbers of epochs (Jamieson and Talwalkar 2016): all candidates are evaluated with the first, by
    objective(**parameters, epochs=number), and the best fraction `keep` of each round again with the next. NaN, or a
    FloatingPointError, which `fit` raises if the loss explodes, counts as an infinite score.

    >>> print(search(lambda x, y: (x - 1) ** 2 + y, grid({"x": [0, 1, 2], "y": [0.5]})))
    x    y  score
    1  0.5    0.5
    0  0.5    1.5
    2  0.5    1.5
    """
    waiting = list(candidates)
    if not waiting:
        raise ValueError("search() got no candidates")
    if not 0 < keep <= 1:
        raise ValueError(f"keep is a fraction in (0, 1], not {keep}")
    trials: list[Trial] = []
    for number in epochs or (None,):
        extra = {} if number is None else {"epochs": number}
        tried = [Trial(p, _score(objective, p | extra), number) for p in waiting]
        tried.sort(key=lambda trial: trial.score)
        trials = tried + trials
        waiting = [trial.parameters for trial in tried[: max(1, round(keep * len(tried)))]]
    return SearchResult(trials)


def _score(objective: Callable[..., float], parameters: Parameters) -> float:
    try:
        score = float(objective(**parameters))
    except FloatingPointError:
        return math.inf
    return math.inf if math.isnan(score) else score
