"""The measurements of a training run."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple


class Evaluation(NamedTuple):
    """Mean loss, and the fraction of labels that were right (None where targets are not labels)."""

    loss: float
    accuracy: float | None

    def __str__(self) -> str:
        shown = f"loss {self.loss:.4f}"
        return shown if self.accuracy is None else f"{shown}, accuracy {100 * self.accuracy:.1f} %"


@dataclass
class History:
    """One entry per completed epoch in every list; a list is empty where there was nothing to measure.

    seconds: of the epoch with its validation. lr: of the first parameter group, as the epoch used it.
    interrupted: whether Ctrl-C ended the run; the model then keeps all it had learned, in the unfinished epoch too.
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
