"""Data sets: examples by index, and streams of examples in sequence."""

from __future__ import annotations

import copy
import math
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, chain
from types import GenericAlias
from typing import TYPE_CHECKING, Any, Protocol, cast

import numpy as np

import autograd_core as ag
from autograd_core import Tensor
from autograd_core.creation.values import where_it_is
from autograd_core.errors import LengthError, OperandError
from autograd_core.trees import mapped
from training.extras import require

if TYPE_CHECKING:

    class Dataset(Protocol):
        """As type checkers see it: anything with a length and examples by index will do."""

        def __len__(self) -> int: ...
        def __getitem__(self, index: int, /) -> Any: ...

    StreamBase = object

else:

    class Dataset:
        """Base of data sets with a length, whose item `i` is example `i`: an array, number or string, or a tuple or
        dict of them. Loaders take any object of this kind; `isinstance` is true for subclasses and streams only.
        """

        def __getitem__(self, index):
            raise NotImplementedError(f"{type(self).__name__} needs a method __getitem__ that gives an example")

        def __add__(self, other):
            return ConcatDataset([self, other])

        __class_getitem__ = classmethod(GenericAlias)  # Dataset[int]

    StreamBase = Dataset


class TensorDataset(Dataset):
    """Tensors or arrays of equal length: item `i` is the tuple of their elements `i`.

    Raises LengthError if the lengths differ.
    """

    def __init__(self, *tensors: Any) -> None:
        self.tensors: tuple[Tensor, ...] = tuple(map(where_it_is, tensors))
        shapes = [tuple(t.shape) for t in self.tensors]
        if not shapes or any(not shape for shape in shapes) or len({shape[0] for shape in shapes}) > 1:
            raise LengthError(
                f"TensorDataset takes tensors of equal length along their first axis; these have shapes {shapes}"
            )

    def __len__(self) -> int:
        return int(self.tensors[0].shape[0])

    def __getitem__(self, index: int) -> tuple[Tensor, ...]:
        return tuple(t[index] for t in self.tensors)

    def batch(self, indices: Tensor) -> list[Tensor]:
        """The examples at these indices, by one indexing operation per tensor."""
        return [t[indices.to(t.device)] for t in self.tensors]

    def to(self, device: str) -> TensorDataset:
        """The same examples on another device, so that batches are made there."""
        return TensorDataset(*[t.to(device) for t in self.tensors])


class Subset(Dataset):
    """Some examples of a data set, by their indices."""

    def __init__(self, dataset: Dataset, indices: Sequence[int]) -> None:
        self.dataset, self.indices = dataset, indices

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, index: Any) -> Any:
        at: Any = [self.indices[i] for i in index] if isinstance(index, list) else self.indices[index]
        return self.dataset[at]

    def __getitems__(self, indices: Sequence[int]) -> list[Any]:
        return examples(self.dataset, [self.indices[i] for i in indices])

    def batch(self, indices: Tensor) -> Any:
        """The examples at these indices within the subset."""
        return take(self.dataset, [self.indices[i] for i in indices.tolist()])


class ConcatDataset(Dataset):
    """Data sets in sequence."""

    def __init__(self, datasets: Iterable[Dataset]) -> None:
        self.datasets = list(datasets)
        if not self.datasets:
            raise LengthError("ConcatDataset needs at least one data set")
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


class IterableDataset(StreamBase):
    """Base of streams: `__iter__` yields examples; their number need not be known."""

    def __iter__(self) -> Iterator[Any]:
        raise NotImplementedError(f"{type(self).__name__} needs a method __iter__ that yields examples")

    def __add__(self, other: Iterable[Any]) -> ChainDataset:
        return ChainDataset([self, other])

    __class_getitem__: Any = classmethod(GenericAlias)  # IterableDataset[int]


@dataclass(frozen=True)
class WorkerInfo:
    """A worker process: its number among `num_workers`, the seed of its random numbers, its copy of the data set."""

    id: int
    num_workers: int
    seed: int
    dataset: Any


worker: WorkerInfo | None = None  # of this process, set in workers


def get_worker_info() -> WorkerInfo | None:
    """The worker process that calls this; None in the program itself."""
    return worker


class ChainDataset(IterableDataset):
    """Streams in sequence."""

    def __init__(self, datasets: Iterable[Iterable[Any]]) -> None:
        self.datasets = datasets

    def __iter__(self) -> Iterator[Any]:
        return chain.from_iterable(self.datasets)


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

    def __getitems__(self, indices: Sequence[int]) -> list[Any]:
        if isinstance(self.datasets, dict):
            return [dict(zip(self.datasets, row, strict=True)) for row in self._rows(self.datasets.values(), indices)]
        return self._rows(self.datasets, indices)

    @staticmethod
    def _rows(datasets: Iterable[Dataset], indices: Sequence[int]) -> list[tuple[Any, ...]]:
        return list(zip(*[examples(d, indices) for d in datasets], strict=True))


def examples(dataset: Dataset, indices: Sequence[int]) -> list[Any]:
    """The examples at these indices: by the data set's `__getitems__(indices)` if it has one, else one by one."""
    if hasattr(dataset, "__getitems__"):
        return dataset.__getitems__(indices)
    return [dataset[i] for i in indices]


