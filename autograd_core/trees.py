"""Nested tuples, lists and dicts of tensors, and of classes that programs register: flattening and rebuilding."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

# Registered class -> from an object to its children and what else it is made of; from these back to an object.
NODES: dict[type, tuple[Callable[[Any], tuple[Iterable[Any], Any]], Callable[[list[Any], Any], Any]]] = {}


def leaves(tree: Any) -> list[Any]:
    """The leaves of a tree in order.

    >>> leaves({"a": 1, "b": (2, [3])})
    [1, 2, 3]
    """
    if not _is_branch(tree):
        return [tree]
    return [leaf for child in _children(tree) for leaf in leaves(child)]


def rebuild(tree: Any, values: Iterable[Any]) -> Any:
    """The tree with other leaves, in order.

    >>> rebuild({"a": 1, "b": (2, [3])}, "xyz")
    {'a': 'x', 'b': ('y', ['z'])}
    """
    return _grown(tree, iter(values))


def mapped(function: Callable[[Any], Any], tree: Any) -> Any:
    """The tree with `function` applied to every leaf."""
    return rebuild(tree, map(function, leaves(tree)))


def spread(prefix: Any, tree: Any) -> list[Any]:
    """One value for every leaf of the tree, from a tree that may end earlier: its leaf then applies to the branch.

    >>> spread((0, None), ([1, 2], 3))
    [0, 0, None]
    """
    if not _is_branch(prefix):
        return [prefix] * len(leaves(tree))
    if not _alike(prefix, tree):
        raise ValueError(f"{prefix!r} does not have the structure of the values it is for")
    pairs = zip(_children(prefix), _children(tree), strict=True)
    return [value for part, child in pairs for value in spread(part, child)]


def _is_branch(tree: Any) -> bool:
    return isinstance(tree, tuple | list | dict) or tree.__class__ in NODES


def _children(tree: Any) -> list[Any]:
    if tree.__class__ in NODES:
        return list(NODES[tree.__class__][0](tree)[0])
    return list(tree.values() if isinstance(tree, dict) else tree)


def _alike(prefix: Any, tree: Any) -> bool:
    if prefix.__class__ in NODES:
        return prefix.__class__ is tree.__class__ and len(_children(prefix)) == len(_children(tree))
    if isinstance(prefix, dict):
        return isinstance(tree, dict) and prefix.keys() == tree.keys() and list(prefix) == list(tree)
    return isinstance(tree, tuple | list) and len(prefix) == len(tree)


def _grown(tree: Any, values: Iterator[Any]) -> Any:
    if not _is_branch(tree):
        return next(values)
    parts = [_grown(child, values) for child in _children(tree)]
    if tree.__class__ in NODES:
        flatten, unflatten = NODES[tree.__class__]
        return unflatten(parts, flatten(tree)[1])
    if isinstance(tree, dict):
        return dict(zip(tree, parts, strict=True))
    return type(tree)(*parts) if hasattr(tree, "_fields") else type(tree)(parts)
