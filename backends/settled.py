"""Kernels with their decisions made, for steps whose operands are always laid out alike.

Between two large operations the code that chooses a kernel is no longer in the caches, and takes 10 to 20 µs.
"""

from collections.abc import Callable
from typing import Any

Function = Callable[..., Any]


def settled(kernel: Function, *operands: Any) -> Function:
    """A function that computes what `kernel` does, in less time for operands laid out like these.

    It is `kernel` itself if that offers none. The shapes, dtypes and parameters of later operands must be the same. It
    is valid in the `situation` of the backend in which it is made.
    """
    settle = getattr(kernel, "settle", None)
    found: Function | None = None if settle is None else settle(*operands)
    return kernel if found is None else found


def offer(kernel: Any, settle: Function) -> None:
    """Let a kernel offer settled functions: `settle(*operands)` gives one, or None."""
    kernel.settle = settle


def for_layout(general: Function, function: Function, *operands: Any) -> Function:
    """`function` for operands with the strides of these, `general` for others."""
    layout = [(i, v.strides) for i, v in enumerate(operands) if hasattr(v, "strides")]

    def call(*given: Any) -> Any:
        for i, strides in layout:
            if given[i].strides != strides:
                return general(*given)
        return function(*given)

    return call
