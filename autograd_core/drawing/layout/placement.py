"""Positions of everything in a picture: the result of either layout."""

from __future__ import annotations

from dataclasses import dataclass, field

from autograd_core.drawing.graph import Path

Point = tuple[float, float]
DIRECTIONS = ("LR", "TB", "RL", "BT")


@dataclass(frozen=True, slots=True)
class Frame:
    """A rectangle by its corner on the upper left and its size."""

    x: float
    y: float
    width: float
    height: float


@dataclass(slots=True)
class Route:
    """An edge as cubic Bézier curves (the first point, then three for each), and where its label is centred."""

    points: list[Point]
    label: Point | None = None


@dataclass(slots=True)
class Placement:
    """Size of the picture; for each vertex its frame, for each edge its route, for each cluster its frame."""

    width: float
    height: float
    vertices: list[Frame]
    routes: list[Route]
    clusters: dict[Path, Frame] = field(default_factory=dict)
    bands: list[Frame] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Room:
    """What a layout needs to know: sizes of vertices, of edge labels, and of the titles of clusters."""

    vertices: list[Point]
    labels: list[Point]
    titles: dict[Path, float]
    direction: str
