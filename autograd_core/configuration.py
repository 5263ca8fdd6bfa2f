"""`config`: which kernels compute on the CPU."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from backends.onednn import choice


class Config:
    """The settings in `autograd_core.config`.

    kernels: "onednn", "numpy", or "auto", which is oneDNN where it is installed. Setting "onednn" without it raises
    `backends.BackendUnavailable` with instructions.
    """

    __slots__ = ()  # a misspelt setting raises

    @property
    def kernels(self) -> str:
        """The chosen kernels; can be assigned at any time."""
        return choice.chosen()

    @kernels.setter
    def kernels(self, name: str) -> None:
        choice.choose(name)

    @contextmanager
    def using(self, kernels: str) -> Iterator[Config]:
        """Use other kernels within a `with` block, in all threads."""
        before = self.kernels
        self.kernels = kernels
        try:
            yield self
        finally:
            self.kernels = before

    def __repr__(self) -> str:
        return f"config(kernels={self.kernels!r}, in use: {choice.describe()})"


config = Config()
