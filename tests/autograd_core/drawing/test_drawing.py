"""Pictures of graphs: what they show, that any name is safe in them, and that size does not hurt."""

import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from dataclasses import replace
from itertools import pairwise

import pytest

import autograd_core as ag
from autograd_core import functional as F
from autograd_core.drawing.collecting.long_edges import LONG, ROOM
from autograd_core.drawing.graph import Graph
from autograd_core.drawing.layout import graphviz, rendering
from autograd_core.errors import NoGraphError
from autograd_core.registry import OPS

SVG = "{http://www.w3.org/2000/svg}"


def leaf(value, name=None):
    return ag.tensor(value, requires_grad=True, name=name)


def vertices(drawing, role):
    return [v for v in drawing.graph.vertices if v.role == role]


def connections(drawing):
    """Edges as pairs of what a reader would call their ends."""
    told = [v.title or v.value or str(v.shape) for v in drawing.graph.vertices]
    return {(told[e.source], told[e.target]) for e in drawing.graph.edges}


def texts(svg):
    return ["".join(t.itertext()).replace("\xa0", " ") for t in ET.fromstring(svg).iter(SVG + "text")]


def chain(length):
    x = leaf([0.5, 0.1], "x")
    y = x
    for _ in range(length):
        y = y.tanh()
    return x, y


def test_an_expression_is_drawn_with_names_values_and_gradients():
    a, b = leaf(-4.0, "a"), leaf(2.0, "b")
    g = (a * b + b**3) * 2.5
    g.backward(retain_graph=True)
    drawing = ag.draw(g, {"g": g})
    assert connections(drawing) == {
        ("a", "×"), ("b", "×"), ("b", "^"), ("3", "^"), ("×", "+"), ("^", "+"), ("+", "×"), ("2.5", "×"), ("×", "g"),
    }  # fmt: skip
    (shown,) = [v for v in vertices(drawing, "leaf") if v.title == "a"]
    assert (shown.shape, shown.dtype, shown.value, shown.gradient) == ((), "float32", "-4.0", "5.0")
    assert [(v.title, v.value) for v in vertices(drawing, "output")] == [("g", "0.0")]
    assert {"a", "-4.0", "5.0", "data", "grad", "g", "×", "+", "2.5"} <= set(texts(drawing.svg))


def test_numbers_are_short_and_keep_their_nature():
    x = ag.tensor(1.0, requires_grad=True, dtype=ag.float64)
    for constant, shown in (
        (3, "3"),
        (3.0, "3.0"),
        (1 / 3, "0.33333"),
        (1e20, "1e+20"),
        (float("inf"), "inf"),
        (2j, "0+2j"),
    ):
        assert [v.value or v.title for v in vertices(ag.draw(x * constant), "constant")] == [shown]


def test_an_operation_has_the_colour_of_its_kind_and_a_leaf_differs_from_a_constant():
    w, x = leaf([[1.0, 2.0]], "w"), ag.tensor([[3.0, 4.0]])
    drawing = ag.draw(F.linear(x, w).relu(), {"x": x})
    lines = drawing.dot.splitlines()
    for name, symbol in (("linear", "xWᵀ+b"), ("relu", "relu")):
        kind = OPS[name].kind
        assert any(symbol in line and kind.colour in line for line in lines)
        assert any(f'fill="{kind.colour}"' in line and symbol in line for line in drawing.svg.splitlines())
        assert kind.name in texts(drawing.svg)
    assert "elementwise" not in texts(ag.draw(F.linear(x, w).relu(), legend=False).svg)
    frames = [
        next(line for line in drawing.svg.splitlines() if f">{name}<" in line).split("class=")[1] for name in "wx"
    ]
    assert frames[0] != frames[1]
    assert [(v.title, v.shape, v.dtype) for v in vertices(drawing, "constant")] == [("x", (1, 2), "float32")]


