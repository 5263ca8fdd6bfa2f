"""Metrics: functions of all outputs of a model and all targets, as `fit` and `evaluate` call them.

Scores are (N, C, ...), one for each class, with integer labels (N, ...). Scores in the shape of the labels are for the
second of two classes, which those above `threshold` answer: 0 for logits, 0.5 for probabilities.
"""

from __future__ import annotations

import math

import autograd_core as ag
from autograd_core import Tensor, dtypes
from autograd_core.creation.values import where_it_is
from nn.functional import cross_entropy


def is_classification(output: Tensor, target: Tensor) -> bool:
    """Whether these are scores (N, C, ...) and integer labels (N, ...)."""
    return target.dtype.kind in dtypes.INTEGERS and output.ndim == target.ndim + 1


def accuracy(output: Tensor, target: Tensor, threshold: float = 0.0) -> float:
    """The fraction of correct labels: whose score is the highest or, of two classes, on the right side of `threshold`.

    >>> accuracy(ag.tensor([[0.1, 0.9], [0.8, 0.2]]), ag.tensor([1, 1]))
    0.5
    >>> accuracy(ag.tensor([1.5, -0.5]), ag.tensor([1, 1]))
    0.5
    """
    output, target = where_it_is(output), where_it_is(target)
    if output.shape != target.shape:
        return topk_accuracy(output, target, k=1)
    answers, labels, _ = _answers(output, target, threshold)
    return (answers == labels).double().mean().item()


def topk_accuracy(output: Tensor, target: Tensor, k: int = 5) -> float:
    """The fraction of labels (N, ...) whose score in (N, C, ...) is among the `k` highest: 1 - `topk_error`."""
    return 1 - topk_error(output, target, k)


def topk_error(output: Tensor, target: Tensor, k: int = 5) -> float:
    """The fraction of labels (N, ...) whose score in (N, C, ...) is not among the `k` highest.

    Ties go to the first class, and NaN counts as higher than every number, so a model that gives all classes the same
    score, or NaN, is not counted as correct.

    >>> topk_error(ag.tensor([[0.1, 0.9, 0.5], [0.8, 0.2, 0.1]]), ag.tensor([2, 2]), k=2)
    0.5
    """
    output, target = where_it_is(output), where_it_is(target)
    _check(output, target)
    if not 1 <= k <= output.shape[1] or not target.numel():
        raise ValueError(f"k={k} is out of range for {target.numel()} labels of {output.shape[1]} classes")
    with ag.no_grad():
        if k == 1:
            best, place = output.max(dim=1)  # the first of equal ones
            wrong = (place != target).logical_or(best != best)
            return int(wrong.sum()) / target.numel()
        column = target.unsqueeze(1)
        own = output.gather(1, column)
        classes = ag.arange(output.shape[1], device=target.device).reshape(1, -1, *[1] * (target.ndim - 1))
        ahead = (output <= own).logical_not().logical_or((output == own).logical_and(classes < column))
        return int((ahead.sum(dim=1) >= k).sum()) / target.numel()


def confusion_matrix(output: Tensor, target: Tensor, threshold: float = 0.0) -> Tensor:
    """How often each class, a row, was answered by each class, a column.

    >>> confusion_matrix(ag.tensor([[0.1, 0.9], [0.8, 0.2], [0.6, 0.4]]), ag.tensor([1, 1, 0]))
    tensor([[1, 0],
            [1, 1]])
    """
    answers, labels, classes = _answers(where_it_is(output), where_it_is(target), threshold)
    return ag.bincount(labels * classes + answers, minlength=classes**2).reshape(classes, classes)


def precision(output: Tensor, target: Tensor, average: str | None = "macro", threshold: float = 0.0) -> float | Tensor:
    """The fraction of the answers of a class that are right; 0 if there are none.

    average: of C classes, "macro" means over those that occur as label or answer, "micro" over all examples,
    "weighted" over classes by their number of labels; None gives a tensor of all. Of two classes with one score it is
    that of the second.

    >>> precision(ag.tensor([2.0, 1.0, -1.0]), ag.tensor([1, 0, 1]))
    0.5
    """
    return _averaged(confusion_matrix(output, target, threshold), 0, 1, average, _one_score(output, target))


def recall(output: Tensor, target: Tensor, average: str | None = "macro", threshold: float = 0.0) -> float | Tensor:
    """The fraction of the labels of a class that are answered rightly; otherwise like `precision`."""
    return _averaged(confusion_matrix(output, target, threshold), 1, 0, average, _one_score(output, target))


def f1(output: Tensor, target: Tensor, average: str | None = "macro", threshold: float = 0.0) -> float | Tensor:
    """The harmonic mean of precision and recall of a class; otherwise like `precision`."""
    return _averaged(confusion_matrix(output, target, threshold), 1, 1, average, _one_score(output, target))


