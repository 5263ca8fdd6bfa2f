"""Pictures of computation graphs of tensors, functions and models: SVG, DOT, and a page that plays backward."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import Any

from autograd_core.drawing.collecting.composing import Ask, of_call, of_tensors, titled
from autograd_core.drawing.collecting.steps import with_widest_gradients
from autograd_core.drawing.graph import Graph, Step
from autograd_core.drawing.layout import graphviz, layered
from autograd_core.drawing.layout.placement import DIRECTIONS, Placement, Room
from autograd_core.drawing.layout.rendering import available, render
from autograd_core.drawing.writing.boxes import SMALL, Box, box_of
from autograd_core.drawing.writing.dot import described
from autograd_core.drawing.writing.page import page
from autograd_core.drawing.writing.svg import written
from autograd_core.drawing.writing.text import printable, width_of
from autograd_core.drawing.writing.theme import THEMES, Scale, scale_of
from autograd_core.tensor import Tensor

SHOWN = ("values", "shapes", "grads", "stats")
FLOWS = ("forward", "backward", "both")
LAYOUTS = ("auto", "graphviz", "layered")
WORDS = {"direction": DIRECTIONS, "show": SHOWN, "flow": FLOWS, "theme": THEMES, "layout": LAYOUTS}
FORMATS = ("svg", "html", "dot", "png", "pdf")
SHARP = 300  # nodes: a larger picture has enough pixels at half the resolution
CROWDED = 1200  # nodes: above, Graphviz takes too long


@dataclass(frozen=True)
class Drawing:
    """A picture of a graph at the time of drawing; notebooks display it.

    graph: the picture as plain data. steps: the backward pass, if all values are numbers.
    """

    graph: Graph
    direction: str = "LR"
    theme: str = "auto"
    legend: bool = True
    layout: str = "auto"
    steps: list[Step] = field(default_factory=list, repr=False)

    @cached_property
    def dot(self) -> str:
        """The graph in DOT, Graphviz's language; this does not need Graphviz."""
        return described(self.graph, self.direction, self._scale)

    @property
    def source(self) -> Any:
        """The DOT text as a `graphviz.Source`, which renders any format with the program `dot`."""
        try:
            from graphviz import Source
        except ImportError:
            raise ImportError('this needs the package graphviz: pip install "autograd-core[graphs]"') from None
        return Source(self.dot)

    @cached_property
    def svg(self) -> str:
        """The picture as SVG text, starting with `<svg`, to embed in a page or write to a file."""
        return written(self.graph, self._boxes, self._placement, self._scale, self.theme, self.legend)

    @cached_property
    def html(self) -> str:
        """A self-contained HTML page; for a scalar expression it plays the backward pass step by step."""
        whole = self if not self.steps else replace(self, graph=with_widest_gradients(self.graph, self.steps))
        return page(whole.svg, self.graph, self.steps, self.theme)

    @property
    def notice(self) -> str:
        """A note on what the picture omits; empty if it shows everything."""
        return " ".join(self.graph.notices)

    @cached_property
    def _boxes(self) -> list[Box]:
        return [box_of(v) for v in self.graph.vertices]

    @cached_property
    def _scale(self) -> Scale | None:
        if not self.graph.scale:
            return None
        return scale_of([v.magnitude for v in self.graph.vertices if v.magnitude is not None])

    @property
    def _room(self) -> Room:
        labels = [(width_of(printable(e.label), SMALL), 12.0) if e.label else (0.0, 0.0) for e in self.graph.edges]
        titles = {
            path: width_of(printable(f"{c.title}  ×{c.count}  "), SMALL + 0.5, bold=True)
            + width_of(printable(c.note), SMALL + 0.5)
            for path, c in self.graph.clusters.items()
        }
        return Room([(b.width, b.height) for b in self._boxes], labels, titles, self.direction)

    @cached_property
    def _placement(self) -> Placement:
        room = self._room
        # Graphviz has no bands, and places clusters in staircases rather than below each other.
        flat = not self.graph.clusters and not any(v.band for v in self.graph.vertices)
        small = len(self.graph.vertices) <= CROWDED
        if self.layout == "graphviz":
            return graphviz.place(self.graph, room)
        if self.layout == "auto" and flat and small and available():
            with suppress(RuntimeError, ValueError):  # a broken Graphviz counts as a missing one
                return graphviz.place(self.graph, room)
        return layered.place(self.graph, room)

    def save(self, path: str | PathLike[str]) -> None:
        """Write a file in the format of its suffix: .svg, .html, .dot, .png or .pdf."""
        path = Path(path)
        format = path.suffix.lower().removeprefix(".")
        if format not in FORMATS:
            raise ValueError(
                f"cannot save a drawing as '{path.name}': the name must end in .svg, .html, .dot, .png or .pdf"
            )
        if not path.parent.is_dir():
            raise FileNotFoundError(f"cannot save '{path.name}': there is no folder '{path.parent}'; create it first")
        path.write_bytes(self._rendered(format))

    def _rendered(self, format: str) -> bytes:
        if format in ("svg", "html", "dot"):
            return str(getattr(self, format)).encode()
        if format == "pdf":
            return render(self.dot, format)
        return render(self.dot, format, dpi=144 if len(self.graph.vertices) <= SHARP else 72)

    def _repr_svg_(self) -> str:
        return self.svg

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return {"image/svg+xml": self.svg, "text/plain": repr(self)}

    def __repr__(self) -> str:
        return f"<Drawing of {len(self.graph.vertices)} nodes and {len(self.graph.edges)} edges>"


