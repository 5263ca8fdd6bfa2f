"""A training step as a CUDA graph: recorded once, then launched as a whole, without Python between its kernels."""

from __future__ import annotations

import gc
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from autograd_core.cuda.devices import device, runtime
from autograd_core.cuda.recording import Numbers, Recording
from autograd_core.engine.casting import casting_anew, modes
from autograd_core.engine.libraries import LIBRARY
from autograd_core.grad_mode import grad_enabled
from autograd_core.replay.reach import RESTLESS, Settings
from autograd_core.replay.validity import ATTEMPTS, Stale, arrangement, differentiable
from autograd_core.tensor import Tensor, wrap
from autograd_core.trees import leaves, mapped
from backends.live import recording

logger = logging.getLogger(__name__)
KINDS = 64  # kinds of arguments that are captured; more come from numbers that change from call to call


class graph:
    """A step that is captured as a CUDA graph after a few calls, and gives what it gives without.

    step: a function of tensors on a GPU and of constants, such as one that zeroes gradients, computes a loss, walks
    back, steps an optimizer and returns the loss. Its first `warmup` calls for arguments of certain shapes and dtypes
    run as they are, the next one is recorded, and further ones copy their arguments to where the recorded ones lay and
    start what was recorded. Learning rates, schedules, step counts and random numbers go on from call to call. All else
    that Python does in the step happens in the recorded call only, and what the step changes it must change in place.
    It is recorded anew if parameters were replaced or frozen, or gradients exist that did not, or the other way round,
    and if layers, hooks, or tensors, models and functions that the step names were exchanged for others.
    Modes and plain attributes of modules, and numbers that the step names, have recordings of their own.

    A step that cannot be captured, for instance because it reads a value, runs as it is from then on; the reason is in
    the log and in `reasons`.
    """

    def __init__(self, step: Callable[..., Any], warmup: int = 3) -> None:
        self.step, self.warmup = step, max(1, warmup)
        self.reasons: list[str] = []
        self._captures: dict[Any, _Capture] = {}
        self.settings: Any = None
        self._restless = False  # whether what the step reaches is exchanged from call to call

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        given = leaves((args, kwargs))
        if reason := _unsuited([leaf for leaf in given if isinstance(leaf, Tensor)]):
            return self.as_it_is(reason, args, kwargs)
        if self.settings is None:
            self.settings = Settings(self.step)
        elif not self._restless and self.settings.exchanged():
            self._restless = self.settings.is_restless(used=any(c.graph is not None for c in self._captures.values()))
            self._captures.clear()
        if self._restless:
            return self.as_it_is(RESTLESS, args, kwargs)
        key = (grad_enabled(), *self.settings.key(), *modes().items(), *arrangement(args, kwargs, given),
               *map(_signature, given))  # fmt: skip
        try:
            capture = self._captures.get(key)
        except TypeError as error:  # an array of NumPy's, for instance, which may change
            return self.as_it_is(f"{error}; pass tensors, numbers or strings", args, kwargs)
        if capture is None:
            if len(self._captures) >= KINDS:
                return self.as_it_is(
                    f"there were {KINDS} kinds of arguments before, or numbers among them", args, kwargs
                )
            capture = self._captures[key] = _Capture(self, args, kwargs)
        return capture(args, kwargs)

    def as_it_is(self, reason: str, args: Any, kwargs: Any) -> Any:
        """The step's own result; the reason is noted once."""
        if reason not in self.reasons:
            self.reasons.append(reason)
            logger.warning("%s is not captured: %s", getattr(self.step, "__name__", "the step"), reason)
        return self.step(*args, **kwargs)


def _unsuited(tensors: list[Tensor]) -> str:
    """Why a step with these arguments is not captured, if so."""
    if not tensors or not all(t.is_cuda for t in tensors):
        return "its arguments are not on a GPU"
    if any(t.device != tensors[0].device for t in tensors):
        return "its arguments are on several GPUs"
    if grad_enabled() and any(t.node is not None and t.node.op is not None for t in tensors):
        return "gradients flow through an argument to what it was computed from; detach() it"
    return ""


def _signature(leaf: Any) -> Any:
    if isinstance(leaf, Tensor):
        return leaf.shape, leaf.dtype, leaf.device, leaf.requires_grad
    return type(leaf), leaf


