"""Turns recorded nodes into the graph of a picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from heapq import heapify, heappop, heappush
from itertools import takewhile
from typing import Any

import numpy as np

from autograd_core.drawing.collecting.observing import Observations
from autograd_core.drawing.collecting.operands import Operand, Source, kept_by, operands_of, output_name
from autograd_core.drawing.graph import BACKWARD, FORWARD, Edge, Graph, Path, Role, Shape, Vertex
from autograd_core.drawing.writing.text import array_text, number, operation_hint
from autograd_core.engine.anomaly import remembered_line
from autograd_core.engine.libraries import LIBRARY, is_array
from autograd_core.engine.nodes import Leaf
from autograd_core.engine.versions import last_write
from autograd_core.kinds import BINARY, COMPARISON, ELEMENTWISE
from autograd_core.tensor import Tensor, wrap

Ends = Sequence[tuple[str, Tensor]]  # the requested tensors; a title may be empty
ELEMENT_BY_ELEMENT = (ELEMENTWISE, BINARY, COMPARISON)  # the shape of their result follows from their operands


@dataclass(slots=True)
class Wanted:
    """What a picture shows. every_shape: label all edges. every_value: recompute
    values that were not saved. boundary: nodes after this number are backward."""

    ends: Ends
    names: Mapping[str, Tensor]
    max_nodes: int
    observations: Observations = field(default_factory=Observations)
    inputs: Sequence[tuple[str, Tensor]] = ()
    every_shape: bool = False
    every_value: bool = False
    boundary: float = -np.inf


@dataclass(slots=True)
class Found:
    """Collected besides the graph: nodes, oldest first, with the positions of their vertices, and values."""

    nodes: list[Any]
    positions: dict[Any, int]
    arrays: dict[Source, Any]


def collect(wanted: Wanted) -> tuple[Graph, Found]:
    """The graph behind the ends, newest operations first until `max_nodes` vertices are found."""
    nodes, complete = _reached([t.node for _, t in wanted.ends if t.node is not None], wanted.max_nodes)
    builder = _Builder(nodes, wanted)
    graph = builder.build()
    if not complete:
        graph.notices.append(
            f"Only the newest operations are drawn: there are more than max_nodes={wanted.max_nodes} nodes."
        )
    positions = {n: at for n, at in builder.positions.items() if not isinstance(n, int)}
    return graph, Found(builder.nodes, positions, builder.arrays)


def _reached(ends: list[Any], max_nodes: int) -> tuple[list[Any], bool]:
    """Nodes that lead to `ends`, newest first, each with its leaves; and whether these are all."""
    seen = {Source.of(n).node for n in ends}
    heap = [(n.number, n) for n in seen]
    heapify(heap)
    found: dict[Any, None] = {}
    while heap and len(found) < max_nodes:
        n = heappop(heap)[1]
        found[n] = None
        for parent in n.parents:
            if parent is None:
                continue
            p = Source.of(parent).node
            if p.op is None and len(found) < max_nodes:
                found[p] = None
            if p not in seen:
                seen.add(p)
                heappush(heap, (p.number, p))
    return list(found), all(n in found for _, n in heap)


class _Builder:
    """Turns nodes into vertices; knows values from the given tensors, from saved values of nodes, and from a run."""

    def __init__(self, nodes: list[Any], wanted: Wanted) -> None:
        self.nodes = sorted(nodes, key=lambda n: n.number, reverse=True)
        self.wanted, self.observations = wanted, wanted.observations
        self.graph = Graph()
        self.positions: dict[Any, int] = {}  # of a node, or of the id of a constant array
        self.arrays: dict[Source, Any] = {}
        self.shapes: dict[Source, Shape] = {}
        self.dtypes: dict[Source, str] = {}
        self.operand_shapes: dict[Any, set[Shape]] = {}
        self.ends = {Source.of(t.node) for _, t in wanted.ends if t.node is not None}
        self.tensors = {Source.of(t.node): t for t in wanted.names.values() if t.node is not None}
        self.names: dict[Source | int, str] = {}
        titled = [(title, t) for title, t in wanted.ends if title]
        for name, t in [*titled, *wanted.names.items(), *wanted.inputs]:
            self.names.setdefault(id(t.array) if t.node is None else Source.of(t.node), name)
        self.inputs = {id(t.array) for _, t in wanted.inputs}

    def build(self) -> Graph:
        operands = {n: list(operands_of(n, kept_by(n), self.observations)) for n in self.nodes if n.op is not None}
        for _, t in self.wanted.ends:
            if t.node is not None:
                self.note(Source.of(t.node), t.array, None)
        for n in self.nodes:
            self.learn(n, operands.get(n, []))
        for n in self.nodes:
            self.add_leaf(n) if n.__class__ is Leaf else self.add_operation(n, operands[n])
        several = len(self.wanted.ends) > 1
        for i, (title, t) in enumerate(self.wanted.ends):
            self.add_output(title, t, f"output {i}" if several else "output")
        return self.graph

    def learn(self, n: Any, operands: list[Operand]) -> None:
        """Collect values and shapes of operands and outputs that a node saved."""
        if n.op is None:
            self.note(Source(n), getattr(n.tensor(), "array", None), None)
            return
        for o in operands:
            if o.node is not None:
                self.note(Source.of(o.node), o.value, o.shape)
        y = kept_by(n).get("y", self.observations.values.get(n.number))
        for i, (shape, _) in enumerate(n.shapes or () if n.op.outputs else ()):
            self.note(Source(n, i), y[i] if isinstance(y, tuple | list) else None, shape)
        if not n.op.outputs:
            self.note(Source(n), self.computed(n, operands) if y is None else y, None)

    def computed(self, n: Any, operands: list[Operand]) -> Any:
        """The result of an operation on numbers (on request, arrays), recomputed unless something was written since."""
        values = [o.value if o.node is None else self.arrays.get(Source.of(o.node)) for o in operands]
        arrays: list[Any] = [v for v in values if is_array(v)]
        large = not self.wanted.every_value and any(a.size != 1 for a in arrays)
        unknown = large or any(v is None for v in values)
        if not getattr(n.op, "simple", False) or n.number > last_write() or unknown or not arrays:
            return None
        with np.errstate(all="ignore"):
            return n.op.forward(LIBRARY[arrays[0].__class__], *values)

    def note(self, source: Source, value: Any, shape: Shape | None) -> None:
        if hasattr(value, "shape"):
            self.arrays[source], shape = value, value.shape
            self.dtypes[source] = value.dtype.name
        if shape is not None:
            self.shapes[source] = tuple(shape)

    def add_leaf(self, n: Any) -> None:
        t, source = n.tensor(), Source(n)
        if t is None:
            vertex = Vertex("leaf", "freed", shape=self.shapes.get(source), value=number(self.arrays.get(source)))
        else:
            vertex = self.tensor_vertex(t, self.names.get(source, t.name or ""))
        self.positions[n] = self.graph.add(vertex)

    def tensor_vertex(self, t: Tensor, title: str) -> Vertex:
        """The vertex of a leaf or constant: its owner determines its role, its first use its place."""
        owned = self.observations.owned.get(id(t.array))
        role: Role = "leaf" if t.node is not None else "constant"
        if owned is not None:
            role, title = ("parameter" if owned.role == "parameter" else "buffer"), title or owned.name
        elif id(t.array) in self.inputs:
            role = "input"
        elif getattr(t, "_role", None) == "parameter":
            role = "parameter"
        gradient = "" if t._grad is None else number(t._grad.array)
        flags = ("frozen",) if id(t.array) in self.observations.frozen else ()
        return Vertex(
            role,
            title,
            "",
            t.shape,
            t.dtype.name,
            number(t.array),
            gradient,
            flags=flags,
            hint=f"{title or role}: {array_text(t.shape, t.dtype.name)}",
        )

    def add_operation(self, n: Any, operands: list[Operand]) -> None:
        source, limit = Source(n), self.wanted.max_nodes
        shapes = self.operand_shapes[n] = set(filter(None, map(self.shape, operands)))
        if n.op.kind in ELEMENT_BY_ELEMENT and shapes:
            self.shapes.setdefault(source, np.broadcast_shapes(*shapes))
        known = next(
            (self.dtypes[s] for o in operands if o.node is not None and (s := Source.of(o.node)) in self.dtypes), ""
        )
        if known and "complex" not in known and n.op.name != "cast":
            self.dtypes.setdefault(source, known)
        path = self.observations.path(n.number)
        band = BACKWARD if n.number < self.wanted.boundary else FORWARD
        edges = [(self.position(o, path, band), o) for o in operands[:limit]]
        cut = len(operands) > limit or any(p is None for p, _ in edges)
        stub = self.graph.add(Vertex("cut", path=path)) if cut else -1
        at = self.positions[n] = self.graph.add(self.operation(n, path))
        if cut:
            self.graph.edges.append(Edge(stub, at))
        self.graph.edges += [self.edge(p, at, o) for p, o in edges if p is not None]

    def operation(self, n: Any, path: Path) -> Vertex:
        """The vertex of an operation, with its result unless that has its own vertex as an output."""
        source, op = Source(n), n.op
        band = BACKWARD if n.number < self.wanted.boundary else FORWARD
        shape, dtype = self.shapes.get(source), self.dtypes.get(source, "")
        line = self.observations.lines.get(n.number) or remembered_line(n.number)
        hint = operation_hint(op, array_text(shape, dtype), kept_by(n), line)
        vertex = Vertex("op", op.symbol or op.name, kind=op.kind, hint=hint, path=path, band=band, key=n.number,
                        shape=shape, dtype=dtype, line=line)  # fmt: skip
        if source in self.ends:
            return vertex
        t = self.tensors.get(source)
        value = number(self.arrays.get(source) if t is None else t.array)
        gradient = "" if t is None or t._grad is None else number(t._grad.array)
        return replace(vertex, name=self.names.get(source, ""), value=value, gradient=gradient)

    def shape(self, operand: Operand) -> Shape | None:
        return operand.shape if operand.node is None else self.shapes.get(Source.of(operand.node))

    def position(self, operand: Operand, path: Path, band: int) -> int | None:
        """The position of an operand's vertex; None beyond `max_nodes`. Parameters are placed inside their module."""
        if operand.node is not None:
            at = self.positions.get(Source.of(operand.node).node)
            if at is not None and operand.node.op is None:
                self.settle(at, operand, path)
            return at
        value = operand.value
        if not hasattr(value, "shape"):
            vertex = Vertex(
                "constant", number(value), shape=operand.shape, hint=f"constant {value!s:.60}", path=path, band=band
            )
            return self.graph.add(vertex)
        at = self.positions.get(id(value))
        if at is None:
            vertex = self.tensor_vertex(wrap(value), self.names.get(id(value), ""))
            at = self.positions[id(value)] = self.graph.add(replace(vertex, path=path, band=band))
        self.settle(at, operand, path)
        return at

    def settle(self, at: int, operand: Operand, path: Path) -> None:
        """Put a parameter or buffer into the call of the module that owns it, under its short name, and a constant
        into the innermost call around all its uses.
        """
        vertex = self.graph.vertices[at]
        if vertex.role == "input":
            self.graph.vertices[at] = replace(vertex, path=())
        elif vertex.role == "constant":
            around = takewhile(lambda names: names[0] == names[1], zip(vertex.path, path, strict=False))
            self.graph.vertices[at] = replace(vertex, path=tuple(name for name, _ in around))
        t = None if operand.node is None else operand.node.tensor()
        owned = self.observations.owned.get(id(operand.value if t is None else t.array))
        if owned is None or vertex.title != owned.name:
            return
        calls = self.observations.paths.get(owned.owner, [])
        home = path if path in calls else next(iter(calls), ())
        title = owned.short if home else vertex.title
        self.graph.vertices[at] = replace(vertex, path=home, title=title, hint=f"{owned.name} · {vertex.hint}")

    def edge(self, at: int, target: int, operand: Operand) -> Edge:
        """Add an edge, labelled with the output, its name, and its shape if requested or changed."""
        saved = self.graph.vertices[at].band == FORWARD and self.graph.vertices[target].band == BACKWARD
        if operand.node is None or operand.node.op is None:
            return Edge(at, target, hint=operand.name, saved=saved)
        source = Source.of(operand.node)
        shape, dtype = self.shapes.get(source), self.dtypes.get(source, "")
        changed = shape and shape not in self.operand_shapes.get(source.node, ())
        name = "" if source.output is None else self.names.get(source, "")
        size = array_text(shape, dtype) if self.wanted.every_shape else str(shape) if changed else ""
        label = " ".join(filter(None, [output_name(source), name, size]))
        return Edge(at, target, label, f"{operand.name}: {array_text(shape, dtype)}", saved)

    def add_output(self, title: str, t: Tensor, otherwise: str) -> None:
        source = None if t.node is None else Source.of(t.node)
        if source is not None and (t.is_leaf or source.node not in self.positions):
            return
        name = self.names.get(id(t.array) if source is None else source, t.name or otherwise)
        gradient = "" if t._grad is None else number(t._grad.array)
        at = self.graph.add(Vertex("output", title or name, "", t.shape, t.dtype.name, number(t.array), gradient,
                                   band=BACKWARD if t.node is not None and t.node.number < self.wanted.boundary
                                   else FORWARD, hint=array_text(t.shape, t.dtype.name)))  # fmt: skip
        if source is not None:
            vertex = self.graph.vertices[self.positions[source.node]]
            size = array_text(t.shape, t.dtype.name) if self.wanted.every_shape and vertex.band == FORWARD else ""
            label = " ".join(filter(None, [output_name(source), size]))
            self.graph.edges.append(Edge(self.positions[source.node], at, label))
