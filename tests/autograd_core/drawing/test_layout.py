"""Layouts: nothing overlaps, edges end where they should, everything is inside its cluster."""

import json
import time
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import autograd_core as ag
import nn
from autograd_core.drawing.graph import Cluster, Edge, Graph, Vertex
from autograd_core.drawing.layout import layered, rendering
from autograd_core.drawing.layout.placement import DIRECTIONS, Room
from nn.models import resnet50

NEAR = 2.0


def inside(a, b, margin=0.1):
    return (
        a.x >= b.x - margin
        and a.y >= b.y - margin
        and a.x + a.width <= b.x + b.width + margin
        and a.y + a.height <= b.y + b.height + margin
    )


def apart(a, b):
    return a.x + a.width <= b.x or b.x + b.width <= a.x or a.y + a.height <= b.y or b.y + b.height <= a.y


@st.composite
def graphs(draw):
    """Random graphs whose vertices are in random clusters, and rooms for them."""
    paths = [(), ("a",), ("a", "b"), ("c",)]
    homes = sorted(draw(st.lists(st.integers(0, 3), min_size=2, max_size=12)))
    vertices = [Vertex("op", str(i), path=paths[h]) for i, h in enumerate(homes)]
    pairs = draw(st.lists(st.tuples(st.integers(0, len(homes) - 2), st.integers(1, 6)), max_size=20))
    edges = [Edge(a, min(a + b, len(homes) - 1), draw(st.sampled_from(["", "(2, 3)"]))) for a, b in pairs]
    used = {paths[h][:k] for h in homes for k in range(1, len(paths[h]) + 1)}
    clusters = {p: Cluster(".".join(p), "") for p in sorted(used)}
    sizes = draw(st.lists(st.tuples(st.floats(20, 90), st.floats(16, 50)), min_size=len(homes), max_size=len(homes)))
    room = Room(
        sizes,
        [(40.0, 12.0) if e.label else (0.0, 0.0) for e in edges],
        dict.fromkeys(clusters, 50.0),
        draw(st.sampled_from(DIRECTIONS)),
    )
    return Graph(vertices, edges, clusters=clusters), room


@settings(max_examples=60)
@given(graphs())
def test_no_box_overlaps_another_and_clusters_hold_what_is_theirs(made):
    graph, room = made
    placed = layered.place(graph, room)
    for a, b in combinations(placed.vertices, 2):
        assert apart(a, b)
    for v, f in zip(graph.vertices, placed.vertices, strict=True):
        assert f.x >= 0
        assert f.x + f.width <= placed.width
        assert f.y >= 0
        assert f.y + f.height <= placed.height
        for path, cluster in placed.clusters.items():
            belongs = v.path[: len(path)] == path
            assert inside(f, cluster) if belongs else apart(f, cluster)
    for a, b in combinations(placed.clusters, 2):
        if a == b[: len(a)]:
            assert inside(placed.clusters[b], placed.clusters[a])
        elif b != a[: len(b)]:
            assert apart(placed.clusters[a], placed.clusters[b])


@settings(max_examples=60)
@given(graphs())
def test_edges_lead_from_box_to_box_in_the_direction_of_the_picture(made):
    graph, room = made
    placed = layered.place(graph, room)
    for e, r in zip(graph.edges, placed.routes, strict=True):
        (xa, ya), (xb, yb) = r.points[0], r.points[-1]
        a, b = placed.vertices[e.source], placed.vertices[e.target]
        assert len(r.points) % 3 == 1
        assert a.x - NEAR <= xa <= a.x + a.width + NEAR
        assert a.y - NEAR <= ya <= a.y + a.height + NEAR
        assert b.x - NEAR <= xb <= b.x + b.width + NEAR
        assert b.y - NEAR <= yb <= b.y + b.height + NEAR
        step = {"LR": xb - xa, "RL": xa - xb, "TB": yb - ya, "BT": ya - yb}[room.direction]
        assert step > 0


