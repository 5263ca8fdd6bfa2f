"""What a captured step leaves in tensors that exist outside of it."""

from __future__ import annotations

import gc
from collections.abc import Collection, Iterable
from typing import Any

from autograd_core.engine.nodes import Leaf
from autograd_core.engine.versions import base_of, version
from autograd_core.replay.existing import tensors
from autograd_core.replay.validity import Stale
from autograd_core.tensor import Tensor


class Before:
    """The tensors of one array type before a step is recorded."""

    def __init__(self, kind: type) -> None:
        self._kind = kind
        found = [t for t in tensors() if t.array.__class__ is kind]
        self._found = [(t, t.array, t._grad, t.node) for t in found]
        self._versions = {id(t): version(t._grad) for t in found if t._grad is not None}

    def restore(self) -> None:
        """Put back what was in the tensors: nothing has been computed."""
        for t, array, gradient, node in self._found:
            t.array, t._grad = array, gradient
            if t.node is not None and t.node.__class__ is not Leaf:
                t.node = node

    def left(self, places: Collection[Tensor], watched: Iterable[Tensor]) -> Left:
        """What the step has put there since, but into `places`; NotImplementedError if a replay could not do so."""
        ours, gradients = {id(t) for t in places}, []
        for t, array, before, _ in self._found:
            if id(t) in ours:
                continue
            if t.array is not array:
                raise NotImplementedError(
                    f"the step gives other memory to a tensor of shape {t.shape} that exists before; write into it, as "
                    "copy_() does"
                )
            after = t._grad
            if after is not before or (after is not None and version(after) != self._versions[id(t)]):
                gradients.append((t, before, after, None if after is None else after.array))
        return Left(gradients, {id(t): t for t in (*watched, *[t for t, *_ in gradients])}.values())

    def kept(self, results: Iterable[Tensor]) -> str:
        """Why no replay can follow, if the step keeps a tensor it made: it would not find what the last one left."""
        ours = [t for t, *_ in self._found]
        gradients = [t._grad for t in ours if t._grad is not None]
        known = {id(v) for t in (*ours, *gradients, *results) for v in (t, base_of(t))}

        def made() -> list[Tensor]:
            return [t for t in tensors() if t.array.__class__ is self._kind and id(t) not in known]

        if made():
            gc.collect()  # of cycles
        if not (left := made()):
            return ""
        return (
            f"the step keeps a tensor of shape {left[0].shape} that it made; copy its values into one that exists "
            "before, such as a buffer, or return it"
        )


class Left:
    """Gradients that a recorded step leaves, and the arrays of parameters and buffers that it relies on."""

    def __init__(self, gradients: list[tuple[Tensor, Any, Any, Any]], watched: Collection[Tensor]) -> None:
        self._gradients = gradients
        self._watched = [(t, t.array, t.node is None) for t in watched]

    def check(self) -> None:
        """Raise Stale if a replay would do something else than the step."""
        for t, array, frozen in self._watched:
            if t.array is not array or (t.node is None) is not frozen:
                raise Stale("a parameter or buffer has other memory, or is frozen or not")
        for t, before, after, array in self._gradients:
            if before is None:
                if t._grad is not None:
                    raise Stale("a parameter has a gradient already, to which the step adds its own")
            elif before is after and (t._grad is not after or after.array is not array):
                raise Stale("a gradient to which the step adds its own is another")

    def put(self) -> None:
        """Let tensors have the gradients that a replay has computed."""
        for t, _, after, array in self._gradients:
            t._grad = after
            if after is not None:
                after.array = array
