"""The precision of float32 matrix products and convolutions."""

from collections.abc import Callable

LEVELS = ("highest", "high", "medium")

_level = LEVELS[0]
_followers: list[Callable[[str], None]] = []


def get_float32_matmul_precision() -> str:
    """The current precision, initially "highest"; see `set_float32_matmul_precision`."""
    return _level


def set_float32_matmul_precision(precision: str) -> None:
    """Set the precision of float32 matrix products and convolutions.

    "highest", the initial setting: float32. "high" and "medium": on a GPU, factors are cut to 10 bits (TensorFloat32)
    and their products added in float32. "medium": on the CPU, factors may also be rounded to 7 bits (bfloat16), if
    oneDNN is in use and the processor has instructions for it (AMX): up to twice as fast for large convolutions.
    RuntimeError for any other value.
    """
    global _level
    if precision not in LEVELS:
        raise RuntimeError(f"Invalid precision: {precision!r}; choose one of {', '.join(map(repr, LEVELS))}")
    _level = precision
    for follower in _followers:
        follower(precision)


def on_change(callback: Callable[[str], None]) -> None:
    """Call `callback(precision)` whenever the precision is set."""
    _followers.append(callback)
