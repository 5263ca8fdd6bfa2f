"""The picture as SVG: no scripts, no links, nothing loaded; the same drawing gives the same bytes."""

from __future__ import annotations

from collections.abc import Iterator
from math import fsum, hypot

from autograd_core.drawing.graph import Cluster, Edge, Graph, Vertex
from autograd_core.drawing.layout.placement import Frame, Placement, Point, Route
from autograd_core.drawing.writing.boxes import LINE, SMALL, STRIP, Box, Text
from autograd_core.drawing.writing.legend import Legend, legend_of
from autograd_core.drawing.writing.text import printable, width_of, xml
from autograd_core.drawing.writing.theme import ALARM, FAINT, INK, ON_ALARM, STROKES, Scale, ink_on, style_sheet

HEAD, HALF = 6.0, 3.2  # length and half the width of an arrow's head
ROUND = {"input": 99.0, "output": 99.0, "constant": 3.0, "parameter": 2.0, "buffer": 2.0, "module": 8.0}
THICK = {"output": 2.2, "op": 1.0, "module": 1.0, "copy": 1.0, "cut": 1.0}
DASHED = ("buffer", "copy", "cut")


def written(graph: Graph, boxes: list[Box], placed: Placement, scale: Scale | None, theme: str, legend: bool) -> str:
    """The whole picture."""
    shown = legend_of(graph, scale, max(placed.width, 420.0)) if legend else Legend()
    lines = [line for text in graph.notices for line in _wrapped(printable(text, 400), max(placed.width, 420.0) - 24)]
    width = max([placed.width, shown.width, *(width_of(line, SMALL + 1) + 24 for line in lines)])
    top = 8.0 + 15.0 * len(lines) if lines else 0.0
    height = top + placed.height + shown.height
    left = (width - placed.width) / 2
    body = [f'<rect class="paper" width="{n(width)}" height="{n(height)}" rx="6"/>']
    for i, line in enumerate(lines):
        body.append(_text(12, 17 + 15 * i, line, SMALL + 1, "ink"))
    body.append(f'<g transform="translate({n(left)} {n(top)})">')
    body += _bands(placed)
    clusters = [(c, placed.clusters[p]) for p, c in sorted(graph.clusters.items()) if p in placed.clusters]
    body += [f'<rect class="cluster rim" {_frame(f)} rx="7"/>' for _, f in clusters]
    body += [_edge(i, e, r, scale) for i, (e, r) in enumerate(zip(graph.edges, placed.routes, strict=True))]
    for i, (v, box, f) in enumerate(zip(graph.vertices, boxes, placed.vertices, strict=True)):
        body.append(_vertex(i, v, box, f, scale))
    body += [_title(c, f, placed.routes) for c, f in clusters]
    frames = [f for _, f in clusters]
    body += [_label(e, r, frames) for e, r in zip(graph.edges, placed.routes, strict=True) if e.label and r.label]
    body.append("</g>")
    body += shown.parts(top + placed.height)
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" class="agd-{theme}" width="{n(width)}" height="{n(height)}" '
            f'viewBox="0 0 {n(width)} {n(height)}" role="img" xml:space="preserve">',
            f"<title>{xml(f'Compute graph of {len(graph.vertices)} nodes and {len(graph.edges)} edges')}</title>",
            f"<style>{style_sheet(theme)}</style>",
            *body,
            "</svg>",
            "",
        ]
    )


def n(value: float) -> str:
    """A coordinate to a tenth."""
    text = f"{value:.1f}".removesuffix(".0")
    return "0" if text == "-0" else text


def _wrapped(text: str, width: float) -> Iterator[str]:
    line = ""
    for word in text.split(" "):
        if line and width_of(f"{line} {word}", SMALL + 1) > width:
            yield line
            line = word
        else:
            line = f"{line} {word}" if line else word
    yield line


