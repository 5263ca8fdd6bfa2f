"""Data sets that are streams: examples in sequence."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain
from types import GenericAlias
from typing import Any


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
