"""Pictures of training."""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from typing import Any

from training.extras import require
from training.history import History


def learning_curves(histories: History | Mapping[str, History], path: str | PathLike[str]) -> None:
    """Write loss and accuracy over the epochs of one run, or of several by name, as a picture (PNG, SVG or PDF).

    Draws without pyplot, so it needs no display and leaves the figures of the caller alone. Raises ValueError where
    no epoch was completed.
    """
    runs = {"": histories} if isinstance(histories, History) else histories
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
