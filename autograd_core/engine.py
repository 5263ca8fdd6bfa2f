"""The backward walk: newest node first, arrays on the fast path, Tensors when the walk itself is recorded."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable, Sequence
from heapq import heapify, heappop, heappush, heappushpop
from typing import Any

import numpy as np

from autograd_core import functional
from autograd_core.anomaly import watching
from autograd_core.binders import Pick, outputs_of
from autograd_core.entries import Op
from autograd_core.errors import GraphReleasedError, HigherOrderError, NoGraphError, OperandError
from autograd_core.libraries import LIBRARY, MUTABLE, RULES
from autograd_core.tensor import Leaf, Node, RetainGrad, Tensor, new, record, set_grad_enabled, wrap
from autograd_core.versions import check_unchanged, last_write

Cotangents = dict[Any, Any]  # by node
_commit = threading.Lock()


def backward(
    tensors: Tensor | Sequence[Tensor],
    grad_tensors: Tensor | Sequence[Tensor | None] | None = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    inputs: Tensor | Sequence[Tensor] | None = None,
) -> None:
    """Add the gradient of `tensors` to the `.grad` of every leaf (or of `inputs`): of all of them, or of none if
    anything raises.

    tensors: one Tensor or several; grad_tensors: for each the cotangent, of its shape; implied for a single element.
    retain_graph: keep what was saved for another walk. create_graph: record the walk, for higher derivatives.
    """
    tensors = _listed(tensors)
    _accumulate(tensors, _listed(grad_tensors, len(tensors)), retain_graph, create_graph, inputs)


def _accumulate(tensors: Any, grad_tensors: Any, retain_graph: Any, create_graph: bool, inputs: Any) -> None:
    seeds, given = _seeds(tensors, grad_tensors, create_graph)
    retain = create_graph if retain_graph is None else retain_graph
    if inputs is None:
        found, retained = walk(seeds, create_graph, retain)
        pairs = [(x, g) for leaf, g in found.items() if (x := leaf.tensor()) is not None]
    else:
        if not (inputs := _listed(inputs)):
            raise RuntimeError("backward(): inputs is empty; leave it out to reach every leaf")
        found, retained = walk(seeds, create_graph, retain, [_node_of(x) for x in inputs])
        pairs = [(x, found[x.node]) for x in inputs if x.node in found]
    commit(pairs, retained, given, create_graph)


def grad(
    outputs: Tensor | Sequence[Tensor],
    inputs: Tensor | Sequence[Tensor],
    grad_outputs: Tensor | Sequence[Tensor | None] | None = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    allow_unused: bool = False,
    materialize_grads: bool = False,
) -> tuple[Any, ...]:
    """The gradients of `outputs` (their sum, weighted by `grad_outputs`) with respect to `inputs`, as a tuple.

    No `.grad` is touched. create_graph: the result can be differentiated again. allow_unused: None for an input that
    the outputs do not depend on, instead of an error; materialize_grads: zeros for it.

    >>> from autograd_core import tensor
    >>> x = tensor(3.0, requires_grad=True)
    >>> grad(x * x, x)
    (tensor(6.),)
    """
    outputs, inputs = _listed(outputs), _listed(inputs)
    seeds, given = _seeds(outputs, _listed(grad_outputs, len(outputs)), create_graph, strict=False)
    wanted = [_node_of(x) for x in inputs]
    found, retained = walk(seeds, create_graph, create_graph if retain_graph is None else retain_graph, wanted)
    missing = [i for i, n in enumerate(wanted) if n not in found]
    if missing and not (allow_unused or materialize_grads):
        raise RuntimeError(
            f"grad(): input {missing[0]} was not used to compute the outputs; allow_unused=True gives None for it"
        )
    commit([], retained, given, create_graph)
    grads = dict(zip(found, exclusive(list(found.values()), given), strict=True))
    used = set()
    out = []
    for x, n in zip(inputs, wanted, strict=True):
        g = grads.get(n)
        if g is not None and n in used and not create_graph:
            g = wrap(g.array.copy())  # the same input asked for twice
        used.add(n)
        out.append(functional.zeros_like(x) if g is None and materialize_grads else g)
    return tuple(out)


def _listed(value: Any, length: int = 1) -> tuple[Any, ...]:
    if value is None:
        return (None,) * length
    return (value,) if isinstance(value, Tensor) else tuple(value)


def _node_of(x: Any) -> Any:
    if not isinstance(x, Tensor):
        raise TypeError(f"expected tensors to differentiate with respect to, not {type(x).__name__}")
    if x.node is None:
        raise RuntimeError("an input does not require a gradient; set requires_grad=True before computing with it")
    return x.node


def _seeds(
    outputs: Sequence[Tensor], cotangents: Sequence[Tensor | None], create_graph: bool, strict: bool = True
) -> tuple[Cotangents, list[Any]]:
    """{node: cotangent} to start from, and the arrays among them that belong to the user."""
    if len(outputs) != len(cotangents):
        raise RuntimeError(f"{len(outputs)} tensors but {len(cotangents)} gradients were given")
    seeds: Cotangents = {}
    given = []
    for t, g in zip(outputs, cotangents, strict=True):
        if t.node is None:
            if strict:
                raise NoGraphError(
                    "backward() of a tensor that records nothing: no input had requires_grad=True, "
                    "or it was computed under no_grad()"
                )
            continue
        g = _seed(t, g)
        given.append(g.array)
        g = g if create_graph else g.array
        if t.node in seeds:
            with set_grad_enabled(create_graph):
                g = seeds[t.node] + g
        seeds[t.node] = g
    if not seeds:
        raise NoGraphError("grad() of tensors that record nothing: no input had requires_grad=True")
    return seeds, given


def _seed(t: Tensor, g: Tensor | None) -> Tensor:
    if g is None:
        if t.array.size != 1:
            raise RuntimeError(
                f"a gradient is implied only for a tensor of one element; this one has shape {t.shape}. "
                "Pass one (y.backward(gradient)) or reduce it first (y.sum().backward())"
            )
        if t.array.dtype.kind == "c":
            raise RuntimeError("a gradient is implied only for real tensors; pass one: y.backward(gradient)")
        a = t.array
        return wrap(a.dtype.type(1) if isinstance(a, np.generic) else LIBRARY[a.__class__].ones_like(a))
    if not isinstance(g, Tensor):
        raise TypeError(f"a gradient must be a Tensor or None, not {type(g).__name__}")
    if g.shape != t.shape:
        raise OperandError(f"the gradient has shape {g.shape} but the tensor {t.shape}")
    return g if g.dtype == t.dtype else functional.astype(g, t.dtype)


def commit(pairs: list[tuple[Tensor, Any]], retained: list[Any], given: list[Any], create_graph: bool) -> None:
    """Write `.grad` of leaves and of tensors that retain theirs: all at once, so that nobody sees half of it."""
    pairs += [(x, g) for ref, g in retained if (x := ref()) is not None]
    with _commit:
        grads = exclusive([g for _, g in pairs], given)
        for i, (x, _) in enumerate(pairs):
            if x.grad is not None:
                grads[i] = _sum(x.grad, grads[i], create_graph)
        # One C loop: neither an interrupt nor another thread can see half of it.
        deque(map(_set_grad, [x for x, _ in pairs], grads), maxlen=0)


def _sum(before: Tensor, g: Tensor, create_graph: bool) -> Tensor:
    with set_grad_enabled(create_graph):
        return before + g


_set_grad: Any = Tensor.grad.__set__  # type: ignore[union-attr]  # the slot itself, called from C


def exclusive(grads: list[Any], given: list[Any]) -> list[Tensor]:
    """Tensors whose storage nobody else sees: copy a view, a seed, or an array handed out already."""
    out: list[Tensor] = []
    taken = set(map(id, given))
    for g in grads:
        if g.__class__ is Tensor:
            out.append(g)
            continue
        key = id(g)
        if key in taken or (type(g) in MUTABLE and g.base is not None):
            g = g.copy()
        taken.add(key)
        t = new(Tensor)
        t.array = g
        t.node = t.grad = None
        out.append(t)
    return out


def walk(
    seeds: Cotangents, create_graph: bool, retain: bool, wanted: list[Any] | None = None
) -> tuple[Cotangents, list[Any]]:
    """{leaf or wanted node: cotangent}, and the (tensor, cotangent) pairs that `retain_grad` asked for."""
    with np.errstate(all="ignore"):
        if not create_graph:
            return _walk(seeds, False, retain, wanted)
        with set_grad_enabled(True):
            return _walk(seeds, True, retain, wanted)


def _walk(  # noqa: PLR0912, PLR0915  in one piece: a call per node would cost a tenth of it
    seeds: Cotangents, create_graph: bool, retain: bool, wanted: list[Any] | None
) -> tuple[Cotangents, list[Any]]:
    """The hot loop."""
    cots, found = dict(seeds), {}
    owned: set[Any] = set()
    retained: list[Any] = []
    heap = [(n.number, n) for n in seeds if n.op is not None]
    heapify(heap)
    useful = None if wanted is None else leading_to(seeds, wanted)
    targets, watch = frozenset(wanted or ()), watching()
    get, pop, newest, last = cots.get, cots.pop, None, last_write()
    while heap or newest:
        # The newest candidate stays out of the heap: along a chain there is never another.
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
            raise GraphReleasedError(
                f"{op.name}: what it saved for backward was released by an earlier walk; "
                "call the earlier backward() or grad() with retain_graph=True"
            )
        if n.number > last:
            check_unchanged(n)
        try:
            if op.plain and not create_graph:
                xp, rules, shapes = RULES[g.__class__], op.rules, n.shapes
            elif op is Pick:
                _project(n, g, cots, heap)
                continue
            else:
                xp, rules, shapes, g, s = _prepared(n, g, s, create_graph, useful)
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
                            if m.op is not None:  # a leaf waits for the end
                                if newest is not None:
                                    heappush(heap, newest)
                                newest = (m.number, m)
                        elif m in owned:
                            o += gi
                        else:
                            cots[m] = o = o + gi
                            if o.__class__ in MUTABLE:  # an array of our own making, not a scalar or a Tensor
                                owned.add(m)
        except Exception as e:
            e.add_note(_where(n, g))
            raise
        if op.holds and not retain:
            n.saved = None
    for leaf, g in cots.items():
        found[leaf] = _hooked(leaf, g, create_graph, retained) if leaf.hooks else g
    return found, retained


def _prepared(n: Node, g: Any, s: Any, create_graph: bool, useful: set[Any] | None) -> tuple[Any, ...]:
    """Namespace, rules, operand shapes, cotangent and saved values of a node that is not the ordinary case."""
    op, shapes = n.op, n.shapes
    if op.outputs:
        g, shapes = _materialized(op, g, shapes, create_graph), None
    if create_graph:
        xp, s = functional, rewrap(n)
    else:
        xp = RULES[next(v for v in g if v is not None).__class__ if op.outputs else g.__class__]
    return xp, op.rules or _joint(n, xp, g, s, create_graph, useful), shapes, g, s


def _where(n: Node, g: Any) -> str:
    shape = getattr(g, "shape", None)
    return f"in the backward rule of '{n.op.name}' (cotangent of shape {shape}); no .grad was changed"


def _project(n: Node, g: Any, cots: Cotangents, heap: list[Any]) -> None:
    """Put the cotangent of one output among those of its operation."""
    (m,), (i, count) = n.parents, n.saved
    slots = cots.get(m)
    if slots is None:
        slots = (None,) * count
        heappush(heap, (m.number, m))
    cots[m] = tuple([g if k == i and v is None else v + g if k == i else v for k, v in enumerate(slots)])


def _materialized(op: Op, g: tuple[Any, ...], likes: tuple[Any, ...], create_graph: bool) -> tuple[Any, ...]:
    """Zeros for outputs that no cotangent reached; None stays for outputs that cannot carry one."""
    named = outputs_of(op)
    known = next(v for v in g if v is not None)
    library = LIBRARY[(known.array if create_graph else known).__class__]
    out = []
    for i, (v, (shape, dtype)) in enumerate(zip(g, likes, strict=True)):
        if v is None and dtype.kind in "fcV" and not (op.detached and named[i] in op.detached):
            v = library.zeros(shape, dtype)
            v = wrap(v) if create_graph else v
        out.append(v)
    return tuple(out)


def _joint(n: Node, xp: Any, g: Any, s: Any, create_graph: bool, useful: set[Any] | None) -> list[Any]:
    """One rule for all inputs, seen as one per input."""
    needs = tuple([m is not None and (useful is None or m in useful) for m in n.parents])
    rule = n.op.composite if create_graph and n.op.composite else n.op.joint
    return [lambda xp, g, s, gi=gi: gi for gi in rule(xp, g, s, needs=needs)]


def rewrap(n: Node) -> list[Any]:
    """Saved arrays as Tensors again: an input gets its parent node, an output gets this node, the rest is constant."""
    op: Op = n.op
    out: list[Any] = []
    named = outputs_of(op)
    for name, v in zip(op.keep, n.saved, strict=True):
        if v is None or name in op.statics:
            out.append(v)
        elif name in op.inputs and op.variadic:
            out.append(tuple([wrap(a, p) for a, p in zip(v, n.parents, strict=True)]))
        elif name in op.inputs:
            out.append(wrap(v, n.parents[op.inputs.index(name)]) if hasattr(v, "dtype") else v)
        elif name == "y" and op.outputs:
            out.append(tuple([_output(n, a, i, len(v)) for i, a in enumerate(v)]))
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
    return wrap(array, record(Pick, (n,), (i, count)) if array.dtype.kind in "fcV" else None)


def _residual(op: Op, name: str, v: Any) -> Any:
    if not hasattr(v, "dtype"):
        return v
    if not op.composite and v.dtype.kind not in "biu":
        raise HigherOrderError(
            f"{op.name}: the residual '{name}' depends on the inputs, so create_graph=True would be wrong; "
            "give the entry a composite rule"
        )
    return wrap(v)


def unbroadcast(xp: Any, g: Any, shape: tuple[int, ...]) -> Any:
    """Sum a cotangent over the axes that broadcasting added or stretched."""
    extra = g.ndim - len(shape)
    if extra > 0:
        g = xp.sum(g, dim=tuple(range(extra)))
    dims = tuple([i for i, (m, k) in enumerate(zip(g.shape, shape, strict=True)) if m != k])
    return xp.sum(g, dim=dims, keepdim=True) if dims else g


def _hooked(n: Node | Leaf, g: Any, create_graph: bool, retained: list[Any]) -> Any:
    for hook in n.hooks:
        if hook.__class__ is RetainGrad:
            retained.append((hook.tensor, g))
            continue
        with set_grad_enabled(create_graph):
            result = hook(g if create_graph else wrap(_read_only(g)))
        if result is None:
            continue
        if not isinstance(result, Tensor) or result.shape != g.shape:
            raise RuntimeError(f"a hook must return a Tensor of shape {g.shape} or None, not {result!r}")
        g = result if create_graph else result.array.copy()
    return g


def _read_only(g: Any) -> Any:
    """A view that a hook cannot write: the array may also be another tensor's cotangent."""
    if g.__class__ is np.ndarray:
        g = g.view()
        g.flags.writeable = False
    return g


def leading_to(seeds: Iterable[Any], wanted: Iterable[Any]) -> set[Any]:
    """Nodes through which some wanted node is reached: the rest of the graph is not computed."""
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


def _backward(
    self: Tensor,
    gradient: Tensor | None = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    inputs: Tensor | Sequence[Tensor] | None = None,
) -> None:
    """Add the gradient of this tensor to the `.grad` of every leaf (or of `inputs`).

    gradient: the cotangent, of this tensor's shape; implied for a single element. If anything raises, no `.grad`
    has changed.

    >>> from autograd_core import tensor
    >>> x = tensor([1.0, 2.0], requires_grad=True)
    >>> (x * x).sum().backward()
    >>> x.grad
    tensor([2., 4.])
    """
    _accumulate((self,), (gradient,), retain_graph, create_graph, inputs)


Tensor.backward = _backward  # type: ignore[method-assign]  # how Tensor gets it
