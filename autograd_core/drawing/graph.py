"""The graph of a picture as plain data, before any decision about its appearance."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from autograd_core.kinds import Kind

Role = Literal["op", "module", "leaf", "parameter", "buffer", "input", "constant", "output", "copy", "cut"]
Shape = tuple[int, ...]
Path = tuple[str, ...]  # names of the modules around something, outermost first
FORWARD, BACKWARD = 0, 1


@dataclass(frozen=True, slots=True)
class Vertex:
    """One thing in the picture. `copy` repeats another vertex, `cut` stands for what is not drawn.

    title: symbol of an operation, name of a tensor or module. note: a second line. value, gradient: of a tensor of one
    element, where known. hint: what hovering shows. band: whether it belongs to the forward or to the backward graph.
    magnitude: what the colour says, by `show`. flags: what is wrong with it. key: the engine's number of an operation.
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
    count: int = 1  # how many like it are folded into it
    magnitude: float | None = None
    flags: tuple[str, ...] = ()
    key: int = 0
    line: str = ""  # where the user's code made it


@dataclass(frozen=True, slots=True)
class Edge:
    """From one vertex to another, by position; what flows has a shape and a dtype, and a label if that is to be seen.

    saved: not the data flow itself, but a value of the forward pass that the backward pass uses.
    """

    source: int
    target: int
    label: str = ""
    hint: str = ""
    saved: bool = False
    magnitude: float | None = None


@dataclass(frozen=True, slots=True)
class Cluster:
    """A module with what is inside: `title` is its name, `note` its class, `count` how many like it are folded."""

    title: str
    note: str
    count: int = 1


@dataclass(slots=True)
class Graph:
    """Vertices, oldest first, and edges; notices say what the picture leaves out; clusters by path."""

    vertices: list[Vertex] = field(default_factory=list)
    edges: list[Edge] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)
    clusters: dict[Path, Cluster] = field(default_factory=dict)
    order: list[tuple[int, int, int]] = field(default_factory=list)  # a vertex, another, how many layers behind it
    scale: str = ""  # what magnitudes are; nothing if the picture is not coloured by them

    def add(self, vertex: Vertex) -> int:
        """Append a vertex; returns its position."""
        self.vertices.append(vertex)
        return len(self.vertices) - 1