def _text(
    x: float, y: float, text: str, size: float, colour: str, bold: bool = False, anchor: str = "", mark: str = ""
) -> str:
    weight = ' font-weight="bold"' if bold else ""
    anchor = f' text-anchor="{anchor}"' if anchor else ""
    paint, classes = (f' fill="{colour}"', mark) if colour.startswith("#") else ("", f"{colour} {mark}".strip())
    paint += f' class="{classes}"' if classes else ""
    return f'<text x="{n(x)}" y="{n(y)}" font-size="{n(size)}"{weight}{anchor}{paint}>{xml(text)}</text>'


def _bands(placed: Placement) -> Iterator[str]:
    words = (("forward", "forward: values →"), ("backward", "backward: ← gradients"))
    for (name, words_), f in zip(words, placed.bands, strict=False):
        yield f'<rect class="{name}" {_frame(f)} rx="8"/>'
        yield _text(f.x + 10, f.y + 15, words_, SMALL + 1, "faint", bold=True)


def _frame(f: Frame) -> str:
    return f'x="{n(f.x)}" y="{n(f.y)}" width="{n(f.width)}" height="{n(f.height)}"'


def _title(c: Cluster, f: Frame, routes: list[Route]) -> str:
    """The title of a cluster, at the left, or to the right of lines that would cross it."""
    title = printable(f"{c.title}  ×{c.count}" if c.count > 1 else c.title)
    note = printable(c.note)
    width = width_of(title, SMALL + 0.5, bold=True) + width_of(f"  {note}", SMALL + 0.5)
    lines = [x for r in routes for x, y in r.points if f.y - 1 < y < f.y + 16 and f.x < x < f.x + f.width]
    crossed = [x for x in lines if x < f.x + width + 14]
    x = max(crossed) + 7 if crossed and max(crossed) + width < f.x + f.width else f.x + 9
    at = f'x="{n(x)}" y="{n(f.y + 14)}" font-size="{n(SMALL + 0.5)}" font-weight="bold"'
    return "".join(
        f'<text {at} class="{a}">{xml(title)}<tspan class="{b}" font-weight="normal">  {xml(note)}</tspan></text>'
        for a, b in (("tint", "tint"), ("ink", "faint"))
    )


def _edge(i: int, e: Edge, r: Route, scale: Scale | None) -> str:
    points = list(r.points)
    (xa, ya), (xb, yb) = _direction(points)
    length = hypot(xb - xa, yb - ya) or 1.0
    ux, uy = (xb - xa) / length, (yb - ya) / length
    tip = points[-1]
    points[-1] = (tip[0] - ux * HEAD * 0.8, tip[1] - uy * HEAD * 0.8)
    path = f"M{_point(points[0])}" + "".join(
        f"C{_point(points[k])} {_point(points[k + 1])} {_point(points[k + 2])}" for k in range(1, len(points) - 2, 3)
    )
    back = (tip[0] - ux * HEAD, tip[1] - uy * HEAD)
    head = (
        f"M{_point(tip)}L{_point((back[0] - uy * HALF, back[1] + ux * HALF))}"
        f"L{_point((back[0] + uy * HALF, back[1] - ux * HALF))}Z"
    )
    paint, fill, thick, under = 'class="edge"', 'class="head"', "1.1", ""
    if scale and e.magnitude is not None:
        colour = scale.colour(e.magnitude)
        paint, fill, thick = f'fill="none" stroke="{colour}"', f'fill="{colour}"', "2.4"
        under = f'<path class="edge" stroke-width="4" d="{path}"/>'  # the darkest and the lightest step need an edge
    dash = ' stroke-dasharray="3 3"' if e.saved else ""
    hint = f"<title>{xml(printable(e.hint, 200))}</title>" if e.hint else ""
    line = f'<path {paint} stroke-width="{thick}"{dash} d="{path}"/>'
    return f'<g id="e{i}">{hint}{under}{line}<path {fill} d="{head}"/></g>'


def _direction(points: list[Point]) -> tuple[Point, Point]:
    """The direction of the last non-degenerate segment of a route."""
    end = points[-1]
    return next((p for p in reversed(points[:-1]) if hypot(p[0] - end[0], p[1] - end[1]) > 0.5), points[0]), end


