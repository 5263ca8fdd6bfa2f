"""Long edges: a weight used at every step of a long loop would cost the layout quadratic room and time."""

from __future__ import annotations

from dataclasses import replace

from autograd_core.drawing.collect import Graph

ROOM = 4000  # ranks that all edges together may pass; `dot` takes half a second for 5,000, and 25 for 20,000


def shorten(graph: Graph) -> Graph:
    """The graph with its longest edges starting at copies of their source, so many that the rest fits into `ROOM`."""
    ranks = _ranks(graph)
    spans = [ranks[e.target] - ranks[e.source] - 1 for e in graph.edges]
    excess = sum(spans) - ROOM
    cut = set()
    for i in sorted(range(len(spans)), key=lambda i: (-spans[i], i)):
        if excess <= 0 or spans[i] == 0:
            break
        cut.add(i)
        excess -= spans[i]
    if not cut:
        return graph
    return _with_copies(graph, cut)


def _ranks(graph: Graph) -> list[int]:
    """Columns as the layout will choose them: as far left as edges allow, but sources next to their first use."""
    ranks = [0] * len(graph.vertices)
    incoming: set[int] = set()
    for e in graph.edges:  # in order of their targets, and every edge leads to a later vertex
        ranks[e.target] = max(ranks[e.target], ranks[e.source] + 1)
        incoming.add(e.target)
    first: dict[int, int] = {}
    for e in graph.edges:
        first[e.source] = min(first.get(e.source, ranks[e.target]), ranks[e.target])
    return [ranks[i] if i in incoming or i not in first else first[i] - 1 for i in range(len(ranks))]


def _with_copies(graph: Graph, cut: set[int]) -> Graph:
    vertices, edges = list(graph.vertices), list(graph.edges)
    for i in sorted(cut):
        vertices.append(replace(vertices[edges[i].source], role="copy"))
        edges[i] = replace(edges[i], source=len(vertices) - 1)
    notice = f"{len(cut)} long edges start at a dashed copy of their source."
    return Graph(vertices, edges, [*graph.notices, notice])
