"""PyTorch's `torch.utils._pytree`: maps over nested tuples, lists, dicts and classes that programs register."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from autograd_core.trees import NODES, mapped, rebuild
from autograd_core.trees import leaves as tree_leaves


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


def register_pytree_node(
    cls: type,
    flatten_fn: Callable[[Any], tuple[Iterable[Any], Any]],
    unflatten_fn: Callable[[list[Any], Any], Any],
    **names: Any,
) -> None:
    """Treat objects of this class as branches, also in `func` and `vmap`; names under which they are saved are ignored.

    flatten_fn: from an object to its children and what else it is made of; unflatten_fn: from these to an object.
    """
    if cls in NODES:
        raise ValueError(f"{cls.__name__} is already registered as a pytree node")
    NODES[cls] = flatten_fn, unflatten_fn


_register_pytree_node = register_pytree_node


def _dict_flatten(d: dict[Any, Any]) -> tuple[list[Any], list[Any]]:
    return list(d.values()), list(d)


def _dict_flatten_with_keys(d: dict[Any, Any]) -> tuple[list[tuple[Any, Any]], list[Any]]:
    return list(d.items()), list(d)


def _dict_unflatten(values: Iterable[Any], context: list[Any]) -> dict[Any, Any]:
    return dict(zip(context, values, strict=True))
