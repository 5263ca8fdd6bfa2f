"""What a node saves for backward: the values behind the names that the rules mention, and no others."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from autograd_core.entries import Op


def saving_plan(o: Op, wants: int) -> Callable[..., tuple[Any, ...]]:
    """How to get the values behind `keep`; None for what no input that wants a gradient (a bit each) needs."""
    needed: set[str] = set()
    for i, w in enumerate(o.wants):
        if o.variadic or wants >> i & 1:
            needed.update(w)
    if len(o.keep) > 1 and needed.issuperset(o.keep) and not o.variadic and set(o.keep) <= set(o.inputs):
        pick = operator.itemgetter(*[o.inputs.index(n) for n in o.keep])
        return lambda arrays, y, rest, statics: pick(arrays)
    getters = [_getter(o, n) if n in needed else None for n in o.keep]
    return lambda arrays, y, rest, statics: tuple([f and f(arrays, y, rest, statics) for f in getters])


def _getter(o: Op, name: str) -> Callable[..., Any]:  # noqa: PLR0911  a return per place where a value can come from
    """How to find the value behind a name that a rule may mention."""
    if name == "y":
        return lambda arrays, y, rest, statics: y
    if name in o.inputs:
        i = o.inputs.index(name)
        if o.variadic:
            return lambda arrays, y, rest, statics: tuple(arrays)
        return lambda arrays, y, rest, statics: arrays[i]
    if name in o.residuals:
        i = o.residuals.index(name)
        return lambda arrays, y, rest, statics: rest[i]
    if name in o.statics:
        return lambda arrays, y, rest, statics: statics[name]
    if name in outputs_of(o):
        i = outputs_of(o).index(name)
        return lambda arrays, y, rest, statics: y[i]
    source, _, attribute = name.rpartition("_")
    if source not in o.inputs or attribute not in ("shape", "dtype"):
        raise TypeError(f"op '{o.name}': a rule names '{name}', which is no input, output, residual or parameter")
    read = operator.attrgetter(attribute)
    if o.variadic:
        return lambda arrays, y, rest, statics: tuple([read(a) for a in arrays])
    i = o.inputs.index(source)
    return lambda arrays, y, rest, statics: None if arrays[i] is None else read(arrays[i])


def outputs_of(o: Op) -> tuple[str, ...]:
    """The names of several outputs; none for one output or a list."""
    return o.outputs if isinstance(o.outputs, tuple) else ()
