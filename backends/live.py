"""Numbers that change from step to step, such as a learning rate, and must not be constants of captured work."""

import functools
from collections.abc import Callable, Iterable
from contextvars import ContextVar
from typing import Any

# While work is captured, `recording.current.get().live(...)` replaces the function below.
recording: ContextVar[Any] = ContextVar("recording", default=None)


# How often a module's attributes have changed, for captured steps, which must notice.
changes = 0


def changed() -> None:
    """Tell of a change of a module's attributes."""
    global changes
    changes += 1


def capturing() -> bool:
    """Whether work is now recorded instead of done."""
    current = recording.get()
    return current is not None and bool(current.captured)


def recorded() -> bool:
    """Whether work is now recorded by a GPU: what is to happen again must happen in the same memory."""
    current = recording.get()
    return current is not None and current.captured and current.backend is None


def keep(used: Any) -> None:
    """Let work that is now recorded by a GPU keep what it uses, as long as it may be started."""
    if recorded():
        recording.get().kept.append(used)


def refuse_uploads() -> None:
    """Raise if work is now recorded by a GPU: it would copy again from memory of the host that is used otherwise."""
    if recorded():
        raise NotImplementedError("the step copies from the host; make what is constant before, or pass it")


def live(compute: Callable[[], dict[str, Any]], names: tuple[str, ...], *states: dict[str, Any]) -> dict[str, Any]:
    """Return compute(), which advances `states` to the next step.

    While a step is captured, each number under one of `names` becomes a 0-d array (float64, int64, uint64), which is
    rewritten before each replay; everything else must stay constant.
    """
    current = recording.get()
    return compute() if current is None or current.backend is not None else current.live(compute, names, states)


def deferred(method: Callable[..., Any], states: Callable[[Any], Iterable[dict[str, Any]]] | None = None) -> Any:
    """A method that depends on Python's state, such as a count: steps captured on the CPU call it in every replay.

    states: if it changes nothing but some dicts, a function from the object to these; then steps captured on a GPU call
    it in every replay, too.
    """

    @functools.wraps(method)
    def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        current = recording.get()
        if current is not None and current.backend is not None:
            return current.later(getattr(self, method.__name__), *args, **kwargs)
        if current is None or states is None:
            return method(self, *args, **kwargs)

        def again() -> dict[str, Any]:
            token = recording.set(None)  # it may call others like it
            try:
                method(self, *args, **kwargs)
            finally:
                recording.reset(token)
            return {}

        current.live(again, (), states(self))
        return None

    return call
