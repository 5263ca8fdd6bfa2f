"""`capture`: a step that is computed by the engine once, and from then on replayed without it."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable
from types import MethodType
from typing import Any

import numpy as np

from autograd_core.dtypes import get_default_dtype
from autograd_core.engine.casting import modes
from autograd_core.engine.walk import QUIET
from autograd_core.grad_mode import grad_enabled
from autograd_core.replay.validity import ATTEMPTS, Odd, Stale, arrangement
from autograd_core.tensor import Tensor
from autograd_core.trees import leaves
from backends import registry
from backends.live import recording

logger = logging.getLogger(__name__)
((_errors, _ignored),) = QUIET
_situation: Callable[[], object] = registry.get("cpu").situation  # type: ignore[attr-defined]
KINDS = 256  # kinds of arguments that are kept; more come from numbers that change from call to call
STATES = 2  # programs that are kept for one kind, as where every second call finds gradients


class capture:
    """A step that is captured in its third call, and gives what it gives without.

    step: a function, such as one that zeroes gradients, computes a loss, walks back, steps an optimizer and returns the
    loss. The first calls for arguments of certain shapes, strides and dtypes run as they are. The next one notes what
    is computed with arrays, and further calls compute just that, without modules, operations and a graph: a small
    network takes less than half the time, a large one a few per cent less. Optimizers and schedules are called as
    always. All else that Python does in a step happens in the first calls only, and once more while it is captured.

    A step may read its arguments, and by other ways tensors that exist before and are none of them, such as parameters,
    which may be replaced or frozen. What it keeps for the next call must be written in place, as into a buffer. Modules
    of the step, found through its closure, the globals it names and their attributes, may change between training and
    evaluation, and so may their plain attributes, such as a dropout rate, and numbers that the step names: each setting
    has a program of its own. If layers, hooks, or tensors, models and functions that the step names are exchanged for
    others, it is captured anew. A step that cannot be captured, for instance because it reads a value in Python, runs
    as it is from then on; the reason is in the log and in `reasons`. With arguments on a GPU, steps become CUDA graphs
    (`cuda.graph`).

    >>> from autograd_core import capture, tensor, no_grad
    >>> double = capture(no_grad()(lambda x: x * 2 + 1))
    >>> [double(tensor([float(i)])).item() for i in range(4)]
    [1.0, 3.0, 5.0, 7.0]
    >>> print(double.source)
    def step(X0):
        x0 = X0.array
        v1 = x0 * 2; del x0
        v2 = v1 + 1; del v1
        return wrap(v2)
    """

    def __init__(self, step: Callable[..., Any], warmup: int = 2) -> None:
        if not callable(step):
            raise TypeError(f"capture() takes a function, not {type(step).__name__}")
        self.step, self.warmup = step, max(1, warmup)
        self.reasons: list[str] = []
        self.source = ""  # of the latest program
        self._kinds: dict[Any, _Kind] = {}
        self._settings: Any = None
        self._restless = False  # whether what the step reaches is exchanged from call to call
        self._graph: Any = None
        functools.update_wrapper(self, step, updated=())

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        given = leaves((args, kwargs) if kwargs else args)
        if self._graph is not None and _is_on_gpu(given):
            return self._graph(*args, **kwargs)
        if self._settings is None:
            from autograd_core.replay.reach import Settings

            self._settings = Settings(self.step)
        elif self._restless:
            return self.step(*args, **kwargs)
        elif self._settings.exchanged():
            self._forget()
        now = _situation()  # kernels of oneDNN keep other results for their gradients than NumPy's
        key = (now is None, grad_enabled(), get_default_dtype(), *self._settings.key(), *modes().items(),
               *arrangement(args, kwargs, given), *map(_signature, given))  # fmt: skip
        try:
            kind = self._kinds.get(key)
        except TypeError as error:  # an array of NumPy's, for instance, which may change
            self._note(f"{error}; pass tensors, numbers or strings")
            return self.step(*args, **kwargs)
        if kind is None:
            kind = self._another_kind(key)
        for settled, general, situation in kind.replays:
            token = _errors.set(_ignored)  # without warnings, as operations
            try:
                return settled(*given) if situation is now else general(*given)
            except Odd:
                kind.odd += 1
                if kind.odd == ATTEMPTS:
                    self._note(
                        "values of tensors that decide what it computes, such as masks, change; it runs as it is"
                    )
                return self.step(*args, **kwargs)
            except Stale as change:
                kind.change = str(change)
            finally:
                _errors.reset(token)
        return self._first(kind, given, args, kwargs)

    def _another_kind(self, key: Any) -> _Kind:
        if len(self._kinds) == 2 * ATTEMPTS and not any(known.replays for known in self._kinds.values()):
            self._note("a number or a shape that it depends on changes from call to call; pass numbers as tensors")
        if len(self._kinds) >= KINDS:
            self._kinds.clear()
        kind = self._kinds[key] = _Kind()
        return kind

    def _forget(self) -> None:
        """Forget all programs, since what the step reaches was exchanged."""
        from autograd_core.replay.reach import RESTLESS

        self._restless = self._settings.is_restless(used=any(kind.replays for kind in self._kinds.values()))
        self._kinds.clear()
        if self._restless:
            self._note(RESTLESS)

    def __set_name__(self, owner: type, name: str) -> None:
        self._attribute = name

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        """A captured method: every object has programs of its own."""
        if instance is None:
            return self
        bound = capture(MethodType(self.step, instance), self.warmup)
        instance.__dict__[self._attribute] = bound
        return bound

    def _name(self) -> str:
        return str(getattr(self.step, "__name__", "the step"))

    def _first(self, kind: _Kind, given: list[Any], args: Any, kwargs: Any) -> Any:
        """A call for which there is no program yet."""
        if _is_on_gpu(given):
            return self._on_gpu(*args, **kwargs)
        tensors = [leaf for leaf in given if isinstance(leaf, Tensor)]
        from autograd_core.replay.recorder import Known, Recorder, computed_elsewhere, waited

        if waited():
            return self(*args, **kwargs)
        kind.calls += 1
        plain = all(isinstance(t.array, np.ndarray | np.generic) for t in tensors)
        busy = not kind.reason and kind.calls >= self.warmup and computed_elsewhere()
        if busy:
            kind.calls, kind.known = self.warmup - 1, None
        if kind.calls > self.warmup + ATTEMPTS and kind.known is not None and not kind.reason:
            self._refuse(kind, "what it relies on changes time and again")
        if kind.reason or busy or not plain or recording.get() is not None:
            return self.step(*args, **kwargs)
        if kind.known is None:
            kind.known = Known(tensors) if kind.calls >= self.warmup else None
            return self._settings.watched(self.step, *args, **kwargs)
        try:
            (settled, general), self.source = Recorder(kind.known).program_of(self.step, args, kwargs)
        except Exception as error:  # one of the step itself is raised again by the next call of it
            self._refuse(kind, f"{type(error).__name__}: {error}")
            return self.step(*args, **kwargs)
        if kind.replays:
            logger.info("%s is captured again: %s", self._name(), kind.change)
        kind.replays, kind.known = ((settled, general, _situation()), *kind.replays)[:STATES], None
        return self(*args, **kwargs)

    def _refuse(self, kind: _Kind, reason: str) -> None:
        kind.reason = reason
        self._note(reason)

    def _note(self, reason: str) -> None:
        if reason not in self.reasons:
            self.reasons.append(reason)
            logger.warning("%s is not captured: %s", self._name(), reason)

    def _on_gpu(self, *args: Any, **kwargs: Any) -> Any:
        from autograd_core.cuda.graphs import graph

        self._graph = graph(self.step)
        self._graph.reasons = self.reasons
        return self._graph(*args, **kwargs)


def _is_on_gpu(given: list[Any]) -> bool:
    return any(isinstance(leaf, Tensor) and leaf.is_cuda for leaf in given)


class _Kind:
    """What is known of the step for arguments of one kind."""

    def __init__(self) -> None:
        self.calls, self.reason = 0, ""
        self.odd = 0  # calls with values for which no program was made
        self.known: Any = None  # the tensors before the last call that ran as it is
        # The latest first: with settled kernels, in general, and the situation in which these are settled.
        self.replays: tuple[tuple[Callable[..., Any], Callable[..., Any], object], ...] = ()
        self.change = ""  # why none of them was valid


def _signature(leaf: Any) -> Any:
    if isinstance(leaf, Tensor):
        a = leaf.array
        return leaf.__class__, a.__class__, a.shape, a.dtype.char, getattr(a, "strides", ()), leaf.node is None
    return type(leaf), leaf
