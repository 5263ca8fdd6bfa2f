"""Layered layout in pure Python: each cluster is laid out by itself, innermost first, so clusters never overlap.

It is computed for a flow from left to right, along an axis `x` and across it; the result is rotated at the end.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from statistics import fmean

from autograd_core.drawing.graph import BACKWARD, Edge, Graph, Path
from autograd_core.drawing.layout.curves import rounded, smooth
from autograd_core.drawing.layout.levels import Level, level
from autograd_core.drawing.layout.placement import Frame, Placement, Point, Room, Route, turned
from autograd_core.drawing.layout.ranking import Item, Key, Link, Net

GAP, ACROSS, APART = 26.0, 14.0, 90.0  # gaps between layers, between neighbours in a layer, between bands
PORTS = 10.0  # between the border of a cluster and its contents
UNDRAWN = (-1, "")  # the net of links that only preserve order
LANES = 6  # between the bands
PAD, TITLE, MARGIN = 10.0, 18.0, 8.0
STEEP, LONGEST = 0.22, 70.0  # gaps widen with the distance that edges cross in them, up to this


@dataclass(frozen=True, slots=True)
class Port:
    """Where a net crosses the border of a cluster."""

    net: Net
    inwards: bool


@dataclass(slots=True)
class Block:
    """A laid-out cluster: its links, the extents of its layers, and positions of items relative to its corner."""

    items: dict[Key, Item] = field(default_factory=dict)
    links: dict[tuple[Key, Key, Net], Link] = field(default_factory=dict)
    level: Level = field(init=False, repr=False)  # set by `arrange`
    spans: list[tuple[float, float]] = field(default_factory=list)
    along: dict[Key, float] = field(default_factory=dict)
    length: float = 0.0
    top: float = 0.0
    height: float = 0.0


class Layout:
    """The state of one layout computation."""

    def __init__(self, graph: Graph, room: Room) -> None:
        self.graph, self.room = graph, room
        self.upright = room.direction in ("TB", "BT")
        self.homes = graph.homes()
        self.blocks: dict[Path, Block] = {(): Block()}
        for path in graph.clusters:
            self.blocks.setdefault(path, Block())
        self.segments: list[list[tuple[Path, Link]]] = []
        self.outgoing: dict[Key, list[int]] = {}
        for k, e in enumerate(graph.edges):
            self.outgoing.setdefault(e.source, []).append(k)

    def place(self) -> Placement:
        for i, home in enumerate(self.homes):
            self.blocks[home].items[i] = self.vertex_item(i)
        for path in sorted(self.blocks, key=len, reverse=True):
            if path:
                self.blocks[path[:-1]].items[path] = Item()
        self.segments = [[] if e.saved else self.route_plan(e) for e in self.graph.edges]
        top = self.blocks[()]
        for a, b, length in self.graph.order:
            top.links[a, b, UNDRAWN] = Link(a, b, UNDRAWN, length, drawn=False)
        for path in sorted(self.blocks, key=len, reverse=True):
            self.arrange(path)
        return self.assembled()

    def vertex_item(self, i: int) -> Item:
        width, height = self.room.vertices[i]
        thick, wide = (height, width) if self.upright else (width, height)
        item = Item(thick, wide / 2, wide / 2, band=self.graph.vertices[i].band)
        if self.upright:
            item.high = max([item.high, *(self.room.labels[e][0] + 8 for e in self.outgoing.get(i, ()))])
        return item

    def route_plan(self, e: Edge) -> list[tuple[Path, Link]]:
        """The links of an edge, level by level: out of the clusters around its source, into those around its target."""
        net: Net = (e.source, e.label)
        start, end = self.homes[e.source], self.homes[e.target]
        common = next(
            (k for k, (a, b) in enumerate(zip(start, end, strict=False)) if a != b), min(len(start), len(end))
        )
        plan: list[tuple[Path, Link]] = []
        here: Key = e.source
        for k in range(len(start), common, -1):
            plan.append((start[:k], self.link(start[:k], here, Port(net, False), net)))
            here = start[:k]
        for k in range(common, len(end)):
            inner = end[: k + 1]
            plan.append((end[:k], self.link(end[:k], here, inner, net)))
            here = Port(net, True)
        backwards = self.graph.vertices[e.source].band == BACKWARD
        a, b = (e.target, here) if backwards else (here, e.target)
        plan.append((end, self.link(end, a, b, net)))
        return plan

    def link(self, path: Path, a: Key, b: Key, net: Net) -> Link:
        block = self.blocks[path]
        for port in (a, b):
            if isinstance(port, Port) and port not in block.items:
                block.items[port] = Item(low=5, high=5, first=port.inwards, last=not port.inwards)
        return block.links.setdefault((a, b, net), Link(a, b, net))

    def arrange(self, path: Path) -> None:
        """Lay out one level whose clusters are already laid out; it then becomes an item of the level above."""
        block = self.blocks[path]
        block.level = found = level(block.items, list(block.links.values()), ACROSS, APART)
        self.separate_bands(block)
        block.length = self.place_along(path, block, found)
        across = found.across
        low = min((across[k] - i.low for k, i in block.items.items()), default=0.0)
        high = max((across[k] + i.high for k, i in block.items.items()), default=0.0)
        side = PAD if path else MARGIN
        banded = any(i.band for i in block.items.values())
        header = TITLE if (path and not self.upright) or banded else 0.0
        block.top = low - side - header
        block.height = high + side - block.top
        if path:
            self.enclose(path, block, across)

    def place_along(self, path: Path, block: Block, found: Level) -> float:
        """Place the layers one after another along the flow; returns where they end."""
        gaps = self.gaps(block) if found.layers else []
        reached = {link.target for link in block.links.values()}
        x = PAD + (TITLE if path and self.room.direction == "TB" else 0.0) if path else MARGIN
        for r, layer in enumerate(found.layers):
            thick = max((block.items[k].thickness for k in layer), default=0.0)
            if r:
                x += gaps[r]
            block.spans.append((x, x + thick))
            for k in layer:
                rest = thick - block.items[k].thickness
                block.along[k] = x + (rest / 2 if k in reached else rest)  # a source is close to its use
            x += thick
        return x + (PAD + (TITLE if self.room.direction == "BT" else 0.0) if path else MARGIN)

    def enclose(self, path: Path, block: Block, across: dict[Key, float]) -> None:
        """Make a cluster as large as its title needs, and an item of the level around it."""
        title = self.room.titles.get(path, 0.0) + 2 * PAD
        if self.upright:
            self.make_room(block, title)
        elif block.length < title:
            self.lengthen(block, title - block.length)
        item = self.blocks[path[:-1]].items[path]
        item.thickness, middle = block.length, self.middle(block)
        item.low, item.high = middle, block.height - middle
        for k in block.items:
            if isinstance(k, Port):
                (item.entries if k.inwards else item.exits)[k.net] = across[k] - block.top - middle

    def make_room(self, block: Block, title: float) -> None:
        """Widen a cluster so that its title fits beside the lines that cross its border."""
        at_top = self.room.direction == "TB"
        lines = [block.level.across[k] for k in block.items if isinstance(k, Port) and k.inwards == at_top]
        left, right = min(lines, default=block.top), max(lines, default=block.top)
        if not lines:
            block.height = max(block.height, title)
        elif left - block.top < title and block.top + block.height - right < title:
            block.height = max(block.height, right + title - block.top)

    def middle(self, block: Block) -> float:
        """The anchor of a cluster: its first port, so that incoming edges go straight on."""
        ports = [k for k in block.items if isinstance(k, Port)]
        if not ports:
            return block.height / 2
        return fmean([block.level.across[k] - block.top for k in ports])

    def lengthen(self, block: Block, more: float) -> None:
        block.length += more
        block.spans = [(a + more / 2, b + more / 2) for a, b in block.spans]
        block.along = {k: x + more / 2 for k, x in block.along.items()}

    def separate_bands(self, block: Block) -> None:
        """Move the backward band below all of the forward one."""
        across = block.level.across
        upper = [across[k] + i.high for k, i in block.items.items() if i.band == 0]
        lower = [across[k] - i.low for k, i in block.items.items() if i.band == BACKWARD]
        if upper and lower:
            move = max(upper) + APART - min(lower)
            across.update({k: y + move for k, y in across.items() if block.items[k].band == BACKWARD})

    def gaps(self, block: Block) -> list[float]:
        """The space before each layer, for labels and for edges that go far across."""
        found = block.level
        steepest, labels = [0.0] * len(found.layers), [0.0] * len(found.layers)
        for link in block.links.values():
            if not link.drawn:
                continue
            whole = [link.source, *found.bends[link], link.target]
            places = [found.across[k] for k in whole]
            places[0] += block.items[whole[0]].exits.get(link.net, 0.0)
            places[-1] += block.items[whole[-1]].entries.get(link.net, 0.0)
            first = found.rank[link.source] + 1
            for r, (ya, yb) in enumerate(pairwise(places), first):
                steepest[r] = max(steepest[r], abs(ya - yb))
            end = whole[0] if link.source == link.net[0] else whole[-1]
            if end == link.net[0]:
                at = first if end == whole[0] else found.rank[link.target]
                room = [self.extent(e) for e in self.outgoing[end] if self.graph.edges[e].label == link.net[1]]
                labels[at] = max([labels[at], *room])
        ports = {0} if any(block.items[k].first for k in found.layers[0]) else set()
        if any(block.items[k].last for k in found.layers[-1]):
            ports.add(len(found.layers) - 2)
        base = [PORTS if r - 1 in ports else GAP for r in range(len(found.layers))]
        return [
            label + max(b if not label else b / 2, min(LONGEST, STEEP * steep + b / 2))
            for b, label, steep in zip(base, labels, steepest, strict=True)
        ]

    def extent(self, e: int) -> float:
        """The length of the straight part of an edge beside its label."""
        width, height = self.room.labels[e]
        return 0.0 if not width else height + 6 if self.upright else width + 10

    def assembled(self) -> Placement:
        """Everything in picture coordinates."""
        corners: dict[Path, Point] = {(): (0.0, -self.blocks[()].top)}
        frames: dict[Path, Frame] = {}
        for path in sorted(self.blocks, key=len):
            if not path:
                continue
            outer, block = self.blocks[path[:-1]], self.blocks[path]
            x0, y0 = corners[path[:-1]]
            x = x0 + outer.along[path]
            y = y0 + outer.level.across[path] - outer.items[path].low
            corners[path] = x, y - block.top
            frames[path] = Frame(x, y, block.length, block.height)
        boxes = []
        for i, path in enumerate(self.homes):
            block, (x0, y0) = self.blocks[path], corners[path]
            wide = self.room.vertices[i][0 if self.upright else 1]
            y = y0 + block.level.across[i] - wide / 2
            boxes.append(Frame(x0 + block.along[i], y, block.items[i].thickness, wide))
        routes = [self.route(k, corners, boxes) for k in range(len(self.graph.edges))]
        whole = self.blocks[()]
        placed = Placement(whole.length, whole.height, boxes, routes, frames, self.bands(whole, boxes))
        return turned(placed, self.room.direction)

    def bands(self, whole: Block, boxes: list[Frame]) -> list[Frame]:
        found = []
        for band in (0, BACKWARD):
            inside = [b for b, v in zip(boxes, self.graph.vertices, strict=True) if v.band == band]
            if inside and any(v.band == BACKWARD for v in self.graph.vertices):
                low, high = min(b.y for b in inside), max(b.y + b.height for b in inside)
                found.append(Frame(2, low - 24, whole.length - 4, high - low + 30))
        return found

    def route(self, k: int, corners: dict[Path, Point], boxes: list[Frame]) -> Route:
        edge = self.graph.edges[k]
        if edge.saved:
            return self.between_bands(edge, boxes)
        backwards = self.graph.vertices[edge.source].band == BACKWARD
        points: list[Point] = []
        for path, link in self.segments[k]:
            block, (x0, y0) = self.blocks[path], corners[path]
            found = block.level
            whole = [link.source, *found.bends[link], link.target]
            for step, key in enumerate(whole):
                y = y0 + found.across[key]
                item = block.items[key]
                start, end = block.spans[found.rank[key]]
                x, stop = block.along[key], block.along[key] + item.thickness
                if step == 0:
                    y += item.exits.get(link.net, 0.0)
                    points += [(x0 + stop, y), (x0 + end, y)]
                elif step == len(whole) - 1:
                    y += item.entries.get(link.net, 0.0)
                    points += [(x0 + start, y), (x0 + x, y)]
                else:
                    points += [(x0 + start, y), (x0 + end, y)]
        if backwards:
            points.reverse()
        if straight := self.extent(k):
            x, y = points[1]
            points.insert(2, (x - straight if backwards else x + straight, y))
        return Route(smooth(points), self.label_place(k, points))

    def between_bands(self, edge: Edge, boxes: list[Frame]) -> Route:
        """The route of a forward value to the backward pass: down, along between the bands, down to the user."""
        whole = self.blocks[()]
        spans, rank = whole.spans, whole.level.rank
        a, b = boxes[edge.source], boxes[edge.target]
        lane = list(dict.fromkeys(e.source for e in self.graph.edges if e.saved)).index(edge.source) % LANES
        upper = max(f.y + f.height for f, v in zip(boxes, self.graph.vertices, strict=True) if v.band != BACKWARD)
        corridor = upper + 14 + lane * (APART - 48) / LANES
        xa, xb = (spans[rank[i]][1] + GAP * (0.3 + 0.4 * lane / LANES) for i in (edge.source, edge.target))
        ya, yb = a.y + a.height / 2, b.y + b.height / 2
        points = [(a.x + a.width, ya), (xa, ya), (xa, corridor), (xb, corridor), (xb, yb), (b.x + b.width, yb)]
        return Route(rounded(points))

    def label_place(self, k: int, points: list[Point]) -> Point | None:
        width, height = self.room.labels[k]
        e = self.graph.edges[k]
        first = next(i for i in self.outgoing[e.source] if self.graph.edges[i].label == e.label)
        if not width or first != k:  # one label for all users of a value
            return None
        x, y = points[0]
        sign = -1 if points[-1][0] < x else 1
        if self.upright:
            return (x + sign * (height / 2 + 3), y + width / 2 + 5)
        return (x + sign * (width / 2 + 5), y - height / 2 - 2.5)


def place(graph: Graph, room: Room) -> Placement:
    """The layout of a graph."""
    return Layout(graph, room).place()
