"""Classification metrics: accuracy and top-k error."""

from __future__ import annotations

import autograd_core as ag
from autograd_core import Tensor, dtypes
from autograd_core.creation import where_it_is


def is_classification(output: Tensor, target: Tensor) -> bool:
    """Whether these are scores (N, C, ...) and integer labels (N, ...)."""
    return target.dtype.kind in dtypes.INTEGERS and output.ndim == target.ndim + 1


def accuracy(output: Tensor, target: Tensor) -> float:
    """The fraction of labels (N, ...) whose score in (N, C, ...) is the highest.

    >>> accuracy(ag.tensor([[0.1, 0.9], [0.8, 0.2]]), ag.tensor([1, 1]))
    0.5
    """
    return 1 - topk_error(output, target, k=1)


def topk_error(output: Tensor, target: Tensor, k: int = 5) -> float:
    """The fraction of labels (N, ...) whose score in (N, C, ...) is not among the `k` highest.

    Ties go to the first class, and NaN counts as higher than every number, so a model that gives all classes the same
    score, or NaN, is not counted as correct.

    >>> topk_error(ag.tensor([[0.1, 0.9, 0.5], [0.8, 0.2, 0.1]]), ag.tensor([2, 2]), k=2)
    0.5
    """
    output, target = where_it_is(output), where_it_is(target)
    if not is_classification(output, target) or output.shape[:1] + output.shape[2:] != target.shape:
        raise ValueError(
            "expected scores (N, C, ...) and integer labels (N, ...), not "
            f"{output.dtype} of shape {tuple(output.shape)} and {target.dtype} of shape {tuple(target.shape)}"
        )
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
