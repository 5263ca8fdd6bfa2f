"""The graph as text in Graphviz' language DOT: every decision about looks is here."""

from __future__ import annotations

from collections.abc import Callable

from autograd_core.drawing.graph import Edge, Graph, Vertex
from autograd_core.drawing.text import markup

INK, FAINT, BLUE = "#1b1f24", "#5c636b", "#0072b2"
LINE = "#7d848c"  # as far from white as from black: edges and their labels are read on either
LEFT = '<BR ALIGN="LEFT"/>'
TABLE = '<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="2" CELLPADDING="2">'
# Equally wide wherever they are found, so that text fits the box measured for it on another machine.
FONT = "Verdana,DejaVu Sans,Geneva,sans-serif"
WEIGHTED = 4000  # edges: beyond, pulling the flow straight would make the layout take three times as long
STYLES = {
    "op": {"fillcolor": "#ffffff", "color": "#4d555e"},
    "leaf": {"fillcolor": "#ffffff", "color": BLUE, "penwidth": "1.6"},
    "output": {"fillcolor": "#ffffff", "color": INK, "penwidth": "2"},
    "constant": {"fillcolor": "#eceff1", "color": "#eceff1", "fontcolor": FAINT},
    "copy": {"fillcolor": "#ffffff", "style": "rounded,filled,dashed"},
    "cut": {"fillcolor": "#ffffff", "style": "rounded,filled,dashed", "color": FAINT},
}


def describe(graph: Graph, direction: str, legend: bool) -> str:
    """DOT that says everything about the picture: the same graph gives the same text."""
    defaults = {
        "graph": {"rankdir": direction, "bgcolor": "transparent", "nodesep": "0.18", "ranksep": "0.32", "pad": "0.1",
                  "fontname": FONT, "fontsize": "11", "fontcolor": LINE, "labeljust": "l", "labelloc": "t"},
        "node": {"shape": "box", "style": "rounded,filled", "fontname": FONT, "fontsize": "12", "fontcolor": INK,
                 "height": "0.33", "width": "0.33", "margin": "0.1,0.03", "penwidth": "0.9"},
        "edge": {"color": LINE, "fontcolor": LINE, "fontname": FONT, "fontsize": "9", "arrowsize": "0.6",
                 "penwidth": "0.9"},
    }  # fmt: skip
    lines = [f"  {what} {_attributes(values)}" for what, values in defaults.items()]
    if graph.notices:
        lines.append(f"  label=<{''.join(markup(n, len(n)) + LEFT for n in graph.notices)}>")
    lines += [_vertex(i, v) for i, v in enumerate(graph.vertices)]
    weighted = len(graph.edges) <= WEIGHTED
    lines += [_edge(e, weighted and graph.vertices[e.source].role == "op") for e in graph.edges]
    if legend:
        lines.append(_legend(graph))
    return "\n".join(["digraph {", *lines, "}", ""])


def _vertex(i: int, v: Vertex) -> str:
    style = dict(STYLES[v.role])
    if v.kind:
        style["fillcolor"] = v.kind.colour
    return f"  n{i} {_attributes(style, LABELS[v.role](v))}"


def _edge(e: Edge, straight: bool) -> str:
    weight = {"weight": "2"} if straight else {}
    return f"  n{e.source} -> n{e.target} {_attributes(weight, markup(e.label and f' {e.label}'))}"


def _attributes(values: dict[str, str], label: str = "") -> str:
    written = [f'{k}="{v}"' for k, v in values.items()]
    return f"[{' '.join([*written, f'label=<{label}>'] if label else written)}]"


def _operation(v: Vertex) -> str:
    return _lines(
        f"<B>{markup(v.title)}</B>", *_small(v.name, v.value and f"data {v.value}", v.gradient and f"grad {v.gradient}")
    )


def _tensor(v: Vertex) -> str:
    """A cell with name, shape and dtype; then cells with value and gradient."""
    first = _lines(*([f"<B>{markup(v.title)}</B>"] if v.title else []), *_small(_array(v)))
    rest = [
        f"<VR/><TD>{_lines(*_small(label), markup(value))}</TD>"
        for label, value in (("data", v.value), ("grad", v.gradient))
        if value
    ]
    if not rest:
        return first
    return f"{TABLE}<TR><TD>{first}</TD>{''.join(rest)}</TR></TABLE>"


def _constant(v: Vertex) -> str:
    array = _array(v)
    return _lines(*_small(v.title or v.value or ("" if array else "const"), array))


def _array(v: Vertex) -> str:
    """Shape and dtype; of a single number the dtype alone."""
    return f"{v.shape or ''} {v.dtype}".strip()


def _cut(v: Vertex) -> str:
    return "⋯"


LABELS: dict[str, Callable[[Vertex], str]] = {
    "op": _operation, "leaf": _tensor, "output": _tensor, "constant": _constant, "copy": _constant, "cut": _cut,
}  # fmt: skip


def _lines(*parts: str) -> str:
    return "<BR/>".join(parts)


def _small(*texts: str) -> list[str]:
    return [f'<FONT POINT-SIZE="9" COLOR="{FAINT}">{markup(t)}</FONT>' for t in texts if t]


def _legend(graph: Graph) -> str:
    kinds = dict.fromkeys(v.kind for v in graph.vertices if v.kind)
    rows = [f'<TR><TD BGCOLOR="{k.colour}" WIDTH="24"></TD><TD ALIGN="LEFT">{k.name}</TD></TR>' for k in kinds]
    style = {"shape": "plain", "style": "", "fontsize": "9", "fontcolor": LINE}
    return "  legend " + _attributes(style, TABLE + "".join(rows) + "</TABLE>")
