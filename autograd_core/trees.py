"""Nested tuples, lists and dicts of tensors: flattening and rebuilding."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any


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
    return isinstance(tree, tuple | list | dict)


def _children(tree: Any) -> list[Any]:
    return list(tree.values() if isinstance(tree, dict) else tree)


def _alike(prefix: Any, tree: Any) -> bool:
    if isinstance(prefix, dict):
        return isinstance(tree, dict) and prefix.keys() == tree.keys() and list(prefix) == list(tree)
    return isinstance(tree, tuple | list) and len(prefix) == len(tree)


def _grown(tree: Any, values: Iterator[Any]) -> Any:
    if not _is_branch(tree):
        return next(values)
    parts = [_grown(child, values) for child in _children(tree)]
    if isinstance(tree, dict):
        return dict(zip(tree, parts, strict=True))
    return type(tree)(*parts) if hasattr(tree, "_fields") else type(tree)(parts)
