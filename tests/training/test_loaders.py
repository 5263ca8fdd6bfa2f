"""The loader: every example once, in an order that repeats."""

import itertools
from abc import ABC

import numpy as np
import pytest

import autograd_core as ag
from autograd_core.utils import data
from training import DataLoader, TensorDataset

TEN = TensorDataset(np.arange(10), np.arange(10) ** 2)


def numbers(loader):
    return [inputs.tolist() for inputs, _ in loader]


def test_batches_in_order():
    assert numbers(DataLoader(TEN, 4)) == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]


def test_inputs_and_targets_stay_together():
    for inputs, targets in DataLoader(TEN, 3, shuffle=True):
        assert (inputs * inputs).tolist() == targets.tolist()


@pytest.mark.parametrize(
    "size, drop_last, batches",
    [(4, False, 3), (4, True, 2), (5, True, 2), (11, False, 1), (11, True, 0), (1, True, 10)],
)
def test_len_is_the_number_of_batches(size, drop_last, batches):
    loader = DataLoader(TEN, size, drop_last=drop_last)
    assert len(loader) == len(iter(loader)) == len(list(loader)) == batches
    if drop_last:
        assert {len(batch) for batch in numbers(loader)} <= {size}


def test_shuffling_is_new_every_time_and_complete():
    loader = DataLoader(TensorDataset(np.arange(100), np.zeros(100)), 32, shuffle=True)
    first, second = ([n for batch in numbers(loader) for n in batch] for _ in range(2))
    assert first != second
    assert sorted(first) == sorted(second) == list(range(100))


def test_shuffling_repeats_from_the_seed():
    def epochs():
        ag.manual_seed(7)
        loader = DataLoader(TEN, 3, shuffle=True)
        return [numbers(loader), numbers(loader)]

    assert epochs() == epochs()


def test_generator_shields_from_other_random_numbers():
    def epoch(draws):
        loader = DataLoader(TEN, 3, shuffle=True, generator=ag.Generator().manual_seed(1))
        ag.rand(draws)
        return numbers(loader)

    assert epoch(0) == epoch(5)


@pytest.mark.parametrize("size", [0, -3, 2.5, "8", True])
def test_batch_size_is_a_positive_integer(size):
    with pytest.raises(ValueError, match=f"batch_size must be a positive integer, not {size!r}"):
        DataLoader(TEN, size)


def test_numpy_integers_are_integers():
    assert len(DataLoader(TEN, np.int64(5))) == 2


def test_examples_of_any_make():
    class Texts:
        def __len__(self):
            return 3

        def __getitem__(self, i):
            return {"text": "abc"[i], "pair": (i, [float(i), 0.0])}

    first, _ = DataLoader(Texts(), 2)
    assert (first["text"], first["pair"][0].tolist()) == (["a", "b"], [0, 1])
    assert [column.tolist() for column in first["pair"][1]] == [[0, 1], [0, 0]]
    assert list(DataLoader(Texts(), 2, collate_fn=len, pin_memory=True)) == [2, 1]


class Squares(data.Dataset[float]):
    def __len__(self):
        return 5

    def __getitem__(self, i):
        return np.float32(i * i)


class Counting(data.IterableDataset[int]):
    def __iter__(self):
        return iter(range(5))


class Counted(Counting):
    def __len__(self):
        return 5


