"""Positions of everything in a picture: the result of either layout."""

from __future__ import annotations

from dataclasses import dataclass, field

from autograd_core.drawing.graph import Path

Point = tuple[float, float]
DIRECTIONS = ("LR", "TB", "RL", "BT")


@dataclass(frozen=True, slots=True)
class Frame:
    """A rectangle: upper left corner and size."""

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
    """The size of the picture, the frames of vertices and clusters, and the routes of edges."""

    width: float
    height: float
    vertices: list[Frame]
    routes: list[Route]
    clusters: dict[Path, Frame] = field(default_factory=dict)
    bands: list[Frame] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Room:
    """The input of a layout: sizes of vertices, edge labels and cluster titles."""

    vertices: list[Point]
    labels: list[Point]
    titles: dict[Path, float]
    direction: str


def turned(p: Placement, direction: str) -> Placement:
    """A placement from left to right, turned into another direction."""

    def point(q: Point) -> Point:
        x, y = q
        if direction in ("RL", "BT"):
            x = p.width - x
        return (y, x) if direction in ("TB", "BT") else (x, y)

    def frame(f: Frame) -> Frame:
        (xa, ya), (xb, yb) = point((f.x, f.y)), point((f.x + f.width, f.y + f.height))
        return Frame(min(xa, xb), min(ya, yb), abs(xa - xb), abs(ya - yb))

    width, height = (p.height, p.width) if direction in ("TB", "BT") else (p.width, p.height)
    routes = [Route([point(q) for q in r.points], r.label and point(r.label)) for r in p.routes]
    clusters = {path: frame(f) for path, f in p.clusters.items()}
    return Placement(width, height, [frame(f) for f in p.vertices], routes, clusters, [frame(f) for f in p.bands])
