"""Nested tuples, lists and dicts of tensors, and of classes that programs register: flattening and rebuilding."""

from __future__ import annotations

from collections import OrderedDict, defaultdict, deque, namedtuple
from collections.abc import Callable, Iterable, Iterator, MutableMapping, Sequence
from copy import copy
from typing import Any, NamedTuple

from autograd_core.errors import OperandError

Context = Any  # what an object consists of beside its children


class NodeDef(NamedTuple):
    """How objects of a class are taken apart and built."""

    type: Any
    flatten_fn: Callable[[Any], tuple[Iterable[Any], Context]]
    unflatten_fn: Callable[[Any, Context], Any]
    flatten_with_keys_fn: Callable[[Any], tuple[Any, Context]] | None = None


def _keyed(type_: Any) -> NodeDef:
    return NodeDef(
        type_, lambda d: (list(d.values()), list(d)), lambda parts, keys: type_(zip(keys, parts, strict=True))
    )


def _filled(parts: list[Any], tree: Any) -> Any:
    filled = copy(tree)
    for key, part in zip(tree, parts, strict=True):
        filled[key] = part
    return filled


# Class -> node. `namedtuple` stands for all named tuples, `MutableMapping` for classes derived from dicts and for dicts
# with attributes, such as the versions of a state, and `Sequence` for classes derived from tuples and lists.
NODES: dict[Any, NodeDef] = {
    node.type: node
    for node in (
        NodeDef(tuple, lambda t: (list(t), None), lambda parts, _: tuple(parts)),
        NodeDef(list, lambda t: (list(t), None), lambda parts, _: list(parts)),
        _keyed(dict),
        _keyed(OrderedDict),
        NodeDef(
            defaultdict,
            lambda d: (list(d.values()), [d.default_factory, list(d)]),
            lambda parts, c: defaultdict(c[0], zip(c[1], parts, strict=True)),
        ),
        NodeDef(deque, lambda t: (list(t), t.maxlen), deque),
        NodeDef(namedtuple, lambda t: (list(t), t.__class__), lambda parts, cls: cls(*parts)),
        NodeDef(MutableMapping, lambda d: (list(d.values()), d), _filled),
        NodeDef(Sequence, lambda t: (list(t), t.__class__), lambda parts, cls: cls(parts)),
    )
}


def node_of(tree: Any) -> NodeDef | None:
    """How a branch is taken apart; None for a leaf."""
    cls = tree.__class__
    if cls in NODES and not (cls is OrderedDict and vars(tree)):
        return NODES[cls]
    if not isinstance(tree, tuple | list | dict):
        return None
    if isinstance(tree, dict):
        return NODES[MutableMapping]
    return NODES[namedtuple if hasattr(cls, "_fields") else Sequence]


def leaves(tree: Any) -> list[Any]:
    """The leaves of a tree in order.

    >>> leaves({"a": 1, "b": (2, [3])})
    [1, 2, 3]
    """
    node = node_of(tree)
    return [tree] if node is None else [leaf for child in node.flatten_fn(tree)[0] for leaf in leaves(child)]


def outline(tree: Any) -> Any:
    """A tree without its leaves, to be compared and hashed; None for a leaf.

    >>> outline([1, {"a": 2}]) == outline([3, {"a": 4}]) != outline([3, {"b": 4}])
    True
    """
    node = node_of(tree)
    if node is None:
        return None
    children, context = node.flatten_fn(tree)
    return tree.__class__, tuple(tree) if isinstance(tree, dict) else repr(context), *map(outline, children)


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
    if node_of(prefix) is None:
        return [prefix] * len(leaves(tree))
    if not _alike(prefix, tree):
        raise OperandError(f"{prefix!r} does not have the structure of the values it is for")
    pairs = zip(_children(prefix), _children(tree), strict=True)
    return [value for part, child in pairs for value in spread(part, child)]


def _children(tree: Any) -> list[Any]:
    node = node_of(tree)
    return [] if node is None else list(node.flatten_fn(tree)[0])


def _alike(prefix: Any, tree: Any) -> bool:
    if isinstance(prefix, dict):
        return isinstance(tree, dict) and list(prefix) == list(tree)
    same = isinstance(tree, tuple | list) if isinstance(prefix, tuple | list) else prefix.__class__ is tree.__class__
    return same and len(_children(prefix)) == len(_children(tree))


def _grown(tree: Any, values: Iterator[Any]) -> Any:
    node = node_of(tree)
    if node is None:
        return next(values)
    children, context = node.flatten_fn(tree)
    return node.unflatten_fn([_grown(child, values) for child in children], context)