def test_orders():
    ag.manual_seed(0)
    assert numbers(DataLoader(TEN, 2, sampler=[5, 1, 3])) == [[5, 1], [3]]
    assert numbers(DataLoader(TEN, batch_sampler=[[1, 2], [7]])) == [[1, 2], [7]]
    assert len(DataLoader(TEN, batch_sampler=data.BatchSampler(data.SequentialSampler(TEN), 4, True))) == 2
    assert sorted(data.RandomSampler(TEN, num_samples=20)) == sorted([*range(10)] * 2)
    assert (data.RandomSampler(TEN, num_samples=20)._num_samples, data.RandomSampler(TEN)._num_samples) == (20, None)
    drawn = list(data.RandomSampler(TEN, replacement=True, num_samples=30))
    assert (len(drawn), len(set(drawn)) < 30, set(drawn) <= set(range(10))) == (30, True, True)
    endless = data.RandomSampler(TEN, replacement=True, num_samples=10**10)
    assert set(itertools.islice(endless, 3000)) == set(range(10))
    assert sorted(data.SubsetRandomSampler([3, 5, 7])) == [3, 5, 7]
    weighted = data.WeightedRandomSampler([0.0, 1.0, 3.0], 4000)
    assert len(DataLoader(TEN, 100, sampler=weighted)) == 40
    assert np.bincount(list(weighted)) / 4000 == pytest.approx([0, 0.25, 0.75], abs=0.03)
    with pytest.raises(ValueError, match="either a sampler"):
        DataLoader(TEN, shuffle=True, sampler=[1])
    for options in ({"shuffle": True}, {"sampler": [1]}, {"batch_sampler": [[1]]}):
        with pytest.raises(ValueError, match=f"unspecified {next(iter(options))} option: a stream decides"):
            DataLoader(Counting(), **options)
    with pytest.raises(ValueError, match="nothing to drop"):
        DataLoader(TEN, None, drop_last=True)
    with pytest.raises(ValueError, match="non-negative"):
        DataLoader(TEN, num_workers=-1)
    with pytest.raises(AssertionError, match="join streams by ChainDataset"):
        data.ConcatDataset([TEN, Counting()])
    with pytest.raises(ValueError, match="batch_sampler excludes"):
        DataLoader(TEN, 2, batch_sampler=[[1]])
    for wrong in (
        lambda: data.RandomSampler(TEN, num_samples=0),
        lambda: data.DataLoader([], shuffle=True),
        lambda: data.WeightedRandomSampler([1.0], 0),
        lambda: data.BatchSampler([1], 0, False),
    ):
        with pytest.raises(ValueError, match="must be positive, not 0"):
            wrong()
    with pytest.raises(NotImplementedError, match="__iter__"):
        iter(data.Sampler())
    with pytest.raises(TypeError, match="replacement must be True or False, not 3"):
        data.RandomSampler(TEN, 3)
    with pytest.raises(ValueError, match=r"weights must be a vector, not of shape \(1, 2\)"):
        data.WeightedRandomSampler([[1.0, 2.0]], 3)
    with pytest.raises(ValueError, match="cannot find context"):
        DataLoader(TEN, num_workers=1, multiprocessing_context="thread")


def test_processes_share_a_data_set():
    def shares(**options):
        return [data.DistributedSampler(TEN, 3, rank, **options) for rank in range(3)]

    assert [list(s) for s in shares(shuffle=False)] == [[0, 3, 6, 9], [1, 4, 7, 0], [2, 5, 8, 1]]
    assert [list(s) for s in shares(shuffle=False, drop_last=True)] == [[0, 3, 6], [1, 4, 7], [2, 5, 8]]
    shuffled = shares()
    first = [list(s) for s in shuffled]
    assert sorted({i for share in first for i in share}) == list(range(10))
    assert [len(s) for s in shuffled] == [4, 4, 4]
    for s in shuffled:
        s.set_epoch(1)
    assert [list(s) for s in shuffled] != first
    assert sorted(data.DistributedSampler(TEN)) == list(range(10))
    with pytest.raises(ValueError, match=r"Invalid rank 3, rank should be in the interval \[0, 2\]"):
        data.DistributedSampler(TEN, 3, 3)


def test_batches_in_pinned_memory():
    from autograd_core.utils.data._utils.pin_memory import pin_memory

    class Batch:
        def pin_memory(self):
            return "pinned"

    assert pin_memory(("text", {"batch": [Batch(), 3]}), "cuda") == ("text", {"batch": ["pinned", 3]})


def test_single_examples_and_streams():
    assert [(x, y) for x, y in DataLoader(TEN, batch_size=None)][3] == (3, 9)
    assert list(DataLoader(Squares(), batch_size=None, collate_fn=int)) == [0, 1, 4, 9, 16]
    number, text = data.default_convert((np.ones(1), {"a": np.array("b")}))
    assert isinstance(number, ag.Tensor)
    assert text == {"a": "b"}
    assert [x.tolist() for x in DataLoader(Counting(), 2)] == [[0, 1], [2, 3], [4]]
    assert [x.tolist() for x in DataLoader(Counting(), 2, drop_last=True)] == [[0, 1], [2, 3]]
    assert list(DataLoader(data.ChainDataset([Counting(), Counting()]), batch_size=None)) == [*range(5)] * 2
    assert data.get_worker_info() is None
    assert list(DataLoader(Counting() + Counting(), batch_size=None)) == [*range(5)] * 2
    assert [len(DataLoader(Counted(), 2, drop_last=drop)) for drop in (False, True)] == [3, 2]
    with pytest.raises(TypeError, match="is unknown"):
        len(DataLoader(Counting()))
    with pytest.raises(NotImplementedError, match="__iter__"):
        iter(data.IterableDataset())


