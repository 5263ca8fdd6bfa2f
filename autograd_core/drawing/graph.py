"""The recorded graph as plain data: what a picture shows, before any decision about how it looks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from heapq import heapify, heappop, heappush
from inspect import Parameter
from typing import Any, Literal, NamedTuple

import numpy as np

from autograd_core.binders import Pick
from autograd_core.drawing.text import number
from autograd_core.errors import InplaceError
from autograd_core.kinds import BINARY, COMPARISON, ELEMENTWISE, Kind
from autograd_core.tensor import Leaf, Tensor
from autograd_core.versions import check_unchanged

Role = Literal["op", "leaf", "constant", "output", "copy", "cut"]
Shape = tuple[int, ...]
Ends = Sequence[tuple[str, Tensor]]  # what was asked for; a title may be empty
ELEMENT_BY_ELEMENT = (ELEMENTWISE, BINARY, COMPARISON)  # the shape of what they compute follows from their operands


@dataclass(frozen=True, slots=True)
class Vertex:
    """One thing in the picture. `copy` repeats another vertex, `cut` stands for what is not drawn.

    title: symbol of an operation, name of a tensor. value, gradient: of a tensor of one element, where known.
    """

    role: Role
    title: str = ""
    name: str = ""
    shape: Shape | None = None
    dtype: str = ""
    value: str = ""
    gradient: str = ""
    kind: Kind | None = None


@dataclass(frozen=True, slots=True)
class Edge:
    """From one vertex to another, by position: every edge leads to a later vertex."""

    source: int
    target: int
    label: str = ""


@dataclass(slots=True)
class Graph:
    """Vertices, oldest first, and edges; notices say what the picture leaves out."""

    vertices: list[Vertex] = field(default_factory=list)
    edges: list[Edge] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)

    def add(self, vertex: Vertex) -> int:
        """Append a vertex; returns its position."""
        self.vertices.append(vertex)
        return len(self.vertices) - 1


class Source(NamedTuple):
    """A value in the graph: a node, and which output of it is meant where it has several."""

    node: Any
    output: int | None = None


class Operand(NamedTuple):
    """What a node knows of one operand: its node (None: it wants no gradient), value and shape."""

    node: Any
    value: Any
    shape: Shape | None


def collect(outputs: Ends, names: Mapping[str, Tensor], max_nodes: int) -> Graph:
    """The graph behind `outputs`, newest operations first until `max_nodes` vertices are found."""
    nodes, complete = _reached([t.node for _, t in outputs if t.node is not None], max_nodes)
    graph = _Builder(nodes, outputs, names, max_nodes).build()
    if not complete:
        graph.notices.append(f"Only the newest operations are drawn: there are more than max_nodes={max_nodes} nodes.")
    return graph


def source_of(node: Any) -> Source:
    """The value that a node stands for: a projection is one output of the node before it."""
    return Source(node.parents[0], node.saved[0]) if node.op is Pick else Source(node)


def _reached(ends: list[Any], max_nodes: int) -> tuple[list[Any], bool]:
    """Nodes that lead to `ends`, newest first, each with its leaves; and whether these are all."""
    seen = {source_of(n).node for n in ends}
    heap = [(n.number, n) for n in seen]
    heapify(heap)
    found: dict[Any, None] = {}
    while heap and len(found) < max_nodes:
        n = heappop(heap)[1]
        found[n] = None
        for parent in n.parents:
            if parent is None:
                continue
            p = source_of(parent).node
            if p.op is None and len(found) < max_nodes:
                found[p] = None
            if p not in seen:
                seen.add(p)
                heappush(heap, (p.number, p))
    return list(found), all(n in found for _, n in heap)


class _Builder:
    """Turns nodes into vertices; holds what is known of every value: from tensors given, and from what nodes saved."""

    def __init__(self, nodes: list[Any], outputs: Ends, names: Mapping[str, Tensor], max_nodes: int) -> None:
        self.nodes = sorted(nodes, key=lambda n: n.number, reverse=True)
        self.outputs, self.max_nodes = outputs, max_nodes
        self.graph = Graph()
        self.positions: dict[Any, int] = {}  # of a node, or of the id of a constant array
        self.arrays: dict[Source, Any] = {}
        self.shapes: dict[Source, Shape] = {}
        self.operand_shapes: dict[Any, set[Shape]] = {}
        self.ends = {source_of(t.node) for _, t in outputs if t.node is not None}
        self.tensors = {source_of(t.node): t for t in names.values() if t.node is not None}
        self.names: dict[Source | int, str] = {}
        for name, t in [*((title, t) for title, t in outputs if title), *names.items()]:
            self.names.setdefault(id(t.array) if t.node is None else source_of(t.node), name)

    def build(self) -> Graph:
        for n in self.nodes:
            self.learn(n)
        for n in self.nodes:
            self.add_leaf(n) if n.__class__ is Leaf else self.add_operation(n)
        for title, t in self.outputs:
            self.add_output(title, t)
        return self.graph

    def learn(self, n: Any) -> None:
        """Values and shapes that a node kept, of its operands and of its outputs."""
        if n.op is None:
            self.note(Source(n), getattr(n.tensor(), "array", None), None)
            return
        kept = _kept(n)
        for node, value, shape in _operands(n, kept):
            if node is not None:
                self.note(source_of(node), value, shape)
        for i, (shape, _) in enumerate(n.shapes or () if n.op.outputs else ()):
            self.note(Source(n, i), None, shape)
        if "y" in kept and not n.op.outputs:
            self.note(Source(n), kept["y"], None)

    def note(self, source: Source, value: Any, shape: Shape | None) -> None:
        if hasattr(value, "shape"):
            self.arrays[source], shape = value, value.shape
        if shape is not None:
            self.shapes[source] = tuple(shape)

    def add_leaf(self, n: Any) -> None:
        t, source = n.tensor(), Source(n)
        if t is None:
            vertex = Vertex("leaf", "freed", shape=self.shapes.get(source), value=number(self.arrays.get(source)))
        else:
            vertex = _tensor_vertex("leaf", self.names.get(source, t.name or ""), t)
        self.positions[n] = self.graph.add(vertex)

    def add_operation(self, n: Any) -> None:
        operands = list(_operands(n, _kept(n)))
        shapes = self.operand_shapes[n] = set(filter(None, map(self.shape, operands)))
        if n.op.kind in ELEMENT_BY_ELEMENT and shapes:
            self.shapes.setdefault(Source(n), np.broadcast_shapes(*shapes))
        edges = [(self.position(o), self.edge_label(o)) for o in operands[: self.max_nodes]]
        if any(p is None for p, _ in edges) or len(operands) > self.max_nodes:
            edges = [(self.graph.add(Vertex("cut")), "")] + [e for e in edges if e[0] is not None]
        at = self.positions[n] = self.graph.add(self.operation(n))
        self.graph.edges += [Edge(p, at, label) for p, label in edges if p is not None]

    def operation(self, n: Any) -> Vertex:
        """The vertex of an operation, with what it computed, unless that has a vertex of its own as an output."""
        source, op = Source(n), n.op
        if source in self.ends:
            return Vertex("op", op.symbol, kind=op.kind)
        t = self.tensors.get(source)
        array = self.arrays.get(source) if t is None else t.array
        gradient = "" if t is None or t.grad is None else number(t.grad.array)
        return Vertex("op", op.symbol, self.names.get(source, ""), value=number(array), gradient=gradient, kind=op.kind)

    def shape(self, operand: Operand) -> Shape | None:
        return operand.shape if operand.node is None else self.shapes.get(source_of(operand.node))

    def position(self, operand: Operand) -> int | None:
        """Where an operand is drawn; None: it is beyond `max_nodes`."""
        if operand.node is not None:
            return self.positions.get(source_of(operand.node).node)
        value = operand.value
        if not hasattr(value, "shape"):
            return self.graph.add(Vertex("constant", number(value), shape=operand.shape))
        at = self.positions.get(id(value))
        if at is None:
            name = self.names.get(id(value), "")
            vertex = Vertex("constant", name, shape=value.shape, dtype=str(value.dtype), value=number(value))
            at = self.positions[id(value)] = self.graph.add(vertex)
        return at

    def edge_label(self, operand: Operand) -> str:
        """Which output of an operation flows here, its name, and its shape where the operation changed that."""
        if operand.node is None or operand.node.op is None:
            return ""
        source = source_of(operand.node)
        shape = self.shapes.get(source)
        changed = shape and shape not in self.operand_shapes.get(source.node, ())
        name = "" if source.output is None else self.names.get(source, "")
        return " ".join(filter(None, [_output_name(source), name, str(shape) if changed else ""]))

    def add_output(self, title: str, t: Tensor) -> None:
        source = None if t.node is None else source_of(t.node)
        if source is not None and (t.is_leaf or source.node not in self.positions):
            return
        name = self.names.get(id(t.array) if source is None else source, t.name or "output")
        at = self.graph.add(_tensor_vertex("output", title or name, t))
        if source is not None:
            self.graph.edges.append(Edge(self.positions[source.node], at, _output_name(source)))


def _tensor_vertex(role: Role, title: str, t: Tensor) -> Vertex:
    gradient = "" if t.grad is None else number(t.grad.array)
    return Vertex(role, title, "", t.shape, str(t.dtype), number(t.array), gradient)


def _output_name(source: Source) -> str:
    """Which of several outputs; nothing for the first of named ones, as values of (values, indices)."""
    if source.output is None:
        return ""
    outputs = source.node.op.outputs
    if outputs is ...:
        return str(source.output)
    return str(outputs[source.output]) if source.output else ""


def _kept(n: Any) -> dict[str, Any]:
    """What a node kept for backward, by name: nothing, if a walk released it or a write changed it since."""
    if n.saved is None:
        return {}
    try:
        check_unchanged(n)
    except InplaceError:
        return {}
    return dict(zip(n.op.keep, n.saved, strict=True))


def _operands(n: Any, kept: Mapping[str, Any]) -> Iterator[Operand]:
    """The operands of a node, without optional ones that were not given."""
    op = n.op
    defaults = [default for _, own, default in op.public if own is None]
    for i, parent in enumerate(n.parents):
        name = op.inputs[0 if op.variadic else i]
        value, shape = kept.get(name), kept.get(name + "_shape")
        if op.variadic:
            value, shape = value and value[i], shape and shape[i]
        shape = getattr(value, "shape", shape)
        if shape is None and n.shapes is not None and not op.outputs:
            shape = n.shapes[i]
        given = op.variadic or defaults[i] is Parameter.empty
        if given or parent is not None or value is not None or shape is not None:
            yield Operand(parent, value, shape)
