"""PyTorch's `torch.utils._pytree`: maps over nested tuples, lists, dicts and classes that programs register."""

from __future__ import annotations

from collections import OrderedDict, defaultdict, deque, namedtuple
from collections.abc import Callable, Iterable, Iterator, MutableMapping, Sequence
from dataclasses import dataclass
from typing import Any

from autograd_core.trees import NODES, Context, NodeDef, node_of

PyTree = Any
KeyPath = tuple[Any, ...]
SUPPORTED_NODES = NODES
Leafness = Callable[[Any], bool] | None
_DICTS = {dict, OrderedDict, defaultdict}  # which may stand for each other


@dataclass(frozen=True, repr=False)
class TreeSpec:
    """A tree without its leaves."""

    type: Any
    context: Context
    children_specs: list[TreeSpec]

    def __repr__(self) -> str:
        return f"TreeSpec({self.type.__name__}, {self.context}, {self.children_specs})"

    @property
    def num_leaves(self) -> int:
        return sum(child.num_leaves for child in self.children_specs)

    @property
    def num_nodes(self) -> int:
        return 1 + sum(child.num_nodes for child in self.children_specs)

    @property
    def num_children(self) -> int:
        return len(self.children_specs)

    def is_leaf(self) -> bool:
        return False

    def children(self) -> list[TreeSpec]:
        return list(self.children_specs)

    def child(self, index: int) -> TreeSpec:
        return self.children_specs[index]

    def flatten_up_to(self, tree: Any) -> list[Any]:
        """What this tree has at the places of the leaves; it may be deeper."""
        node = node_of(tree)
        if node is None or (node.type is not self.type and not {node.type, self.type} <= _DICTS):
            raise ValueError(f"Node type mismatch; expected {self.type}, but got {tree.__class__}.")
        parts, context = node.flatten_fn(tree)
        children = list(parts)
        if len(children) != self.num_children:
            raise ValueError(f"Node arity mismatch; expected {self.num_children}, but got {len(children)}.")
        if self.type in _DICTS or self.type is MutableMapping:
            if tree.keys() != set(keys := self.context[1] if self.type is defaultdict else self.context):
                raise ValueError(f"Node keys mismatch; expected {keys}, but got {list(tree)}.")
            children = [tree[key] for key in keys]
        elif self.type is not deque and context != self.context:
            name = self.type.__name__
            raise ValueError(f"Node context mismatch for {name}; expected {self.context}, but got {context}.")
        return [x for spec, child in zip(self.children_specs, children, strict=True) for x in spec.flatten_up_to(child)]

    def unflatten(self, leaves: Iterable[Any]) -> Any:
        """The tree with these leaves, in order."""
        leaves = list(leaves)
        if len(leaves) != self.num_leaves:
            raise ValueError(f"There are {len(leaves)} leaves for a tree that holds {self.num_leaves}.")
        return self._built(iter(leaves))

    def _built(self, leaves: Iterator[Any]) -> Any:
        return NODES[self.type].unflatten_fn([child._built(leaves) for child in self.children_specs], self.context)


class LeafSpec(TreeSpec):
    """The place of a leaf."""

    num_leaves = num_nodes = 1

    def __init__(self) -> None:
        super().__init__(None, None, [])

    def __repr__(self) -> str:
        return "*"

    def is_leaf(self) -> bool:
        return True

    def flatten_up_to(self, tree: Any) -> list[Any]:
        return [tree]

    def _built(self, leaves: Iterator[Any]) -> Any:
        return next(leaves)


def _get_node_type(tree: Any) -> Any:
    return namedtuple if isinstance(tree, tuple) and hasattr(tree, "_fields") else tree.__class__


def tree_is_leaf(tree: Any, is_leaf: Leafness = None) -> bool:
    """Whether this is no branch, or one that `is_leaf` takes for a leaf."""
    return node_of(tree) is None or (is_leaf is not None and is_leaf(tree))


def tree_flatten(tree: Any, is_leaf: Leafness = None) -> tuple[list[Any], TreeSpec]:
    """The leaves in order, and the tree without them, for `tree_unflatten`."""
    leaves: list[Any] = []
    return leaves, _taken_apart(tree, is_leaf, leaves)


def _taken_apart(tree: Any, is_leaf: Leafness, leaves: list[Any]) -> TreeSpec:
    node = node_of(tree)
    if node is None or (is_leaf is not None and is_leaf(tree)):
        leaves.append(tree)
        return LeafSpec()
    children, context = node.flatten_fn(tree)
    return TreeSpec(node.type, context, [_taken_apart(child, is_leaf, leaves) for child in children])


def tree_structure(tree: Any, is_leaf: Leafness = None) -> TreeSpec:
    """The tree without its leaves."""
    return tree_flatten(tree, is_leaf)[1]


def tree_leaves(tree: Any, is_leaf: Leafness = None) -> list[Any]:
    """The leaves in order."""
    return tree_flatten(tree, is_leaf)[0]


def tree_unflatten(leaves: Iterable[Any], treespec: TreeSpec) -> Any:
    """The tree with these leaves."""
    return treespec.unflatten(leaves)


def tree_map(func: Callable[..., Any], tree: Any, *rests: Any, is_leaf: Leafness = None) -> Any:
    """The tree of what `func` makes of every leaf, and of what the other trees have in its place."""
    leaves, spec = tree_flatten(tree, is_leaf)
    return spec.unflatten(map(func, leaves, *map(spec.flatten_up_to, rests)))


