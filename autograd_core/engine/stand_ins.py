"""Stand-ins that replace the operation of a single node, so that the walk treats that node differently."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from autograd_core.errors import GraphReleasedError, InplaceError

if TYPE_CHECKING:
    from autograd_core.engine.nodes import Node


class StandIn:
    """Delegates to the operation that it replaces, except for what a subclass overrides."""

    def __init__(self, op: Any) -> None:
        self.op = op

    def __getattr__(self, name: str) -> Any:
        return getattr(self.op, name)

    def __repr__(self) -> str:
        return repr(self.op)


class Kept(StandIn):
    """A stand-in for a node that does not hold its saved values directly: the walk asks for them."""

    plain, holds = None, True

    def restored(self, n: Node) -> tuple[Any, Any]:
        """The operation and its saved values."""
        raise NotImplementedError


def uncovered(n: Node) -> tuple[Any, Any]:
    """The operation of a node, behind all stand-ins, and what it saved."""
    op, saved = n.op, n.saved
    if saved is None:
        raise GraphReleasedError(f"{n.name()}: what it saved for backward was released by an earlier walk")
    while isinstance(op, StandIn):
        op, saved = op.restored(n) if isinstance(op, Kept) else (op.op, saved)
    return op, saved


class Severed(Kept):
    """A stand-in for the node of a view that a `Function` returned, once its memory was written through another tensor:
    what the view holds now is neither the Function's result nor derived from the base by known operations.
    """

    def __init__(self, op: Any, by: str) -> None:
        super().__init__(op)
        self._by = by

    def restored(self, n: Node) -> tuple[Any, Any]:
        raise InplaceError(
            f"{self._by} returned a view, whose memory was then written through another tensor; "
            "use a .clone() of what it returned"
        )


class Unwritten(Kept):
    """A stand-in for the node of a view whose base was detached in place. A later write through the base is recorded
    nowhere, so what the view then holds is not what its node computed.
    """

    def __init__(self, op: Any, unwritten: Callable[[], bool]) -> None:
        super().__init__(op)
        self._unwritten = unwritten

    def restored(self, n: Node) -> tuple[Any, Any]:
        if not self._unwritten():
            raise InplaceError(
                "a view was written through its base after .detach_() of the base; use a .clone() of the view"
            )
        return self.op, n.saved


class Hooked(StandIn):
    """A stand-in with the hooks and metadata of its node."""

    plain = False

    def __init__(self, op: Any) -> None:
        super().__init__(op)
        self.prehooks: tuple[Callable[[Any], Any], ...] | None = None
        self.posthooks: tuple[Callable[[Any, Any], Any], ...] | None = None
        self.metadata: dict[Any, Any] = {}
