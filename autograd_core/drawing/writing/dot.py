"""The graph in Graphviz's language DOT, for other tools and for the formats that Graphviz renders."""

from __future__ import annotations

from autograd_core.drawing.graph import Edge, Graph, Path, Vertex
from autograd_core.drawing.writing.text import array_text, printable
from autograd_core.drawing.writing.theme import ALARM, FONT, INK, Scale, ink_on

LINE = "#6a737d"
SHAPES = {"op": "box", "module": "box3d", "leaf": "box", "parameter": "box", "buffer": "box", "input": "oval",
          "constant": "plaintext", "output": "oval", "copy": "box", "cut": "plaintext"}  # fmt: skip
EDGES = {"leaf": "#0072b2", "parameter": "#0072b2", "buffer": "#a4477f", "input": "#00805c", "output": INK}


def described(graph: Graph, direction: str, scale: Scale | None) -> str:
    """The complete DOT text of the picture: the same graph gives the same text."""
    lines = [
        "digraph {",
        f'  graph [rankdir="{direction}" bgcolor="transparent" nodesep="0.2" ranksep="0.35" pad="0.1" newrank="true" '
        f'fontname="{FONT}" fontsize="11" labeljust="l" labelloc="t"{_notices(graph)}]',
        f'  node [shape="box" style="rounded,filled" fontname="{FONT}" fontsize="12" height="0.3" width="0.3" '
        f'margin="0.1,0.04" fillcolor="#ffffff" color="{LINE}" fontcolor="{INK}"]',
        f'  edge [color="{LINE}" fontcolor="{LINE}" fontname="{FONT}" fontsize="9" arrowsize="0.6"]',
    ]
    lines += _inside(graph, (), graph.homes(), scale)
    lines += [_edge(e, scale) for e in graph.edges]
    return "\n".join([*lines, "}", ""])


def quoted(text: str) -> str:
    """Printable text as a DOT string whose label shows it: backslashes and entities mean nothing special."""
    text = text.replace("&", "&amp;").replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"'


def _notices(graph: Graph) -> str:
    return f" label={quoted(' '.join(printable(n, 400) for n in graph.notices))}" if graph.notices else ""


def _inside(graph: Graph, path: Path, homes: list[Path], scale: Scale | None) -> list[str]:
    """The vertices of a cluster, then the clusters in it."""
    indent = "  " * (len(path) + 1)
    lines = [indent + _vertex(i, graph.vertices[i], scale) for i, home in enumerate(homes) if home == path]
    for k, (inner, cluster) in enumerate(graph.clusters.items()):
        if inner[:-1] != path:
            continue
        count = f" ×{cluster.count}" if cluster.count > 1 else ""
        label = quoted(printable(f"{cluster.title}{count}  {cluster.note}"))
        lines.append(f'{indent}subgraph "cluster_{k}" {{')
        lines.append(f'{indent}  graph [label={label} style="rounded,filled" color="#b6bec7" fillcolor="#f4f6f8"]')
        lines += _inside(graph, inner, homes, scale)
        lines.append(f"{indent}}}")
    return lines


def _vertex(i: int, v: Vertex, scale: Scale | None) -> str:
    written = {"shape": SHAPES[v.role], "color": EDGES.get(v.role, LINE)}
    fill = v.kind.colour if v.kind else ""
    if scale is not None:
        fill = scale.colour(v.magnitude) if v.magnitude is not None else ""
    if v.role == "constant":
        fill = "#eceff1"
    if fill:
        written |= {"fillcolor": fill, "fontcolor": ink_on(fill)}
    if v.role in ("buffer", "copy", "cut"):
        written["style"] = "rounded,filled,dashed"
    if v.flags:
        written |= {"color": ALARM, "penwidth": "2.5"}
    attributes = [f'{k}="{value}"' for k, value in written.items()]
    label = "\\n".join(quoted(line)[1:-1] for line in label_lines(v))
    return f'n{i} [{" ".join(attributes)} label="{label}"]'


def label_lines(v: Vertex) -> list[str]:
    """The lines of a vertex's label: its title first."""
    if v.role == "cut":
        return ["⋯"]
    title = printable(v.title) + (f" ×{v.count}" if v.count > 1 else "")
    size = array_text(v.shape, v.dtype) if v.role not in ("op", "module") and v.shape else ""
    numbers = [
        f"data {printable(v.value)}" if v.value and v.role != "constant" else "",
        f"grad {printable(v.gradient)}" if v.gradient else "",
    ]
    if not title:
        title = v.value or ("" if v.shape else "const")
    return [
        line for line in (title, printable(v.note), printable(v.name), size, *numbers, *map(printable, v.flags)) if line
    ] or [""]


def _edge(e: Edge, scale: Scale | None) -> str:
    attributes = []
    if e.label:
        attributes.append(f"label={quoted(' ' + printable(e.label))}")
    if e.saved:
        attributes.append('style="dashed" constraint="false"')
    if scale and e.magnitude is not None:
        attributes.append(f'color="{scale.colour(e.magnitude)}" penwidth="2.2"')
    tail = f" [{' '.join(attributes)}]" if attributes else ""
    return f"  n{e.source} -> n{e.target}{tail}"
