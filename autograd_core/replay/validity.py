"""Whether a program can be used for a call, when nothing has been computed yet, and whether a step can become one."""

from __future__ import annotations

from operator import is_
from typing import Any

from autograd_core.engine.nodes import behind
from autograd_core.tensor import Tensor
from autograd_core.trees import outline

ATTEMPTS = 8  # captures for one kind of arguments, after which the step runs as it is


class Stale(Exception):
    """Something that a captured step relies on has changed."""


class Odd(Exception):
    """The values of an input are not like those for which a step was captured."""


def differentiable(node: Any) -> bool:
    """Whether a walk from this node would find all that it needs."""
    return node is not None and all(n.op is None or n.saved is not None or not n.op.holds for n in behind([node]))


def arrangement(args: Any, kwargs: Any, given: list[Any]) -> tuple[Any, ...]:
    """How the leaves of arguments lie in them, and which of the tensors are the same one."""
    ids = [id(v) for v in given if isinstance(v, Tensor)]
    same = tuple(map(ids.index, ids)) if len(set(ids)) < len(ids) else None
    flat = not kwargs and len(args) == len(given) and all(map(is_, args, given))
    return None if flat else outline((args, kwargs)), same
