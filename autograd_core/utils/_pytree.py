"""PyTorch's `torch.utils._pytree`: maps over nested tuples, lists and dicts."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from autograd_core.trees import leaves as tree_leaves
from autograd_core.trees import mapped, rebuild


def tree_flatten(tree: Any) -> tuple[list[Any], Any]:
    """The leaves in order, and the tree without them, for `tree_unflatten`."""
    return tree_leaves(tree), mapped(lambda leaf: None, tree)


def tree_unflatten(leaves: Iterable[Any], treespec: Any) -> Any:
    """The tree with these leaves."""
    return rebuild(treespec, leaves)


def tree_map(func: Callable[..., Any], tree: Any, *rests: Any) -> Any:
    """The tree of what `func` makes of every leaf, and of those in the same places of the other trees."""
    return rebuild(tree, map(func, tree_leaves(tree), *map(tree_leaves, rests)))


def tree_map_only(type_: Any, func: Callable[[Any], Any], tree: Any) -> Any:
    """The tree of what `func` makes of every leaf of this type, and of the others as they are."""
    return mapped(lambda leaf: func(leaf) if isinstance(leaf, type_) else leaf, tree)
