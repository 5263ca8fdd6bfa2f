"""Early stopping."""

from __future__ import annotations

import copy
import math
from typing import Any

import nn
from training.history import History


class EarlyStopping:
    """A callback for `fit` that ends the training when the validation loss has stopped falling (Prechelt 1998).

    patience: how many epochs without a new lowest loss to wait. min_delta: how much lower a loss must be to count.
    `best_epoch` and `best_loss` tell which epoch, counted from 1, was the best; `restore()` returns the model to it.

    >>> from training import History
    >>> stopping = EarlyStopping(nn.Linear(1, 1), patience=2)
    >>> [stopping(History(val_loss=[0.5, 0.3, 0.4, 0.35][:epochs])) for epochs in range(1, 5)]
    [False, False, False, True]
    >>> stopping.best_epoch, stopping.best_loss
    (2, 0.3)
    """

    def __init__(self, model: nn.Module, patience: int = 5, min_delta: float = 0.0) -> None:
        if patience < 1 or not min_delta >= 0:
            raise ValueError(f"needs patience ≥ 1 and min_delta ≥ 0, not patience={patience}, min_delta={min_delta}")
        self.model, self.patience, self.min_delta = model, patience, min_delta
        self.best_epoch, self.best_loss = 0, math.inf
        self._best: dict[str, Any] = {}

    def __call__(self, history: History) -> bool:
        if not history.val_loss:
            raise ValueError("EarlyStopping judges by the validation loss: call fit(..., validate=loader)")
        loss, epoch = history.val_loss[-1], len(history.val_loss)
        if loss < self.best_loss - self.min_delta:
            self.best_epoch, self.best_loss = epoch, loss
            self._best = copy.deepcopy(self.model.state_dict())
        return epoch - self.best_epoch >= self.patience

    def restore(self) -> None:
        """Return the model to the state after its best epoch."""
        if not self._best:
            raise RuntimeError("no epoch was completed, so there is no state to return to")
        self.model.load_state_dict(self._best)

    def state_dict(self) -> dict[str, Any]:
        """What `load_state_dict` continues from."""
        return {"best_epoch": self.best_epoch, "best_loss": self.best_loss, "best": self._best}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Continue from a state."""
        self.best_epoch, self.best_loss = state_dict["best_epoch"], state_dict["best_loss"]
        self._best = copy.deepcopy(state_dict["best"])