def _point(p: Point) -> str:
    return f"{n(p[0])} {n(p[1])}"


def _label(e: Edge, r: Route, clusters: list[Frame]) -> str:
    x, y = r.label or (0.0, 0.0)
    inside = any(f.x < x < f.x + f.width and f.y < y < f.y + f.height for f in clusters)
    colours = "tint" if inside else "halo", "faint"
    return "".join(_text(x, y + 3.3, printable(e.label), SMALL, c, anchor="middle") for c in colours)


def _vertex(i: int, v: Vertex, box: Box, f: Frame, scale: Scale | None) -> str:
    colour = _fill(v, scale)
    ink, faint = ("ink", "faint") if not colour else (INK, FAINT) if scale is None else (ink_on(colour),) * 2
    parts = [f'<g id="n{i}">', f"<title>{xml(_hint(v))}</title>", *_shape(v, f, colour)]
    parts += _cells(box, f, ink, faint, STROKES[v.role])
    for k, flag in enumerate(box.flags):
        y = f.y + f.height - STRIP * (len(box.flags) - k)
        strip = Frame(f.x + 1, y, f.width - 2, STRIP - 1)
        parts.append(f'<rect fill="{ALARM}" {_frame(strip)} rx="3"/>')
        parts.append(_text(f.x + f.width / 2, y + 11, flag, SMALL, ON_ALARM, bold=True, anchor="middle"))
    return "".join([*parts, "</g>"])


def _shape(v: Vertex, f: Frame, colour: str) -> Iterator[str]:
    """The box itself, with a frame for its role."""
    radius = n(min(ROUND.get(v.role, 6.0), f.height / 2, 14))
    paint = f'fill="{colour}" class="{STROKES[v.role]}"' if colour else f'class="plain {STROKES[v.role]}"'
    if v.role == "constant":
        paint = 'class="shade"'
    if v.count > 1 or (v.role == "module" and v.kind is None):  # a sheet behind it indicates more inside
        yield f'<rect class="plain line" {_frame(Frame(f.x + 3, f.y + 3, f.width, f.height))} rx="{radius}"/>'
    dash = ' stroke-dasharray="4 3"' if v.role in DASHED else ""
    yield f'<rect {paint} stroke-width="{THICK.get(v.role, 1.6)}"{dash} {_frame(f)} rx="{radius}"/>'
    if v.role == "parameter":
        yield f'<rect class="bar" {_frame(Frame(f.x, f.y, 4, f.height))}/>'


def _fill(v: Vertex, scale: Scale | None) -> str:
    if scale is not None:
        return scale.colour(v.magnitude) if v.magnitude is not None and v.role not in ("constant", "cut") else ""
    return v.kind.colour if v.kind and v.role in ("op", "module") else ""


def _hint(v: Vertex) -> str:
    lines = [printable(line, 200) for line in v.hint.split("\n")]
    magnitude = [f"{v.magnitude:.3g}"] if v.magnitude is not None else []
    return "\n".join([*lines, *magnitude, *v.flags]) or printable(v.title) or v.role


def _cells(box: Box, f: Frame, ink: str, faint: str, rule: str) -> Iterator[str]:
    x = f.x
    height = f.height - STRIP * len(box.flags)
    for k, (cell, width) in enumerate(zip(box.cells, box.widths, strict=True)):
        if k:
            yield f'<path class="thin {rule}" stroke-width="0.8" d="M{n(x)} {n(f.y + 3)}V{n(f.y + height - 3)}"/>'
        yield from _lines(cell, x + width / 2, f.y, height, ink, faint)
        x += width


def _lines(cell: tuple[Text, ...], x: float, top: float, height: float, ink: str, faint: str) -> Iterator[str]:
    y = top + (height - fsum(LINE[t.size] for t in cell)) / 2
    for t in cell:
        if t.text:
            yield _text(x, y + LINE[t.size] * 0.76, t.text, t.size, faint if t.faint else ink, t.bold, "middle", t.mark)
        y += LINE[t.size]