def test_an_operand_that_is_not_known_is_a_stub_and_one_not_given_is_nothing():
    x = leaf([[1.0, 2.0]], "x")
    assert [v.title + v.value for v in vertices(ag.draw(x + 1.0), "constant")] == [""]
    assert "const" in texts(ag.draw(x + 1.0).svg)
    assert vertices(ag.draw(F.linear(x, leaf([[1.0, 2.0]]))), "constant") == []


def test_what_an_operation_on_numbers_gave_is_computed_again_unless_something_was_written():
    x = leaf(2.0, "x")
    y = (x + x).exp()
    assert [v.value for v in vertices(ag.draw(y), "op")] == ["4.0", ""]
    with ag.no_grad():
        x += 1
    assert [v.value for v in vertices(ag.draw(y), "op")] == ["", ""]


def test_what_backward_released_is_not_invented():
    x = leaf(3.0, "x")
    y = x * 2.5
    y.backward()
    assert [v.value for v in vertices(ag.draw(y), "constant")] == [""]
    assert [v.gradient for v in vertices(ag.draw(y), "leaf")] == ["2.5"]


def test_what_was_written_since_is_not_shown_as_the_value_of_then():
    x, scale = leaf([3.0], "x"), ag.tensor([2.5])
    y = x * scale
    assert [v.value for v in vertices(ag.draw(y), "constant")] == ["2.5"]
    scale += 1
    assert [v.value for v in vertices(ag.draw(y), "constant")] == [""]


def test_a_write_elsewhere_does_not_disturb_a_node_that_saved_a_dtype():
    y = leaf([1.0, 2.0]).astype(ag.float64)
    other = ag.zeros(2)
    other += 1
    assert [v.title for v in vertices(ag.draw(y), "op")] == ["cast"]


def test_several_outputs_are_told_apart_on_the_edges():
    x = leaf([[1.0, 2.0, 3.0, 4.0]], "x")
    first, second = F.split(x, 2, dim=1)
    drawing = ag.draw({"product": first * second, "second": second})
    assert [v.title for v in vertices(drawing, "op")] == ["split", "×"]
    assert [e.label for e in drawing.graph.edges] == ["", "0 (1, 2)", "1 second (1, 2)", "", "1"]
    assert [v.title for v in vertices(drawing, "output")] == ["product", "second"]
    assert [v.title for v in vertices(ag.draw([x * 2, (x * 3).sum()]), "output")] == ["output 0", "output 1"]
    best = ag.draw(x.max(dim=1).values)
    assert [e.label for e in best.graph.edges] == ["", ""]


def test_an_edge_bears_the_shape_where_an_operation_changed_it():
    x = leaf([[1.0, 2.0]], "x")
    drawing = ag.draw((x.exp().tanh() @ ag.ones(2, 3)).relu().exp())
    assert [e.label for e in drawing.graph.edges if e.label] == ["(1, 3)"]


def test_intermediate_tensors_can_be_named():
    x = leaf(2.0, "x")
    h = x * x
    h.retain_grad()
    y = h.exp()
    y.backward(retain_graph=True)
    (shown,) = [v for v in vertices(ag.draw(y, {"hidden": h}), "op") if v.title == "×"]
    assert (shown.name, shown.value, shown.gradient) == ("hidden", "4.0", "54.598")


def test_a_leaf_that_nobody_holds_is_drawn_as_freed():
    assert [v.title for v in vertices(ag.draw(leaf(3.0) * 2), "leaf")] == ["freed"]


def test_a_leaf_can_be_drawn_alone_and_what_records_nothing_cannot():
    x = leaf(3.0)
    assert [v.title for v in ag.draw({"x": x}).graph.vertices] == ["x"]
    with pytest.raises(NoGraphError, match="requires_grad=True"):
        ag.draw(ag.tensor(3.0))
    for wrong in ([3.0], 3.0):
        with pytest.raises(TypeError, match="takes tensors, not float"):
            ag.draw(wrong)


@pytest.mark.parametrize(
    "wrong, message",
    [({"direction": "up"}, "LR, TB, RL, BT"), ({"max_nodes": 0}, "at least 1"), ({"depth": -1}, "at least 0")],
)
def test_wrong_settings_say_what_is_right(wrong, message):
    with pytest.raises(ValueError, match=message):
        ag.draw(leaf(1.0) * 2, **wrong)


