"""Kernels with their decisions made, for steps whose operands are always laid out alike.

Between two large operations the code that chooses a kernel is no longer in the caches, and takes 10 to 20 µs.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any

Function = Callable[..., Any]
Prepared = tuple[Function, tuple[Any, ...]] | None


def settled(kernel: Function, *operands: Any) -> Function:
    """A function that computes what `kernel` does, in less time for operands laid out like these.

    It is `kernel` itself if that offers none. The shapes, dtypes and parameters of later operands must be the same. It
    is valid in the `situation` of the backend in which it is made.
    """
    settle = getattr(kernel, "settle", None)
    found: Function | None = None if settle is None else settle(kernel, *operands)
    return kernel if found is None else found


def settling(kernel: Function) -> Function:
    """`kernel`, settled for the operands of its first call, if it offers that."""
    if not hasattr(kernel, "settle"):
        return kernel
    found: Function | None = None

    def call(*operands: Any) -> Any:
        nonlocal found
        if found is None:
            found = settled(kernel, *operands)
        return found(*operands)

    return call


def offer(kernel: Any, settle: Function) -> None:
    """Let a kernel offer settled functions: `settle(general, *operands)` gives one, or None; `general` is what takes
    operands that are laid out otherwise.
    """
    kernel.settle = settle


def prepared(prepare: Callable[..., Prepared]) -> Any:
    """A kernel that decides before it computes, and therefore offers settled functions.

    prepare: gives, for operands, a function and the first of them in the layout for which it is made, None in place of
    those that do not matter; or None to decline. The function may decline as well.
    """

    @wraps(prepare)
    def kernel(*operands: Any) -> Any:
        found = prepare(*operands)
        if found is None:
            return None
        function, laid_out = found
        return function(*laid_out)

    def settle(general: Function, *operands: Any) -> Function | None:
        found = prepare(*operands)
        if found is None:
            return None
        function, laid_out = found
        alike = all(v is given or v is None for v, given in zip(laid_out, operands, strict=False))
        return for_layout(general, function, *laid_out) if alike else general

    kernel.prepare, kernel.settle = prepare, settle  # type: ignore[attr-defined]
    return kernel


def for_layout(general: Function, function: Function, *operands: Any) -> Function:
    """`function` for operands with the strides of these, `general` for others and for what it declines.

    The function receives as many operands, without parameters that follow them.
    """
    layout, count = [(i, v.strides) for i, v in enumerate(operands) if hasattr(v, "strides")], len(operands)

    def call(*given: Any) -> Any:
        for i, strides in layout:
            if given[i].strides != strides:
                return general(*given)
        found = function(*given[:count])
        return general(*given) if found is None else found

    return call
