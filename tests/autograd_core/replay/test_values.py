"""Replays with values, or kernels, of another kind than those of the capture."""

import numpy as np
import pytest

import autograd_core as ag
import nn
from backends.onednn import choice


def replayed_and_as_it_is(step, inputs):
    """What a captured step gives for several inputs, and what the step gives."""
    run = ag.capture(step)
    with np.errstate(all="ignore"):
        pairs = [(run(x), step(x)) for x in inputs]
    assert not run.reasons
    return [[[v.numpy() for v in found] for found in pair] for pair in pairs]


def test_norms_of_numbers_that_leave_the_range_of_float32_squares_later():
    x = ag.randn(64, 128)
    others = [x * 1e30, x * 1e-30, x * 0, x / 0]
    pairs = replayed_and_as_it_is(lambda x: (x.norm(), x.norm(dim=1)), [x] * 4 + others)
    for found, expected in pairs:
        for a, b in zip(found, expected, strict=True):
            np.testing.assert_array_equal(a, b)


def test_variances_keep_their_dtype_where_float32_loses_some_later():
    """The sums of such squares are of float64."""
    x = ag.randn(64, 128)
    for found, expected in replayed_and_as_it_is(lambda x: (x.var(dim=1),), [x] * 4 + [x * 1e30, x + 1e6]):
        assert found[0].dtype == np.float32
        np.testing.assert_array_equal(found[0], expected[0])


def test_nan_behind_a_normalisation_with_relu_comes_later():
    layer = nn.Sequential(nn.BatchNorm2d(32, track_running_stats=False), nn.ReLU())

    def step(x):
        y = layer(x)
        return y.detach(), *ag.grad(y.square().sum(), list(layer.parameters()))

    x = ag.randn(8, 32, 12, 12).contiguous(memory_format=ag.channels_last)
    odd = x.clone()
    odd[0, 0, 0, 0] = float("nan")
    for found, expected in replayed_and_as_it_is(step, [x] * 4 + [odd, x]):
        for a, b in zip(found, expected, strict=True):
            np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("first", ["auto", "numpy"])
@pytest.mark.parametrize("recurrent", [True, False])
def test_the_kernels_that_compute_change_between_calls(recurrent, first):
    layer = nn.LSTM(32, 48) if recurrent else nn.Sequential(nn.BatchNorm1d(32), nn.ReLU())

    def step(x):
        y = layer(x)
        y = y[0] if isinstance(y, tuple) else y
        return y.detach(), *ag.grad(y.square().sum(), list(layer.parameters()))

    before, run = choice.chosen(), ag.capture(step)
    x = ag.randn(20, 32, 32)
    try:
        for kernels in [first] * 4 + [{"auto": "numpy", "numpy": "auto"}[first]] * 4 + [first] * 2:
            choice.choose(kernels)
            for found, expected in zip(run(x), step(x), strict=True):
                np.testing.assert_allclose(found.numpy(), expected.numpy(), rtol=1e-4, atol=1e-4)
    finally:
        choice.choose(before)
    assert not run.reasons


def test_values_that_are_not_finite_give_no_warnings():
    """Warnings are errors in these tests."""
    weight = ag.ones(2, 8)

    @ag.capture
    @ag.no_grad()
    def step(x):
        return (x @ weight).relu() - x.sum()

    for _ in range(5):
        assert step(ag.full((10, 2), np.inf)).isnan().all()
    assert step.source
    assert not step.reasons
    with np.errstate(invalid="raise"):
        assert step(ag.full((10, 2), np.inf)).isnan().all()
        with pytest.raises(FloatingPointError):
            np.float32(np.inf) - np.float32(np.inf)
