"""Stand-ins that replace the operation of a single node, so that the walk treats that node differently."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from autograd_core.nodes import Node


class StandIn:
    """Says of itself what the operation says, except what a subclass says otherwise."""

    def __init__(self, op: Any) -> None:
        self.op = op

    def __getattr__(self, name: str) -> Any:
        return getattr(self.op, name)

    def __repr__(self) -> str:
        return repr(self.op)


class Kept(StandIn):
    """An operation whose saved values the node does not hold as they are: the walk asks for them."""

    plain, holds = None, True

    def restored(self, n: Node) -> tuple[Any, Any]:
        """The operation and its saved values."""
        raise NotImplementedError


class Hooked(StandIn):
    """An operation with hooks of its node, and what is noted about that."""

    plain = False

    def __init__(self, op: Any) -> None:
        super().__init__(op)
        self.prehooks: tuple[Callable[[Any], Any], ...] | None = None
        self.posthooks: tuple[Callable[[Any, Any], Any], ...] | None = None
        self.metadata: dict[Any, Any] = {}


def hooked(n: Node) -> Hooked:
    """What stands for the operation of a node so that it can have hooks."""
    if n.op.__class__ is not Hooked:
        n.op = Hooked(n.op)
    return n.op
