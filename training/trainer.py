"""The training loop."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Protocol

import autograd_core as ag
import nn
from autograd_core import Tensor
from nn.functional import cross_entropy
from nn.modes import in_mode
from training.history import Evaluation, History
from training.interrupts import DeferredInterrupt
from training.metrics import accuracy, is_classification
from training.progress import Progress

Loss = Callable[[Tensor, Tensor], Tensor]
# What `fit` uses of its arguments.
NEEDED = {
    "model": "train",
    "loader": "__len__",
    "optimizer": "param_groups",
    "loss": "__call__",
    "epochs": "__index__",
    "callbacks": "__iter__",
}


class Batches(Protocol):
    """A `DataLoader`, or anything with a length that yields pairs (input, target)."""

    def __len__(self) -> int: ...
    def __iter__(self) -> Iterator[Any]: ...


def pairs(loader: Batches) -> Iterator[tuple[Any, Any]]:
    """The batches of a loader; TypeError if they are not pairs (input, target)."""
    for batch in loader:
        if not isinstance(batch, (tuple, list)) or len(batch) != 2 or not getattr(batch[1], "ndim", 1):
            raise TypeError(
                "expected batches (input, target), as from DataLoader(TensorDataset(inputs, targets), batch_size=32), "
                f"but {type(loader).__name__} yields {batch!r:.80}"
            )
        yield batch[0], batch[1]


def fit(
    model: nn.Module,
    loader: Batches,
    optimizer: Any,
    loss: Loss = cross_entropy,
    epochs: int = 1,
    *,
    scheduler: Any = None,
    validate: Batches | None = None,
    callbacks: Iterable[Callable[[History], object]] = (),
    progress: bool = True,
) -> History:
    """Train a model: for every batch a forward pass, a backward pass and an optimizer step.

    scheduler: its `step()` is called after every epoch. validate: batches on which to evaluate after every epoch.
    callbacks: called with the history after every epoch; one that returns True ends the training. progress: report on
    stderr. Ctrl-C ends the training after the current step. A loss that is not finite raises FloatingPointError before
    that batch changes a parameter.
    """
    _check(model=model, loader=loader, optimizer=optimizer, loss=loss, epochs=epochs, callbacks=callbacks)
    history, callbacks = History(), list(callbacks)
    try:
        with DeferredInterrupt() as interrupt, Progress(progress, epochs, len(loader)) as report:
            for epoch in range(1, epochs + 1):
                start, lr = time.perf_counter(), _lr(optimizer)
                trained = _epoch(model, loader, optimizer, loss, epoch, interrupt, report)
                validated = None if validate is None else evaluate(model, validate, loss)
                if scheduler is not None:
                    scheduler.step()
                history.append(trained, validated, time.perf_counter() - start, lr)
                report.epoch(epoch, str(trained), None if validated is None else str(validated))
                answers = [callback(history) for callback in callbacks]
                if any(answer is True for answer in answers):
                    break
                interrupt.check()
    except KeyboardInterrupt:
        history.interrupted = True
    return history


def _check(**arguments: Any) -> None:
    for name, value in arguments.items():
        if not hasattr(value, NEEDED[name]):
            raise TypeError(f"fit(): {name} cannot be {value!r:.80}, which has no {NEEDED[name]}")
    if arguments["epochs"] < 0:
        raise ValueError(f"fit(): epochs must not be negative, but is {arguments['epochs']}")


def evaluate(model: nn.Module, loader: Batches, loss: Loss = cross_entropy) -> Evaluation:
    """Mean loss and accuracy of a model over all batches, in evaluation mode and without gradients.

    Every module's mode is restored afterwards.
    """
    mean = _Mean()
    with in_mode(model, training=False), ag.no_grad():
        for inputs, target in pairs(loader):
            output = model(inputs)
            mean.add(loss(output, target).item(), output, target)
    return mean.value()


def _epoch(
    model: nn.Module,
    loader: Batches,
    optimizer: Any,
    loss: Loss,
    epoch: int,
    interrupt: DeferredInterrupt,
    report: Progress,
) -> Evaluation:
    mean = _Mean()
    model.train()
    for number, (inputs, target) in enumerate(pairs(loader), 1):
        optimizer.zero_grad()
        output = model(inputs)
        batch_loss = loss(output, target)
        if not isinstance(batch_loss, Tensor):
            raise TypeError(f"the loss must be a Tensor, from which backward() starts, not {type(batch_loss).__name__}")
        value = batch_loss.item()
        if not math.isfinite(value):
            raise FloatingPointError(
                f"the loss is {value} in epoch {epoch}, batch {number} of {len(loader)}; the parameters are those "
                f"before this batch. Lower the learning rate (now {_lr(optimizer):g}), clip gradients "
                "(optim.clip_grad_norm_), or look for NaN in the data"
            )
        batch_loss.backward()
        optimizer.step()
        mean.add(value, output, target)
        report.batch(epoch, str(mean.value()))
        interrupt.check()
    return mean.value()


def _lr(optimizer: Any) -> float:
    return float(optimizer.param_groups[0]["lr"])


class _Mean:
    """The mean of loss and accuracy over examples, batch by batch."""

    def __init__(self) -> None:
        self._examples, self._loss, self._accuracy, self._labelled = 0, 0.0, 0.0, True

    def add(self, loss: float, output: Tensor, target: Tensor) -> None:
        n = len(target)
        self._examples += n
        self._loss += n * loss
        self._labelled = self._labelled and is_classification(output, target)
        if self._labelled:
            self._accuracy += n * accuracy(output, target)

    def value(self) -> Evaluation:
        if not self._examples:
            raise ValueError(
                "the loader yields no batches; is the data set empty, or smaller than one batch with drop_last?"
            )
        return Evaluation(self._loss / self._examples, self._accuracy / self._examples if self._labelled else None)
