"""Settings of PyTorch programs: what has no effect here is stored and reported all the same."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from backends import determinism

LEVELS = ("default", "warn", "error")
_warn_always = False
_multithreading = True
_level = 2 if determinism.wanted() else 0


def set_deterministic_debug_mode(debug_mode: int | str) -> None:
    """Request deterministic results: 0 or "default" for no; 1 or "warn", 2 or "error" for yes.

    On the CPU results are always deterministic. On a GPU they cost time, and the variable AUTOGRAD_CORE_DETERMINISTIC
    sets what holds at first.
    """
    global _level
    levels: dict[int | str, int] = {name: i for i, name in enumerate(LEVELS)} | {i: i for i, _ in enumerate(LEVELS)}
    if debug_mode not in levels:
        raise RuntimeError(f"{debug_mode!r} is not a debug mode; choose one of {', '.join(map(repr, levels))}")
    _level = levels[debug_mode]
    determinism.want(_level > 0)


def get_deterministic_debug_mode() -> int:
    """The last value set by `set_deterministic_debug_mode` or `use_deterministic_algorithms`, as a number."""
    return _level


def use_deterministic_algorithms(mode: bool, *, warn_only: bool = False) -> None:
    """Request deterministic results, as they always are on the CPU."""
    set_deterministic_debug_mode((1 if warn_only else 2) if mode else 0)


def are_deterministic_algorithms_enabled() -> bool:
    """Whether deterministic results were requested."""
    return _level > 0


def is_deterministic_algorithms_warn_only_enabled() -> bool:
    """Whether deterministic algorithms were requested with `warn_only`."""
    return _level == 1


def set_num_interop_threads(num: int) -> None:
    """No effect: one operation runs at a time, and its kernels share the cores (`set_num_threads`)."""
    if num < 1:
        raise RuntimeError(f"set_num_interop_threads() takes a positive number, not {num}")


def get_num_interop_threads() -> int:
    """The number of operations that run at a time: 1."""
    return 1


class set_multithreading_enabled:
    """Stored, for a `with` block or from now on, without effect: a walk runs in the thread that calls it."""

    def __init__(self, mode: bool) -> None:
        global _multithreading
        self._before, _multithreading = _multithreading, mode

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: object) -> None:
        global _multithreading
        _multithreading = self._before


def is_multithreading_enabled() -> bool:
    """The value of `set_multithreading_enabled` that is in force."""
    return _multithreading


def set_flush_denormal(mode: bool) -> bool:
    """Returns whether subnormal numbers are flushed to 0: no."""
    return False


def set_warn_always(b: bool) -> None:
    """Give every warning again and again, as Python's filters decide anyway; stored."""
    global _warn_always
    _warn_always = b


def is_warn_always_enabled() -> bool:
    """The last value set by `set_warn_always`."""
    return _warn_always


def compile(model: Callable[..., Any] | None = None, **options: Any) -> Any:  # noqa: A001  its public name
    """The model or function itself, whatever the options; `capture` makes whole steps faster."""
    return model if model is not None else lambda function: function
