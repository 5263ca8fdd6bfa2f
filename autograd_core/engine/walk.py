"""The backward walk: newest node first, on arrays or, when the walk itself is recorded, on Tensors."""

from __future__ import annotations

from collections.abc import Iterable
from contextvars import ContextVar, copy_context
from heapq import heappop, heappush, heappushpop
from typing import Any

import numpy as np
from numpy import ndarray

from autograd_core import functional
from autograd_core.engine.anomaly import remembered_line, watching
from autograd_core.engine.binders import LARGE
from autograd_core.engine.deriving import no_gradient
from autograd_core.engine.entries import Op, Rule
from autograd_core.engine.failures import out_of_memory
from autograd_core.engine.libraries import ELSEWHERE, LIBRARY, MUTABLE, RULES
from autograd_core.engine.nodes import Late, Leaf, Node, OfLeaf, Pick
from autograd_core.engine.saving import outputs_of, rewrap
from autograd_core.engine.stand_ins import Hooked
from autograd_core.engine.versions import check_unchanged, last_write
from autograd_core.errors import GraphReleasedError
from autograd_core.grad_mode import set_grad_enabled
from autograd_core.tensor import Tensor, as_plain, wrap
from backends.buffers import is_held_once, references

Cotangents = dict[Any, Any]  # by node


def _quiet() -> list[tuple[ContextVar[Any], Any]]:
    """The context variables that `np.errstate(all="ignore")` sets, with their values."""
    before = copy_context()
    with np.errstate(all="ignore"):
        return [(variable, value) for variable, value in copy_context().items() if before.get(variable) is not value]


QUIET = _quiet()  # entering an errstate for every walk and step would take 2 µs


def walk(
    seeds: Cotangents, create_graph: bool, retain: bool, wanted: list[Any] | None = None
) -> tuple[Cotangents, list[Any]]:
    """{leaf or wanted node: cotangent}, and (hook, cotangent) pairs of hooks to call at the end."""
    # In a separate context, which ends with the call: an interrupt cannot change the caller's mode.
    return copy_context().run(_quiet_walk, seeds, create_graph, retain, wanted)


def _quiet_walk(seeds: Cotangents, create_graph: bool, *rest: Any) -> tuple[Cotangents, list[Any]]:
    if create_graph:
        set_grad_enabled(True)
    for variable, value in QUIET:  # restored when the context ends
        variable.set(value)
    return _walk(seeds, create_graph, *rest)


def _walk(  # noqa: PLR0912, PLR0915  in one piece: a call per node would cost a tenth of it
    seeds: Cotangents, create_graph: bool, retain: bool, wanted: list[Any] | None
) -> tuple[Cotangents, list[Any]]:
    """The hot loop."""
    useful = None if wanted is None else leading_to(seeds, wanted)
    cots, found = seeds if useful is None else {n: g for n, g in seeds.items() if n in useful}, {}
    owned: set[Any] = set()
    retained: list[Any] = []
    heap: list[Any] = []
    targets, watch = wanted and frozenset(wanted), watching()
    # Real numbers need no conjugation and, unless recorded, take the short way; `unsure`: complex ones may follow.
    short, unsure = not create_graph, False
    for n, g in cots.items():
        short = short and g.dtype.kind != "c"
        if n.op is not None:
            heappush(heap, (n.number, n))
    get, pop, newest, last = cots.get, cots.pop, None, last_write()
    while heap or newest:
        # The newest candidate stays out of the heap: in a chain there is never another one.
        n = heappushpop(heap, newest)[1] if newest else heappop(heap)[1]
        newest = None
        g = pop(n)
        if n.hooks:
            g = _hooked(n, g, create_graph, retained)
        op = n.op
        if targets and n in targets:
            found[n] = g
            if useful is not None and useful.isdisjoint(n.parents):
                continue
        s = n.saved
        if s is None:
            s = n.saved = _unread(n)
        if n.number > last:
            s = check_unchanged(n)
        try:
            if op.plain and short:
                xp, rules, shapes = RULES[g.__class__], op.rules, n.shapes
                if op.before is not None:
                    g = op.before(xp, g, s)
            elif op is Pick:
                _project(n, g, cots, heap)
                continue
            else:
                xp, rules, shapes, g, s = _prepared(n, op, g, s, create_graph, useful)
                unsure = short
            if watch is not None:
                rules = watch(n, rules)
            for i, m in enumerate(n.parents):
                if m is not None and (useful is None or m in useful):
                    gi = rules[i](xp, g, s)
                    if gi is not None:
                        if shapes is not None and gi.shape != shapes[i]:
                            gi = unbroadcast(xp, gi, shapes[i])
                        o = get(m)
                        if o is None:
                            cots[m] = gi
                            if m.op is not None:  # leaves are processed at the end
                                if newest is not None:
                                    heappush(heap, newest)
                                newest = (m.number, m)
                        elif short and o.size >= LARGE and o.__class__ is gi.__class__ not in ELSEWHERE:
                            alone = o.__class__ is ndarray and o.dtype is gi.dtype and is_held_once(references(o), o)
                            cots[m] = xp.kernels.increase(o, gi) if alone else xp.kernels.add(o, gi)
                        elif m in owned and o.__class__ is gi.__class__:
                            o += gi
                        else:
                            cots[m] = o = o + gi
                            if o.__class__ in MUTABLE:  # an array made by the walk, not a scalar or a Tensor
                                owned.add(m)
        except Exception as e:
            if isinstance(e, MemoryError):
                raise out_of_memory(f"{e} {_where(n, g)}") from e
            e.add_note(_where(n, g))
            raise
        if op.holds and not retain:
            n.saved = None
        if unsure:
            short, unsure = not any(map(_is_complex, map(get, n.parents))), False
    for leaf in [n for n in cots if n.hooks]:
        cots[leaf] = g = _hooked(leaf, cots[leaf], create_graph, retained)
        if g is None:
            del cots[leaf]
    found.update(cots)
    return found, retained


