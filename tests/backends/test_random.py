import numpy as np
import pytest

import backends
from backends.numpy_backend import random


@pytest.fixture
def make():
    return lambda seed=0: backends.get("cpu").random.generator(seed, 0)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_floats_have_their_type_and_distribution(make, dtype):
    uniform, normal = make().uniform((200, 100), dtype), make().normal((200, 100), dtype)
    assert uniform.dtype == normal.dtype == dtype
    assert uniform.shape == (200, 100)
    assert uniform.min() >= 0
    assert uniform.max() < 1
    assert abs(uniform.mean(dtype=float) - 0.5) < 0.01
    assert abs(normal.mean(dtype=float)) < 0.03
    assert abs(normal.std(dtype=float) - 1) < 0.03


def test_numbers_do_not_depend_on_how_many_are_drawn_at_once(make):
    for draw in ("uniform", "normal"):
        at_once, apart = getattr(make(5), draw), getattr(make(5), draw)
        parts = [apart((n,), np.float32) for n in (32, 32 << 12, 64)]
        np.testing.assert_array_equal(at_once((96 + (32 << 12),), np.float32), np.concatenate(parts))
    for low, high in ((0, 10), (-7, 1 << 20), (0, 1 << 40)):
        at_once, apart = make(5).integers, make(5).integers
        parts = [apart(low, high, (n,)) for n in (3, 500, 800)]
        np.testing.assert_array_equal(at_once(low, high, (1303,)), np.concatenate(parts))


def test_bounds(make):
    y = make().uniform((100_000,), np.float16, -2.0, 3.0)
    assert y.min() == -2
    assert y.max() < 3
    whole = make().integers(-(2**63), 2**63 - 1, (1000,))
    assert whole.min() < -(2**62)
    assert whole.max() > 2**62


def test_discrete_draws(make):
    integers = make().integers(-2, 3, (1000,))
    assert integers.dtype == np.int64
    assert set(integers) == {-2, -1, 0, 1, 2}
    np.testing.assert_array_equal(np.sort(make().permutation(50)), np.arange(50))
    coins = make().bernoulli(0.3, (10000,))
    assert coins.dtype == np.bool_
    assert abs(coins.mean() - 0.3) < 0.02
    assert not make().bernoulli(0.0, (100,)).any()
    assert make().bernoulli(1.0, (100,)).all()


@pytest.mark.parametrize("n", [random.LISTED, 1000, 70_000])
@pytest.mark.parametrize("in_blas", [True, False])
def test_permutations_are_those_of_one_exchange_after_another(make, monkeypatch, n, in_blas):
    if not in_blas:
        monkeypatch.setattr(random, "_exchange_of_blas", lambda: None)
    found = make().permutation(n)
    monkeypatch.setattr(random, "LISTED", n + 1)
    np.testing.assert_array_equal(found, make().permutation(n))


def test_seeds_and_states_repeat(make):
    first = make(3)
    first.normal((7,), np.float32)
    saved = first.state
    expected = first.uniform((5,), np.float32)
    other = make(0)
    assert other.resume(saved) == 3
    np.testing.assert_array_equal(other.uniform((5,), np.float32), expected)
    assert not np.array_equal(make(1).uniform((5,), np.float32), make(2).uniform((5,), np.float32))