def test_the_same_graph_gives_the_same_bytes():
    def expression():
        x, w = leaf([1.0, 2.0], "x"), leaf([3.0, 4.0], "w")
        return (x * w + x).sum(), x, w

    first, second = expression(), expression()
    assert ag.draw(first[0]).dot == ag.draw(second[0]).dot
    assert ag.draw(first[0]).svg == ag.draw(second[0]).svg


NAMES = ["<script>alert(1)</script>", '"];evil [label="', "\\N\\", "a\nb\0c\x1b", "\u202eabc\u2066",
         "\N{FAMILY}\u200d\N{GIRL}", "\ud800", "&lt;&#60;", " ", ">>", "]]>", "x" * 10_000, "é\ufffe"]  # fmt: skip


def test_any_names_give_well_formed_svg_without_active_content():
    xs = [leaf(1.0, name) for name in NAMES]
    total = sum(x * x for x in xs[1:]) + xs[0]
    drawing = ag.draw(dict.fromkeys(NAMES, total), {name + "'": x for name, x in zip(NAMES, xs, strict=True)})
    shown = texts(drawing.svg)
    for text in (
        "<script>alert(1)</script>",
        '"];evil [label="',
        "\\N\\",
        "a\\nb\\x00c\\x1b",
        "\\u202eabc\\u2066",
        "\N{FAMILY}\u200d\N{GIRL}",
        "\\ud800",
        "&lt;&#60;",
        ">>",
        "]]>",
        "x" * 59 + "…",
        "é\\ufffe",
    ):
        assert text in shown


def test_a_chain_of_5000_operations_is_drawn_whole():
    _, y = chain(5000)
    drawing = ag.draw(y, max_nodes=6000)
    assert len(vertices(drawing, "op")) == 5000
    assert drawing.notice == ""
    assert all(f"n{i} -> n{j}" in drawing.dot for i, j in pairwise(range(100)))


def test_a_large_graph_is_drawn_up_to_the_cap_and_says_so():
    _, y = chain(2500)
    begin = time.perf_counter()
    drawing = ag.draw(y)
    svg = drawing.svg
    assert time.perf_counter() - begin < 30
    assert len(vertices(drawing, "op")) == 2000
    assert len(vertices(drawing, "cut")) == 1
    assert "max_nodes=2000" in drawing.notice
    assert any("max_nodes=2000" in t for t in texts(svg))


def test_collection_stops_at_the_cap():
    x, y = chain(100_000)
    begin = time.perf_counter()
    assert len(ag.draw(y, max_nodes=10).graph.vertices) == 12
    wide = F.stack([x] * 3 + [leaf([1.0, 2.0]) for _ in range(1000)])
    assert len(ag.draw(wide, max_nodes=10).graph.vertices) < 25
    assert time.perf_counter() - begin < 1


def test_a_weight_used_at_every_step_of_a_long_loop_is_repeated_beside_its_uses():
    w = leaf([0.5, 0.5], "w")
    y = leaf([1.0, 1.0], "x")
    for _ in range(200):
        y = (y * w).tanh()
    drawing = ag.draw(y)
    copies = vertices(drawing, "copy")
    assert {v.title for v in copies} == {"w"}
    assert 150 < len(copies) < 200
    assert f"{len(copies)} long edges" in drawing.notice
    assert "svg" in drawing.svg


def test_short_loops_keep_their_lines():
    w = leaf([0.5, 0.5], "w")
    y = leaf([1.0, 1.0], "x")
    for _ in range(2 * LONG):
        y = y * w
    assert LONG**2 < ROOM
    assert vertices(ag.draw(y), "copy") == []


@pytest.mark.parametrize(
    "suffix, start",
    [("svg", b"<svg"), ("html", b"<!DOCTYPE html>"), ("dot", b"digraph"), ("png", b"\x89PNG"), ("PDF", b"%PDF")],
)
def test_the_suffix_decides_the_format(tmp_path, suffix, start):
    path = tmp_path / f"graph.{suffix}"
    ag.draw(leaf(1.0) * 2).save(path)
    assert path.read_bytes().startswith(start)


