"""Checkpoints of `fit`: everything that decides how a training continues, in one file."""

from __future__ import annotations

import copy
import io
import os
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

import autograd_core as ag
from autograd_core.random import Generator, restore, rng_states
from nn.files import load, write
from nn.files.pytorch_writer import written
from training.history import History

# How the state of a generator of random numbers is read and set, by class.
GENERATORS: dict[type, tuple[Any, Any]] = {
    Generator: (Generator.get_state, Generator.set_state),
    random.Random: (random.Random.getstate, random.Random.setstate),
    np.random.Generator: (lambda g: g.bit_generator.state, lambda g, state: setattr(g.bit_generator, "state", state)),
}
PARTS = ("loader", "batch_sampler", "sampler", "dataset")  # attributes of loaders and of their parts


class Checkpoint:
    """The file of a training run, which `save` replaces atomically; without a path nothing is saved or resumed.

    parts: what has a `state_dict` and a `load_state_dict`, by name. loaders: their generators are saved too.
    The file has PyTorch's format.
    """

    def __init__(self, path: str | os.PathLike[str] | None, parts: dict[str, Any], *loaders: Any) -> None:
        if path is not None and not isinstance(path, (str, os.PathLike)):
            raise TypeError(f"fit(): checkpoint must be the path of a file, not {path!r:.80}")
        if path is not None and not Path(path).parent.is_dir():
            raise FileNotFoundError(f"fit(): checkpoint: there is no folder '{Path(path).parent}'; create it first")
        for name, part in parts.items() if path is not None else ():
            if not (hasattr(part, "state_dict") and hasattr(part, "load_state_dict")):
                raise TypeError(
                    f"fit(): the {name} {type(part).__name__} has no state_dict() and load_state_dict(), without which "
                    "a checkpoint cannot continue it"
                )
        self._path, self._parts, self._readable = path, parts, False
        self._generators = [found for loader in loaders for found in _generators(loader)] if path is not None else []

    def resume(self, history: History) -> bool:
        """Restore what the file holds, if there is one; whether the training had ended by itself.

        If something in it does not fit, nothing has changed.
        """
        if self._path is None or not Path(self._path).exists():
            return False
        found = load(self._path)
        if not isinstance(found, dict) or not {"parts", "history", "ended"} <= found.keys():
            raise ValueError(f"'{self._path}' is no checkpoint of fit(); name another file")
        if found["parts"].keys() != self._parts.keys():
            raise ValueError(
                f"the checkpoint '{self._path}' is of another training: it continues {', '.join(found['parts'])}, not "
                f"{', '.join(self._parts)}"
            )
        before = copy.deepcopy(self._state())
        try:
            self._restore(found)
        except Exception as e:
            self._restore(before)
            e.add_note(f"The checkpoint '{self._path}' is of another training; name another file, or delete it.")
            raise
        vars(history).update(found["history"])
        return bool(found["ended"])

    def save(self, history: History, ended: bool) -> None:
        """Write the state after an epoch."""
        if self._path is None:
            return
        content = written(self._state() | {"history": vars(history), "ended": ended})
        if not self._readable:
            load(io.BytesIO(content))  # states of a program's own may hold what only a trusted file may
            self._readable = True
        write(content, self._path)

    def _state(self) -> dict[str, Any]:
        return {
            "parts": {name: part.state_dict() for name, part in self._parts.items()},
            "devices": rng_states(),
            "python": random.getstate(),
            "numpy": np.random.get_state(legacy=False),  # noqa: NPY002  # programs use it
            "generators": [GENERATORS[kind][0](generator) for kind, generator in self._generators],
        }

    def _restore(self, state: dict[str, Any]) -> None:
        for name, part in self._parts.items():
            part.load_state_dict(state["parts"][name])
        for (kind, generator), value in zip(self._generators, state["generators"], strict=True):
            GENERATORS[kind][1](generator, value)
        random.setstate(state["python"])
        np.random.set_state(state["numpy"])  # noqa: NPY002
        restore({k: v for k, v in state["devices"].items() if k[0] == "cpu" or ag.cuda.is_available()})


def _generators(loader: Any) -> Iterator[tuple[type, Any]]:
    """The generators that are attributes of a loader, or of its sampler, data set and other parts, with their kind."""
    attributes = getattr(loader, "__dict__", {})
    for value in attributes.values():
        if kind := next((kind for kind in GENERATORS if isinstance(value, kind)), None):
            yield kind, value
    for part in PARTS:
        if part in attributes:
            yield from _generators(attributes[part])
