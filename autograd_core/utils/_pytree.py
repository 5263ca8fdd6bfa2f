"""PyTorch's `torch.utils._pytree`: maps over nested tuples, lists, dicts and classes that programs register."""

from __future__ import annotations

from collections import defaultdict, namedtuple
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from autograd_core.trees import NODES, Context, NodeDef, node_of

PyTree = Any
SUPPORTED_NODES = NODES
Leafness = Callable[[Any], bool] | None


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
        if node is None or node.type is not self.type:
            raise ValueError(f"Node type mismatch; expected {self.type}, but got {tree.__class__}.")
        children = list(node.flatten_fn(tree)[0])
        if isinstance(tree, dict):
            if tree.keys() != set(keys := self.context[1] if isinstance(tree, defaultdict) else self.context):
                raise ValueError(f"Node keys mismatch; expected {keys}, but got {list(tree)}.")
            children = [tree[key] for key in keys]
        if len(children) != self.num_children:
            raise ValueError(f"Node arity mismatch; expected {self.num_children}, but got {len(children)}.")
        return [x for spec, child in zip(self.children_specs, children, strict=True) for x in spec.flatten_up_to(child)]

    def unflatten(self, leaves: Iterable[Any]) -> Any:
        """The tree with these leaves, in order."""
        leaves = list(leaves)
        if len(leaves) != self.num_leaves:
            raise ValueError(f"There are {len(leaves)} leaves for a tree of {self.num_leaves}.")
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


def tree_structure(tree: Any, is_leaf: Leafness = None) -> TreeSpec:
    """The tree without its leaves."""
    node = node_of(tree)
    if node is None or (is_leaf is not None and is_leaf(tree)):
        return LeafSpec()
    children, context = node.flatten_fn(tree)
    return TreeSpec(node.type, context, [tree_structure(child, is_leaf) for child in children])


def tree_flatten(tree: Any, is_leaf: Leafness = None) -> tuple[list[Any], TreeSpec]:
    """The leaves in order, and the tree without them, for `tree_unflatten`."""
    spec = tree_structure(tree, is_leaf)
    return spec.flatten_up_to(tree), spec


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
    NODES[cls] = NodeDef(cls, flatten_fn, unflatten_fn)


_register_pytree_node = register_pytree_node


_dict_flatten, _dict_unflatten = NODES[dict].flatten_fn, NODES[dict].unflatten_fn


def _dict_flatten_with_keys(d: dict[Any, Any]) -> tuple[list[tuple[Any, Any]], list[Any]]:
    return list(d.items()), list(d)