def _unread(n: Node) -> tuple[None, ...]:
    """The place of released values that no rule of this node reads; raises if one does."""
    op = n.op
    known = op.rules and op.plain is not None and n.parents  # a node without any stands for a whole graph
    if not known or any(names for names, m in zip(op.wants, n.parents, strict=False) if m is not None):
        raise GraphReleasedError(
            f"{op.name}: what it saved for backward was released by an earlier walk; .detach() what an earlier "
            "step computed, or call the earlier backward() or grad() with retain_graph=True"
        )
    return (None,) * len(op.keep)


def _prepared(n: Node, op: Any, g: Any, s: Any, create_graph: bool, useful: set[Any] | None) -> tuple[Any, ...]:
    """Namespace, rules, operand shapes, cotangent and saved values of a node that needs special treatment."""
    shapes = n.shapes
    while op.plain is None:  # saved values were dropped by a checkpoint or packed by a hook
        op, s = op.restored(n)
    if op.__class__ is Hooked:
        return _between_hooks(n, op, g, s, create_graph, useful)
    if op.outputs:
        g, shapes = g if op.partial else _materialized(op, g, shapes, create_graph), None
    if create_graph:
        xp, s = functional, rewrap(n, op, s)
    else:
        xp = RULES[next(v for v in g if v is not None).__class__ if op.outputs else g.__class__]
    conjugated = op.holomorphic and any(map(_is_complex, g if op.outputs else (g,)))
    if conjugated:
        g = tuple([_conj(xp, v) for v in g]) if op.outputs else _conj(xp, g)
    if op.before:
        g = op.before(xp, g, s)
    recorded = create_graph and op.composite
    if recorded or not op.rules:  # one rule for all inputs
        rules = _as_rules((recorded or op.joint)(xp, g, s, needs=_needs(n, useful)))
    else:
        rules = op.rules
    return xp, [_conjugated(r) for r in rules] if conjugated else rules, shapes, g, s


def _is_complex(g: Any) -> bool:
    """Whether a cotangent (an array or a Tensor) is complex; False for None and for lists of several outputs."""
    dtype = getattr(g, "dtype", None)
    return dtype is not None and dtype.kind == "c"


def _conj(xp: Any, g: Any) -> Any:
    if not _is_complex(g):
        return g
    library = xp if xp is functional else RULES[g.__class__]  # a rule may lead out of `vmap`
    return library.conj(g)


def _conjugated(rule: Rule) -> Rule:
    """A rule applies the transposed Jacobian; PyTorch's definition of the gradient needs the conjugate transpose."""
    return lambda xp, g, s: _conj(xp, rule(xp, g, s))


def _where(n: Node, g: Any) -> str:
    shape = getattr(g, "shape", None)
    line = remembered_line(n.number)
    place = f", computed at {line}" if line else ""
    return f"in the backward rule of '{n.op.name}' (cotangent of shape {shape}{place}); no .grad was changed"


def _project(n: Node, g: Any, cots: Cotangents, heap: list[Any]) -> None:
    """Insert the cotangent of one output into those of its operation."""
    (m,), (i, count) = n.parents, n.saved
    slots = cots.get(m)
    if slots is None:
        cots[m] = slots = [None] * count
        heappush(heap, (m.number, m))
    slots[i] = g if slots[i] is None else slots[i] + g


def _materialized(op: Op, g: tuple[Any, ...], likes: tuple[Any, ...], create_graph: bool) -> tuple[Any, ...]:
    """Replace None by zeros for outputs that no cotangent reached; None stays for those that an entry detaches."""
    named = outputs_of(op)
    known = next(v for v in g if v is not None)
    library = LIBRARY[(known.array if create_graph else known).__class__]
    out = []
    for i, (v, (shape, dtype)) in enumerate(zip(g, likes, strict=True)):
        if v is None and not (op.detached and named[i] in op.detached):
            v = library.zeros(shape, dtype)
            v = wrap(v) if create_graph else v
        out.append(v)
    return tuple(out)


