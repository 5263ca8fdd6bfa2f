"""The precision of float32 matrix products and convolutions."""

from collections.abc import Callable

LEVELS = ("highest", "high", "medium")

_level = LEVELS[0]
_followers: list[Callable[[str], None]] = []


def get_float32_matmul_precision() -> str:
    """What `set_float32_matmul_precision` was given last; "highest" at first."""
    return _level


def set_float32_matmul_precision(precision: str) -> None:
    """Say how exactly products and convolutions of float32 are to be computed.

    "highest", as at first: in float32. "high" and "medium": on a GPU, factors are cut to 10 bits (TensorFloat32) and
    their products added in float32. "medium": on the CPU, too, factors may be rounded, to 7 bits (bfloat16), where
    oneDNN is in use and the processor has instructions for it (AMX): up to twice as fast for large convolutions.
    RuntimeError for another word.
    """
    global _level
    if precision not in LEVELS:
        raise RuntimeError(f"Invalid precision: {precision!r}; choose one of {', '.join(map(repr, LEVELS))}")
    _level = precision
    for follower in _followers:
        follower(precision)


def on_change(callback: Callable[[str], None]) -> None:
    """Call `callback(precision)` whenever it is set."""
    _followers.append(callback)
