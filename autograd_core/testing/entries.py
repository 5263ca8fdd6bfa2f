"""What an entry must declare, and entries that are registered only for the duration of a test."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

from autograd_core.engine.entries import Composition, Op
from autograd_core.engine.libraries import RULES
from autograd_core.kinds import Kind
from autograd_core.registry import COMPOSITIONS, MODULES, OPS
from autograd_core.tensor import Tensor
from autograd_core.testing.samples import Case, cases, named_statics

Entry = Op | Composition


def check_entry(entry: Entry) -> list[str]:
    """The list of what the entry lacks; empty if it is complete."""
    return [f"{entry.name}: {sentence}" for sentence in (*_missing(entry), *_missing_samples(entry))]


def _missing(entry: Entry) -> Iterator[str]:
    if not (entry.doc or "").strip():
        yield "no docstring; say in one sentence what it computes"
    if cast(Kind | None, entry.kind) is None:
        yield "no kind; choose one of autograd_core.kinds, such as ELEMENTWISE"
    if entry.reference is None:
        yield "no reference; give an independent function of NumPy arrays, or of one element if it is pointwise"
    if isinstance(entry, Op):
        if not entry.symbol:
            yield "no symbol; say how graph pictures and the table of operations write it"
        if entry.vjp is None and entry.joint is None:
            yield "no rule; give vjp=..., joint=..., or vjp=NO_GRADIENT if it is piecewise constant"


def _missing_samples(entry: Entry) -> Iterator[str]:
    if cast(Kind | None, entry.kind) is None:
        return
    if isinstance(entry, Op):
        for name in entry.statics:
            if name not in named_statics(entry):
                yield f"no sample sets '{name}'; vary it, such as samples=(sample((2, 3), {name}=...),)"
    if entry.kind.pointwise:
        return
    if not entry.samples:
        yield "no samples; shapes of one kind of operation do not suit another, so give some: samples=(sample((2, 3)),)"
    elif not any(_empty(case) for case in cases(entry)):
        yield "no sample has an empty input; add one, such as sample((0, 3))"


def _empty(case: Case) -> bool:
    return any(a.size == 0 for a in case.arrays())


@contextmanager
def temporary_ops() -> Iterator[None]:
    """A block at whose end everything registered inside it is unregistered.

    >>> from autograd_core import functional
    >>> from autograd_core.kinds import ELEMENTWISE
    >>> from autograd_core.registry import op
    >>> def same(xp, x):
    ...     return x + 0
    >>> with temporary_ops():
    ...     call = op(ELEMENTWISE, vjp=lambda xp, g: g)(same)
    >>> hasattr(functional, "same")
    False
    """
    places: list[Any] = [*MODULES.values(), Tensor, *{id(rules): rules for rules in RULES.values()}.values()]
    before = [dict(vars(place)) for place in places]
    registries: list[dict[str, Any]] = [OPS, COMPOSITIONS]
    entries = [dict(registry) for registry in registries]
    try:
        yield
    finally:
        for registry, known in zip(registries, entries, strict=True):
            registry.clear()
            registry.update(known)
        for place, members in zip(places, before, strict=True):
            for name in set(vars(place)) - set(members):
                delattr(place, name)
            for name, member in members.items():
                if vars(place).get(name) is not member:
                    setattr(place, name, member)
