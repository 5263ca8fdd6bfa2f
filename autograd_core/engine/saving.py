"""What a node saves for backward: exactly the values that the rules name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from autograd_core.engine.entries import Op

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
