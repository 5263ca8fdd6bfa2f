"""The loader: every example once, in an order that repeats."""

import numpy as np
import pytest

import autograd_core as ag
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
    assert len(loader) == len(list(loader)) == batches
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


@pytest.mark.parametrize("size", [0, -3, 2.5, "8", True, None])
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
    assert list(DataLoader(Texts(), 2, collate_fn=len, num_workers=2, pin_memory=True)) == [2, 1]
