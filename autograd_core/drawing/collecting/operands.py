"""The operands of a recorded node, as far as its saved values and an observed run reveal them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from inspect import Parameter
from typing import Any, NamedTuple

from autograd_core.drawing.collecting.observing import Observations
from autograd_core.drawing.graph import Shape
from autograd_core.engine.nodes import Pick
from autograd_core.engine.versions import check_unchanged
from autograd_core.errors import InplaceError


class Source(NamedTuple):
    """A value in the graph: a node, and the index of its output if it has several."""

    node: Any
    output: int | None = None

    @classmethod
    def of(cls, node: Any) -> Source:
        """The value that a node stands for: a projection is one output of the node before it."""
        return cls(node.parents[0], node.saved[0]) if node.op is Pick else cls(node)


class Operand(NamedTuple):
    """One operand: its node (None without gradient), value, shape and name."""

    node: Any
    value: Any
    shape: Shape | None
    name: str


def output_name(source: Source) -> str:
    """The label of one of several outputs; empty for the first of named ones, such as values of (values, indices)."""
    if source.output is None:
        return ""
    outputs = source.node.op.outputs
    if outputs is ...:
        return str(source.output)
    return str(outputs[source.output]) if source.output else ""


def kept_by(n: Any) -> dict[str, Any]:
    """The values that a node saved, by name; empty if a walk released or a write changed them."""
    if n.saved is None:
        return {}
    try:
        check_unchanged(n)
    except InplaceError:
        return {}
    return dict(zip(n.op.keep, n.saved, strict=True))


def operands_of(n: Any, kept: Mapping[str, Any], observations: Observations) -> Iterator[Operand]:
    """The operands of a node, without optional ones that were not given."""
    op = n.op
    defaults = [default for _, own, default in op.public if own is None]
    seen = observations.operands.get(n.number, ())
    for i, parent in enumerate(n.parents):
        name = op.inputs[0 if op.variadic else i]
        value, shape = kept.get(name), kept.get(name + "_shape")
        if op.variadic:
            value, shape = value and value[i], shape and shape[i]
        if value is None and len(seen) == len(n.parents):
            value = seen[i]
        shape = getattr(value, "shape", shape)
        if shape is None and n.shapes is not None and not op.outputs:
            shape = n.shapes[i]
        given = op.variadic or defaults[i] is Parameter.empty
        if given or parent is not None or value is not None or shape is not None:
            yield Operand(parent, value, shape, name)
