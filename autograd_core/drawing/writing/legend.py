"""The legend below a picture: one wrapping row that explains colours and frames."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from math import ceil

from autograd_core.drawing.graph import Graph, Role
from autograd_core.drawing.writing.boxes import SMALL
from autograd_core.drawing.writing.text import width_of, xml
from autograd_core.drawing.writing.theme import ALARM, ROLES, STEPS, STROKES, Scale

ROW, SWATCH, BETWEEN = 18.0, 16.0, 14.0
STEP = 22.0  # width of a step of the scale


@dataclass(slots=True)
class Legend:
    """Legend entries with positions relative to the legend's corner."""

    width: float = 0.0
    height: float = 0.0
    entries: list[tuple[float, float, str, str]] = field(default_factory=list)
    scale: Scale | None = None
    words: str = ""

    def parts(self, top: float) -> Iterator[str]:
        """The SVG elements, placed at `top`."""
        for x, y, swatch, text in self.entries:
            yield swatch.format(x=f"{x:.1f}", y=f"{top + y:.1f}")
            yield (
                f'<text class="faint" font-size="{SMALL}" x="{x + SWATCH + 5:.1f}" y="{top + y + 9:.1f}">'
                f"{xml(text)}</text>"
            )
        if self.scale:
            yield from self._bar(self.scale, top + self.height - 34)

    def _bar(self, scale: Scale, y: float) -> Iterator[str]:
        yield f'<text class="faint" font-size="{SMALL}" x="12" y="{y + 9:.1f}">{xml(self.words)}</text>'
        left = 12 + width_of(self.words, SMALL) + 10
        for i, colour in enumerate(STEPS):
            yield f'<rect fill="{colour}" x="{left + i * STEP:.1f}" y="{y:.1f}" width="{STEP}" height="10"/>'
        span = scale.high - scale.low
        for exponent in range(scale.low, scale.high + 1, ceil(span / 4)):
            x = left + (exponent - scale.low) / span * STEP * len(STEPS)
            yield (
                f'<text class="faint" font-size="{SMALL}" text-anchor="middle" x="{x:.1f}" '
                f'y="{y + 22:.1f}">{xml(_power(exponent))}</text>'
            )


def _power(exponent: int) -> str:
    return "10" + str(exponent).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))


def legend_of(graph: Graph, scale: Scale | None, width: float) -> Legend:
    """The legend of what occurs in a graph, in rows of at most this width."""
    legend = Legend(scale=scale, words=graph.scale)
    items = [*([] if scale else _of_kinds(graph)), *_of_roles(graph)]
    x, y = 12.0, 8.0
    for swatch, text in items:
        size = SWATCH + 5 + width_of(text, SMALL)
        if x > 12 and x + size > width:
            x, y = 12.0, y + ROW
        legend.entries.append((x, y, swatch, text))
        legend.width = max(legend.width, x + size + 12)
        x += size + BETWEEN
    legend.height = (y + ROW if items else 0.0) + (42 if scale else 0.0)
    if scale:
        legend.width = max(legend.width, 12 + width_of(graph.scale, SMALL) + 40 + STEP * len(STEPS))
    return legend


def _of_kinds(graph: Graph) -> Iterator[tuple[str, str]]:
    """A swatch for each colour of operations and modules, with the kinds that have it."""
    found: dict[str, list[str]] = {}
    for kind in dict.fromkeys(v.kind for v in graph.vertices if v.kind and v.role in ("op", "module")):
        names = found.setdefault(kind.colour, [])
        if kind.name not in names:
            names.append(kind.name)
    for colour, names in found.items():
        yield f'<rect class="line" stroke-width="0.8" fill="{colour}" {_PLACE}/>', ", ".join(names)


def _of_roles(graph: Graph) -> Iterator[tuple[str, str]]:
    """A swatch for each other kind of box, and for marked edges and boxes."""
    roles = {v.role for v in graph.vertices if v.role != "module" or v.kind is None}
    yield from ((_swatch(role), text) for role, text in ROLES.items() if role in roles)
    if any(e.saved for e in graph.edges):
        yield '<path class="edge" stroke-dasharray="3 3" d="M{x} {y}m0 5h16"/>', "value used by the backward pass"
    if any(v.flags for v in graph.vertices):
        yield f'<rect fill="{ALARM}" {_PLACE}/>', "look here"


_PLACE = 'x="{x}" y="{y}" width="16" height="11" rx="3"'


def _swatch(role: Role) -> str:
    dash = ' stroke-dasharray="4 3"' if role in ("buffer", "copy", "cut") else ""
    cls = "shade" if role == "constant" else f"plain {STROKES[role]}"
    place = _PLACE.replace('rx="3"', 'rx="5.5"') if role in ("input", "output") else _PLACE
    bar = '<rect class="bar" x="{x}" y="{y}" width="4" height="11"/>' if role == "parameter" else ""
    thick = "2.2" if role == "output" else "1.4"
    return f'<rect class="{cls}" stroke-width="{thick}"{dash} {place}/>{bar}'
