"""A training step as a CUDA graph: recorded once, then launched as a whole, without Python between its kernels."""

from __future__ import annotations

import gc
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from autograd_core.cuda.devices import device, runtime
from autograd_core.cuda.recording import Numbers, Recording, Stale
from autograd_core.engine.casting import casting_anew, modes
from autograd_core.engine.libraries import LIBRARY
from autograd_core.grad_mode import grad_enabled
from autograd_core.replay.reach import Settings
from autograd_core.tensor import Tensor, wrap
from autograd_core.trees import leaves, mapped, outline
from backends.live import recording

logger = logging.getLogger(__name__)


class graph:
    """A step that is captured as a CUDA graph after a few calls, and gives what it gives without.

    step: a function of tensors on a GPU and of constants, such as one that zeroes gradients, computes a loss, walks
    back, steps an optimizer and returns the loss. Its first `warmup` calls for arguments of certain shapes and dtypes
    run as they are, the next one is recorded, and further ones copy their arguments to where the recorded ones lay and
    start what was recorded. Learning rates, step counts and random numbers go on from call to call. All else that
    Python does in the step happens in the recorded call only: schedules and printing belong outside, and what the step
    changes it must change in place. Gradients have to be zeroed inside, with `zero_grad()`. Modes and plain attributes
    of modules, and numbers that the step names, have recordings of their own.

    A step that cannot be captured, for instance because it reads a value, runs as it is from then on; the reason is in
    the log and in `reasons`.
    """

    def __init__(self, step: Callable[..., Any], warmup: int = 3) -> None:
        self.step, self.warmup = step, max(1, warmup)
        self.reasons: list[str] = []
        self.settings: Any = None
        self._captures: dict[Any, _Capture] = {}

    def __call__(self, *args: Any) -> Any:
        given = leaves(args)
        tensors = [leaf for leaf in given if isinstance(leaf, Tensor)]
        if not tensors or not all(t.is_cuda for t in tensors):
            return self._as_it_is("its arguments are not on a GPU", args)
        if self.settings is None:
            self.settings = Settings(self.step)
        key = (grad_enabled(), outline(args), *self.settings.key(), *modes().items(), *map(_signature, given))
        capture = self._captures.get(key)
        if capture is None:
            capture = self._captures[key] = _Capture(self, args)
        return capture(args)

    def _as_it_is(self, reason: str, args: Any) -> Any:
        if reason not in self.reasons:
            self.reasons.append(reason)
            logger.warning("%s is not captured: %s", getattr(self.step, "__name__", "the step"), reason)
        return self.step(*args)


def _signature(leaf: Any) -> Any:
    if isinstance(leaf, Tensor):
        return leaf.shape, leaf.dtype, leaf.device, leaf.requires_grad
    return type(leaf), leaf


class _Capture:
    """The step for arguments of one kind."""

    def __init__(self, owner: graph, args: tuple[Any, ...]) -> None:
        first = next(leaf for leaf in leaves(args) if isinstance(leaf, Tensor))
        self.owner, self.device = owner, device(first.device)
        self.graph: Any = None
        self.calls = 0
        self.reason = ""
        with self.device:
            self.runtime = runtime()
            self.stream, self.pool = self.runtime.stream(), self.runtime.pool()
            with self._inside():
                self.places = mapped(_twin, args)
                self.recording = Recording(Numbers(self.runtime, LIBRARY[first.array.__class__]))

    def __call__(self, args: tuple[Any, ...]) -> Any:
        if self.reason:
            return self.owner._as_it_is(self.reason, args)
        with self.device:
            with self._inside():
                for place, leaf in zip(leaves(self.places), leaves(args), strict=True):
                    if isinstance(leaf, Tensor):
                        place.array[...] = leaf.array
                self._step()
            return self.owner._as_it_is(self.reason, args) if self.reason else self._results()

    @contextmanager
    def _inside(self) -> Iterator[None]:
        """With arrays from this capture's pool, in its stream, which takes its turn in the current one."""
        outside = self.runtime.current_stream()
        self.stream.wait_event(outside.record())
        with self.stream, self.runtime.allocating(self.pool):
            yield
        outside.wait_event(self.stream.record())

    def _step(self) -> None:
        if self.graph is not None:
            try:
                self.recording.advance()
            except Stale as change:
                logger.info("the step is captured again: %s", change)
                self.graph, self.calls = None, 0
        if self.graph is None:
            self.calls += 1
            if self.calls <= self.owner.warmup:
                self._run(captured=False)
                return
            if not self._capture():
                return
        self.recording.numbers.send()
        self.graph.launch(self.stream)

    def _run(self, captured: bool) -> None:
        self.recording.begin(captured)
        token = recording.set(self.recording)
        try:
            with casting_anew():
                self.results = self.owner.settings.watched(self.owner.step, *self.places)
        finally:
            recording.reset(token)

    def _capture(self) -> bool:
        """Record the step; False, with the reason noted and the states of Python as before, if that is impossible."""
        collecting = gc.isenabled()
        gc.disable()  # what it frees might have been in use by the device
        try:
            self.runtime.begin_capture(self.stream)
            self._run(captured=True)
            self.graph = self.runtime.end_capture(self.stream)
        except Exception as error:
            with suppress(Exception):  # a capture that failed cannot be ended either
                self.runtime.end_capture(self.stream)
            self.recording.undo()
            self.reason = f"{type(error).__name__}: {error}"
        finally:
            if collecting:
                gc.enable()
        return self.graph is not None

    def _results(self) -> Any:
        """Copies of what the step gave, which the next replay overwrites."""
        return mapped(lambda v: wrap(v.array.copy()) if isinstance(v, Tensor) else v, self.results)


def _twin(leaf: Any) -> Any:
    return wrap(leaf.array.copy()).requires_grad_(leaf.requires_grad) if isinstance(leaf, Tensor) else leaf