def test_a_path_that_cannot_be_written_is_refused_before_anything_is_rendered(tmp_path):
    drawing = ag.draw(leaf(1.0) * 2)
    with pytest.raises(ValueError, match=r"graph\.jpeg.*\.svg, \.html, \.dot, \.png or \.pdf"):
        drawing.save(tmp_path / "graph.jpeg")
    with pytest.raises(FileNotFoundError, match="create it first"):
        drawing.save(tmp_path / "missing" / "graph.svg")
    assert list(tmp_path.iterdir()) == []


def test_without_graphviz_there_are_pictures_all_the_same_and_advice(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "pygraphviz", None)
    monkeypatch.setenv("PATH", "")
    y = leaf(1.0) * 2
    drawing = ag.draw(y)
    assert drawing.svg == ag.draw(y, layout="layered").svg
    assert drawing.dot.startswith("digraph")
    with pytest.raises(ImportError, match=r'pip install "autograd-core\[graphs\]"'):
        drawing.save(tmp_path / "graph.png")
    assert drawing.source.source == drawing.dot
    monkeypatch.setitem(sys.modules, "graphviz", None)
    with pytest.raises(ImportError, match=r'package graphviz: pip install "autograd-core\[graphs\]"'):
        drawing.source


def test_the_dot_program_serves_where_the_library_is_missing_and_a_broken_one_does_no_harm(monkeypatch, tmp_path):
    program = tmp_path / "dot"
    program.write_text('#!/bin/sh\necho "$*"\n')
    program.chmod(0o755)
    monkeypatch.setitem(sys.modules, "pygraphviz", None)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert rendering.render("digraph {}", "png") == b"-Tpng -Gdpi=72\n"
    y = leaf(1.0) * 2
    assert ag.draw(y).svg == ag.draw(y, layout="layered").svg


def test_graphviz_places_what_it_is_asked_to():
    x = leaf([[1.0, 2.0]], "x")
    drawing = ag.draw((x @ ag.ones(2, 3)).relu(), layout="graphviz")
    placed = drawing._placement
    assert placed.vertices == graphviz.place(drawing.graph, drawing._room).vertices
    lefts = [placed.vertices[i].x for i, v in enumerate(drawing.graph.vertices) if v.role != "constant"]
    assert lefts == sorted(lefts)
    assert all(r.label is not None for e, r in zip(drawing.graph.edges, placed.routes, strict=True) if e.label)


def test_an_error_of_graphviz_is_reported_and_its_warnings_are_not(capfd):
    assert rendering.render("digraph { a }", "svg")
    assert capfd.readouterr() == ("", "")
    with pytest.raises(RuntimeError, match="syntax error in line 1"):
        rendering.render("digraph { a -> }", "svg")


def test_a_notebook_shows_the_picture():
    drawing = ag.draw(leaf(1.0) * 2)
    assert drawing._repr_mimebundle_() == {"image/svg+xml": drawing._repr_svg_(), "text/plain": repr(drawing)}


def test_inputs_without_names_are_inputs_and_say_what_they_are_not():
    x, y = leaf(1.0, "x"), leaf(2.0)
    drawing = ag.draw(x * y, [x, y])
    assert [v.title for v in vertices(drawing, "input")] == ["x", "input 1"]
    with pytest.raises(TypeError, match=r"takes tensors, not int$"):
        ag.draw(x * y, [3])
    with pytest.raises(TypeError, match=r"save\('graph.svg'\) writes a file"):
        ag.draw(x * y, "graph.svg")


def test_a_long_notice_is_wrapped():
    drawing = replace(ag.draw(leaf(1.0, "x") * 2), graph=Graph(notices=["long words " * 20]))
    assert len([t for t in texts(drawing.svg) if "words" in t]) > 1


def test_drawing_imports_no_graphviz():
    code = "import sys, autograd_core as a; a.draw(a.ones(2, requires_grad=True)); print('pygraphviz' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
