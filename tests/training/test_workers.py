"""Loaders with worker processes."""

import multiprocessing
import os
import pickle
import random
import time

import numpy as np
import pytest

import autograd_core as ag
from autograd_core.utils import data
from training import DataLoader, TensorDataset

TEN = TensorDataset(ag.arange(10), ag.arange(10) ** 2)


class Examples(data.Dataset):
    """What a function gives for the numbers 0 to 7."""

    def __init__(self, example):
        self.example = example

    def __len__(self):
        return 8

    def __getitem__(self, number):
        return self.example(number)


def loader_of(example, batch_size, num_workers, **options):
    """A loader of what a function gives; forked workers need no pickle of it."""
    return DataLoader(Examples(example), batch_size, num_workers=num_workers, multiprocessing_context="fork", **options)


class Shared(data.IterableDataset):
    """The numbers 0 to 9, of which each worker gives its share."""

    def __iter__(self):
        worker = data.get_worker_info()
        return iter(range(worker.id, 10, worker.num_workers))


SECOND = [[7, 5, 3], [1, 4, 2], [8, 9, 6], [0]]  # PyTorch's second epoch, with persistent workers


def test_batches_are_those_of_one_process():
    def epochs(**options):
        ag.manual_seed(3)
        loader = DataLoader(TEN, 3, shuffle=True, **options)
        return [[y.tolist() for y in batch] for _ in range(2) for batch in loader]

    expected = epochs()
    assert epochs(num_workers=2) == expected
    persistent = epochs(num_workers=3, prefetch_factor=1, persistent_workers=True)
    assert persistent[:4] == expected[:4]
    assert [batch[0] for batch in persistent[4:]] == SECOND  # no seeds are drawn for workers that go on
    assert sorted(epochs(num_workers=2, in_order=False)) == sorted(expected)
    assert len(iter(DataLoader(TEN, 3, num_workers=2))) == 4


def test_work_is_shared_and_in_other_processes():
    found = list(loader_of(lambda i: (data.get_worker_info().id, os.getpid()), 2, num_workers=2))
    assert [workers.tolist() for workers, _ in found] == [[0, 0], [1, 1], [0, 0], [1, 1]]
    assert len({int(p) for _, pids in found for p in pids} | {os.getpid()}) == 3


def test_streams_are_shared():
    assert [b.tolist() for b in DataLoader(Shared(), 2, num_workers=2)] == [[0, 2], [1, 3], [4, 6], [5, 7], [8], [9]]
    assert list(DataLoader(Shared(), None, num_workers=3)) == list(range(10))
    kept = DataLoader(Shared(), 5, num_workers=1, persistent_workers=True)
    assert [[b.tolist() for b in kept] for _ in range(2)] == [[[0, 1, 2, 3, 4], [5, 6, 7, 8, 9]]] * 2


def test_every_worker_has_random_numbers_of_its_own():
    def example(i):
        return random.random(), np.random.rand(), ag.rand(1).item(), data.get_worker_info().seed  # noqa: NPY002

    def epoch():
        ag.manual_seed(0)
        return [v.tolist() for v in next(iter(loader_of(example, 8, num_workers=1)))]

    python, numpy, own, seeds = epoch()
    assert len({*python, *numpy, *own}) == 24
    assert epoch() == [python, numpy, own, seeds]
    ag.manual_seed(seeds[0])
    assert ag.rand(1).item() == own[0]
    ag.manual_seed(0)
    both = list(loader_of(example, 1, num_workers=2))
    assert both[1][3] - both[0][3] == 1
    assert both[0][2] != both[1][2]


@pytest.mark.parametrize("shape", [(0,), (3,), (200, 100), (3, 40_000)])
def test_arrays_of_any_size_arrive_and_can_be_written(shape):
    def example(i):
        return {"x": np.full(shape, i, np.float32), "t": ag.full((), i), "name": str(i)}

    for i, batch in enumerate(loader_of(example, 4, num_workers=1)):
        assert batch["x"].shape == (4, *shape)
        assert batch["name"] == [str(4 * i + k) for k in range(4)]
        np.testing.assert_array_equal(batch["x"].flatten(1).sum(1), np.prod(shape) * (4 * i + np.arange(4.0)))
        batch["x"].add_(1)
        assert batch["t"].tolist() == [4 * i + k for k in range(4)]


def test_exceptions_arrive():
    def example(i):
        return {0: 1, 1: 2}[i]

    loader = loader_of(example, 1, num_workers=2, persistent_workers=True)
    for _ in range(2):
        with pytest.raises(KeyError, match=r"Caught KeyError in DataLoader worker process 0\.\nOriginal Traceback"):
            list(loader)

    class OwnError(Exception):
        pass

    def other(i):
        raise OwnError("lost")

    with pytest.raises(RuntimeError, match="OwnError: lost"):
        list(loader_of(other, 1, num_workers=1))

    def refuse(worker):
        raise ValueError(f"worker {worker} refuses")

    with pytest.raises(ValueError, match="worker 0 refuses"):
        list(DataLoader(TEN, 1, num_workers=1, worker_init_fn=refuse, multiprocessing_context="fork"))
    with pytest.raises(RuntimeError, match="worker 0 exited unexpectedly, with exit code 3"):
        list(loader_of(lambda i: os._exit(3), 1, num_workers=1))
    with pytest.raises(RuntimeError, match=r"timed out after 0\.1 seconds"):
        list(loader_of(lambda i: time.sleep(1), 1, num_workers=1, timeout=0.1))


def test_a_pass_can_be_broken_off():
    loader = DataLoader(TEN, 1, num_workers=2, persistent_workers=True)
    next(iter(loader))
    assert [x.item() for x, _ in loader] == list(range(10))
    pids = [process.pid for process in loader._workers._processes]
    assert [x.item() for x, _ in loader] == list(range(10))
    assert [process.pid for process in loader._workers._processes] == pids
    for x, _ in DataLoader(TEN, 1, num_workers=2):
        assert x.item() == 0
        break


def test_processes_can_be_started_anew():
    loader = DataLoader(TEN, 5, num_workers=1, multiprocessing_context="spawn")
    assert [x.tolist() for x, _ in loader] == [[0, 1, 2, 3, 4], [5, 6, 7, 8, 9]]


def test_what_cannot_be_pickled_is_refused_with_a_remedy():
    loader = DataLoader(Examples(lambda i: i), num_workers=2, multiprocessing_context="spawn")
    with pytest.raises((pickle.PicklingError, AttributeError)) as refused:
        next(iter(loader))
    assert "multiprocessing_context='fork'" in refused.value.__notes__[-1]
    assert not multiprocessing.active_children()


def test_options_need_workers():
    with pytest.raises(ValueError, match="prefetch_factor"):
        DataLoader(TEN, prefetch_factor=2)
    with pytest.raises(ValueError, match="multiprocessing_context needs num_workers"):
        DataLoader(TEN, multiprocessing_context="spawn")
    with pytest.raises(ValueError, match="prefetch_factor"):
        DataLoader(TEN, num_workers=1, prefetch_factor=0)
    with pytest.raises(ValueError, match="persistent_workers"):
        DataLoader(TEN, persistent_workers=True)
