"""From a data set to batches."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from typing import Any

import autograd_core as ag
from training.datasets import Dataset, take


class DataLoader:
    """The examples of a data set in batches, each time it is iterated over; `len` is the number of batches.

    shuffle: in a new random order every time, from `generator` or else from the generator of
    `autograd_core.manual_seed`. drop_last: leave out a last batch that would be smaller than the others. collate_fn:
    makes a batch of a list of examples. `num_workers` and `pin_memory` are accepted and change nothing.
    Raises ValueError for a batch size that is not a positive integer.
    """

    def __init__(
        self,
        dataset: Dataset,
        batch_size: int = 1,
        shuffle: bool = False,
        *,
        drop_last: bool = False,
        generator: ag.Generator | None = None,
        collate_fn: Callable[[list[Any]], Any] | None = None,
        num_workers: int = 0,
        pin_memory: bool = False,
    ) -> None:
        self.dataset, self.shuffle, self.drop_last, self.generator = dataset, shuffle, drop_last, generator
        self.collate_fn = collate_fn
        self.batch_size = _batch_size(batch_size)

    def __len__(self) -> int:
        whole, rest = divmod(len(self.dataset), self.batch_size)
        return whole + (rest > 0 and not self.drop_last)

    def __iter__(self) -> Iterator[Any]:
        n = len(self.dataset)
        order = ag.randperm(n, generator=self.generator) if self.shuffle else ag.arange(n)
        for i in range(len(self)):
            indices = order[i * self.batch_size : (i + 1) * self.batch_size]
            if self.collate_fn is None:
                yield take(self.dataset, indices)
            else:
                yield self.collate_fn([self.dataset[j] for j in indices.tolist()])


def _batch_size(value: Any) -> int:
    try:
        size = operator.index(value)
    except TypeError:
        size = 0
    if size < 1 or isinstance(value, bool):
        raise ValueError(f"DataLoader: batch_size must be a positive integer, not {value!r}")
    return size
