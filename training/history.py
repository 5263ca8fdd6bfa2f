"""The measurements of a training run."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple


class Evaluation(NamedTuple):
    """Mean loss, and the fraction of correct labels (None if the targets are not labels)."""

    loss: float
    accuracy: float | None

    def __str__(self) -> str:
        shown = f"loss {self.loss:.4f}"
        return shown if self.accuracy is None else f"{shown}, accuracy {100 * self.accuracy:.1f} %"


@dataclass
class History:
    """Lists with one entry per completed epoch; a list is empty if there was nothing to measure.

    seconds: duration of the epoch with its validation. lr: learning rate of the first parameter group during the epoch.
    interrupted: whether Ctrl-C ended the run; the model then keeps what it learned, also in the unfinished epoch.
    """

    loss: list[float] = field(default_factory=list)
    accuracy: list[float] = field(default_factory=list)
    val_loss: list[float] = field(default_factory=list)
    val_accuracy: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    lr: list[float] = field(default_factory=list)
    interrupted: bool = False

    def __len__(self) -> int:
        return len(self.loss)

    def append(self, trained: Evaluation, validated: Evaluation | None, seconds: float, lr: float) -> None:
        """Add a completed epoch."""
        val_loss, val_accuracy = validated or (None, None)
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