def _between_hooks(n: Node, op: Hooked, g: Any, s: Any, create_graph: bool, useful: set[Any] | None) -> tuple[Any, ...]:
    """Call the node's hooks on its cotangents and on the gradients of its operands, which are computed at once."""
    outer = _replaced(op.prehooks, g if op.outputs else (g,), create_graph)
    if all(v is None for v in outer):  # a hook took the gradient away
        return None, [no_gradient] * len(n.parents), None, g, s
    xp, rules, shapes, g, s = _prepared(n, op.op, outer if op.outputs else outer[0], s, create_graph, useful)
    found = [rule(xp, g, s) if need else None for rule, need in zip(rules, _needs(n, useful), strict=True)]
    for i, gi in enumerate(found):
        if gi is not None and shapes is not None and gi.shape != shapes[i]:
            found[i] = unbroadcast(xp, gi, shapes[i])
    return xp, _as_rules(_replaced(op.posthooks, found, create_graph, outer)), None, g, s


def _replaced(hooks: Any, values: Iterable[Any], create_graph: bool, *others: Iterable[Any]) -> tuple[Any, ...]:
    """The values, or their replacements by hooks, which receive the values and `others`."""
    values = tuple(values)
    for hook in hooks or ():
        with set_grad_enabled(create_graph):
            result = hook(*[tuple([shown(v, create_graph) for v in row]) for row in (values, *others)])
        if result is not None:
            if not isinstance(result, tuple):
                raise TypeError(f"a hook of a node must return a tuple or None, not {type(result).__name__}")
            shapes = [[getattr(v, "shape", None) for v in row] for row in (values, result)]
            if len(result) != len(values) or any(None not in (v, r) and r != v for v, r in zip(*shapes, strict=True)):
                raise RuntimeError(
                    f"a hook of a node was given gradients of shapes {shapes[0]} but returned {shapes[1]}"
                )
            values = tuple([r if r is None else as_plain(r) if create_graph else r.array.copy() for r in result])
    return values


def _needs(n: Node, useful: set[Any] | None) -> tuple[bool, ...]:
    """Which operands require a gradient."""
    return tuple([m is not None and (useful is None or m in useful) for m in n.parents])


def _as_rules(grads: Iterable[Any]) -> list[Any]:
    """Gradients that are known, as a rule per input."""
    return [lambda xp, g, s, gi=gi: gi for gi in grads]


def unbroadcast(xp: Any, g: Any, shape: tuple[int, ...]) -> Any:
    """Sum a cotangent over the axes that broadcasting added or stretched."""
    extra = g.ndim - len(shape)
    dims = tuple([i + extra for i, (m, k) in enumerate(zip(g.shape[extra:], shape, strict=True)) if m != k])
    if extra > 0:  # one sum, which is rounded once
        g = xp.sum(g, dim=(*range(extra), *dims))
        return xp.reshape(g, shape=shape) if dims else g
    return xp.sum(g, dim=dims, keepdim=True) if dims else g


def _hooked(n: Node | Leaf, g: Any, create_graph: bool, retained: list[Any]) -> Any:
    kept, seen = [], None  # hooks see the same tensor until one replaces it: they may keep notes in its attributes
    for hook in n.hooks:
        if isinstance(hook, Late):
            kept.append(hook)
            continue
        if hook.__class__ is OfLeaf:
            (g,), seen = _replaced((hook.function,), (g,), create_graph), None
            continue
        seen = shown(g, create_graph) if seen is None else seen
        with set_grad_enabled(create_graph):
            result = hook(seen)
        if result is None:
            continue
        if not isinstance(result, Tensor) or result.shape != g.shape:
            raise RuntimeError(f"a hook must return a Tensor of shape {g.shape} or None, not {result!r}")
        g, seen = as_plain(result) if create_graph else result.array.copy(), None
    retained.extend([(hook, g) for hook in kept if g is not None])
    return g


def shown(g: Any, create_graph: bool) -> Any:
    """A cotangent as a Tensor that hooks cannot write, because the array may also be another tensor's cotangent."""
    if g is None or create_graph:
        return g
    if g.__class__ is np.ndarray:
        g = g.view()
        g.flags.writeable = False
    return wrap(g)


def leading_to(seeds: Iterable[Any], wanted: Iterable[Any]) -> set[Any]:
    """The nodes that lead to a wanted node; the rest of the graph is not computed."""
    seen, stack = set(seeds), list(seeds)
    while stack:
        for m in stack.pop().parents:
            if m is not None and m not in seen:
                seen.add(m)
                stack.append(m)
    useful = seen.intersection(wanted)
    for n in sorted(seen, key=lambda n: n.number, reverse=True):
        if not useful.isdisjoint(n.parents):
            useful.add(n)
    return useful
