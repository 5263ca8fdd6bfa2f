"""Metrics against counting by hand."""

import numpy as np
import pytest

import autograd_core as ag
from training.metrics import accuracy, topk_error

SCORES = ag.tensor([[0.1, 0.7, 0.2], [0.5, 0.2, 0.3], [0.3, 0.3, 0.4], [0.2, 0.3, 0.5]])


def test_accuracy_counts_the_highest_score():
    assert accuracy(SCORES, ag.tensor([1, 1, 2, 0])) == 0.5


@pytest.mark.parametrize("k, error", [(1, 1.0), (2, 0.5), (3, 0.0)])
def test_topk_error(k, error):
    assert topk_error(SCORES, ag.tensor([2, 1, 1, 1]), k) == error


def test_topk_error_agrees_with_sorting():
    rng = np.random.default_rng(0)
    scores, labels = rng.integers(0, 4, (200, 6)).astype(float), rng.integers(0, 6, 200)
    best = np.argsort(-scores, axis=1, kind="stable")
    for k in range(1, 7):
        expected = 1 - np.mean([label in row[:k] for label, row in zip(labels, best, strict=True)])
        assert topk_error(ag.tensor(scores), ag.tensor(labels), k) == pytest.approx(expected)


def test_every_position_counts():
    scores = ag.tensor(np.eye(3)[[[0, 1], [2, 2]]].transpose(0, 2, 1))
    assert accuracy(scores, ag.tensor([[0, 1], [2, 0]])) == 0.75


@pytest.mark.parametrize("value", [0.0, float("nan")])
def test_a_dead_model_is_not_called_right(value):
    scores = ag.full((4, 3), value)
    assert accuracy(scores, ag.tensor([1, 2, 2, 1])) == 0
    assert topk_error(scores, ag.tensor([2, 2, 2, 2]), k=2) == 1


def test_scores_that_need_a_gradient():
    assert accuracy(ag.tensor([[1.0, 2.0]], requires_grad=True), ag.tensor([1])) == 1


@pytest.mark.parametrize("target", [[0, 1], [0.0, 1.0, 2.0, 0.0], [[0], [1], [2], [0]]])
def test_shapes_and_dtypes_that_do_not_fit(target):
    with pytest.raises(ValueError, match="integer labels"):
        accuracy(SCORES, ag.tensor(target))


@pytest.mark.parametrize("k", [0, 4])
def test_k_out_of_range(k):
    with pytest.raises(ValueError, match=f"k={k} is out of range for 4 labels of 3 classes"):
        topk_error(SCORES, ag.tensor([0, 1, 2, 0]), k)
