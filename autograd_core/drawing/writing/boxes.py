"""The text of each vertex and the space it takes, the same for every layout and format."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import fsum

from autograd_core.drawing.graph import Vertex
from autograd_core.drawing.writing.text import array_text, magnitude_text, printable, short_line, width_of

TITLE, TEXT, SMALL = 13.0, 12.0, 9.5  # sizes of type
LINE = {TITLE: 16.0, TEXT: 15.0, SMALL: 12.5}  # and their heights
SIDE, EDGE, STRIP = 7.0, 5.0, 15.0  # margins within a box, and the height of a flag


@dataclass(frozen=True, slots=True)
class Text:
    """One line of type."""

    text: str
    size: float
    bold: bool = False
    faint: bool = False
    mark: str = ""  # a class, so that a page can find the text


@dataclass(frozen=True, slots=True)
class Box:
    """A row of cells with lines of text, and strips with problems below."""

    cells: tuple[tuple[Text, ...], ...]
    widths: tuple[float, ...]
    flags: tuple[str, ...]
    width: float
    height: float


def box_of(v: Vertex) -> Box:
    """The box of a vertex."""
    if v.role == "cut":
        return Box(((Text("⋯", TEXT),),), (26.0,), (), 26.0, 20.0)
    cells = [_heading(v)]
    cells += [
        (Text(label, SMALL, faint=True), Text(printable(value), TEXT, mark=label))
        for label, value in (("data", v.value), ("grad", v.gradient))
        if value and v.role != "constant"
    ]
    flags = tuple(f"⚠ {printable(f)}" for f in v.flags)
    widths = [max(width_of(t.text, t.size, t.bold) for t in cell) + 2 * SIDE for cell in cells]
    room = max([width_of(f, SMALL, bold=True) + 2 * SIDE for f in flags], default=0.0)
    widths[0] += max(0.0, room - fsum(widths))
    height = max(fsum(LINE[t.size] for t in cell) for cell in cells) + 2 * EDGE + STRIP * len(flags)
    width = max(fsum(widths), 26.0)
    widths[0] += width - fsum(widths)
    return Box(tuple(cells), tuple(widths), flags, width, height)


def _heading(v: Vertex) -> tuple[Text, ...]:
    title = printable(v.title)
    if v.role in ("constant", "copy"):
        shown = f"{title} = {v.value}" if title and v.value else title or v.value or ("" if v.shape else "const")
        return _lines([(shown, TEXT)], [array_text(v.shape, v.dtype) if v.shape else ""])
    if v.count > 1:
        title += f"  ×{v.count}"
    named = v.name if v.role in ("op", "module") else ""
    if v.magnitude is not None:
        named = magnitude_text(v.magnitude)
    size = array_text(v.shape, v.dtype) if v.shape and v.role not in ("op", "module") else ""
    return _lines([(title, TITLE)], [printable(v.note), printable(named), size, printable(short_line(v.line))])


def _lines(large: Iterable[tuple[str, float]], small: Iterable[str]) -> tuple[Text, ...]:
    lines = [Text(text, size, bold=size == TITLE) for text, size in large if text]
    lines += [Text(text, SMALL, faint=True) for text in small if text]
    return tuple(lines) or (Text("", TEXT),)