def test_a_loader_whose_data_set_gives_whole_batches():
    class Whole(DataLoader):
        _auto_collation = False

        @property
        def _index_sampler(self):
            return self.batch_sampler

    loader = Whole(TEN, 4, collate_fn=lambda batch: batch)
    assert len(loader) == 3
    assert numbers(loader) == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]


@pytest.mark.parametrize(
    "name", ["batch_size", "batch_sampler", "dataset", "drop_last", "persistent_workers", "sampler"]
)
def test_what_a_loader_was_made_of_is_fixed(name):
    loader = DataLoader(TEN, 4)
    before = getattr(loader, name)
    with pytest.raises(ValueError, match=f"{name} is fixed"):
        setattr(loader, name, before)
    loader.collate_fn = len
    assert list(loader) == [4, 4, 2]


def test_a_loader_of_another_library():
    class Standing:  # for a loader of PyTorch's, with what its iterators use
        collate_fn, dataset_kind = staticmethod(str), data._DatasetKind.Iterable

        def __init__(self):
            self.dataset = [1, 2]

    for kind in (data._SingleProcessDataLoaderIter, data._MultiProcessingDataLoaderIter):
        assert list(kind(Standing())) == ["1", "2"]


def test_a_stream_whose_iterator_starts_again():
    class Counter(data.IterableDataset):
        def __iter__(self):
            self.at = -1
            return self

        def __next__(self):
            self.at += 1
            if self.at == 5:
                raise StopIteration
            return ag.tensor(self.at)

    for _ in range(2):
        batches = itertools.islice(DataLoader(Counter(), 2), 5)
        assert [x.tolist() for x in batches] == [[0, 1], [2, 3], [4]]
    assert [x.item() for x in DataLoader(Counter(), None)] == [0, 1, 2, 3, 4]


def test_bases_of_data_sets():
    class Abstract(ABC, data.Dataset):
        pass

    class Both(data.IterableDataset):
        def __iter__(self):
            return iter("ab")

        def __getitem__(self, index):
            return "no"

    assert issubclass(data.IterableDataset[int].__origin__, data.Dataset)
    assert isinstance(Abstract(), data.Dataset)
    assert list(DataLoader(Both())) == [["a"], ["b"]]


def test_data_sets_made_of_others():
    both = data.ConcatDataset([Squares(), TEN])
    assert (len(both), both[2], both[5][0], both[-1][1]) == (15, 4, 0, 81)
    assert (TEN + TEN)[12][1] == 4
    kinds = [isinstance(d, data.Dataset) for d in (TEN, Squares(), data.ChainDataset([]), np.ones(3), [1, 2])]
    assert kinds == [True, True, True, False, False]
    with pytest.raises(NotImplementedError, match="Dataset needs a method __getitem__"):
        data.Dataset()[0]
    with pytest.raises(IndexError, match="example 15 is out of range"):
        both[15]
    side = data.StackDataset(Squares(), data.Subset(TEN, range(5)))
    assert [x.tolist() for x, _ in DataLoader(side, 3)] == [[0, 1, 4], [9, 16]]
    assert data.StackDataset(a=Squares(), b=Squares())[3] == {"a": 9, "b": 9}
    assert len(data.StackDataset(a=Squares())) == 5

    class Batches(data.Dataset):
        def __len__(self):
            return 5

        def __getitems__(self, indices):
            return [-i for i in indices]

    assert [x.tolist() for _, x in DataLoader(data.StackDataset(Squares(), Batches()), 3)] == [[0, -1, -2], [-3, -4]]
    (batch,) = DataLoader(data.StackDataset(a=Squares(), b=Batches()), 5)
    assert (batch["a"].tolist(), batch["b"].tolist()) == ([0, 1, 4, 9, 16], [0, -1, -2, -3, -4])
    with pytest.raises(ValueError, match="equal length"):
        data.StackDataset(Squares(), TEN)
    for error in (ValueError, AssertionError):  # of NumPy's kind and of PyTorch's
        with pytest.raises(error, match="at least one"):
            data.ConcatDataset([])
