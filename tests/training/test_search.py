"""Searching hyper-parameters, and validating by parts held out in turn."""

import math
from itertools import chain

import numpy as np
import pytest

import autograd_core as ag
import nn
import training
from training.search import Range, grid, samples, search


def test_grid_and_samples_cover_their_space():
    assert len(list(grid({"a": [1, 2, 3], "b": "xy", "c": [None]}))) == 6
    space = {"lr": Range(1e-4, 1.0, log=True), "width": [8, 16], "p": Range(0, 1)}
    drawn = list(samples(space, 400, seed=3))
    assert drawn == list(samples(space, 400, seed=3)) != list(samples(space, 400, seed=4))
    assert {p["width"] for p in drawn} == {8, 16}
    for name, scale in (("lr", lambda v: 1 + math.log10(v) / 4), ("p", float)):
        values = np.sort([scale(p[name]) for p in drawn])
        assert abs(values - np.linspace(0, 1, 400)).max() < 0.08  # uniform, by Kolmogorov and Smirnov


def test_coarse_then_fine_and_few_epochs_then_more():
    calls = []

    def objective(lr, width, epochs):
        calls.append((lr, epochs))
        if lr > 0.5:
            raise FloatingPointError("the loss exploded")
        return abs(math.log10(lr) + 2) + 1 / epochs if width else math.nan

    space = {"lr": Range(1e-5, 1.0, log=True), "width": [0, 1]}
    coarse = search(objective, samples(space, 27), epochs=(1, 3, 9))
    assert [sum(e == epochs for _, e in calls) for epochs in (1, 3, 9)] == [27, 9, 3]
    assert [t.epochs for t in coarse.trials] == [9] * 3 + [3] * 9 + [1] * 27
    assert coarse.trials[-1].score == math.inf
    finer = coarse.around(space)
    assert finer["width"] == [1]
    assert finer["lr"].low < coarse.best.parameters["lr"] < finer["lr"].high
    assert finer["lr"].high / finer["lr"].low == pytest.approx(1e5**0.25)
    fine = search(objective, samples(finer, 20), epochs=(9,))
    assert abs(math.log10(fine.best.parameters["lr"]) + 2) < 0.1
    assert str(coarse).splitlines()[0].split() == ["lr", "width", "epochs", "score"]
    assert Range(0, 8).around(7.9, 0.5) == Range(4, 8)


def linear_error(train, held_out):
    """The squared error, on what was held out, of the best linear model."""
    model = nn.Linear(3, 1, bias=False).double()
    model.weight.data = ag.linalg.lstsq(*train.batch(ag.arange(len(train))))[0].T
    return training.evaluate(model, training.DataLoader(held_out, 10), nn.functional.mse_loss).loss


def test_leave_one_out_is_the_closed_form_of_least_squares():
    random = np.random.default_rng(0)
    x, y = random.normal(size=(12, 3)), random.normal(size=(12, 1))
    found = training.cross_validate(linear_error, training.TensorDataset(x, y), k=12)
    hat = x @ np.linalg.solve(x.T @ x, x.T)
    errors = ((y - hat @ y)[:, 0] / (1 - np.diag(hat))) ** 2  # Allen's PRESS
    np.testing.assert_allclose(sorted(found.values), np.sort(errors), rtol=1e-9)
    assert found.mean == pytest.approx(errors.mean())
    assert found.std == pytest.approx(errors.std(ddof=1))


@pytest.mark.parametrize("n, k", [(9, 3), (10, 3), (5, 5)])
def test_every_example_is_held_out_once(n, k):
    folds = list(training.k_fold(range(n), k, ag.Generator().manual_seed(0)))
    held_out = [[part[i] for i in range(len(part))] for _, part in folds]
    order = list(chain(*held_out))
    assert sorted(order) == list(range(n)) != order
    assert {len(part) for part in held_out} <= {n // k, -(-n // k)}
    for (train, _), part in zip(folds, held_out, strict=True):
        assert sorted(part + [train[i] for i in range(len(train))]) == list(range(n))


def test_misuse_is_named():
    with pytest.raises(ValueError, match="of 3 examples needs 2 to 3 parts, not 4"):
        list(training.k_fold(range(3), 4))
    with pytest.raises(ValueError, match="the space has no values for 'lr'"):
        next(samples({"width": [8], "lr": []}, 1))
    with pytest.raises(ValueError, match="no candidates"):
        search(abs, [])
    for low, high, log in ((2, 1, False), (0, 1, True), (math.nan, 1, False)):
        with pytest.raises(ValueError, match=rf"low={low}, high={high}"):
            Range(low, high, log)
