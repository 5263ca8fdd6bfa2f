"""Arithmetic by oneDNN: NumPy's bits."""

import numpy as np
import pytest

import backends
from backends import threads
from backends.generic import activations as plain
from backends.generic import selection
from backends.numpy_backend import arithmetic
from backends.onednn import activations, elementwise, plans

UFUNCS = (np.add, np.subtract, np.multiply, np.divide)
ODD = np.array([0.0, -0.0, np.inf, -np.inf, np.nan, 1e-41, -3e38, 1e38], np.float32)


def numbers(shape):
    """Normal ones, between them those that need care."""
    x = np.random.default_rng(0).standard_normal(shape, np.float32)
    flat = x.reshape(-1)
    flat[::3] = np.resize(ODD, flat[::3].shape)
    return x


@pytest.mark.parametrize("ufunc", UFUNCS, ids=lambda u: u.__name__)
@pytest.mark.parametrize("order", [(0, 1, 2), (0, 2, 1)])
@pytest.mark.parametrize(
    "other", [(64, 16, 65), (65,), (64, 1, 1), (64, 16, 1), (1, 16, 65), (1, 1, 1), (16, 1), (64, 1, 65)], ids=str
)
def test_of_an_array_with_one_that_repeats(ufunc, other, order):
    a, b = numbers(np.take((64, 16, 65), order)).transpose(order), numbers(other)
    found = elementwise.arithmetic(ufunc, a, b)
    with np.errstate(all="ignore"):
        expected = ufunc(a, b)
    number = ~np.isnan(expected)
    np.testing.assert_array_equal(np.isnan(found), ~number)
    np.testing.assert_array_equal(found.view(np.int32)[number], expected.view(np.int32)[number])
    assert found.strides == a.strides


@pytest.mark.parametrize("order", [(0, 1, 2), (0, 2, 1)])
@pytest.mark.parametrize("of_mask", [(64, 16, 65), (64, 16, 1), (1, 65)], ids=str)
def test_dropping_by_a_mask(of_mask, order):
    x = numbers(np.take((64, 16, 65), order)).transpose(order)
    keep = np.random.default_rng(1).random(of_mask) < 0.5
    with np.errstate(all="ignore"):
        expected = selection.drop(np, x, keep, 1.25)
    found = elementwise.drop(x, keep, 1.25)
    np.testing.assert_array_equal(found, expected)
    assert found.strides == x.strides


@pytest.mark.parametrize("other", [(2, 64, 16, 65), (16, 64, 65)], ids=str)
def test_what_does_not_repeat_is_numpys(other):
    assert elementwise.arithmetic(np.add, numbers((64, 16, 65)), numbers(other)) is None


def test_numbers_take_the_dtype_of_the_array():
    a = np.random.default_rng(0).standard_normal((256, 257), np.float32)
    for b in (2.5, 3):
        np.testing.assert_array_equal(arithmetic.divide(a, b), a / b)
        assert arithmetic.divide(a, b).dtype == np.float32
    np.testing.assert_array_equal(arithmetic.multiply(a.astype(np.float64), 0.1), a.astype(np.float64) * 0.1)
    np.testing.assert_array_equal(arithmetic.divide(np.arange(70000), 3), np.arange(70000) / 3)


def test_operands_that_lie_in_memory_in_another_order():
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal((96, 64), np.float32), rng.standard_normal((64, 96), np.float32).T
    np.testing.assert_array_equal(elementwise.arithmetic(np.subtract, a, b), a - b)
    assert elementwise.arithmetic(np.subtract, a, b[:, ::-1]) is None


@pytest.mark.parametrize("share", [0.0, 0.001, 0.3, 1.0])
def test_positions_of_few_or_many_elements(share):
    x = np.random.default_rng(0).random(1 << 14, np.float32)
    x[:2] = np.nan, share
    np.testing.assert_array_equal(elementwise.where_not_from(share, x), np.flatnonzero(~(x >= share)))


@np.errstate(invalid="ignore")
@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize("more", [0, 1, 16])
@pytest.mark.parametrize("odd", [(), (np.nan,), (np.inf, -np.inf), (-np.inf, np.nan)], ids=str)
def test_the_smallest_element_and_what_is_not_finite(count, more, odd):
    x = np.random.default_rng(0).standard_normal(elementwise.SHARED + more, np.float32)
    before = threads.get_num_threads()
    threads.set_num_threads(count)
    try:
        for i, place in enumerate((2, 77, x.size - 1)):
            x[place - len(odd) : place] = odd
            x[place] = -50.0 - i
            np.testing.assert_equal(elementwise.least(x), float(x.min()))
            assert elementwise.has_lost(x) == bool(odd)
    finally:
        threads.set_num_threads(before)


@pytest.mark.parametrize("delta", [0.3, 1.0, 7.5])
def test_hubers_loss_is_numpys_to_the_last_bit(delta):
    d = np.random.default_rng(0).standard_normal((33, 17), np.float32) * 5
    d[:2, :6] = [[0, np.inf, -np.inf, np.nan, delta, -delta], [1e-18, -1e-18, 1e30, -1e30, 1e37, 1e-8]]
    np.testing.assert_array_equal(activations.huber(d, delta), plain.huber(np, d, delta))


@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("order", [(0, 1, 2), (0, 2, 1)])
def test_on_one_thread_numpy_makes_short_passes(count, dtype, order, monkeypatch):
    monkeypatch.setattr(threads, "get_num_threads", lambda: count)
    kernels = backends.get("cpu").namespace.kernels
    a, b = (numbers((64, 16, 65)).astype(dtype).transpose(order) for _ in range(2))
    plans.state.plans.clear()
    with np.errstate(all="ignore"):
        found = (
            kernels.add(a, b), kernels.multiply(a, 1.5), kernels.increase(a.copy(order="K"), b, 2.0), kernels.relu(a),
            kernels.rectify(a.copy(order="K")), kernels.gate(a, b),
        )  # fmt: skip
        expected = a + b, a * 1.5, a + b * 2, np.maximum(a, 0), np.maximum(a, 0), np.where(b <= 0, 0, a)
    for y, exact in zip(found, expected, strict=True):
        np.testing.assert_array_equal(y, exact)
        assert y.strides == a.strides
    assert bool(plans.state.plans) == (count > 1 and dtype == np.float32)


@pytest.mark.parametrize("other", [(65,), (16, 1)], ids=str)
def test_short_passes_with_what_repeats_are_numpys(other):
    kernels, b = backends.get("cpu").namespace.kernels, numbers(other)
    for count in (64, 192):
        a = numbers((count, 16, 65))
        plans.state.plans.clear()
        with np.errstate(all="ignore"):
            np.testing.assert_array_equal(kernels.multiply(a, b), a * b)
        assert bool(plans.state.plans) == (count > 64)
