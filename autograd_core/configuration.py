"""`config`: which kernels compute on the CPU."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from backends.onednn import choice


class Config:
    """`autograd_core.config`: shows and chooses.

    kernels: "onednn", "numpy", or "auto", oneDNN where it is installed. Where it is not, asking for "onednn" raises
    `backends.BackendUnavailable` with the remedy.
    """

    @property
    def kernels(self) -> str:
        """The kernels that were chosen; may be assigned at any time."""
        return choice.chosen()

    @kernels.setter
    def kernels(self, name: str) -> None:
        choice.choose(name)

    @contextmanager
    def using(self, kernels: str) -> Iterator[Config]:
        """Other kernels for the time of a `with` block, in all threads."""
        before = self.kernels
        self.kernels = kernels
        try:
            yield self
        finally:
            self.kernels = before

    def __repr__(self) -> str:
        return f"config(kernels={self.kernels!r}, in use: {choice.describe()})"


config = Config()