class _Capture:
    """The step for arguments of one kind."""

    def __init__(self, owner: graph, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        first = next(leaf for leaf in leaves((args, kwargs)) if isinstance(leaf, Tensor))
        self.owner, self.device, self.kind = owner, device(first.device), first.array.__class__
        self.graph: Any = None
        self.outside: Any = None
        self.calls = self.attempts = 0
        self.reason = ""
        with self.device:
            self.runtime = runtime()
            self.stream, self.pool = self.runtime.stream(), self.runtime.pool()
            with self._inside():
                twins: dict[int, Any] = {}  # a tensor that is passed twice has one
                self.args, self.kwargs = mapped(lambda v: twins.setdefault(id(v), _twin(v)), (args, kwargs))
                self.recording = Recording(Numbers(self.runtime, LIBRARY[self.kind]))
        self.places = leaves((self.args, self.kwargs))

    def __call__(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if self.reason:
            return self.owner.as_it_is(self.reason, args, kwargs)
        with self.device:
            with self._inside():
                for place, leaf in zip(self.places, leaves((args, kwargs)), strict=True):
                    if isinstance(leaf, Tensor):
                        place.array[...] = leaf.array
                done = self._step()
            return self._results() if done else self.owner.as_it_is(self.reason, args, kwargs)

    @contextmanager
    def _inside(self) -> Iterator[None]:
        """With arrays from this capture's pool, in its stream, which takes its turn in the current one."""
        outside = self.runtime.current_stream()
        self.stream.wait_event(outside.record())
        try:
            with self.stream, self.runtime.allocating(self.pool):
                yield
        finally:
            outside.wait_event(self.stream.record())

    def _step(self) -> bool:
        """Do the step; False if it is neither done nor can be captured."""
        if self.graph is not None:
            try:
                self.outside.check()
                self.recording.advance()
            except Stale as change:
                logger.info("the step is captured again: %s", change)
                self.graph = self.outside = None
                self.calls = 0
        if self.graph is None:
            self.calls += 1
            if self.calls <= self.owner.warmup:
                self._run(captured=False)
                return True
            if not self._capture():
                return False
        self.recording.numbers.send()
        self.graph.launch(self.stream)
        self.outside.put()
        if self.reason:  # what was recorded is done once
            self.stream.synchronize()
            self.graph = None
        return True

    def _run(self, captured: bool) -> None:
        self.recording.begin(captured)
        for place in self.places:
            if isinstance(place, Tensor):
                place._grad = None
        token = recording.set(self.recording)
        try:
            with casting_anew():
                self.results = self.owner.settings.watched(self.owner.step, *self.args, **self.kwargs)
        finally:
            recording.reset(token)

    def _capture(self) -> bool:
        """Record the step; False, with the reason noted and all as before, if that is impossible."""
        from autograd_core.cuda.outside import Before

        self.attempts += 1
        if self.attempts > ATTEMPTS:
            self.reason = "what it relies on changes time and again"
            return False
        before, collecting = Before(self.kind), gc.isenabled()
        gc.disable()  # what it frees might have been in use by the device
        try:
            self.runtime.begin_capture(self.stream)
            self._run(captured=True)
            if any(isinstance(v, Tensor) and differentiable(v.node) for v in leaves(self.results)):
                raise NotImplementedError("a result can still be differentiated; call backward() inside the step")
            found = self.runtime.end_capture(self.stream)
            self.outside = before.left(self.places, self._watched())
            self.reason = before.kept([v for v in leaves(self.results) if isinstance(v, Tensor)])
            self.graph = found
        except BaseException as error:
            with suppress(Exception):  # a capture that failed cannot be ended either
                self.runtime.end_capture(self.stream)
            self.recording.undo()
            before.restore()
            self.results = None
            if not isinstance(error, Exception):
                raise
            self.reason = f"{type(error).__name__}: {error}"
        finally:
            if collecting:
                gc.enable()
        return self.graph is not None

    def _watched(self) -> list[Tensor]:
        """The parameters and buffers of the step's modules."""
        models = [m for m in self.owner.settings.outermost if hasattr(m, "parameters") and hasattr(m, "buffers")]
        return [t for m in models for t in (*m.parameters(), *m.buffers())]

    def _results(self) -> Any:
        """Copies of what the step gave, which the next replay overwrites; what can be differentiated as it is."""
        found = [v for v in leaves(self.results) if isinstance(v, Tensor)]
        if any(differentiable(v.node) for v in found):
            self.reason, results = "a result can still be differentiated; call backward() inside the step", self.results
            self.results = None
            return results
        return mapped(lambda v: wrap(v.array.copy()) if isinstance(v, Tensor) else v, self.results)


def _twin(leaf: Any) -> Any:
    return wrap(leaf.array.copy()).requires_grad_(leaf.requires_grad) if isinstance(leaf, Tensor) else leaf
