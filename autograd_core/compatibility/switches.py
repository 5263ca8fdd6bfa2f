"""Settings of PyTorch programs that are stored and reported but have no effect."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

LEVELS = ("default", "warn", "error")
_level = 0


def set_deterministic_debug_mode(debug_mode: int | str) -> None:
    """Ask for results that are the same every time: 0 or "default", no; 1 or "warn", 2 or "error", yes.

    On the CPU they always are. On a GPU the environment variable AUTOGRAD_CORE_DETERMINISTIC decides.
    """
    global _level
    levels: dict[int | str, int] = {name: i for i, name in enumerate(LEVELS)} | {i: i for i, _ in enumerate(LEVELS)}
    if debug_mode not in levels:
        raise RuntimeError(f"{debug_mode!r} is no debug mode; choose one of {', '.join(map(repr, levels))}")
    _level = levels[debug_mode]


def get_deterministic_debug_mode() -> int:
    """What `set_deterministic_debug_mode` or `use_deterministic_algorithms` was given last, as a number."""
    return _level


def use_deterministic_algorithms(mode: bool, *, warn_only: bool = False) -> None:
    """Ask for results that are the same every time, as on the CPU they always are."""
    set_deterministic_debug_mode((1 if warn_only else 2) if mode else 0)


def are_deterministic_algorithms_enabled() -> bool:
    """Whether somebody asked for results that are the same every time."""
    return _level > 0


def is_deterministic_algorithms_warn_only_enabled() -> bool:
    """Whether somebody asked for them with `warn_only`."""
    return _level == 1


def set_num_interop_threads(num: int) -> None:
    """Say how many operations may run at a time: one does, whose kernels share the cores (`set_num_threads`)."""
    if num < 1:
        raise RuntimeError(f"set_num_interop_threads() takes a positive number, not {num}")


def get_num_interop_threads() -> int:
    """How many operations run at a time: 1."""
    return 1


def set_flush_denormal(mode: bool) -> bool:
    """Ask for subnormal numbers to count as 0; returns whether that is done: no."""
    return False


def compile(model: Callable[..., Any] | None = None, **options: Any) -> Any:  # noqa: A001  its public name
    """The model or function itself, with whatever options: it runs as it is written."""
    return model if model is not None else lambda function: function
