"""Concatenated and iterable data sets."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from itertools import accumulate, chain
from types import GenericAlias
from typing import Any

from training.datasets import Dataset


class IterableDataset:
    """Base of streams: `__iter__` yields examples; their number need not be known."""

    def __iter__(self) -> Iterator[Any]:
        raise NotImplementedError(f"{type(self).__name__} needs a method __iter__ that yields examples")

    def __add__(self, other: Iterable[Any]) -> ChainDataset:
        return ChainDataset([self, other])

    __class_getitem__: Any = classmethod(GenericAlias)  # IterableDataset[int]


class ChainDataset(IterableDataset):
    """Streams in sequence."""

    def __init__(self, datasets: Iterable[Iterable[Any]]) -> None:
        self.datasets = datasets

    def __iter__(self) -> Iterator[Any]:
        return chain.from_iterable(self.datasets)


class ConcatDataset(Dataset):
    """Data sets in sequence."""

    def __init__(self, datasets: Iterable[Dataset]) -> None:
        self.datasets = list(datasets)
        if not self.datasets:
            raise ValueError("ConcatDataset needs at least one data set")
        if any(isinstance(d, IterableDataset) for d in self.datasets):
            raise AssertionError("ConcatDataset does not support IterableDataset; join streams by ChainDataset")
        self.cumulative_sizes = list(accumulate(map(len, self.datasets)))

    def __len__(self) -> int:
        return self.cumulative_sizes[-1]

    def __getitem__(self, index: int) -> Any:
        if not -len(self) <= index < len(self):
            raise IndexError(f"example {index} is out of range for {len(self)} examples")
        index %= len(self)
        at = bisect_right(self.cumulative_sizes, index)
        return self.datasets[at][index - (self.cumulative_sizes[at - 1] if at else 0)]


class StackDataset(Dataset):
    """Data sets of equal length: item `i` is the tuple, or with names the dict, of their items `i`."""

    def __init__(self, *args: Dataset, **kwargs: Dataset) -> None:
        if bool(args) == bool(kwargs) or len({len(d) for d in (*args, *kwargs.values())}) > 1:
            raise ValueError("StackDataset takes data sets of equal length, either all by position or all by name")
        self.datasets: Any = kwargs or args

    def __len__(self) -> int:
        return len(next(iter(self.datasets.values())) if isinstance(self.datasets, dict) else self.datasets[0])

    def __getitem__(self, index: int) -> Any:
        if isinstance(self.datasets, dict):
            return {name: d[index] for name, d in self.datasets.items()}
        return tuple(d[index] for d in self.datasets)
