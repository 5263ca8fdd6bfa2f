"""Samplers: the order in which a loader takes the examples of a data set."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence, Sized
from types import GenericAlias
from typing import Any

import autograd_core as ag


class Sampler:
    """Base of samplers: `__iter__` yields indices of examples, or lists of them for whole batches."""

    def __iter__(self) -> Iterator[Any]:
        raise NotImplementedError(f"{type(self).__name__} needs a method __iter__ that yields indices of examples")

    __class_getitem__: Any = classmethod(GenericAlias)  # Sampler[int]


class SequentialSampler(Sampler):
    """The examples in order."""

    def __init__(self, data_source: Sized) -> None:
        self.data_source = data_source

    def __iter__(self) -> Iterator[int]:
        return iter(range(len(self.data_source)))

    def __len__(self) -> int:
        return len(self.data_source)


def drawn_seed(generator: ag.Generator | None = None) -> int:
    """A seed for another generator, from that of `manual_seed` by default."""
    return int(ag.empty((), dtype=ag.int64).random_(generator=generator).item())


AT_ONCE = 32  # indices per draw: programs request any number of samples and stop at any point


class RandomSampler(Sampler):
    """Examples in random order, or drawn with `replacement`; `num_samples` of them, by default as many as exist."""

    def __init__(
        self,
        data_source: Sized,
        replacement: bool = False,
        num_samples: int | None = None,
        generator: ag.Generator | None = None,
    ) -> None:
        if not isinstance(replacement, bool):
            raise TypeError(f"RandomSampler: replacement must be True or False, not {replacement!r}")
        self.data_source, self.replacement, self.generator = data_source, replacement, generator
        self._num_samples = num_samples
        if self.num_samples < 1:
            without = " (there are no examples)" if num_samples is None else ""
            raise ValueError(f"RandomSampler: num_samples must be positive, not {self.num_samples}{without}")

    @property
    def num_samples(self) -> int:
        """The number of indices it yields."""
        return len(self.data_source) if self._num_samples is None else self._num_samples

    def __iter__(self) -> Iterator[int]:
        n, count = len(self.data_source), self.num_samples
        generator = ag.Generator().manual_seed(drawn_seed()) if self.generator is None else self.generator
        if self.replacement:
            for start in range(0, count, AT_ONCE):
                yield from ag.randint(n, (min(AT_ONCE, count - start),), generator=generator).tolist()
            return
        for _ in range(count // max(n, 1)):
            yield from ag.randperm(n, generator=generator).tolist()
        yield from ag.randperm(n, generator=generator).tolist()[: count % max(n, 1)]

    def __len__(self) -> int:
        return self.num_samples


class DistributedSampler(Sampler):
    """The share of one process: every `num_replicas`-th example, beginning with number `rank`.

    All shares are equally long: some examples come twice, or with drop_last some not at all. shuffle: in an order that
    seed and the epoch, which `set_epoch` tells, determine, so that all processes take the same one. By default there
    is one process.
    """

    def __init__(
        self,
        dataset: Sized,
        num_replicas: int | None = None,
        rank: int | None = None,
        shuffle: bool = True,
        seed: int = 0,
        drop_last: bool = False,
    ) -> None:
        self.dataset, self.shuffle, self.seed, self.drop_last, self.epoch = dataset, shuffle, seed, drop_last, 0
        self.num_replicas = 1 if num_replicas is None else num_replicas
        self.rank = 0 if rank is None else rank
        if not 0 <= self.rank < self.num_replicas:
            raise ValueError(f"Invalid rank {rank}, rank should be in the interval [0, {self.num_replicas - 1}]")
        whole, rest = divmod(len(dataset), self.num_replicas)
        self.num_samples = whole + (rest > 0 and not drop_last)
        self.total_size = self.num_samples * self.num_replicas

    def set_epoch(self, epoch: int) -> None:
        """Shuffle anew from now on."""
        self.epoch = epoch

    def __iter__(self) -> Iterator[int]:
        n = len(self.dataset)
        order: Sequence[int] = range(n)
        if self.shuffle:
            order = ag.randperm(n, generator=ag.Generator().manual_seed(self.seed + self.epoch)).tolist()
        return (order[i % n] for i in range(self.rank, self.total_size, self.num_replicas))

    def __len__(self) -> int:
        return self.num_samples


class SubsetRandomSampler(Sampler):
    """Given examples, in random order."""

    def __init__(self, indices: Sequence[int], generator: ag.Generator | None = None) -> None:
        self.indices, self.generator = indices, generator

    def __iter__(self) -> Iterator[int]:
        for i in ag.randperm(len(self.indices), generator=self.generator).tolist():
            yield int(self.indices[i])

    def __len__(self) -> int:
        return len(self.indices)


class WeightedRandomSampler(Sampler):
    """`num_samples` examples, each with a probability proportional to its weight."""

    def __init__(
        self, weights: Any, num_samples: int, replacement: bool = True, generator: ag.Generator | None = None
    ) -> None:
        if num_samples < 1:
            raise ValueError(f"WeightedRandomSampler: num_samples must be positive, not {num_samples}")
        self.weights = ag.as_tensor(weights, dtype=ag.float64)
        if self.weights.ndim != 1:
            raise ValueError(f"WeightedRandomSampler: weights must be a vector, not of shape {self.weights.shape}")
        self.num_samples, self.replacement, self.generator = num_samples, replacement, generator

    def __iter__(self) -> Iterator[int]:
        draws = ag.multinomial(self.weights, self.num_samples, self.replacement, generator=self.generator)
        yield from draws.tolist()

    def __len__(self) -> int:
        return self.num_samples


class BatchSampler(Sampler):
    """Groups the indices of another sampler into lists of `batch_size`; drop_last: drop an incomplete last list."""

    def __init__(self, sampler: Iterable[int], batch_size: int, drop_last: bool) -> None:
        if batch_size < 1:
            raise ValueError(f"BatchSampler: batch_size must be positive, not {batch_size}")
        self.sampler, self.batch_size, self.drop_last = sampler, batch_size, drop_last

    def __iter__(self) -> Iterator[list[int]]:
        batch = []
        for i in self.sampler:
            batch.append(i)
            if len(batch) == self.batch_size:
                yield batch
                batch = []
        if batch and not self.drop_last:
            yield batch

    def __len__(self) -> int:
        whole, rest = divmod(len(self.sampler), self.batch_size)  # type: ignore[arg-type]  # if it has a length
        return whole + (rest > 0 and not self.drop_last)