def roc_auc(output: Tensor, target: Tensor) -> float:
    """The probability that an example of the second class has a higher score than one of the first, ½ if it is equal.

    output: scores in the shape of the labels, or of both classes (N, 2, ...). NaN if a class has no example.

    >>> roc_auc(ag.tensor([0.1, 0.4, 0.35, 0.8]), ag.tensor([0, 0, 1, 1]))
    0.75
    """
    output, target = where_it_is(output).detach(), where_it_is(target)
    if is_classification(output, target) and output.shape[1] == 2:
        output = output[:, 1] - output[:, 0]
    if output.shape != target.shape:
        raise ValueError(
            f"roc_auc() takes scores of two classes, not those of shape {output.shape} for labels of shape "
            f"{target.shape}; of one among several, write roc_auc(output[:, c], target == c)"
        )
    _, labels, _ = _answers(output, target, 0.0)
    scores = output.flatten()
    first, second = scores[labels == 0].sort().values, scores[labels == 1]
    if not len(first) or not len(second) or scores.isnan().any():
        return math.nan
    lower = ag.searchsorted(first, second) + ag.searchsorted(first, second, right=True)
    return lower.sum().item() / (2 * len(first) * len(second))


def mean_absolute_error(output: Tensor, target: Tensor) -> float:
    """The mean of |output − target|."""
    output, target = _numbers(output, target)
    return (output - target).abs().mean().item()


def r2_score(output: Tensor, target: Tensor) -> float:
    """The fraction of the targets' variance that the outputs explain, averaged over columns (N, ...).

    Of a column without variance it is 1 if all outputs are right, otherwise 0.

    >>> r2_score(ag.tensor([2.5, 0.0, 2.0, 8.0]), ag.tensor([3.0, -0.5, 2.0, 7.0]))  # doctest: +ELLIPSIS
    0.948608...
    """
    output, target = _numbers(output, target)
    missed, spread = (output - target).square().sum(0), (target - target.mean(0)).square().sum(0)
    return ag.where(spread == 0, (missed == 0).double(), 1 - missed / spread).mean().item()


def perplexity(output: Tensor, target: Tensor, ignore_index: int = -100) -> float:
    """exp of the mean cross-entropy of scores (N, C, ...) and labels (N, ...) other than `ignore_index`.

    >>> perplexity(ag.zeros(4, 10, 7), ag.zeros(4, 7, dtype=int))  # doctest: +ELLIPSIS
    10.0...
    """
    output, target = where_it_is(output).detach(), where_it_is(target)
    _check(output, target)
    return cross_entropy(output.double(), target, ignore_index=ignore_index).exp().item()


def _check(output: Tensor, target: Tensor) -> None:
    if not is_classification(output, target) or output.shape[:1] + output.shape[2:] != target.shape:
        raise ValueError(
            "expected scores (N, C, ...) and integer labels (N, ...), not "
            f"{output.dtype} of shape {tuple(output.shape)} and {target.dtype} of shape {tuple(target.shape)}"
        )


def _one_score(output: Tensor, target: Tensor) -> bool:
    return where_it_is(output).shape == where_it_is(target).shape


def _answers(output: Tensor, target: Tensor, threshold: float) -> tuple[Tensor, Tensor, int]:
    """Answered classes and labels, as flat integers, and the number of classes."""
    if output.shape == target.shape:
        answers, classes = (output > threshold).long(), 2
    else:
        _check(output, target)
        answers, classes = output.argmax(dim=1), output.shape[1]
        if classes == 1:
            raise ValueError("scores (N, 1) of the second of two classes are brought to (N,) by squeeze(1)")
    if not target.numel():
        raise ValueError("a metric needs at least one example")
    labels = target.detach().long().flatten()
    if ((target.flatten() != labels) | (labels < 0) | (labels >= classes)).any():
        raise ValueError(
            f"labels of {classes} classes are integers from 0 to {classes - 1}, but they range from "
            f"{target.min().item()} to {target.max().item()}"
        )
    return answers.flatten(), labels, classes


def _averaged(counts: Tensor, labels: int, answers: int, average: str | None, second: bool) -> float | Tensor:
    """The right answers of each class as a fraction of its labels, of its answers, or of the mean of both."""
    if average not in ("macro", "micro", "weighted", None):
        raise ValueError(f"average is 'macro', 'micro', 'weighted' or None, not {average!r}")
    right, of_labels, of_answers = counts.diagonal().double(), counts.sum(1).double(), counts.sum(0).double()
    total = (labels * of_labels + answers * of_answers) / (labels + answers)
    if average == "micro" and not second:
        return (right.sum() / total.sum()).item()
    each = right / total.clamp(min=0.5)  # where the total is 0, so is the number of right answers
    if second:
        return each[1].item()
    if average is None:
        return each
    weights = of_labels if average == "weighted" else (of_labels + of_answers > 0).double()
    return ((each * weights).sum() / weights.sum()).item()


def _numbers(output: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    output, target = where_it_is(output).detach().double(), where_it_is(target).double()
    if output.shape != target.shape or not target.numel():
        raise ValueError(
            f"expected outputs and targets of one shape, with elements, not {tuple(output.shape)} and "
            f"{tuple(target.shape)}; outputs (N, 1) are brought to (N,) by squeeze(1)"
        )
    return output, target