def take(dataset: Dataset, indices: Sequence[int]) -> Any:
    """A batch of the examples at these indices, which data sets of tensors index at once; those of others are collated.

    A subclass that overrides `__getitem__` decides itself what an example is.
    """
    latest = next((c for c in type(dataset).__mro__ if {"__getitem__", "__getitems__"} & vars(c).keys()), None)
    if latest in (TensorDataset, Subset):
        return cast(Any, dataset).batch(ag.tensor(indices))
    return collate(examples(dataset, indices))


def collate(batch: Sequence[Any]) -> Any:
    """A batch of examples: numbers and arrays are stacked, also within sequences and mappings; strings are kept.

    Python's floats give float64. Raises RuntimeError for sequences of different lengths, and for different shapes.
    """
    first = batch[0]
    if isinstance(first, str | bytes):
        return batch
    if first is None:
        raise TypeError("an example is None; does the data set's __getitem__ return what it makes?")
    if isinstance(first, Mapping):
        columns = {key: collate([example[key] for example in batch]) for key in first}
        if not isinstance(first, MutableMapping):
            return columns
        together = copy.copy(first)  # of the same type
        together.update(columns)
        return together
    if isinstance(first, Sequence):
        if len(set(map(len, batch))) > 1:
            raise RuntimeError("each element in list of batch should be of equal size; use a collate_fn of your own")
        parts = [collate(column) for column in zip(*batch, strict=True)]
        return type(first)(*parts) if hasattr(first, "_fields") else parts
    if isinstance(first, int | float):
        return ag.tensor(batch, dtype=ag.float64 if isinstance(first, float) else None)
    return _stacked([v if v.__class__ is ag.Tensor else ag.as_tensor(v) for v in batch])


def _stacked(tensors: list[Tensor]) -> Tensor:
    try:
        return ag.stack(tensors)
    except OperandError as e:
        first, other = tensors[0].shape, next((t.shape for t in tensors if t.shape != tensors[0].shape), None)
        if other is None:
            raise
        raise OperandError(
            f"examples of the shapes {first} and {other} are no batch: bring them to one shape, or pass a collate_fn; "
            "arrays of all inputs and all targets make a data set TensorDataset(inputs, targets)"
        ) from e


def converted(example: Any) -> Any:
    """A single example with its arrays as tensors, but for those of texts and objects, also within tuples and dicts."""

    def of(v: Any) -> Any:
        return ag.as_tensor(v) if isinstance(v, np.ndarray | np.generic) and v.dtype.kind not in "SUO" else v

    return mapped(of, example)


def pinned(data: Any, device: Any = None) -> Any:
    """An example or a batch in page-locked memory, also within tuples and dicts: all that has `pin_memory()`."""
    return mapped(lambda v: v.pin_memory() if hasattr(v, "pin_memory") else v, data)


def random_split(dataset: Dataset, lengths: Sequence[float], generator: ag.Generator | None = None) -> list[Subset]:
    """Disjoint random subsets of the given lengths, or of the given fractions of the whole.

    Raises ValueError unless the lengths add up to that of the data set (fractions: to 1).
    """
    n = len(dataset)
    if math.isclose(sum(lengths), 1) and all(0 < fraction <= 1 for fraction in lengths):
        sizes = [int(n * fraction) for fraction in lengths]
        for i in range(n - sum(sizes)):  # the remainder of rounding goes to the first ones
            sizes[i] += 1
    elif all(length == int(length) >= 0 for length in lengths) and sum(lengths) == n:
        sizes = [int(length) for length in lengths]
    else:
        raise ValueError(
            f"random_split() of {n} examples: lengths {list(lengths)} must add up to {n}, or be fractions of it"
        )
    order = ag.randperm(n, generator=generator)
    return [Subset(dataset, part.tolist()) for part in order.split(sizes)]


def digits(seed: int = 0, test_fraction: float = 0.2) -> tuple[TensorDataset, TensorDataset]:
    """Handwritten digits, split into training and test sets: images (N, 1, 8, 8) in [0, 1] and labels (N,).

    These are the 1,797 digits in scikit-learn (the test set of Alpaydin and Kaynak, "Optical Recognition of
    Handwritten Digits", UCI 1998), so nothing is downloaded. The split depends only on `seed` and is stratified by
    label.
    """
    if not 0 < test_fraction < 1:
        raise ValueError(f"digits(): test_fraction must lie between 0 and 1, not {test_fraction}")
    purpose = "the digits data set"
    source = require("sklearn.datasets", purpose).load_digits()
    images = (source.images[:, None] / 16).astype(np.float32)
    labels = source.target.astype(np.int64)
    split = require("sklearn.model_selection", purpose).train_test_split
    draws = np.random.RandomState(np.random.MT19937(seed))  # scikit-learn accepts no seed above 2³² - 1
    train, test = split(np.arange(len(labels)), test_size=test_fraction, random_state=draws, stratify=labels)
    return TensorDataset(images[train], labels[train]), TensorDataset(images[test], labels[test])
