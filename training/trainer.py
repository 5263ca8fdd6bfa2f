"""The training loop."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from numbers import Real
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol

import autograd_core as ag
import nn
from autograd_core import Tensor
from nn.functional import cross_entropy
from nn.modes import in_mode
from optim import clip_grad_norm_
from optim.lr_scheduler import ReduceLROnPlateau
from training.checkpoints import Checkpoint
from training.history import Evaluation, History
from training.interrupts import DeferredInterrupt
from training.metrics import accuracy, is_classification
from training.progress import Progress

Loss = Callable[[Tensor, Tensor], Tensor]
Metric = Callable[[Tensor, Tensor], Any]
NONE: Mapping[str, Metric] = MappingProxyType({})
EMPTY = "the loader yields no batches; is the data set empty, or smaller than one batch with drop_last?"
# What `fit` uses of its arguments, and what they are.
NEEDED = {
    "model": ("train", "a Module"),
    "loader": ("__len__", "a DataLoader, or another sized iterable of batches"),
    "optimizer": ("param_groups", "an optimizer, such as optim.Adam(model.parameters())"),
    "loss": ("__call__", "a function of output and target, such as nn.functional.mse_loss"),
    "epochs": ("__index__", "an integer"),
    "scheduler": ("step", "a schedule, such as optim.lr_scheduler.StepLR(optimizer, 10)"),
    "metrics": ("items", 'a dict of functions of output and target, such as {"f1": metrics.f1}'),
    "callbacks": ("__iter__", "a list of functions of the history"),
}


class Batches(Protocol):
    """A `DataLoader`, or anything with a length that yields pairs (input, target)."""

    def __len__(self) -> int: ...
    def __iter__(self) -> Iterator[Any]: ...


def pairs(loader: Batches, model: nn.Module | None = None) -> Iterator[tuple[Any, Any]]:
    """The batches of a loader, on the device of a model; TypeError if they are not pairs (input, target)."""
    device = None if model is None else _device_of(model)
    for batch in loader:
        if not isinstance(batch, (tuple, list)) or len(batch) != 2 or not getattr(batch[1], "ndim", 1):
            raise TypeError(
                "expected batches (input, target), as from DataLoader(TensorDataset(inputs, targets), batch_size=32), "
                f"but {type(loader).__name__} yields {batch!r:.80}"
            )
        yield _moved(batch[0], device), _moved(batch[1], device)


def _device_of(model: nn.Module) -> str | None:
    return next((p.device for p in model.parameters()), None)


def _moved(value: Any, device: str | None) -> Any:
    return value.to(device, non_blocking=True) if device is not None and isinstance(value, Tensor) else value


def fit(
    model: nn.Module,
    loader: Batches,
    optimizer: Any,
    loss: Loss = cross_entropy,
    epochs: int = 1,
    *,
    scheduler: Any = None,
    interval: str = "epoch",
    max_norm: float | None = None,
    capture: bool = False,
    validate: Batches | None = None,
    metrics: Mapping[str, Metric] = NONE,
    callbacks: Iterable[Callable[[History], object]] = (),
    checkpoint: str | os.PathLike[str] | None = None,
    progress: bool = True,
) -> History:
    """Train a model: for every batch, moved to its device, a forward pass, a backward pass and an optimizer step.

    scheduler: its `step()` is called after every epoch, or every batch if `interval` is "batch"; a `ReduceLROnPlateau`
    is given the validation loss, or the loss if there is none. max_norm: what the gradients are clipped to, all
    together, before each step. capture: whether `autograd_core.capture` notes the forward and backward pass once and
    replays it, which makes small models up to twice as fast; what else Python does there, it then does not do in every
    step. validate: batches on which to evaluate after every epoch, with `metrics`, as `evaluate` does. callbacks:
    called with the history after every epoch; one that returns True ends the training. progress: report on stderr.
    Ctrl-C ends the training after the current step. A loss that is not finite raises FloatingPointError before that
    batch changes a parameter.

    checkpoint: a file that is replaced after every epoch, and from which a call continues if it exists, as if it had
    not been interrupted, until `epochs` are complete or a callback ends the training: with the state of model,
    optimizer, schedule, random numbers (but those of persistent workers) and callbacks (those with `state_dict` and
    `load_state_dict`), and with the history. To begin anew, delete the file.
    """
    _check(model=model, loader=loader, optimizer=optimizer, loss=loss, epochs=epochs)
    _check(metrics=metrics, callbacks=callbacks)
    callbacks = list(callbacks)
    _check_functions(*metrics.values(), *callbacks)
    if scheduler is not None:
        _check(scheduler=scheduler)
    if epochs < 0:
        raise ValueError(f"fit(): epochs must not be negative, but is {epochs}")
    if interval not in ("epoch", "batch"):
        raise ValueError(f"fit(): interval must be 'epoch' or 'batch', not {interval!r}")
    if metrics and validate is None:
        raise ValueError("fit(): metrics are of the validation set: give it as validate=")
    gradients = _gradients(model, optimizer, loss)
    training = _Training(
        model, loader, optimizer, ag.capture(gradients) if capture else gradients, scheduler, interval, max_norm
    )
    history = History()
    parts = {"model": model, "optimizer": optimizer, "scheduler": scheduler} | _continued(callbacks)
    saved = Checkpoint(checkpoint, {k: v for k, v in parts.items() if v is not None}, loader, validate)
    ended = saved.resume(history)
    try:
        with DeferredInterrupt() as interrupt, Progress(progress, epochs, len(loader), len(history)) as report:
            for epoch in range(len(history) + 1, 0 if ended else epochs + 1):
                start, lr = time.perf_counter(), _lr(optimizer)
                trained = training.epoch(epoch, interrupt, report)
                validated = None if validate is None else evaluate(model, validate, loss, metrics)
                training.advance("epoch", (validated or trained).loss)
                history.append(trained, validated, time.perf_counter() - start, lr)
                report.epoch(epoch, str(trained), None if validated is None else str(validated))
                answers = [callback(history) for callback in callbacks]
                ended = any(answer is True for answer in answers)
                saved.save(history, ended)
                if ended:
                    break
                interrupt.check()
    except KeyboardInterrupt:
        history.interrupted = True
    return history


def _continued(callbacks: list[Any]) -> dict[str, Any]:
    """The callbacks that a checkpoint continues, by a name; others can come and go."""
    stateful = [c for c in callbacks if hasattr(c, "load_state_dict")]
    return {f"callback {type(c).__name__} {i}": c for i, c in enumerate(stateful)}


def _check(**arguments: Any) -> None:
    for name, value in arguments.items():
        needed, what = NEEDED[name]
        if not hasattr(value, needed) or isinstance(value, type):
            raise TypeError(f"{name} must be {what}, not {value!r:.80}")


def _check_functions(*functions: Any) -> None:
    for function in functions:
        if not callable(function) or isinstance(function, type):
            raise TypeError(
                "metrics and callbacks are functions, or objects that can be called, such as EarlyStopping(model), not "
                f"{function!r:.80}"
            )


def evaluate(
    model: nn.Module, loader: Batches, loss: Loss = cross_entropy, metrics: Mapping[str, Metric] = NONE
) -> Evaluation:
    """Mean loss and accuracy of a model over all batches, in evaluation mode and without gradients.

    metrics: functions of output and target by name, such as {"f1": metrics.f1}. They are called once, with those of
    all batches joined, and give a number or a tensor. Every module's mode is restored afterwards.
    """
    _check(model=model, metrics=metrics)
    _check_functions(*metrics.values())
    mean, seen = _Mean(), list[tuple[Tensor, Tensor]]()
    with in_mode(model, training=False), ag.no_grad():
        for inputs, target in pairs(loader, model):
            output = model(inputs)
            mean.add(float(_number(loss(output, target)).item()), output, target)
            if metrics:
                seen.append((output, ag.as_tensor(target)))
        found = mean.value()
        if not metrics:
            return found
        output, target = map(ag.cat, zip(*seen, strict=True))
        return found._replace(metrics={name: _measured(name, f(output, target)) for name, f in metrics.items()})


def _measured(name: str, value: Any) -> float | Tensor:
    if not isinstance(value, (Tensor, Real)):
        raise TypeError(f"the metric {name!r} must give a number or a tensor, not {value!r:.80}")
    return value if isinstance(value, Tensor) and value.numel() != 1 else float(value)


def predict(model: nn.Module, loader: Iterable[Any]) -> Tensor:
    """The outputs of a model for all batches, joined, in evaluation mode and without gradients.

    loader: yields batches of inputs, or pairs (input, target), of which only the inputs are used.
    """
    _check(model=model)
    shape = getattr(loader, "shape", None)  # of a tensor or an array, whose rows would be taken for batches
    if shape is not None or not hasattr(loader, "__iter__"):
        what = repr(loader) if shape is None else f"a {type(loader).__name__.lower()} of shape {shape}"
        raise TypeError(f"predict() takes batches, as from a DataLoader or x.split(64), not {what:.80}")
    device = _device_of(model)
    with in_mode(model, training=False), ag.no_grad():
        inputs = (batch[0] if isinstance(batch, (tuple, list)) else batch for batch in loader)
        outputs = [model(_moved(x, device)) for x in inputs]
    if not outputs:
        raise ValueError(EMPTY)
    return ag.cat(outputs)


def _gradients(model: nn.Module, optimizer: Any, loss: Loss) -> Callable[[Any, Any], tuple[Tensor, Tensor]]:
    """The step up to the gradients, as a function that gives the output and the loss."""

    def gradients(inputs: Any, target: Any) -> tuple[Tensor, Tensor]:
        optimizer.zero_grad()
        output = model(inputs)
        value = _number(loss(output, target))
        value.backward()
        return output, value

    return gradients


class _Training(NamedTuple):
    """What an epoch needs."""

    model: nn.Module
    loader: Batches
    optimizer: Any
    gradients: Callable[[Any, Any], tuple[Tensor, Tensor]]
    scheduler: Any
    interval: str
    max_norm: float | None

    def epoch(self, epoch: int, interrupt: DeferredInterrupt, report: Progress) -> Evaluation:
        """Train with every batch; the means over them."""
        mean = _Mean()
        self.model.train()
        sampler: Any = getattr(self.loader, "sampler", None)
        if hasattr(sampler, "set_epoch"):  # a DistributedSampler
            sampler.set_epoch(epoch - 1)
        for number, (inputs, target) in enumerate(pairs(self.loader, self.model), 1):
            output, batch_loss = self.gradients(inputs, target)
            value = float(batch_loss.item())
            if not math.isfinite(value):
                raise FloatingPointError(
                    f"the loss is {value} in epoch {epoch}, batch {number} of {len(self.loader)}; the parameters are "
                    f"those before this batch. Lower the learning rate (now {_lr(self.optimizer):g}), clip gradients "
                    "(fit(max_norm=1.0)), or look for NaN in the data"
                )
            self._step(first=number == 1)
            self.advance("batch", value)
            mean.add(value, output, target)
            report.batch(epoch, str(mean.value()))
            interrupt.check()
        return mean.value()

    def _step(self, first: bool) -> None:
        groups = self.optimizer.param_groups
        if first and all(p.grad is None for group in groups for p in group["params"]):
            raise ValueError(
                "the loss depends on no parameter of the optimizer; was that made of another model's parameters?"
            )
        if self.max_norm is not None:
            clip_grad_norm_((p for group in groups for p in group["params"]), self.max_norm)
        self.optimizer.step()

    def advance(self, after: str, loss: float) -> None:
        """Let the schedule step, if it does after this."""
        if self.scheduler is not None and after == self.interval:
            self.scheduler.step(*([loss] if isinstance(self.scheduler, ReduceLROnPlateau) else []))


def _number(loss: Any) -> Tensor:
    """The loss; TypeError if backward() cannot start from it."""
    if not isinstance(loss, Tensor) or loss.numel() != 1:
        what = f"a tensor of shape {loss.shape}" if isinstance(loss, Tensor) else type(loss).__name__
        raise TypeError(f'the loss must be a Tensor of one number, as with reduction="mean", not {what}')
    return loss


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
            raise ValueError(EMPTY)
        return Evaluation(self._loss / self._examples, self._accuracy / self._examples if self._labelled else None)