@settings(max_examples=40)
@given(graphs())
def test_no_edge_passes_through_a_box(made):
    graph, room = made
    placed = layered.place(graph, room)
    for e, r in zip(graph.edges, placed.routes, strict=True):
        for i, f in enumerate(placed.vertices):
            if i in (e.source, e.target):
                continue
            for t in range(0, len(r.points) - 1, 3):
                for s in (0.25, 0.5, 0.75):
                    p = r.points[t : t + 4]
                    w = ((1 - s) ** 3, 3 * s * (1 - s) ** 2, 3 * s * s * (1 - s), s**3)
                    x, y = (sum(wi * q[k] for wi, q in zip(w, p, strict=True)) for k in (0, 1))
                    assert not (f.x + 1 < x < f.x + f.width - 1 and f.y + 1 < y < f.y + f.height - 1)


def test_the_same_graph_is_placed_alike():
    model = nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 1))
    assert ag.draw(model, ag.ones(1, 2)).svg == ag.draw(model, ag.ones(1, 2)).svg


def test_a_residual_chain_keeps_its_trunk_straight():
    x = ag.tensor([1.0], requires_grad=True)
    y = x
    for _ in range(4):
        y = y.exp()
    placed = ag.draw(y, layout="layered", direction="LR")._placement
    middles = {round(f.y + f.height / 2, 3) for f in placed.vertices}
    assert len(middles) == 1


@pytest.mark.parametrize("layout", ["layered", "graphviz"])
def test_a_few_hundred_nodes_are_placed_quickly(layout):
    x = ag.tensor([1.0], requires_grad=True)
    ys = [x]
    for i in range(200):
        ys.append(ys[-1].exp() + ys[max(0, i - 3)])
    drawing = ag.draw(ys[-1], layout=layout)
    assert len(drawing._placement.vertices) > 300


def test_graphviz_keeps_modules_together_too():
    model = nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 1))
    drawing = ag.draw(model, ag.ones(1, 2), layout="graphviz")
    placed = drawing._placement
    assert placed.clusters.keys() == {("0",), ("2",)}
    for v, f in zip(drawing.graph.vertices, placed.vertices, strict=True):
        for path, cluster in placed.clusters.items():
            assert inside(f, cluster) == (v.path[:1] == path)
    assert drawing.svg.count('class="cluster rim"') == 2


class Attending(nn.Module):
    """Two steps of a recurrent network that attends to a sequence."""

    def __init__(self):
        super().__init__()
        self.query, self.key, self.score = nn.Linear(2, 2), nn.Linear(2, 2), nn.Linear(2, 1)
        self.cell, self.out = nn.GRUCell(4, 2), nn.Linear(2, 3)

    def forward(self, sequence, x):
        h, y = sequence[:, 0], []
        for _ in range(2):
            weights = self.score(ag.tanh(self.query(h)[:, None] + self.key(sequence))).softmax(1)
            h = self.cell(ag.cat([x, (weights * sequence).sum(1)], 1), h)
            y.append(self.out(h))
        return ag.stack(y)


def test_graphviz_never_draws_against_the_flow():
    drawing = ag.draw(Attending(), (ag.rand(2, 5, 2), ag.rand(2, 2)), layout="graphviz")
    heights = [f.y for f in drawing._placement.vertices]
    assert all(heights[e.source] < heights[e.target] for e in drawing.graph.edges)
    bitmap = json.loads(rendering.render(drawing.dot, "json0"))
    heights = {o["_gvid"]: -float(o["pos"].split(",")[1]) for o in bitmap["objects"] if "pos" in o}
    assert all(heights[e["tail"]] < heights[e["head"]] for e in bitmap["edges"])


@pytest.mark.parametrize("options", [{"show": "grads"}, {"show": "stats"}, {"flow": "both"}, {"depth": 1}])
def test_graphviz_reads_what_it_is_given_and_draws_a_bitmap_of_it(tmp_path, options):
    model = nn.Sequential(nn.Sequential(nn.Linear(2, 3), nn.ReLU()), nn.Linear(3, 1))
    ag.draw(model, ag.ones(3, 2), **options).save(tmp_path / "model.png")
    assert (tmp_path / "model.png").read_bytes().startswith(b"\x89PNG")


def test_a_residual_network_of_fifty_layers_is_drawn_at_once():
    model, x = resnet50(), ag.zeros(2, 3, 32, 32)
    for options, seconds, nodes in (({"depth": 1}, 2, 13), ({"depth": 9, "fold": False}, 20, 300)):
        begin = time.thread_time()
        drawing = ag.draw(model, x, **options)
        assert len(drawing.svg) > 1000
        assert len(drawing.graph.vertices) >= nodes
        assert time.thread_time() - begin < seconds
