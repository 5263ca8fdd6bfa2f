"""Data loaders: batches of a data set."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from types import GenericAlias
from typing import Any, cast

import autograd_core as ag
from training.datasets import Dataset, IterableDataset, collate, converted, examples, take
from training.samplers import BatchSampler, RandomSampler, SequentialSampler


class DataLoader:
    """Iterates over the examples of a data set in batches; `len` is the number of batches.

    dataset: map-style, or a stream. batch_size: None for single examples. shuffle: use a new random order in every
    iteration, from `generator` or the generator of `autograd_core.manual_seed`. sampler: yields the indices in order;
    batch_sampler: yields a list of indices per batch. drop_last: drop an incomplete last batch. collate_fn: makes a
    batch of a list of examples. Options for workers and pinned memory are accepted and have no effect. Raises
    ValueError if the batch size is not a positive integer.
    """

    def __init__(
        self,
        dataset: Dataset | Iterable[Any],
        batch_size: int | None = 1,
        shuffle: bool = False,
        sampler: Iterable[int] | None = None,
        batch_sampler: Iterable[Sequence[int]] | None = None,
        num_workers: int = 0,
        collate_fn: Callable[[list[Any]], Any] | None = None,
        pin_memory: bool = False,
        drop_last: bool = False,
        timeout: float = 0,
        worker_init_fn: Callable[[int], None] | None = None,
        multiprocessing_context: Any = None,
        generator: ag.Generator | None = None,
        *,
        prefetch_factor: int | None = None,
        persistent_workers: bool = False,
        pin_memory_device: str = "",
        in_order: bool = True,
    ) -> None:
        if not hasattr(dataset, "__getitem__") and not hasattr(dataset, "__iter__"):
            raise TypeError(f"DataLoader needs a data set, with __getitem__ or __iter__, not {type(dataset).__name__}")
        if num_workers < 0 or timeout < 0:
            raise ValueError("DataLoader: num_workers option should be non-negative, and so should timeout")
        self._streams = isinstance(dataset, IterableDataset) or not hasattr(dataset, "__getitem__")
        ordered = {"shuffle": shuffle, "sampler": sampler is not None, "batch_sampler": batch_sampler is not None}
        _check({name for name, given in ordered.items() if given}, self._streams, batch_size, drop_last)
        self.dataset = cast(Any, dataset)
        self.shuffle, self.drop_last, self.generator = shuffle, drop_last, generator
        self.num_workers, self.pin_memory, self.timeout = num_workers, pin_memory, timeout
        self.worker_init_fn, self.multiprocessing_context = worker_init_fn, multiprocessing_context
        self.prefetch_factor, self.persistent_workers = prefetch_factor, persistent_workers
        self.collate_fn = collate_fn or (converted if batch_size is None and batch_sampler is None else collate)
        self.batch_size = None if batch_size is None or batch_sampler is not None else _batch_size(batch_size)
        self.sampler: Any = sampler
        if sampler is None and not self._streams:
            self.sampler = (
                RandomSampler(self.dataset, generator=generator) if shuffle else SequentialSampler(self.dataset)
            )
        self.batch_sampler: Any = batch_sampler
        if batch_sampler is None and self.batch_size is not None and self.sampler is not None:
            self.batch_sampler = BatchSampler(self.sampler, self.batch_size, drop_last)

    __class_getitem__: Any = classmethod(GenericAlias)  # DataLoader[int]

    def __len__(self) -> int:
        if self._streams:
            if not hasattr(self.dataset, "__len__"):
                raise TypeError("the number of batches is unknown: the stream has no length")
            whole, rest = divmod(len(self.dataset), self.batch_size or 1)
            return whole + bool(rest and not self.drop_last)
        return len(self.sampler if self.batch_sampler is None else self.batch_sampler)

    def __iter__(self) -> Iterator[Any]:
        return _Pass(self)

    def _batches(self) -> Iterator[Any]:
        if self._streams:
            yield from self._of_stream(_following(iter(self.dataset)))
        elif self.batch_sampler is None:
            for i in self.sampler:
                yield self.collate_fn(self.dataset[i])
        else:
            for numbers in self.batch_sampler:
                yield self._batch(list(numbers))

    def _batch(self, numbers: list[int]) -> Any:
        if self.collate_fn is collate:
            return take(self.dataset, numbers)
        return self.collate_fn(examples(self.dataset, numbers))

    def _of_stream(self, stream: Iterator[Any]) -> Iterator[Any]:
        if self.batch_size is None:
            yield from map(self.collate_fn, stream)
            return
        while batch := list(islice(stream, self.batch_size)):
            if len(batch) == self.batch_size or not self.drop_last:
                yield self.collate_fn(batch)


class _Pass:
    """One pass over a loader; its length is the loader's."""

    def __init__(self, loader: DataLoader) -> None:
        self._loader, self._batches = loader, loader._batches()

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        return next(self._batches)

    def __len__(self) -> int:
        return len(self._loader)


def _following(stream: Iterator[Any]) -> Iterator[Any]:
    """What `next` gives; `iter` of a program's iterator may start it again."""
    while True:
        try:
            yield next(stream)
        except StopIteration:
            return


def _check(ordered: set[str], streams: bool, batch_size: int | None, drop_last: bool) -> None:
    """Refuse options that contradict each other; ordered: those that say in which order examples come."""
    if streams and ordered:
        raise ValueError(
            f"DataLoader with IterableDataset: expected unspecified {min(ordered)} option: a stream decides its order"
        )
    if {"sampler", "shuffle"} <= ordered:
        raise ValueError("DataLoader takes either a sampler or shuffle=True, not both")
    if "batch_sampler" in ordered and (len(ordered) > 1 or batch_size != 1 or drop_last):
        raise ValueError("DataLoader: batch_sampler excludes batch_size, shuffle, sampler and drop_last")
    if batch_size is None and drop_last:
        raise ValueError("DataLoader: batch_size=None makes no batches, so that drop_last has nothing to drop")


def _batch_size(value: Any) -> int:
    try:
        size = operator.index(value)
    except TypeError:
        size = 0
    if size < 1 or isinstance(value, bool):
        raise ValueError(f"DataLoader: batch_size must be a positive integer, not {value!r}")
    return size
