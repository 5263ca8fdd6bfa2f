"""Backward walks for a picture: they accumulate nothing, release nothing and leave nothing behind."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from autograd_core.drawing.collecting.operands import Source
from autograd_core.engine.anomaly import Observer, observed, watched
from autograd_core.engine.libraries import LIBRARY
from autograd_core.engine.nodes import Leaf, RetainGrad, behind, tick
from autograd_core.engine.stand_ins import Hooked
from autograd_core.engine.walk import unbroadcast, walk
from autograd_core.errors import GraphReleasedError
from autograd_core.tensor import Tensor, wrap


@dataclass(frozen=True, slots=True)
class Share:
    """The share of one operand in one step: the local derivative if it is a number, and the product."""

    source: Source
    local: Any
    product: Any


@dataclass(slots=True)
class Walk:
    """The observations of a walk: for each value the requested summary of its cotangent, and for each operation, in
    order, the shares of its operands.
    """

    cotangents: dict[Source, Any] = field(default_factory=dict)
    steps: list[tuple[Any, Any, list[Share]]] = field(default_factory=list)


def seeds_of(ends: Sequence[Tensor]) -> dict[Any, Any]:
    """Ones for every output: their sum is differentiated."""
    return {t.node: LIBRARY[t.array.__class__].ones_like(t.array) for t in ends if t.node is not None}


def hindrance(ends: Sequence[Tensor]) -> str:
    """The reason why no walk is possible: it would call user hooks, or saved values were released; else ""."""
    nodes = list(behind([t.node for t in ends if t.node is not None]))
    if any(n.op.__class__ is Hooked or any(h.__class__ is not RetainGrad for h in n.hooks or ()) for n in nodes):
        return "No gradients were computed for this picture, because tensors have hooks, which that would call."
    if any(n.op is not None and n.saved is None for n in nodes):
        return (
            "No gradients were computed for this picture: backward() released what they need; "
            "draw before it, or call backward(retain_graph=True)."
        )
    return ""


def observed_walk(ends: Sequence[Tensor], look: Callable[[Any], Any] | None) -> Walk | str:
    """Walk back from the outputs and keep `look` of every cotangent or, without it, the steps.

    Returns the reason as a string if that is not possible.
    """
    if problem := hindrance(ends):
        return problem
    seen = Walk()
    watch = _watching_steps if look is None else partial(_watching_cotangents, look)
    try:
        with watched(partial(watch, seen)):
            found, _ = walk(seeds_of(ends), create_graph=False, retain=True)
    except GraphReleasedError:
        return "Gradients could not be computed for this picture: backward() released what they need."
    except (ArithmeticError, RuntimeError) as e:
        return f"Gradients could not be computed for this picture: {e}"
    if look is not None:
        seen.cotangents |= {Source.of(n): look(g) for n, g in found.items()}
    return seen


def _watching_cotangents(look: Callable[[Any], Any], seen: Walk, n: Any, rules: Any) -> list[Any]:
    """The rules of a node, which also look at its cotangent."""

    def looking(rule: Any) -> Any:
        def looked(xp: Any, g: Any, s: Any) -> Any:
            values = {Source(n, i): v for i, v in enumerate(g)} if n.op.outputs else {Source(n): g}
            for source, v in values.items():
                if v is not None and source not in seen.cotangents:
                    seen.cotangents[source] = look(v)
            return rule(xp, g, s)

        return looked

    return [rule and looking(rule) for rule in rules]


def _watching_steps(seen: Walk, n: Any, rules: Any) -> list[Any]:
    """The rules of a node, which also record what each operand gets."""
    shares: list[Share] = []

    def looking(i: int, rule: Any) -> Any:
        def looked(xp: Any, g: Any, s: Any) -> Any:
            if not (seen.steps and seen.steps[-1][0] is n):
                seen.steps.append((n, g, shares))
            product = rule(xp, g, s)
            if product is not None:
                if n.shapes is not None and product.shape != n.shapes[i] and not n.op.outputs:
                    product = unbroadcast(xp, product, n.shapes[i])
                shares.append(Share(Source.of(n.parents[i]), _local(n, rule, xp, g, s, product), product))
            return product

        return looked

    return [rule and looking(i, rule) for i, rule in enumerate(rules)]


def _local(n: Any, rule: Any, xp: Any, g: Any, s: Any, product: Any) -> Any:
    """The derivative of an operation on numbers in one operand: its rule for the cotangent 1."""
    if n.op.outputs or getattr(g, "size", 2) != 1 or getattr(product, "size", 2) != 1:
        return None
    if not n.op.plain or n.op.before:
        return product / g if g != 0 else None
    return rule(xp, g * 0 + 1, s)


@dataclass(slots=True)
class Recorded:
    """The gradients of all leaves as recorded tensors, and for each new node the node whose rule made it."""

    gradients: list[tuple[Leaf, Tensor]]
    boundary: int
    owners: list[tuple[int, Any]]  # nodes with at most this number come from this node's rule

    def owner(self, number: int) -> Any:
        """The forward node whose rule recorded a backward one; None for nodes before the walk."""
        at = bisect_left(self.owners, -number, key=lambda owner: -owner[0])
        return self.owners[at - 1][1] if at else None


def recorded_walk(ends: Sequence[Tensor], observer: Observer) -> Recorded:
    """Walk back and record everything, like `create_graph=True`."""
    boundary, owners = tick(), []

    def watch(n: Any, rules: Any) -> Any:
        owners.append((tick(), n))
        return rules

    with watched(watch), observed(observer):
        seeds = {n: wrap(g) for n, g in seeds_of(ends).items()}
        found, _ = walk(seeds, create_graph=True, retain=True)
    return Recorded([(n, g) for n, g in found.items() if n.__class__ is Leaf], boundary, owners)
