"""Pictures of the recorded graph: collected as plain data, described as DOT, rendered by Graphviz."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from os import PathLike
from pathlib import Path

from autograd_core.drawing.dot import describe
from autograd_core.drawing.graph import Graph, collect
from autograd_core.drawing.long_edges import shorten
from autograd_core.drawing.rendering import render
from autograd_core.errors import NoGraphError
from autograd_core.tensor import Tensor

DIRECTIONS = ("LR", "TB", "RL", "BT")
FORMATS = ("svg", "dot", "png", "pdf")
SHARP = 300  # nodes: a larger picture has pixels enough at half the resolution


@dataclass(frozen=True)
class Drawing:
    """A picture of a graph, as it was when it was drawn; a notebook shows it.

    graph: what it shows, as plain data. dot: the description, which needs no Graphviz. svg: the rendered picture.
    """

    graph: Graph
    dot: str

    @cached_property
    def svg(self) -> str:
        """The picture as SVG text, from `<svg` on, so that it can stand in a page or in a file of its own."""
        text = render(self.dot, "svg").decode()
        return text[text.index("<svg") :]

    @property
    def notice(self) -> str:
        """What the picture leaves out; empty if it shows everything."""
        return " ".join(self.graph.notices)

    def save(self, path: str | PathLike[str]) -> None:
        """Write a file: .svg, .dot, .png or .pdf, by the suffix of its name."""
        path = Path(path)
        format = path.suffix.lower().removeprefix(".")
        if format not in FORMATS:
            raise ValueError(f"cannot save a drawing as '{path.name}': the name must end in .svg, .dot, .png or .pdf")
        if not path.parent.is_dir():
            raise FileNotFoundError(f"cannot save '{path.name}': there is no folder '{path.parent}'; create it first")
        path.write_bytes(self._rendered(format))

    def _rendered(self, format: str) -> bytes:
        if format in ("svg", "dot"):
            return (self.svg if format == "svg" else self.dot).encode()
        if format == "pdf":
            return render(self.dot, format)
        return render(self.dot, format, dpi=144 if len(self.graph.vertices) <= SHARP else 72)

    def _repr_svg_(self) -> str:
        return self.svg

    def __repr__(self) -> str:
        return f"<Drawing of {len(self.graph.vertices)} nodes and {len(self.graph.edges)} edges>"


def draw(
    outputs: Tensor | Iterable[Tensor] | Mapping[str, Tensor],
    names: Mapping[str, Tensor] | None = None,
    *,
    direction: str = "LR",
    legend: bool = False,
    max_nodes: int = 2000,
) -> Drawing:
    """A picture of the operations that led to `outputs`.

    Leaves that want a gradient have a blue frame, constants are grey, operations are coloured by kind. An edge bears a
    shape where an operation changed it. Tensors of one element show their value and their gradient, as far as the graph
    knows them: what a backward walk has released is gone, so draw before it or call `backward(retain_graph=True)`.

    outputs: a Tensor, several, or several by name. names: labels for leaves, constants and intermediate tensors, such
    as `dict(model.named_parameters())`; a tensor's own `name` serves otherwise. direction: in which the data flows: LR,
    TB, RL or BT. legend: explain the colours. max_nodes: operations and leaves to draw; older ones are left out, and
    the picture says so.

    >>> from autograd_core import draw, tensor
    >>> x = tensor(3.0, requires_grad=True, name="x")
    >>> draw(x * x + 1)
    <Drawing of 5 nodes and 5 edges>
    """
    if direction not in DIRECTIONS:
        raise ValueError(f"direction must be one of {', '.join(DIRECTIONS)}, not {direction!r}")
    if max_nodes < 1:
        raise ValueError(f"max_nodes must be at least 1, not {max_nodes}")
    ends, names = _titled(outputs), names or {}
    for t in [*(t for _, t in ends), *names.values()]:
        if not isinstance(t, Tensor):
            raise TypeError(f"draw() takes tensors, not {type(t).__name__}")
    if all(t.node is None for _, t in ends):
        raise NoGraphError(
            "draw() of tensors that record nothing: no input had requires_grad=True, or they were made under no_grad()"
        )
    graph = shorten(collect(ends, names, max_nodes))
    return Drawing(graph, describe(graph, direction, legend))


def _titled(outputs: Tensor | Iterable[Tensor] | Mapping[str, Tensor]) -> list[tuple[str, Tensor]]:
    if isinstance(outputs, Mapping):
        return [(str(name), t) for name, t in outputs.items()]
    return [("", t) for t in ([outputs] if isinstance(outputs, Tensor) else outputs)]
