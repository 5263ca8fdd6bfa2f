"""Metrics against counting by hand."""

import numpy as np
import pytest

import autograd_core as ag
import nn
from training import DataLoader, TensorDataset, evaluate
from training.metrics import (
    accuracy,
    confusion_matrix,
    f1,
    mean_absolute_error,
    perplexity,
    precision,
    r2_score,
    recall,
    roc_auc,
    topk_accuracy,
    topk_error,
)  # fmt: skip

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


# The expected numbers below are scikit-learn's.
LABELS = ag.tensor([2, 1, 0, 0, 2, 2])
ANSWERS = nn.functional.one_hot(ag.tensor([2, 0, 0, 1, 2, 1]), 4).float()  # the last class does not occur
LOGITS, SIDES = ag.tensor([1.5, -0.5, 0.25, 0.25, -2.0]), ag.tensor([1, 0, 1, 0, 1])


@pytest.mark.parametrize(
    "metric, each, macro, micro, weighted, binary",
    [
        (precision, [0.5, 0.0, 1.0, 0.0], 0.5, 0.5, 0.6666666666666666, 0.6666666666666666),
        (recall, [0.5, 0.0, 0.6666666666666666, 0.0], 0.38888888888888884, 0.5, 0.5, 0.6666666666666666),
        (f1, [0.5, 0.0, 0.8, 0.0], 0.43333333333333335, 0.5, 0.5666666666666668, 0.6666666666666666),
    ],
)
def test_precision_recall_and_f1(metric, each, macro, micro, weighted, binary):
    assert metric(ANSWERS, LABELS, None).tolist() == pytest.approx(each)
    found = [metric(ANSWERS, LABELS, average) for average in ("macro", "micro", "weighted")]
    assert found == pytest.approx([macro, micro, weighted])
    assert metric(LOGITS, SIDES) == metric(LOGITS.sigmoid(), SIDES.bool(), threshold=0.5) == pytest.approx(binary)


def test_confusion_matrix():
    assert confusion_matrix(ANSWERS, LABELS).tolist() == [[1, 1, 0, 0], [1, 0, 0, 0], [0, 1, 2, 0], [0, 0, 0, 0]]
    assert confusion_matrix(LOGITS, SIDES).tolist() == [[1, 1], [1, 2]]
    pixels = ANSWERS.T.reshape(1, 4, 2, 3)
    assert confusion_matrix(pixels, LABELS.reshape(1, 2, 3)).tolist() == confusion_matrix(ANSWERS, LABELS).tolist()


def test_two_classes_with_one_score():
    assert accuracy(LOGITS, SIDES) == accuracy(LOGITS[:, None], SIDES[:, None].float()) == 0.6
    assert roc_auc(LOGITS, SIDES) == roc_auc(ag.stack([-LOGITS, LOGITS], 1), SIDES) == pytest.approx(0.5833333333333334)
    assert np.isnan([roc_auc(LOGITS, ag.ones(5)), roc_auc(LOGITS * np.nan, SIDES)]).all()


def test_numbers():
    output, target = ag.tensor([[2.5, 1.0], [0.0, 1.0], [2.0, 3.0]]), ag.tensor([[3.0, 1.0], [-0.5, 1.0], [2.0, 1.0]])
    assert mean_absolute_error(output, target) == pytest.approx(0.5)
    assert r2_score(output[:, 0], target[:, 0]) == pytest.approx(0.9230769230769231)
    assert r2_score(output, target) == pytest.approx(0.46153846153846156)  # the second column does not vary
    assert r2_score(target, target) == 1


def test_perplexity_is_the_inverse_geometric_mean_of_the_probabilities():
    probabilities = ag.tensor([[[0.25, 0.5, 0.125], [0.75, 0.5, 0.875]]])  # one sequence of three words
    assert perplexity(probabilities.log(), ag.tensor([[0, 1, 0]])) == pytest.approx(4)
    assert perplexity(probabilities.log(), ag.tensor([[-100, 1, 0]])) == pytest.approx(4)
    assert perplexity(probabilities.log(), ag.tensor([[0, 1, 9]]), ignore_index=9) == pytest.approx(8**0.5)


def test_top_k_accuracy():
    assert topk_accuracy(SCORES, ag.tensor([2, 1, 1, 1]), 2) == 0.5


@pytest.mark.parametrize(
    "wrong, match",
    [
        (lambda: f1(SCORES, ag.tensor([0, 1, 2, 3])), "integers from 0 to 2, but they range from 0 to 3"),
        (lambda: f1(LOGITS, ag.tensor([0.5, 0, 1, 1, 0])), "labels of 2 classes are integers"),
        (lambda: f1(LOGITS[:, None], SIDES), r"by squeeze\(1\)"),
        (lambda: f1(SCORES[:0], LABELS[:0]), "at least one example"),
        (lambda: f1(SCORES, LABELS[:4], "binary"), "'macro', 'micro', 'weighted' or None, not 'binary'"),
        (lambda: roc_auc(SCORES, LABELS[:4]), r"write roc_auc\(output\[:, c\], target == c\)"),
        (lambda: mean_absolute_error(LOGITS[:, None], LOGITS), r"of one shape.*\(5, 1\) and \(5,\).*squeeze\(1\)"),
    ],
)
def test_what_does_not_fit_is_said(wrong, match):
    with pytest.raises(ValueError, match=match):
        wrong()


def test_of_batches_of_unequal_size():
    """F1 is no mean over batches; those of a set are of all its examples at once."""
    rng = np.random.default_rng(1)
    x, y = rng.standard_normal((23, 3)).astype(np.float32), rng.integers(0, 3, 23)
    given = {"f1": f1, "answers": confusion_matrix, "0": lambda output, target: (target == 0).float().mean()}
    whole, parts = (evaluate(nn.Identity(), DataLoader(TensorDataset(x, y), n), metrics=given) for n in (23, 5))
    assert whole.metrics["f1"] == parts.metrics["f1"] == f1(x, y)
    assert whole.metrics["answers"].tolist() == parts.metrics["answers"].tolist() == confusion_matrix(x, y).tolist()
    assert str(parts).endswith(f", f1 {f1(x, y):.4f}, 0 {np.mean(y == 0):.4f}")
    in_arrays = evaluate(nn.Identity(), [(ag.tensor(x[:9]), y[:9]), (ag.tensor(x[9:]), y[9:])], metrics=given)
    assert in_arrays.metrics["f1"] == whole.metrics["f1"]
    with pytest.raises(TypeError, match=r'metrics must be a dict of functions.*"f1"'):
        evaluate(nn.Identity(), [], metrics=[f1])
