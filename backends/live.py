"""Numbers that change from step to step, such as a learning rate, and must not be frozen into captured work."""

from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

# Of captured work, while it is made: `recording.current.get().live(...)` in place of the function below.
recording: ContextVar[Any] = ContextVar("recording", default=None)


def capturing() -> bool:
    """Whether what is done now is recorded only."""
    current = recording.get()
    return current is not None and bool(current.captured)


def live(compute: Callable[[], dict[str, Any]], names: tuple[str, ...], *states: dict[str, Any]) -> dict[str, Any]:
    """compute(), which brings `states` to the next step.

    While a step is captured, each number under one of `names` is an array of no axes (float64, int64, uint64) instead,
    which is written anew before each replay; everything else must stay as it is.
    """
    current = recording.get()
    return compute() if current is None else current.live(compute, names, states)
