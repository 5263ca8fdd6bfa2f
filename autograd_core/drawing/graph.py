"""The graph of a picture as plain data, before any decision about its appearance."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from autograd_core.kinds import Kind

Role = Literal["op", "module", "leaf", "parameter", "buffer", "input", "constant", "output", "copy", "cut"]
Shape = tuple[int, ...]
Path = tuple[str, ...]  # names of the enclosing modules, outermost first
FORWARD, BACKWARD = 0, 1


@dataclass(frozen=True, slots=True)
class Vertex:
    """One vertex of the picture. `copy` repeats another vertex, `cut` stands for omitted ones.

    title: symbol of an operation, name of a tensor or module. note: a second line. value, gradient: of a tensor of one
    element, where known. hint: the tooltip. band: whether it belongs to the forward or the backward graph.
    magnitude: the quantity shown by the colour. flags: problems. key: the engine's number of an operation.
    """

    role: Role
    title: str = ""
    name: str = ""
    shape: Shape | None = None
    dtype: str = ""
    value: str = ""
    gradient: str = ""
    kind: Kind | None = None
    note: str = ""
    hint: str = ""
    path: Path = ()
    band: int = FORWARD
    count: int = 1  # the number of vertices folded into it
    magnitude: float | None = None
    flags: tuple[str, ...] = ()
    key: int = 0
    line: str = ""  # the line of user code that made it


@dataclass(frozen=True, slots=True)
class Edge:
    """An edge between vertices, by position; its value has a shape and a dtype, and a label if one is shown.

    saved: not data flow, but a forward value that the backward pass uses.
    """

    source: int
    target: int
    label: str = ""
    hint: str = ""
    saved: bool = False
    magnitude: float | None = None


@dataclass(frozen=True, slots=True)
class Cluster:
    """A module with its contents: `title` is its name, `note` its class, `count` the number of folded modules."""

    title: str
    note: str
    count: int = 1


@dataclass(slots=True)
class Graph:
    """Vertices, oldest first, and edges; notices about omissions; clusters by path."""

    vertices: list[Vertex] = field(default_factory=list)
    edges: list[Edge] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)
    clusters: dict[Path, Cluster] = field(default_factory=dict)
    order: list[tuple[int, int, int]] = field(default_factory=list)  # (a vertex, another, layers between them)
    scale: str = ""  # the quantity of magnitudes; empty without colours

    def add(self, vertex: Vertex) -> int:
        """Append a vertex; returns its position."""
        self.vertices.append(vertex)
        return len(self.vertices) - 1

    def homes(self) -> list[Path]:
        """For each vertex the innermost cluster around it; () for none."""
        return [self._cluster_at(v.path[:-1] if v.role == "module" else v.path) for v in self.vertices]

    def _cluster_at(self, path: Path) -> Path:
        while path and path not in self.clusters:
            path = path[:-1]
        return path


@dataclass(frozen=True, slots=True)
class Part:
    """The share of one operand: its vertex, the local derivative, the product, and the sum so far."""

    vertex: int
    local: str
    product: str
    total: str


@dataclass(frozen=True, slots=True)
class Step:
    """One operation of the backward pass: its vertex, symbol and gradient, and the shares of its operands."""

    vertex: int
    symbol: str
    gradient: str
    parts: tuple[Part, ...]
