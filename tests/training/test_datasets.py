"""Data sets: what they hold, how they are split, and that a seed repeats."""

import sys
from collections import OrderedDict, namedtuple

import numpy as np
import pytest

import autograd_core as ag
from training import DataLoader, Subset, TensorDataset, random_split
from training.datasets import Dataset, collate, digits, take


def test_digits_are_the_real_ones():
    train, test = digits(seed=0)
    assert (len(train), len(test)) == (1437, 360)
    images, labels = train.tensors
    assert images.shape == (1437, 1, 8, 8)
    assert images.dtype == np.float32
    assert labels.dtype == np.int64
    assert float(images.min()) == 0
    assert float(images.max()) == 1


def test_digits_split_is_stratified_disjoint_and_complete():
    train, test = digits(seed=3)
    counts = [np.bincount(part.tensors[1].numpy(), minlength=10) for part in (train, test)]
    assert np.abs(counts[1] - 0.2 * (counts[0] + counts[1])).max() <= 1
    together = np.concatenate([part.tensors[0].numpy().reshape(-1, 64) for part in (train, test)])
    from sklearn.datasets import load_digits

    original = load_digits().data.astype(np.float32) / 16
    np.testing.assert_array_equal(np.sort(together, axis=0), np.sort(original, axis=0))


def test_digits_follow_the_seed():
    first, again, other = (digits(seed)[1].tensors[1].numpy() for seed in (1, 1, 2**40))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize("fraction", [0, 1, -0.5])
def test_digits_refuse_an_empty_part(fraction):
    with pytest.raises(ValueError, match="test_fraction must lie between 0 and 1"):
        digits(test_fraction=fraction)


def test_missing_library_says_how_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    with pytest.raises(ImportError, match=r'digits data set needs sklearn.*pip install "autograd-core\[train\]"'):
        digits()


def test_tensor_dataset_items_and_batches():
    dataset = TensorDataset(np.arange(6).reshape(3, 2), [10, 20, 30])
    assert len(dataset) == 3
    assert [t.tolist() for t in dataset[1]] == [[2, 3], 20]
    assert [t.tolist() for t in dataset.batch(ag.tensor([2, 0]))] == [[[4, 5], [0, 1]], [30, 10]]
    assert [t.device for t in dataset.to("cpu").tensors] == ["cpu", "cpu"]


@pytest.mark.parametrize("tensors", [(), (np.zeros(3), np.zeros(2)), (np.float64(1),)])
def test_tensor_dataset_refuses_unequal_lengths(tensors):
    for error in (ValueError, AssertionError):
        with pytest.raises(error, match="equal length along their first axis"):
            TensorDataset(*tensors)


class Squares:
    """A data set that knows single examples only."""

    def __init__(self, item):
        self.item = item

    def __len__(self):
        return 5

    def __getitem__(self, index):
        return self.item(index)


def test_examples_are_stacked_where_there_is_no_batch():
    pairs = Squares(lambda i: (np.full(2, i * i, np.float32), i))
    inputs, numbers = take(pairs, [3, 1])
    assert inputs.tolist() == [[9, 9], [1, 1]]
    assert numbers.tolist() == [3, 1]
    assert take(Squares(lambda i: i * i), [4, 2]).tolist() == [16, 4]


@pytest.mark.parametrize("dataset", [TensorDataset(np.arange(5) ** 2), Squares(lambda i: (i * i,))])
def test_subset_of_a_subset(dataset):
    inner = Subset(Subset(dataset, [4, 3, 1]), [2, 0])
    assert len(inner) == 2
    assert [int(inner[i][0]) for i in range(2)] == [1, 16]
    assert take(inner, [1, 0])[0].tolist() == [16, 1]
    assert inner.indices == [2, 0]


def test_slices_of_a_subset():
    assert Subset(Subset(TensorDataset(np.arange(5) ** 2), [4, 3, 1]), [2, 0])[:][0].tolist() == [1, 16]


def test_an_override_of_single_examples_counts_in_batches():
    class Tenfold(TensorDataset):
        def __getitem__(self, index):
            return [10 * t for t in super().__getitem__(index)]

    assert take(Tenfold(np.arange(5)), [2, 0])[0].tolist() == [20, 0]
    assert take(Subset(Tenfold(np.arange(5)), [1, 3]), [1])[0].tolist() == [30]


def test_data_sets_that_fetch_several_examples_at_once():
    class Fetching(Dataset):
        def __len__(self):
            return 5

        def __getitems__(self, indices):
            return [-i for i in indices]

        def batch(self):
            """A method that only has the name of another class's."""

    assert take(Subset(Fetching(), [4, 3]), [1]).tolist() == [-3]
    assert list(DataLoader(Fetching(), 3, collate_fn=sum)) == [-3, -7]
    assert list(DataLoader(Subset(Fetching(), [4, 3]), 2, collate_fn=sum)) == [-7]


def test_batches_of_mixed_examples():
    pair = namedtuple("pair", "a b")
    batch = collate([pair(1, 2.5), pair(2, 3.5)])
    assert (type(batch), batch.b.dtype, batch.a.tolist()) == (pair, ag.float64, [1, 2])
    assert type(collate([OrderedDict(x=1)])) is OrderedDict
    assert collate([[b"a", 1], [b"b", 2]])[0] == (b"a", b"b")
    with pytest.raises(RuntimeError, match="of equal size"):
        collate([[1], [1, 2]])
    with pytest.raises(RuntimeError, match=r"shapes \(3, 2, 2\) and \(3, 2, 4\) are no batch: .* pass a collate_fn; "):
        collate([{"x": ag.zeros(3, 2, n)} for n in (2, 2, 4)])
    with pytest.raises(TypeError, match="an example is None; does the data set's __getitem__ return"):
        collate([None, None])


@pytest.mark.parametrize(
    "lengths, expected", [((7, 3), [7, 3]), ((0.5, 0.25, 0.25), [6, 2, 2]), ((10,), [10]), ((1.0,), [10])]
)
def test_random_split_partitions(lengths, expected):
    ag.manual_seed(0)
    parts = random_split(TensorDataset(np.arange(10)), lengths)
    assert list(map(len, parts)) == expected
    assert sorted(i for part in parts for i in part.indices) == list(range(10))


def test_random_split_repeats_with_its_generator():
    def order(seed):
        generator = ag.Generator().manual_seed(seed)
        return random_split(TensorDataset(np.arange(50)), (20, 30), generator)[0].indices

    assert order(1) == order(1) != order(2)


@pytest.mark.parametrize("lengths", [(5, 4), (0.5, 0.4), (11, -1), (2.5, 7.5)])
def test_random_split_refuses_lengths_that_do_not_add_up(lengths):
    with pytest.raises(ValueError, match=r"random_split\(\) of 10 examples"):
        random_split(TensorDataset(np.arange(10)), lengths)