def tree_map_only(type_: Any, func: Callable[[Any], Any], tree: Any, is_leaf: Leafness = None) -> Any:
    """The tree of what `func` makes of every leaf of this type, and of the others as they are."""
    return tree_map(lambda leaf: func(leaf) if isinstance(leaf, type_) else leaf, tree, is_leaf=is_leaf)


def tree_all(pred: Callable[[Any], bool], tree: Any, is_leaf: Leafness = None) -> bool:
    """Whether this is so for every leaf."""
    return all(map(pred, tree_leaves(tree, is_leaf)))


def tree_any(pred: Callable[[Any], bool], tree: Any, is_leaf: Leafness = None) -> bool:
    """Whether this is so for a leaf."""
    return any(map(pred, tree_leaves(tree, is_leaf)))


@dataclass(frozen=True)
class SequenceKey:
    """The place of a child in a list or tuple."""

    idx: int

    def __str__(self) -> str:
        return f"[{self.idx!r}]"

    def get(self, sequence: Any) -> Any:
        return sequence[self.idx]


@dataclass(frozen=True)
class MappingKey:
    """The place of a child in a dict."""

    key: Any

    def __str__(self) -> str:
        return f"[{self.key!r}]"

    def get(self, mapping: Any) -> Any:
        return mapping[self.key]


@dataclass(frozen=True)
class GetAttrKey:
    """The place of a child that is an attribute, such as a field of a named tuple."""

    name: str

    def __str__(self) -> str:
        return f".{self.name}"

    def get(self, obj: Any) -> Any:
        return getattr(obj, self.name)


_KEYS: dict[Any, Callable[[Any], Iterable[Any]]] = {
    **dict.fromkeys((dict, OrderedDict, defaultdict, MutableMapping), lambda d: map(MappingKey, d)),
    **dict.fromkeys((tuple, list, deque, Sequence), lambda t: map(SequenceKey, range(len(t)))),
    namedtuple: lambda t: map(GetAttrKey, t._fields),
}


def _keyed_children(tree: Any, node: NodeDef) -> list[tuple[Any, Any]]:
    if node.flatten_with_keys_fn is not None:
        return list(node.flatten_with_keys_fn(tree)[0])
    if node.type not in _KEYS:
        raise ValueError(
            f"{node.type.__name__} was registered without flatten_with_keys_fn, so its leaves have no paths"
        )
    return list(zip(_KEYS[node.type](tree), node.flatten_fn(tree)[0], strict=True))


def tree_leaves_with_path(tree: Any, is_leaf: Leafness = None) -> list[tuple[KeyPath, Any]]:
    """The leaves in order, each after the keys that lead to it."""
    node = node_of(tree)
    if node is None or (is_leaf is not None and is_leaf(tree)):
        return [((), tree)]
    return [
        ((key, *path), leaf)
        for key, child in _keyed_children(tree, node)
        for path, leaf in tree_leaves_with_path(child, is_leaf)
    ]


def tree_flatten_with_path(tree: Any, is_leaf: Leafness = None) -> tuple[list[tuple[KeyPath, Any]], TreeSpec]:
    """The leaves with their paths, and the tree without them, for `tree_unflatten`."""
    return tree_leaves_with_path(tree, is_leaf), tree_structure(tree, is_leaf)


def tree_map_with_path(func: Callable[..., Any], tree: Any, *rests: Any, is_leaf: Leafness = None) -> Any:
    """As `tree_map`, where `func` also takes the path of the leaf, before the leaf."""
    leaves, spec = tree_flatten_with_path(tree, is_leaf)
    paths, values = zip(*leaves, strict=True) if leaves else ((), ())
    return spec.unflatten(map(func, paths, values, *map(spec.flatten_up_to, rests)))


def keystr(kp: KeyPath) -> str:
    """A path as it would be written behind the name of the tree."""
    return "".join(map(str, kp))


def key_get(obj: Any, kp: KeyPath) -> Any:
    """What is at this path of an object."""
    for key in kp:
        obj = key.get(obj)
    return obj


def register_pytree_node(
    cls: type,
    flatten_fn: Callable[[Any], tuple[Iterable[Any], Any]],
    unflatten_fn: Callable[[list[Any], Any], Any],
    *,
    flatten_with_keys_fn: Callable[[Any], tuple[Any, Any]] | None = None,
    **names: Any,
) -> None:
    """Treat objects of this class as branches, also in `func` and `vmap`; names under which they are saved are ignored.

    flatten_fn: from an object to its children and what else it is made of; unflatten_fn: from these to an object;
    flatten_with_keys_fn: as the first, with pairs of key and child in place of the children.
    """
    if cls in NODES:
        raise ValueError(f"{cls.__name__} is already registered as a pytree node")
    NODES[cls] = NodeDef(cls, flatten_fn, unflatten_fn, flatten_with_keys_fn)


_register_pytree_node = register_pytree_node


_dict_flatten, _dict_unflatten = NODES[dict].flatten_fn, NODES[dict].unflatten_fn
_namedtuple_flatten, _namedtuple_unflatten = NODES[namedtuple].flatten_fn, NODES[namedtuple].unflatten_fn


def _dict_flatten_with_keys(d: dict[Any, Any]) -> tuple[list[tuple[MappingKey, Any]], list[Any]]:
    return [(MappingKey(key), value) for key, value in d.items()], list(d)
