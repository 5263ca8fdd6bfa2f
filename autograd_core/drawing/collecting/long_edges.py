"""Long edges, such as to a weight used at every step of a loop: they would cost the layout quadratic space and time."""

from __future__ import annotations

from dataclasses import replace

from autograd_core.drawing.graph import Graph

ROOM = 1000  # total ranks that edges may span: `dot` takes a second for 1,000 and half a minute for 5,000
LONG = 10  # ranks: beyond that total, a longer edge starts at a copy


def shorten(graph: Graph) -> Graph:
    """The graph itself if its edges fit into `ROOM`; else with long edges starting at a copy of their source.

    Clusters are laid out one by one, so an edge that is long overall may be short there.
    """
    if graph.clusters:
        return graph
    ranks = _ranks(graph)
    spans = [0 if e.saved else ranks[e.target] - ranks[e.source] - 1 for e in graph.edges]
    if sum(spans) <= ROOM:
        return graph
    cut = [i for i, span in enumerate(spans) if span > LONG]
    return _with_copies(graph, cut) if cut else graph


def _ranks(graph: Graph) -> list[int]:
    """Columns as the layout chooses them: as far left as edges allow, with sources next to their first use."""
    ranks = [0] * len(graph.vertices)
    incoming: set[int] = set()
    for e in graph.edges:  # in order of their targets, and every edge leads to a later vertex
        ranks[e.target] = max(ranks[e.target], ranks[e.source] + 1)
        incoming.add(e.target)
    first: dict[int, int] = {}
    for e in graph.edges:
        first[e.source] = min(first.get(e.source, ranks[e.target]), ranks[e.target])
    return [ranks[i] if i in incoming or i not in first else first[i] - 1 for i in range(len(ranks))]


def _with_copies(graph: Graph, cut: list[int]) -> Graph:
    vertices, edges = list(graph.vertices), list(graph.edges)
    for i in cut:
        vertices.append(replace(vertices[edges[i].source], role="copy"))
        edges[i] = replace(edges[i], source=len(vertices) - 1)
    notice = f"{len(cut)} long edges start at a dashed copy of their source."
    return replace(graph, vertices=vertices, edges=edges, notices=[*graph.notices, notice])
