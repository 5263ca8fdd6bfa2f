"""Folding: modules below a given depth become one vertex, and runs of equal modules one vertex with a count."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set
from dataclasses import replace
from itertools import pairwise
from math import hypot

from autograd_core.drawing.collecting.observing import ModuleCall
from autograd_core.drawing.graph import Cluster, Edge, Graph, Path, Vertex
from autograd_core.drawing.writing.text import count_text
from autograd_core.kinds import CONVOLUTION, LOSS, MATMUL, NORMALIZATION, POOLING, Kind

TELLING = (CONVOLUTION, MATMUL, NORMALIZATION, POOLING, LOSS)  # a layer has the kind of its most important operation
GRADIENTS = "RMS of the gradient"  # magnitudes are of gradients: a module has that of its parameters
OUTSIDE = ("input", "output")
Calls = Mapping[Path, ModuleCall]


def collapsed(graph: Graph, depth: int | None, calls: Calls) -> Graph:
    """The graph with each call at `depth`, and each layer above, as one vertex; other calls are clusters."""
    layers = calls.keys() - {path[:-1] for path in calls}
    paths = [_home(v, depth, calls, layers) for v in graph.vertices]
    groups: dict[Path, list[int]] = {}
    for i, path in enumerate(paths):
        if path is not None:
            groups.setdefault(path, []).append(i)
    first = {path: next((i for i in g if graph.vertices[i].role == "op"), g[0]) for path, g in groups.items()}
    out = Graph(notices=graph.notices, scale=graph.scale)
    places: dict[int, int] = {}
    for i, v in enumerate(graph.vertices):
        path = paths[i]
        if path is None:
            places[i] = out.add(v)
        elif first[path] == i:
            at = out.add(_module([graph.vertices[k] for k in groups[path]], path, calls[path], graph.scale))
            places.update(dict.fromkeys(groups[path], at))
    out.edges = _merged(graph.edges, places)
    out.clusters = _clusters(out.vertices, calls)
    _without_singles(out, layers)
    return out


def _without_singles(graph: Graph, layers: Set[Path]) -> None:
    """Remove the frame of a layer that is a single operation; the operation gets its name."""
    members: dict[Path, list[int]] = {}
    for i, v in enumerate(graph.vertices):
        if v.role != "module" and v.path in layers:
            members.setdefault(v.path, []).append(i)
    for path, (i, *more) in members.items():
        if not more and graph.vertices[i].role == "op":
            cluster = graph.clusters.pop(path)
            graph.vertices[i] = replace(graph.vertices[i], note=f"{path[-1]} {cluster.note}")


def _home(v: Vertex, depth: int | None, calls: Calls, layers: Set[Path]) -> Path | None:
    """The call whose vertex absorbs this one; None to keep it."""
    if depth is None or v.role in OUTSIDE or v.path[:depth] not in calls:
        return None
    return v.path[:depth] if len(v.path) >= depth or v.path in layers else None


def _merged(edges: Iterable[Edge], places: Mapping[int, int]) -> list[Edge]:
    """Edges with mapped ends, without those inside a vertex and without duplicates, in order of their targets."""
    found: dict[tuple[int, int, str], Edge] = {}
    for e in edges:
        a, b = places[e.source], places[e.target]
        if a != b:
            found.setdefault((a, b, e.label), replace(e, source=a, target=b))
    return sorted(found.values(), key=lambda e: e.target)


def _module(inside: list[Vertex], path: Path, call: ModuleCall, scale: str) -> Vertex:
    ops = [v for v in inside if v.role == "op"]
    own = [v.magnitude for v in inside if v.role == "parameter" and v.magnitude is not None and scale == GRADIENTS]
    last = ops[-1] if ops else inside[-1]
    flags = tuple(dict.fromkeys(f for v in inside for f in v.flags))
    about = [f"{count_text(call.parameters)} parameters"] if call.parameters else []
    hint = "\n".join([f"{'.'.join(path)}: {call.kind}({call.detail})", *about, f"{len(ops)} operations"])
    title = path[-1] if path else call.kind
    note = call.kind if path else " · ".join(about)
    size = f"{count_text(call.parameters)} parameters" if call.parameters and path else ""
    return Vertex(
        "module",
        title,
        size,
        last.shape,
        last.dtype,
        kind=_kind(ops, path),
        note=note,
        hint=hint,
        path=path,
        flags=flags,
        magnitude=hypot(*own) if own else last.magnitude,
    )


def _kind(ops: list[Vertex], path: Path) -> Kind | None:
    """The kind that colours the vertex of a layer; modules made of modules have none."""
    if any(v.path != path for v in ops):
        return None
    kinds = [v.kind for v in ops if v.kind is not None]
    return next((k for k in TELLING if k in kinds), kinds[0] if kinds else None)


def _clusters(vertices: Iterable[Vertex], calls: Calls) -> dict[Path, Cluster]:
    found = {}
    for v in vertices:
        outer = v.path[:-1] if v.role == "module" else v.path
        for k in range(1, len(outer) + 1):
            if outer[:k] in calls:
                found[outer[:k]] = Cluster(".".join(outer[:k]), calls[outer[:k]].kind)
    return found


def folded(graph: Graph) -> Graph:
    """The graph with each chain of equal, consecutively numbered siblings drawn once."""
    for depth in range(max((len(v.path) for v in graph.vertices), default=0)):
        parents = dict.fromkeys(v.path[:depth] for v in graph.vertices if len(v.path) > depth)
        for parent in parents:
            for run in _runs(graph, parent):
                graph = _without_repeats(graph, run)
    return graph


Unit = list[int]  # the vertices of a call, in order


def _runs(graph: Graph, parent: Path) -> list[list[Unit]]:
    depth = len(parent)
    units: dict[str, Unit] = {}
    for i, v in enumerate(graph.vertices):
        if v.path[:depth] == parent and len(v.path) > depth:
            units.setdefault(v.path[depth], []).append(i)
    outgoing: dict[int, list[Edge]] = {}
    incoming: dict[int, list[Edge]] = {}
    for e in graph.edges:
        outgoing.setdefault(e.source, []).append(e)
        incoming.setdefault(e.target, []).append(e)
    forms = {name: _form(graph, unit, depth, outgoing) for name, unit in units.items()}
    runs: list[list[Unit]] = []
    # In the order of the calls: parameters are older than operations, in whatever order they were made.
    names = sorted(
        units, key=lambda name: next((i for i in units[name] if graph.vertices[i].role in ("op", "module")), 0)
    )
    for a, b in pairwise(names):
        alike = _follows(a, b) and forms[a] == forms[b] and _chained(units[a], units[b], outgoing, incoming)
        if alike and runs and runs[-1][-1] is units[a]:
            runs[-1].append(units[b])
        elif alike:
            runs.append([units[a], units[b]])
    return runs


def _follows(a: str, b: str) -> bool:
    (x, _, i), (y, _, k) = a.rpartition("."), b.rpartition(".")
    return x == y and i.isdecimal() and k.isdecimal() and int(k) == int(i) + 1


def _form(graph: Graph, unit: Unit, depth: int, outgoing: Mapping[int, list[Edge]]) -> object:
    """The structure of a unit, equal for units that are built alike."""
    at = {i: k for k, i in enumerate(unit)}
    vertices = []
    for v in (graph.vertices[i] for i in unit):
        own = v.role == "module" and len(v.path) == depth + 1  # its name differs between units
        title = "" if own else v.title
        vertices.append((v.role, v.path[depth + 1 :], title, v.note, v.name, v.shape, v.dtype, v.kind and v.kind.name))
    inner = [(at[i], at[e.target], e.label) for i in unit for e in outgoing.get(i, ()) if e.target in at]
    return vertices, inner


def _chained(a: Unit, b: Unit, outgoing: Mapping[int, list[Edge]], incoming: Mapping[int, list[Edge]]) -> bool:
    """Whether all outputs of one unit enter the next, at the places where the first was entered."""
    inside = {*a, *b}
    leaves = [e for i in a for e in outgoing.get(i, ()) if e.target not in a]
    enters = {(e.source, k) for k, i in enumerate(b) for e in incoming.get(i, ()) if e.source not in inside}
    before = {(e.source, k) for k, i in enumerate(a) for e in incoming.get(i, ()) if e.source not in inside}
    linked = {k for k, i in enumerate(b) if any(e.source in a for e in incoming.get(i, ()))}
    return (
        bool(leaves)
        and all(e.target in b for e in leaves)
        and linked == {k for _, k in before - enters}
        and (enters <= before)
    )


def _without_repeats(graph: Graph, run: list[Unit]) -> Graph:
    """The graph with the first unit in place of all; it gets the outputs of the last."""
    first, last = run[0], run[-1]
    dropped = {i for unit in run[1:] for i in unit}
    stand_in = dict(zip(last, first, strict=True))
    places: dict[int, int] = {}
    out = Graph(notices=graph.notices, scale=graph.scale)
    names = _range(graph.vertices[first[0]].path, graph.vertices[last[0]].path)
    for i, v in enumerate(graph.vertices):
        if i in dropped:
            continue
        if i in first and v.role == "module" and len(v.path) == len(names):
            v = replace(v, count=v.count * len(run), title=names[-1], path=(*v.path[:-1], names[-1]))
        elif i in first:
            v = replace(v, path=(*names, *v.path[len(names) :]))
        places[i] = out.add(v)
    places.update({i: places[k] for i, k in stand_in.items()})
    out.edges = _merged([e for e in graph.edges if e.source in places and e.target not in dropped], places)
    old = graph.vertices[first[0]].path[: len(names)]
    dropped_paths = {graph.vertices[unit[0]].path[: len(names)] for unit in run[1:]}
    for path, c in graph.clusters.items():
        if path[: len(names)] in dropped_paths:
            continue
        if path[: len(names)] == old:
            path = (*names, *path[len(names) :])
            c = replace(c, title=".".join(path), count=c.count * len(run) if len(path) == len(names) else c.count)
        out.clusters[path] = c
    return out


def _range(first: Path, last: Path) -> Path:
    """The path of a run: that of its first unit, followed by the last number."""
    k = next(i for i, (a, b) in enumerate(zip(first, last, strict=False)) if a != b)
    return (*first[:k], f"{first[k]}–{last[k].rpartition('.')[2]}")
