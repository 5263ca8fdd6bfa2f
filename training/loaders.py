"""Data loaders: batches of a data set."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import islice, repeat
from types import GenericAlias
from typing import Any, cast

import autograd_core as ag
from training.datasets import Dataset, IterableDataset, collate, converted, examples, take
from training.samplers import BatchSampler, RandomSampler, SequentialSampler, drawn_seed

FIXED = {"batch_size", "batch_sampler", "dataset", "drop_last", "persistent_workers", "sampler"}


class DataLoader:
    """Iterates over the examples of a data set in batches; `len` is the number of batches.

    dataset: map-style, or a stream. batch_size: None for single examples. shuffle: use a new random order in every
    iteration, from `generator` or the generator of `autograd_core.manual_seed`. sampler: yields the indices in order;
    batch_sampler: yields a list of indices per batch. drop_last: drop an incomplete last batch. collate_fn: makes a
    batch of a list of examples. Raises ValueError if the batch size is not a positive integer.

    num_workers: processes that make batches ahead, each up to `prefetch_factor` (2) of them. They begin with a call of
    `worker_init_fn` with their number, have random numbers of their own, and end with the iteration unless they are
    `persistent_workers`. A stream learns from `get_worker_info` which part of the data to give. timeout: most seconds
    to wait for a batch. in_order: batches in the order of the sampler, not of their completion.
    multiprocessing_context: how processes start. Options for pinned memory have no effect.
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
        if multiprocessing_context is not None and not num_workers:
            raise ValueError("DataLoader: multiprocessing_context needs num_workers > 0")
        if isinstance(multiprocessing_context, str):
            import multiprocessing

            multiprocessing_context = multiprocessing.get_context(multiprocessing_context)
        if num_workers < 0 or timeout < 0:
            raise ValueError("DataLoader: num_workers option should be non-negative, and so should timeout")
        self._streams = isinstance(dataset, IterableDataset) or not hasattr(dataset, "__getitem__")
        ordered = {"shuffle": shuffle, "sampler": sampler is not None, "batch_sampler": batch_sampler is not None}
        _check({name for name, given in ordered.items() if given}, self._streams, batch_size, drop_last)
        self.dataset = cast(Any, dataset)
        self.shuffle, self.drop_last, self.generator = shuffle, drop_last, generator
        self.num_workers, self.pin_memory, self.timeout = num_workers, pin_memory, timeout
        self.worker_init_fn, self.multiprocessing_context = worker_init_fn, multiprocessing_context
        if prefetch_factor is not None and (not num_workers or prefetch_factor < 1):
            raise ValueError("DataLoader: prefetch_factor is a positive number of batches, and needs num_workers > 0")
        if persistent_workers and not num_workers:
            raise ValueError("DataLoader: persistent_workers option needs num_workers > 0")
        self.prefetch_factor, self.persistent_workers, self.in_order = prefetch_factor, persistent_workers, in_order
        self._workers: Any = None
        self.collate_fn = collate_fn or (converted if batch_size is None and batch_sampler is None else collate)
        self.batch_size = None if batch_size is None or batch_sampler is not None else _batch_size(batch_size)
        self.sampler: Any = sampler
        if sampler is None and not self._streams:
            self.sampler = (
                RandomSampler(self.dataset, generator=generator) if shuffle else SequentialSampler(self.dataset)
            )
        if batch_sampler is None and self.batch_size is not None and self.sampler is not None:
            batch_sampler = BatchSampler(self.sampler, self.batch_size, drop_last)
        self.batch_sampler: Any = batch_sampler

    def __setattr__(self, name: str, value: Any) -> None:
        if name in FIXED and "batch_sampler" in vars(self):
            raise ValueError(f"DataLoader: {name} is fixed when the loader is made; make another loader")
        super().__setattr__(name, value)

    __class_getitem__: Any = classmethod(GenericAlias)  # DataLoader[int]

    def __len__(self) -> int:
        if self._streams:
            if not hasattr(self.dataset, "__len__"):
                raise TypeError("the number of batches is unknown: the stream has no length")
            whole, rest = divmod(len(self.dataset), self.batch_size or 1)
            return whole + bool(rest and not self.drop_last)
        return len(self._index_sampler)

    @property
    def _auto_collation(self) -> bool:
        """Whether batches are collated here. A subclass says no whose data set gives a whole batch for a list."""
        return self.batch_sampler is not None

    @property
    def _index_sampler(self) -> Any:
        """What gives the numbers of examples, one by one or in lists. A subclass may choose another."""
        return self.batch_sampler if self._auto_collation else self.sampler

    def __iter__(self) -> Iterator[Any]:
        return (_ParallelPass if self.num_workers else _Pass)(self)

    def _batches(self, seed: int) -> Iterator[Any]:
        start = partial(
            _maker,
            stream=self._streams,
            single=not self._auto_collation,
            size=self.batch_size,
            drop_last=self.drop_last,
            collate_fn=self.collate_fn,
        )
        if not self.num_workers:
            return map(start(self.dataset), self._tasks())
        return self._by_workers(start, seed)

    def _tasks(self) -> Iterable[Any]:
        """Numbers of examples, one by one or in lists; of a stream, whatever comes next."""
        if self._streams:
            return repeat(None)
        return map(list, self._index_sampler) if self._auto_collation else self._index_sampler

    def _by_workers(self, start: Callable[[Any], Callable[[Any], Any]], seed: int) -> Iterator[Any]:
        workers = self._workers
        if workers is None:
            from training.workers import Workers

            workers = Workers(
                self.dataset,
                start,
                self.num_workers,
                seed,
                initialize=self.worker_init_fn,
                context=self.multiprocessing_context,
                prefetch=self.prefetch_factor or 2,
                timeout=self.timeout,
                in_order=self.in_order,
            )
            self._workers = workers if self.persistent_workers else None
        try:
            yield from workers.run(self._tasks())
        finally:
            if not self.persistent_workers:
                workers.close()


class _Pass:
    """One pass over a loader; its length is the loader's. Of another library's, which stands for a loader of PyTorch's,
    one over what its data set gives, in this process.
    """

    def __init__(self, loader: Any) -> None:
        self._loader = loader
        if isinstance(loader, DataLoader):  # workers that persist go on with their random numbers
            seed = drawn_seed(loader.generator) if loader._workers is None else 0
            self._batches = loader._batches(seed)
        else:
            self._batches = _given(loader)

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        return next(self._batches)

    def __len__(self) -> int:
        return len(self._loader)


class _ParallelPass(_Pass):
    """One whose batches are made by worker processes."""


def _given(loader: Any) -> Iterator[Any]:
    return map(loader.collate_fn, iter(loader.dataset))


def _maker(
    dataset: Any, *, stream: bool, single: bool, size: int | None, drop_last: bool, collate_fn: Callable[[Any], Any]
) -> Callable[[Any], Any]:
    """The function from a task to a batch, or to an example; of a stream, until StopIteration."""
    if stream:
        batches = _of_stream(_following(iter(dataset)), size, drop_last, collate_fn)
        return lambda _: next(batches)
    if single:
        return lambda number: collate_fn(dataset[number])
    if collate_fn is collate:
        return partial(take, dataset)
    return lambda numbers: collate_fn(examples(dataset, numbers))


def _of_stream(
    stream: Iterator[Any], size: int | None, drop_last: bool, collate_fn: Callable[[Any], Any]
) -> Iterator[Any]:
    if size is None:
        yield from map(collate_fn, stream)
        return
    while batch := list(islice(stream, size)):
        if len(batch) == size or not drop_last:
            yield collate_fn(batch)


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
