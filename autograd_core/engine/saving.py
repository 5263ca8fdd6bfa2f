"""What a node saves for backward, exactly the values that the rules name; and how a recorded walk reads them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from autograd_core.dtypes import EXACT, INEXACT
from autograd_core.engine.entries import Op
from autograd_core.engine.nodes import Node, Pick, record
from autograd_core.errors import HigherOrderError
from autograd_core.tensor import Tensor, wrap

Plan = Callable[..., tuple[Any, ...]]  # (operands, y, residuals, static parameters) -> what is saved


def saving_plan(o: Op, wants: int) -> Plan:
    """A function that returns the values named in `keep`; None for those that only inputs without gradient need.

    wants: a bit for each input with a gradient. The result is one compiled expression: a function per value would cost
    a microsecond per operation.
    """
    needed: set[str] = set()
    for i, w in enumerate(o.wants):
        if o.variadic or wants >> i & 1:
            needed.update(w)
    values = [f"{_source(o, name) if name in needed else None}," for name in o.keep]
    return eval(f"lambda arrays, y, rest, statics: ({''.join(values)})")


def _source(o: Op, name: str) -> str:  # noqa: PLR0911  a return per place where a value can come from
    """The expression for the value of a name that a rule may use."""
    if name == "y":
        return "y"
    if name in o.inputs:
        return "tuple(arrays)" if o.variadic else f"arrays[{o.inputs.index(name)}]"
    if name in o.residuals:
        return f"rest[{o.residuals.index(name)}]"
    if name in o.statics:
        return f"statics[{name!r}]"
    if name in outputs_of(o):
        return f"y[{outputs_of(o).index(name)}]"
    source, _, attribute = name.rpartition("_")
    if source not in o.inputs or attribute not in ("shape", "dtype"):
        raise TypeError(f"op '{o.name}': a rule names '{name}', which is not an input, output, residual or parameter")
    if o.variadic:
        return f"tuple([a.{attribute} for a in arrays])"
    i = o.inputs.index(source)
    return f"None if arrays[{i}] is None else arrays[{i}].{attribute}"


def outputs_of(o: Op) -> tuple[str, ...]:
    """The names of several outputs; empty for one output or a list."""
    return o.outputs if isinstance(o.outputs, tuple) else ()


def rewrap(n: Node, op: Op, saved: Any) -> list[Any]:
    """Saved arrays as Tensors: inputs get their parent nodes, outputs get this node, the rest is constant."""
    out: list[Any] = []
    named = outputs_of(op)
    for name, v in zip(op.keep, saved, strict=True):
        if v is None or name in op.statics:
            out.append(v)
        elif name in op.inputs and op.variadic:
            out.append(tuple([wrap(a, p) for a, p in zip(v, n.parents, strict=True)]))
        elif name in op.inputs:
            out.append(wrap(v, n.parents[op.inputs.index(name)]) if hasattr(v, "dtype") else v)
        elif name == "y" and op.outputs:
            out.append(tuple([a if a is None else _output(n, a, i, len(v)) for i, a in enumerate(v)]))
        elif name == "y":
            out.append(wrap(v, n))
        elif name in op.detached:
            out.append(_residual(op, name, v))
        elif name in named:
            out.append(_output(n, v, named.index(name), len(named)))
        elif name in op.residuals:
            out.append(_residual(op, name, v))
        else:
            out.append(v)
    return out


def _output(n: Node, array: Any, i: int, count: int) -> Tensor:
    return wrap(array, record(Pick, (n,), (i, count)) if array.dtype.kind in INEXACT else None)


def _residual(op: Op, name: str, v: Any) -> Any:
    if not hasattr(v, "dtype"):
        return v
    if not op.composite and v.dtype.kind not in EXACT:
        raise HigherOrderError(
            f"{op.name}: the residual '{name}' depends on the inputs, so create_graph=True would be wrong; "
            "give the entry a composite rule"
        )
    return wrap(v)
