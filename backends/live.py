"""Numbers that change from step to step, such as a learning rate, and must not be constants of captured work."""

import functools
from collections.abc import Callable
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


def live(compute: Callable[[], dict[str, Any]], names: tuple[str, ...], *states: dict[str, Any]) -> dict[str, Any]:
    """Return compute(), which advances `states` to the next step.

    While a step is captured, each number under one of `names` becomes a 0-d array (float64, int64, uint64), which is
    rewritten before each replay; everything else must stay constant.
    """
    current = recording.get()
    return compute() if current is None else current.live(compute, names, states)


def deferred(method: Callable[..., Any]) -> Callable[..., Any]:
    """A method that depends on Python's state, such as a count: steps captured on the CPU call it in every replay."""

    @functools.wraps(method)
    def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        current = recording.get()
        if current is None or current.backend is None:
            return method(self, *args, **kwargs)
        return current.later(getattr(self, method.__name__), *args, **kwargs)

    return call
