"""The measurements of a training run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple


class Evaluation(NamedTuple):
    """Mean loss, the fraction of correct labels (None if the targets are not labels), and further metrics by name."""

    loss: float
    accuracy: float | None
    metrics: Mapping[str, Any] = {}

    def __str__(self) -> str:
        shown = [f"loss {self.loss:.4f}"]
        if self.accuracy is not None:
            shown.append(f"accuracy {100 * self.accuracy:.1f} %")
        shown += [f"{name} {value:.4f}" for name, value in self.metrics.items() if isinstance(value, float)]
        return ", ".join(shown)


@dataclass
class History:
    """Lists with one entry per completed epoch; a list is empty if there was nothing to measure.

    val_metrics: a list for each further metric. seconds: duration of the epoch with its validation. lr: learning rate
    of the first parameter group during the epoch. interrupted: whether Ctrl-C ended the run; the model then keeps what
    it learned, also in the unfinished epoch.
    """

    loss: list[float] = field(default_factory=list)
    accuracy: list[float] = field(default_factory=list)
    val_loss: list[float] = field(default_factory=list)
    val_accuracy: list[float] = field(default_factory=list)
    val_metrics: dict[str, list[Any]] = field(default_factory=dict)
    seconds: list[float] = field(default_factory=list)
    lr: list[float] = field(default_factory=list)
    interrupted: bool = False

    def __len__(self) -> int:
        return len(self.loss)

    def append(self, trained: Evaluation, validated: Evaluation | None, seconds: float, lr: float) -> None:
        """Add a completed epoch."""
        val_loss, val_accuracy, metrics = validated or (None, None, {})
        for name, value in metrics.items():
            self.val_metrics.setdefault(name, []).append(value)
        for column, value in (
            (self.loss, trained.loss),
            (self.accuracy, trained.accuracy),
            (self.val_loss, val_loss),
            (self.val_accuracy, val_accuracy),
            (self.seconds, seconds),
            (self.lr, lr),
        ):
            if value is not None:
                column.append(value)
