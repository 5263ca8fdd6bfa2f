"""The backward pass of a scalar expression step by step, for the page that plays it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from autograd_core.drawing.collecting.recorded import Found
from autograd_core.drawing.collecting.walks import Walk, observed_walk
from autograd_core.drawing.graph import Graph, Part, Step
from autograd_core.drawing.writing.text import number
from autograd_core.tensor import Tensor


def steps_of(outputs: Sequence[Tensor], found: Found, graph: Graph, most: int) -> list[Step]:
    """The steps, newest operation first; empty if some value is not a number, or if no walk is possible."""
    sizes = [t.array.size for t in outputs] + [a.size for a in found.arrays.values()]
    small = len(found.nodes) <= most and all(size == 1 for size in sizes)
    if not small or graph.notices:
        return []
    if any(n.op is None and n.tensor() is None for n in found.nodes):
        return []
    walk = observed_walk(outputs, None)
    return _told(walk, found) if isinstance(walk, Walk) else []


def _told(walk: Walk, found: Found) -> list[Step]:
    totals: dict[Any, Any] = {}
    steps = []
    for n, g, shares in walk.steps:
        if n not in found.positions or isinstance(g, tuple):
            return []
        parts = []
        for share in shares:
            before = totals.get(share.source)
            totals[share.source] = share.product if before is None else before + share.product
            parts.append(
                Part(
                    found.positions[share.source.node],
                    number(share.local),
                    number(share.product),
                    number(totals[share.source]),
                )
            )
        steps.append(Step(found.positions[n], n.op.symbol or n.op.name, number(g), tuple(parts)))
    return steps


def with_widest_gradients(graph: Graph, steps: Sequence[Step]) -> Graph:
    """The graph with the longest text that each gradient ever has, so that its box fits all of them."""
    widest = {i: v.gradient for i, v in enumerate(with_final_gradients(graph, steps).vertices)}
    for part in (part for step in steps for part in step.parts):
        widest[part.vertex] = max(widest[part.vertex], part.total, key=len)
    return replace(graph, vertices=[replace(v, gradient=widest[i]) for i, v in enumerate(graph.vertices)])


def with_final_gradients(graph: Graph, steps: Sequence[Step]) -> Graph:
    """The graph with a gradient in every vertex that a step reaches, and in the outputs."""
    known = {step.vertex: step.gradient for step in steps}
    known |= {part.vertex: part.total for step in steps for part in step.parts}
    for e in graph.edges:
        if graph.vertices[e.target].role == "output" and e.source in known:
            known[e.target] = known.pop(e.source)
    vertices = [replace(v, gradient=known.get(i, v.gradient)) for i, v in enumerate(graph.vertices)]
    return replace(graph, vertices=vertices)
