"""Plots of training runs."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from os import PathLike
from typing import Any

import autograd_core as ag
import nn
from autograd_core import Tensor
from training.extras import require
from training.history import History

# All elementwise activations.
ACTIVATIONS = (
    nn.Identity, nn.Heaviside, nn.Sign, nn.Sigmoid, nn.Hardsigmoid, nn.LogSigmoid, nn.Tanh, nn.Hardtanh, nn.Softsign,
    nn.Tanhshrink, nn.Softshrink, nn.Hardshrink, nn.ArcTan, nn.ISRU, nn.SQNL, nn.ReLU, nn.ReLU6, nn.LeakyReLU, nn.PReLU,
    nn.RReLU, nn.ELU, nn.CELU, nn.SELU, nn.ISRLU, nn.Softplus, nn.GELU, nn.SiLU, nn.Mish, nn.Hardswish, nn.Gaussian,
    nn.Sine,
)  # fmt: skip


def activation_curves(
    path: str | PathLike[str], functions: Mapping[str, Callable[[Tensor], Tensor]] | None = None, reach: float = 4.0
) -> None:
    """Plot elementwise functions and their derivatives on [-reach, reach] to a file (PNG, SVG or PDF).

    functions: by name; None means every activation of `nn`, with default arguments.
    """
    if not 0 < reach < math.inf:
        raise ValueError(f"reach must be a positive number, not {reach}")
    functions = {c.__name__: c().eval() for c in ACTIVATIONS} if functions is None else functions
    columns = math.ceil(math.sqrt(len(functions)))
    rows = math.ceil(len(functions) / columns)
    make = require("matplotlib.figure", "a picture of activations").Figure
    figure = make(figsize=(2.2 * columns, 1.9 * rows), layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False).flat
    for (name, function), panel in zip(functions.items(), panels, strict=False):
        x = ag.linspace(-reach, reach, 801, requires_grad=True)
        y = function(x)
        for curve, style, label in ((y, "-", "value"), (ag.autograd.grad(y.sum(), x)[0], "--", "derivative")):
            panel.plot(x.detach().numpy(), curve.detach().numpy(), style, label=label)
        panel.set_title(name, fontsize="medium")
        panel.grid(alpha=0.3)
    figure.legend(*panel.get_legend_handles_labels(), loc="outside lower center", ncols=2)
    for panel in panels:
        panel.set_axis_off()
    figure.savefig(path, dpi=150)


def learning_curves(histories: History | Mapping[str, History], path: str | PathLike[str]) -> None:
    """Plot loss and accuracy per epoch of one run, or of several by name, to a file (PNG, SVG or PDF).

    It does not use pyplot, so it needs no display and leaves the caller's figures alone. Raises ValueError if no epoch
    was completed.
    """
    runs = {"": histories} if isinstance(histories, History) else histories
    if not isinstance(runs, Mapping):
        raise TypeError(f"learning_curves() takes the history of fit(), or several by name, not {runs!r:.40}")
    if not any(history.loss for history in runs.values()):
        raise ValueError("learning_curves() needs a history with at least one completed epoch")
    figure = require("matplotlib.figure", "a picture of learning curves").Figure(figsize=(10, 4), layout="constrained")
    losses, accuracies = figure.subplots(1, 2)
    for number, (name, history) in enumerate(runs.items()):
        _curves(losses, f"C{number}", name, history.loss, history.val_loss)
        _curves(accuracies, f"C{number}", name, _percent(history.accuracy), _percent(history.val_accuracy))
    positive = all(loss > 0 for history in runs.values() for loss in history.loss + history.val_loss)
    losses.set(title="Loss", xlabel="epoch", ylabel="loss", yscale="log" if positive else "linear")
    accuracies.set(title="Accuracy", xlabel="epoch", ylabel="accuracy in %")
    for panel in (losses, accuracies):
        panel.xaxis.get_major_locator().set_params(integer=True)
        panel.grid(alpha=0.3)
        if panel.lines:
            panel.legend()
    figure.savefig(path, dpi=150)


def _curves(panel: Any, color: str, name: str, train: list[float], validation: list[float]) -> None:
    for values, label, style in ((train, "training", "--"), (validation, "validation", "-")):
        if values:
            epochs = range(1, len(values) + 1)
            panel.plot(epochs, values, style, color=color, label=f"{name} {label}".strip(), marker=".", markersize=4)


def _percent(fractions: list[float]) -> list[float]:
    return [100 * fraction for fraction in fractions]
