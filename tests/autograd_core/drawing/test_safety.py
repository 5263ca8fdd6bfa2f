"""Any string as a name: DOT says the same label, SVG and HTML are well formed and hold nothing active."""

import json
import re
import xml.etree.ElementTree as ET
from html.parser import HTMLParser

import pygraphviz
from hypothesis import example, given, settings
from hypothesis import strategies as st

import autograd_core as ag
from autograd_core.drawing import Drawing
from autograd_core.drawing.graph import Cluster, Edge, Graph, Vertex
from autograd_core.drawing.writing.dot import described, label_lines
from autograd_core.drawing.writing.text import printable

SVG = "{http://www.w3.org/2000/svg}"
ELEMENTS = {"svg", "g", "title", "style", "rect", "path", "text", "tspan"}
ATTRIBUTES = {
    "class", "d", "fill", "font-size", "font-weight", "height", "id", "role", "rx", "stroke", "stroke-dasharray",
    "stroke-width", "text-anchor", "transform", "viewBox", "width", "x", "y",
    "{http://www.w3.org/XML/1998/namespace}space",
}  # fmt: skip
ANY = st.text(st.characters(exclude_categories=()), min_size=1, max_size=30)
NASTY = ["<script>alert(1)</script>", '"];evil [label="', "\\N\\G\\", "a\nb\0c\x1b", "\u202eabc\u2066", "\ud800",
         "&lt;", "&#60;&amp", " ", "  ", ">>", "]]>", "--><!--", "</style><script>", "{x}{0}%s", "é\ufffe", "\u2028",
         "👨\u200d👧", "</script>", "javascript:alert(1)"]  # fmt: skip


def graph_of(names):
    """A graph with these names in every place that a name can have."""
    a, b, c = (names * 3)[:3]
    vertices = [
        Vertex("leaf", a, hint=b, shape=(2,), dtype="float32"),
        Vertex("op", "×", name=b, hint=c, path=(a,)),
        Vertex("module", c, note=a, name=b, path=(a, b), count=2, line=c),
        Vertex("output", b, value="1.0"),
    ]
    edges = [Edge(0, 1, a, b), Edge(1, 2, b), Edge(2, 3, c)]
    return Graph(vertices, edges, notices=[a], clusters={(a,): Cluster(a, b, 2)})


def checked(svg):
    """The texts of a picture that has nothing in it but what is allowed."""
    root = ET.fromstring(svg)
    for element in root.iter():
        assert element.tag.removeprefix(SVG) in ELEMENTS
        assert element.attrib.keys() <= ATTRIBUTES
        assert not any("url" in v or "script" in v or "//" in v for v in element.attrib.values())
    (style,) = root.iter(SVG + "style")
    assert not re.search(r"url|import|expression|@(?!media)", style.text)
    return ["".join(t.itertext()) for t in root.iter(SVG + "text")]


class Scripts(HTMLParser):
    """What a browser would take for scripts, and attributes that could run or load something."""

    def __init__(self):
        super().__init__()
        self.scripts, self.active, self.inside = [], [], False

    def handle_starttag(self, tag, attributes):
        self.inside = tag == "script"
        if self.inside:
            self.scripts.append("")
        self.active += [(tag, k) for k, _ in attributes if k.startswith("on") or k in ("src", "href", "action", "data")]
        if tag in ("iframe", "object", "embed", "link", "base", "img"):
            self.active.append((tag, ""))

    def handle_endtag(self, tag):
        self.inside = False

    def handle_data(self, data):
        if self.inside:
            self.scripts[-1] += data


def read_back(dot):
    """Titles by node, as Graphviz reads them: its escapes undone."""
    graph = pygraphviz.AGraph(string=dot)
    undone = {"\\\\": "\\", "\\n": "\n"}
    return {
        str(node): re.sub(r"\\[\\n]", lambda m: undone[m[0]], node.attr["label"]).replace("&amp;", "&")
        for node in graph.nodes()
    }


@settings(max_examples=200)
@given(st.lists(ANY, min_size=1, max_size=3))
@example(NASTY[:3])
@example(NASTY[3:6])
@example(NASTY[6:9])
@example(NASTY[9:12])
@example(NASTY[12:15])
@example(NASTY[15:18])
@example(NASTY[18:])
def test_any_names_are_shown_and_do_nothing(names):
    drawing = Drawing(graph_of(names), layout="layered")
    texts = checked(drawing.svg)
    a, b, c = (names * 3)[:3]
    assert {printable(n) for n in (a, b)} <= set(texts)
    assert f"{printable(c)}  ×2" in texts
    page = Scripts()
    page.feed(drawing.html)
    assert page.active == []
    assert len(page.scripts) == 2
    assert json.loads(page.scripts[0])["names"][0] == printable(a)


@settings(max_examples=150)
@given(st.lists(ANY, min_size=1, max_size=3))
@example(NASTY[:3])
@example(NASTY[3:6])
@example(NASTY[6:9])
@example(NASTY[9:12])
def test_dot_is_read_back_with_the_same_labels(names):
    graph = graph_of(names)
    labels = read_back(described(graph, "LR", None))
    assert labels == {f"n{i}": "\n".join(label_lines(v)) for i, v in enumerate(graph.vertices)}


def test_names_of_tensors_and_modules_reach_the_picture_as_text():
    xs = [ag.tensor(1.0, requires_grad=True, name=name) for name in NASTY]
    drawing = ag.draw(dict.fromkeys(NASTY, sum(x * x for x in xs)))
    shown = checked(drawing.svg)
    assert all(printable(name) in shown for name in NASTY)
    assert drawing.steps


def test_each_theme_is_made_of_constant_rules():
    y = ag.tensor(1.0, requires_grad=True) * 2
    light, dark, auto = (ag.draw(y, theme=t).svg for t in ("light", "dark", "auto"))
    assert "prefers-color-scheme" in auto
    assert "prefers-color-scheme" not in light + dark
    for svg in (light, dark, auto):
        checked(svg)
