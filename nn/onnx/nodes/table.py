"""The table of node types, and what their functions share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from autograd_core import Tensor

NODES: dict[str, Callable[..., Any]] = {}


def reads(*kinds: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """The decorated function computes nodes of these types.

    It takes the inputs (None for those left out) and, by keyword, the attributes; what older versions have as an
    attribute and newer ones as an input is one parameter, with the attribute's name. A parameter `opset` receives the
    version of the operators, a parameter `outputs` the number of outputs.
    """

    def register(function: Callable[..., Any]) -> Callable[..., Any]:
        NODES.update(dict.fromkeys(kinds, function))
        return function

    return register


def ints(values: Tensor | Sequence[int] | int) -> list[int]:
    """Integers, given by an attribute or computed by the graph."""
    if isinstance(values, Tensor):
        values = values.tolist()
    return [values] if isinstance(values, int) else [int(v) for v in values]


def number(value: Any) -> Any:
    """A single number, given by an attribute or computed by the graph."""
    return value.item() if isinstance(value, Tensor) else value