def draw(
    outputs: Any,
    inputs: Any = None,
    *,
    depth: int | None = None,
    show: str | None = None,
    direction: str | None = None,
    flow: str = "forward",
    max_nodes: int = 2000,
    theme: str = "auto",
    names: Mapping[str, Tensor] | None = None,
    loss: Callable[[Any], Tensor] | None = None,
    lines: bool = False,
    fold: bool = True,
    legend: bool = True,
    layout: str = "auto",
) -> Drawing:
    """A picture of the operations that led to tensors, or of one call of a model or function.

    draw(tensors, inputs): outputs are a Tensor, several, or several by name; inputs, by name or not, are labelled too.
    A backward walk releases saved values, so draw before it or call `backward(retain_graph=True)`.
    draw(model, example): the model or function is called once with the example: a Tensor, a tuple of arguments, or
    arguments by name. Buffers, generators, gradients and requires_grad are restored afterwards.

    show: "values" (and gradients, of tensors of one element), "shapes" (and dtypes on all edges), "grads" (colours by
    the size of gradients; parameters without one are flagged) or "stats" (colours by the size of values; NaN, dead
    rectifiers and saturation are flagged). depth: from which level on a module is one node; a level below the deepest
    opens them all. flow: "forward", "backward" (the graph of the gradients, as `create_graph=True` records it) or
    "both", which are drawn without modules. direction: in which the data flows: LR, TB, RL or BT. max_nodes: operations
    and leaves to draw; older ones are left out, and the picture says so. theme: "light", "dark", or "auto" for the
    reader's. names: labels of tensors, such as `dict(model.named_parameters())`; a tensor's own `name` serves
    otherwise. loss: what to differentiate, as a function of the outputs of the model. lines: show where the user's code
    called each operation, for a model or function, or for tensors made inside an open `detect_anomaly` block. fold:
    draw repeated blocks once, with a count. legend: explain the colours. layout: "graphviz", "layered" (pure Python),
    or "auto": Graphviz where it is there and the picture has neither modules nor a backward graph.

    >>> from autograd_core import draw, tensor
    >>> x = tensor(3.0, requires_grad=True, name="x")
    >>> draw(x * x + 1)
    <Drawing of 5 nodes and 5 edges>
    """
    is_call = callable(outputs) and not isinstance(outputs, Tensor)
    show = show or ("shapes" if is_call and hasattr(outputs, "named_modules") else "values")
    direction = direction or ("TB" if is_call and hasattr(outputs, "named_modules") else "LR")
    _check_words(direction=direction, show=show, flow=flow, theme=theme, layout=layout)
    _check_counts(max_nodes=(max_nodes, 1), depth=(depth or 0, 0))
    ask = Ask(depth, show, flow, max_nodes, names or {}, fold, lines)
    if is_call:
        composed = of_call(outputs, () if inputs is None else inputs, loss, ask)
    else:
        given, ask.names = _named(inputs, ask.names)
        composed = of_tensors(titled(outputs), given, ask)
    return Drawing(composed.graph, direction, theme, legend, layout, composed.steps)


def _check_words(**given: str) -> None:
    for name, value in given.items():
        if value not in WORDS[name]:
            raise ValueError(f"{name} must be one of {', '.join(WORDS[name])}, not {value!r}")


def _check_counts(**given: tuple[Any, int]) -> None:
    for name, (count, least) in given.items():
        if not hasattr(count, "__index__") or count < least:
            raise ValueError(f"{name} must be an integer of at least {least}, not {count!r}")


def _named(inputs: Any, names: Mapping[str, Tensor]) -> tuple[list[tuple[str, Tensor]], Mapping[str, Tensor]]:
    """(inputs with labels, names): inputs given by name count as names, others are labelled "input"."""
    if isinstance(inputs, Mapping):
        return [], {**inputs, **names}
    listed: list[Any] = [] if inputs is None else [inputs] if isinstance(inputs, Tensor) else list(inputs)
    for t in listed:
        if not isinstance(t, Tensor):
            hint = "; draw(...).save('graph.svg') writes a file" if isinstance(inputs, str) else ""
            raise TypeError(f"draw() takes tensors, not {type(t).__name__}{hint}")
    only = len(listed) == 1
    return [(t.name or ("input" if only else f"input {i}"), t) for i, t in enumerate(listed)], names
