"""The backward graph: alone, and under the forward one with gradients flowing against the values."""

import autograd_core as ag
from autograd_core.drawing.graph import BACKWARD, FORWARD


def quadratic():
    x = ag.tensor([1.0, 2.0], requires_grad=True, name="x")
    return x, (x * x).sum()


def test_both_graphs_share_what_the_backward_one_uses():
    x, y = quadratic()
    drawing = ag.draw({"y": y}, flow="both")
    bands = {v.title: v.band for v in drawing.graph.vertices if v.role in ("leaf", "output")}
    assert bands == {"x": FORWARD, "y": FORWARD, "∂/∂x": BACKWARD}
    assert any(e.saved for e in drawing.graph.edges)
    assert all(
        drawing.graph.vertices[e.source].band == FORWARD and drawing.graph.vertices[e.target].band == BACKWARD
        for e in drawing.graph.edges
        if e.saved
    )
    assert x.grad is None


def test_gradients_flow_against_the_values_below_them():
    _, y = quadratic()
    drawing = ag.draw({"y": y.exp()}, flow="both")
    frames, vertices = drawing._placement.vertices, drawing.graph.vertices
    for e in drawing.graph.edges:
        if e.saved:
            continue
        forward = vertices[e.source].band == FORWARD
        assert (frames[e.source].x < frames[e.target].x) == forward
    lowest = max(f.y + f.height for f, v in zip(frames, vertices, strict=True) if v.band == FORWARD)
    assert lowest < min(f.y for f, v in zip(frames, vertices, strict=True) if v.band == BACKWARD)
    assert "forward: values →" in drawing.svg
    assert "backward: ← gradients" in drawing.svg


def test_the_backward_graph_alone_ends_in_the_gradients():
    x = ag.tensor(2.0, requires_grad=True, name="x")
    w = ag.tensor(3.0, requires_grad=True, name="w")
    drawing = ag.draw(x * w, flow="backward")
    assert [v.title for v in drawing.graph.vertices if v.role == "output"] == ["∂/∂x", "∂/∂w"]
    assert [v.value for v in drawing.graph.vertices if v.role == "output"] == ["3.0", "2.0"]


def test_second_derivatives_can_be_drawn_too():
    x = ag.tensor(2.0, requires_grad=True, name="x")
    (slope,) = ag.grad(x**3, x, create_graph=True)
    drawing = ag.draw({"slope": slope}, flow="both")
    assert [v.value for v in drawing.graph.vertices if v.role == "output"] == ["12.0", "12.0"]
