"""Layout by Graphviz, which is given only sizes and connections and asked only for positions."""

from __future__ import annotations

import json
from typing import Any

from autograd_core.drawing.graph import Graph, Path
from autograd_core.drawing.layout.placement import Frame, Placement, Point, Room, Route
from autograd_core.drawing.layout.rendering import render

INCH = 72.0
WEIGHTED = 4000  # edges: above, straightening the flow would triple the layout time
MARGIN = 8.0


def place(graph: Graph, room: Room) -> Placement:
    """The layout computed by `dot`."""
    found = json.loads(render(_request(graph, room), "json0"))
    x0, y0, x1, y1 = map(float, found["bb"].split(","))

    def point(x: float, y: float) -> Point:
        return x - x0 + MARGIN, y1 - y + MARGIN

    objects = found.get("objects", [])
    vertices: list[Frame] = [Frame(0, 0, 0, 0)] * len(graph.vertices)
    clusters: dict[Path, Frame] = {}
    paths = list(graph.clusters)
    for o in objects:
        kind, _, i = o["name"].partition("_")
        if kind == "n":
            x, y = point(*map(float, o["pos"].split(",")))
            w, h = room.vertices[int(i)]
            vertices[int(i)] = Frame(x - w / 2, y - h / 2, w, h)
        elif "bb" in o:
            xa, ya, xb, yb = map(float, o["bb"].split(","))
            clusters[paths[int(i)]] = Frame(*point(xa, yb), xb - xa, yb - ya)
    routes = [Route([])] * len(graph.edges)
    for e in found.get("edges", []):
        routes[int(e["i"])] = _route(e, point)
    return Placement(x1 - x0 + 2 * MARGIN, y1 - y0 + 2 * MARGIN, vertices, routes, clusters)


def _route(e: Any, point: Any) -> Route:
    """`e,` precedes the tip of the arrow, to which the last curve is led."""
    points = e["pos"].split(" ")
    tip = [p[2:] for p in points if p.startswith("e,")]
    curve = [point(*map(float, p.split(","))) for p in points if not p.startswith(("e,", "s,"))]
    if tip:
        end = point(*map(float, tip[0].split(",")))
        curve += [curve[-1], end, end]
    label = point(*map(float, e["lp"].split(","))) if "lp" in e else None
    return Route(curve, label)


def _request(graph: Graph, room: Room) -> str:
    lines = [
        "digraph {",
        f"graph [rankdir={room.direction} nodesep=0.2 ranksep=0.36 newrank=true]",
        'node [shape=box fixedsize=true label=""]',
        "edge [arrowsize=0.6 fontsize=1]",
    ]
    lines += _inside(graph, (), graph.homes(), room)
    weighted = len(graph.edges) <= WEIGHTED
    for k, e in enumerate(graph.edges):
        width, height = room.labels[k]
        attributes = [f"i={k}"]
        if width:
            attributes.append(f"label=<{_blank(width + 8, height)}>")
        if weighted and graph.vertices[e.source].role in ("op", "module"):
            attributes.append("weight=2")
        lines.append(f"n_{e.source} -> n_{e.target} [{' '.join(attributes)}]")
    return "\n".join([*lines, "}"])


def _inside(graph: Graph, path: Path, homes: list[Path], room: Room) -> list[str]:
    """The vertices of a cluster, then the clusters in it."""
    lines = []
    for i, home in enumerate(homes):
        if home == path:
            width, height = room.vertices[i]
            lines.append(f"n_{i} [width={width / INCH:.4f} height={height / INCH:.4f}]")
    for k, inner in enumerate(graph.clusters):
        if inner[:-1] == path:
            lines.append(f"subgraph cluster_{k} {{ graph [margin=9 label=<{_blank(room.titles[inner] + 8, 8)}>]")
            lines += [*_inside(graph, inner, homes, room), "}"]
    return lines


def _blank(width: float, height: float) -> str:
    return f'<TABLE BORDER="0" FIXEDSIZE="TRUE" WIDTH="{width:.0f}" HEIGHT="{height:.0f}"><TR><TD></TD></TR></TABLE>'
