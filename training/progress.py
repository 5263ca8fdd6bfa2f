"""Progress output of a training run."""

from __future__ import annotations

import sys
from typing import Self

from training.extras import require

LINES = 10  # at most, without a terminal
BAR = "{desc}{bar}| {n_fmt}/{total_fmt} [{elapsed}<{remaining}{postfix}]"  # fits into 80 columns


class Progress:
    """On a terminal a progress bar for the whole run; elsewhere (a log file, a notebook) a line per tenth of it."""

    def __init__(self, show: bool, epochs: int, batches: int, done: int = 0) -> None:
        if show and done:
            print(f"{done} of {epochs} epochs are in the checkpoint", file=sys.stderr, flush=True)
        terminal = show and sys.stderr.isatty()
        self._lines = show and not terminal
        self._epochs = epochs
        self._bar = None
        if terminal:
            tqdm = require("tqdm", "a progress bar (or choose progress=False)").tqdm
            self._bar = tqdm(total=epochs * batches, initial=done * batches, bar_format=BAR, dynamic_ncols=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.close()

    def batch(self, epoch: int, state: str) -> None:
        """Report a batch of this epoch, and the loss and accuracy so far."""
        if self._bar is not None:
            self._bar.set_description(f"epoch {epoch}/{self._epochs}", refresh=False)
            self._bar.set_postfix_str(state, refresh=False)
            self._bar.update()

    def epoch(self, epoch: int, trained: str, validated: str | None) -> None:
        """Report the end of an epoch, and the result of validation if there was one."""
        validation = [] if validated is None else [f"validation {validated}"]
        if self._bar is not None:
            self._bar.set_postfix_str([trained, *validation][-1])
        elif self._lines and epoch * LINES // self._epochs > (epoch - 1) * LINES // self._epochs:
            print(f"epoch {epoch}/{self._epochs}: {'; '.join([trained, *validation])}", file=sys.stderr, flush=True)
