"""Turns the arguments of `draw` into the graph to be drawn."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from autograd_core.drawing.collecting import health
from autograd_core.drawing.collecting.folding import GRADIENTS, collapsed, folded
from autograd_core.drawing.collecting.long_edges import shorten
from autograd_core.drawing.collecting.observing import Observations, run
from autograd_core.drawing.collecting.operands import Source
from autograd_core.drawing.collecting.recorded import Ends, Found, Wanted, collect
from autograd_core.drawing.collecting.steps import steps_of, with_final_gradients
from autograd_core.drawing.collecting.walks import Recorded, observed_walk, recorded_walk
from autograd_core.drawing.graph import BACKWARD, Graph, Step, Vertex
from autograd_core.errors import NoGraphError
from autograd_core.tensor import Tensor
from autograd_core.trees import leaves

READABLE = 400  # vertices: a larger model is drawn at the greatest depth with fewer
STEPPED = 400  # maximum nodes of a scalar expression that is played step by step
NAMED = 8  # maximum number of unused parameters named
NO_GRADIENT_YET = "No gradients: backward() has not run yet."
RMS = {"grads": GRADIENTS, "stats": "RMS of the values"}


@dataclass(slots=True)
class Ask:
    """The arguments of `draw`."""

    depth: int | None
    show: str
    flow: str
    max_nodes: int
    names: Mapping[str, Tensor]
    fold: bool
    lines: bool


@dataclass(slots=True)
class Composed:
    """A graph to draw, and the steps of its backward pass if it can be played."""

    graph: Graph
    steps: list[Step]


def of_tensors(ends: Ends, inputs: Sequence[tuple[str, Tensor]], ask: Ask) -> Composed:
    """The graph behind tensors."""
    for t in [*(t for _, t in ends), *ask.names.values()]:
        if not isinstance(t, Tensor):
            raise TypeError(f"draw() takes tensors, not {type(t).__name__}")
    if all(t.node is None for _, t in ends):
        raise NoGraphError(
            "draw() of tensors that record nothing: no input had requires_grad=True, or they were made under no_grad()"
        )
    observations = Observations(inputs=list(inputs))
    return _composed(ends, observations, ask)


def of_call(function: Callable[..., Any], example: Any, loss: Callable[[Any], Tensor] | None, ask: Ask) -> Composed:
    """The graph of one call of a model or function."""
    try:
        result, observations = run(function, example, loss)
    except TypeError as error:
        error.add_note("draw(model, example): the example is a Tensor, a tuple of arguments, or arguments by name")
        raise
    named = result.items() if isinstance(result, Mapping) else [("", t) for t in leaves(result)]
    ends = [(str(name), t) for name, t in named if isinstance(t, Tensor)]
    if not any(t.node is not None for _, t in ends):
        raise NoGraphError(
            "draw() of a call that records nothing: its outputs do not depend on any floating-point input or parameter"
        )
    composed = _composed(ends, observations, ask)
    if observations.calls:
        _add_unused(function, observations, composed.graph)
    return composed


def _add_unused(model: Any, observations: Observations, graph: Graph) -> None:
    """Report parameters that no operation used, and draw the first of them if their module is open."""
    used = {operand for operands in observations.operands.values() for operand in map(id, operands)}
    idle = [(name, p) for name, p in model.named_parameters() if id(p.array) not in used]
    for name, p in idle[:NAMED]:
        homes = [path for path in observations.paths.get(name.rpartition(".")[0], []) if path in graph.clusters]
        graph.add(
            Vertex(
                "parameter",
                name,
                shape=p.shape,
                dtype=p.dtype.name,
                path=homes[0] if homes else (),
                flags=("no gradient",),
                hint=f"{name}: no operation used it",
            )
        )
    if idle:
        more = f" and {len(idle) - NAMED} more" if len(idle) > NAMED else ""
        graph.notices.append(f"No operation used {', '.join(name for name, _ in idle[:NAMED])}{more}.")


def _composed(ends: Ends, observations: Observations, ask: Ask) -> Composed:
    notices: list[str] = []
    recorded: Recorded | None = None
    tensors = [t for _, t in ends]
    if ask.flow != "forward":
        ends, recorded = _with_gradients(ends, observations, ask)
    shapes, stats = ask.show == "shapes", ask.show == "stats"
    boundary = recorded.boundary if recorded else float("-inf")
    wanted = Wanted(ends, ask.names, ask.max_nodes, observations, observations.inputs, shapes, stats, boundary)
    if not ask.lines:
        observations.lines.clear()
    graph, found = collect(wanted)
    steps: list[Step] = []
    if recorded is not None:
        graph = _with_order(graph, found, recorded)
    elif ask.show == "grads":
        graph = _with_flow(graph, found, tensors, notices)
    elif ask.show == "stats":
        graph = _with_statistics(graph, found)
    else:
        steps = steps_of(tensors, found, graph, STEPPED)
        if observations.values or any(v.gradient for v in graph.vertices):  # in our own call, or after backward()
            graph = with_final_gradients(graph, steps)
        if _has_numbers(graph) and not any(v.gradient for v in graph.vertices) and ask.show == "values":
            notices.append(NO_GRADIENT_YET)
    if observations.calls and recorded is None:
        graph = _at_depth(graph, observations, ask, notices)
    graph.notices += notices
    return Composed(shorten(graph), steps)


def _has_numbers(graph: Graph) -> bool:
    shapes = [v.shape for v in graph.vertices if v.role in ("leaf", "input", "parameter")]
    return bool(shapes) and all(shape == () for shape in shapes)


def _at_depth(graph: Graph, observations: Observations, ask: Ask, notices: list[str]) -> Graph:
    """Collapse modules at the requested depth, or at the greatest that stays readable."""
    fold = ask.fold and ask.show not in RMS

    def at(depth: int | None) -> Graph:
        found = collapsed(graph, depth, observations.calls)
        return folded(found) if fold else found

    deepest = max(map(len, observations.calls))
    if ask.depth is not None:
        return at(ask.depth if ask.depth <= deepest else None)
    for depth in (None, *range(deepest, 0, -1)):
        found = at(depth)
        if len(found.vertices) <= READABLE:
            break
    if depth is not None:
        notices.append(
            f"Modules are drawn as one node from depth {depth} on: there are {len(graph.vertices)} nodes; "
            "depth= opens them."
        )
    return found


def _with_flow(graph: Graph, found: Found, tensors: Sequence[Tensor], notices: list[str]) -> Graph:
    """Colour values by their gradients, from a walk made for this picture."""
    walk = observed_walk(tensors, health.gradient)
    if isinstance(walk, str):
        notices.append(walk)
        leaves = [(n, t) for n in found.nodes if n.op is None and (t := n.tensor()) is not None and t.grad is not None]
        seen = {Source(n): health.gradient(t.grad.array) for n, t in leaves}
    else:
        seen = walk.cotangents
        if any(t.array.size != 1 for t in tensors):
            notices.append("Gradients of the sum of the outputs; loss= takes another function of them.")
    measured: dict[int, health.Measured] = {}
    for n, at in found.positions.items():
        known = [seen[s] for s in (Source(n), *(Source(n, i) for i in range(9))) if s in seen]
        if known or not isinstance(walk, str):
            measured[at] = known[0] if known else health.gradient(None)
    return _coloured(graph, measured, RMS["grads"])


def _with_statistics(graph: Graph, found: Found) -> Graph:
    """Colour values by magnitude, with flags for unhealthy ones."""
    measured: dict[int, health.Measured] = {}
    for n, at in found.positions.items():
        name = n.op.name if n.op is not None else ""
        measured[at] = health.activation(name, found.arrays.get(Source(n), found.arrays.get(Source(n, 0))))
    wrong = {at for at, (_, flags) in measured.items() if any(f.startswith(health.WRONG) for f in flags)}
    for at in wrong - {e.target for e in graph.edges if e.source in wrong}:
        measured[at] = measured[at][0], (*measured[at][1], "it starts here")
    return _coloured(graph, measured, RMS["stats"])


def _coloured(graph: Graph, measured: dict[int, health.Measured], scale: str) -> Graph:
    """The graph in the colours of what was measured; an output has that of the value it shows."""
    for e in graph.edges:
        if graph.vertices[e.target].role == "output":
            measured[e.target] = measured.get(e.source, (None, ()))[0], ()
    return health.coloured(graph, measured, scale)


def _with_gradients(ends: Ends, observations: Observations, ask: Ask) -> tuple[Ends, Recorded]:
    """The recorded gradients of all leaves, and the outputs unless only the backward graph is drawn."""
    recorded = recorded_walk([t for _, t in ends], observations.observe)
    names = {Source.of(t.node): name for name, t in [*ask.names.items(), *observations.inputs] if t.node is not None}
    gradients: list[tuple[str, Tensor]] = []
    for i, (leaf, g) in enumerate(recorded.gradients):
        t = leaf.tensor()
        owned = observations.owned.get(id(t.array)) if t is not None else None
        name = names.get(Source(leaf)) or (t is not None and t.name) or (owned and owned.name) or f"leaf {i}"
        gradients.append((f"∂/∂{name}", g))
    return ([*ends, *gradients] if ask.flow == "both" else gradients), recorded


def _with_order(graph: Graph, found: Found, recorded: Recorded) -> Graph:
    """Place backward operations below the operation whose rule made them."""
    order = []
    for n, at in found.positions.items():
        if n.op is None or graph.vertices[at].band != BACKWARD:
            continue
        owner = recorded.owner(n.number)
        if owner is None or owner not in found.positions:
            continue
        order.append((at, found.positions[owner], 0))
        order += [
            (found.positions[Source.of(p).node], at, 1)
            for p in owner.parents
            if p is not None and Source.of(p).node in found.positions
        ]
    vertices: list[Vertex] = [replace(v) for v in graph.vertices]
    if not any(v.band != BACKWARD and v.role == "op" for v in vertices):
        vertices = [replace(v, band=0) for v in vertices]
        return replace(graph, vertices=vertices, edges=[replace(e, saved=False) for e in graph.edges])
    return replace(graph, vertices=vertices, order=order)


def titled(outputs: Any) -> list[tuple[str, Tensor]]:
    """Tensors with their titles, which may be empty."""
    if isinstance(outputs, Mapping):
        return [(str(name), t) for name, t in outputs.items()]
    alone = isinstance(outputs, Tensor) or not isinstance(outputs, Iterable)
    return [("", t) for t in ([outputs] if alone else outputs)]
