"""The backward walk: newest node first, arrays on the fast path, Tensors when the walk itself is recorded."""

from __future__ import annotations

import threading
from collections import deque
from heapq import heapify, heappop, heappush, heappushpop

import numpy as np

from autograd_core import functional
from autograd_core.binders import Pick
from autograd_core.errors import GraphReleasedError, HigherOrderError, NoGraphError, OperandError
from autograd_core.registry import LIBRARY, RULES
from autograd_core.tensor import Leaf, Node, RetainGrad, Tensor, set_grad_enabled, wrap
from autograd_core.versions import check_unchanged, last_write

_commit = threading.Lock()


def backward(tensors, grad_tensors=None, retain_graph=None, create_graph=False, inputs=None):
    """Add the gradient of `tensors` to the `.grad` of every leaf (or of `inputs`): of all of them, or of none if
    anything raises.

    tensors: one Tensor or several; grad_tensors: for each the cotangent, of its shape; implied for a single element.
    retain_graph: keep what was saved for another walk. create_graph: record the walk, for higher derivatives.
    """
    tensors, grad_tensors = _listed(tensors), _listed(grad_tensors, len(_listed(tensors)))
    seeds, given = _seeds(tensors, grad_tensors, create_graph)
    if inputs is not None and not (inputs := _listed(inputs)):
        raise RuntimeError("backward(): inputs is empty; leave it out to reach every leaf")
    wanted = None if inputs is None else [_node_of(x) for x in inputs]
    found, retained = walk(seeds, create_graph, create_graph if retain_graph is None else retain_graph, wanted)
    if inputs is None:
        pairs = [(leaf.tensor(), g) for leaf, g in found.items() if leaf.__class__ is Leaf]
    else:
        pairs = [(x, found[n]) for x, n in zip(inputs, wanted, strict=True) if n in found]
    commit([(x, g) for x, g in pairs if x is not None], retained, given, create_graph)


def grad(outputs, inputs, grad_outputs=None, retain_graph=None, create_graph=False, allow_unused=False,
         materialize_grads=False):  # fmt: skip
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
        raise RuntimeError(f"grad(): input {missing[0]} was not used to compute the outputs; allow_unused=True gives None for it")  # fmt: skip
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


def _listed(value, length=1):
    if value is None:
        return (None,) * length
    return (value,) if isinstance(value, Tensor) else tuple(value)


def _node_of(x):
    if not isinstance(x, Tensor):
        raise TypeError(f"expected tensors to differentiate with respect to, not {type(x).__name__}")
    if x.node is None:
        raise RuntimeError("one of the inputs does not require a gradient; set requires_grad=True before computing with it")
    return x.node


def _seeds(outputs, cotangents, create_graph, strict=True):
    """{node: cotangent} to start from, and the arrays among them that belong to the user."""
    if len(outputs) != len(cotangents):
        raise RuntimeError(f"{len(outputs)} tensors but {len(cotangents)} gradients were given")
    seeds, given = {}, []
    with set_grad_enabled(create_graph):
        for t, g in zip(outputs, cotangents, strict=True):
            if t.node is None:
                if strict:
                    raise NoGraphError("backward() of a tensor that records nothing: no input had requires_grad=True, or it was computed under no_grad()")  # fmt: skip
                continue
            g = _seed(t, g)
            given.append(g.array)
            g = g if create_graph else g.array
            seeds[t.node] = seeds[t.node] + g if t.node in seeds else g
    if not seeds:
        raise NoGraphError("grad() of tensors that record nothing: no input had requires_grad=True")
    return seeds, given


def _seed(t, g):
    if g is None:
        if t.array.size != 1:
            raise RuntimeError(
                f"a gradient is implied only for a tensor of one element; this one has shape {t.shape}. "
                "Pass one (y.backward(gradient)) or reduce it first (y.sum().backward())"
            )
        if t.array.dtype.kind == "c":
            raise RuntimeError("a gradient is implied only for real tensors; this one is complex. Pass one: y.backward(gradient)")
        return wrap(LIBRARY[t.array.__class__].ones_like(t.array))
    if not isinstance(g, Tensor):
        raise TypeError(f"a gradient must be a Tensor or None, not {type(g).__name__}")
    if g.shape != t.shape:
        raise OperandError(f"the gradient has shape {g.shape} but the tensor {t.shape}")
    return g if g.dtype == t.dtype else functional.astype(g, t.dtype)


def commit(pairs, retained, given, create_graph):
    """Write `.grad` of leaves and of tensors that retain theirs: all at once, so that nobody sees half of it."""
    if not pairs and not retained:
        return
    with _commit, set_grad_enabled(create_graph):
        pairs = pairs + [(x, g) for ref, g in retained if (x := ref()) is not None]
        grads = exclusive([g for _, g in pairs], given)
        grads = [g if x.grad is None else x.grad + g for (x, _), g in zip(pairs, grads, strict=True)]
        # One C loop: neither an interrupt nor another thread can see half of it.
        deque(map(_set_grad, [x for x, _ in pairs], grads), maxlen=0)


_set_grad = Tensor.grad.__set__


def exclusive(grads, given):
    """Tensors whose storage nobody else sees: copy a view, a seed, or an array handed out already."""
    out, taken = [], {id(a) for a in given}
    for g in grads:
        if g.__class__ is Tensor:
            out.append(g)
            continue
        if id(g) in taken or getattr(g, "base", None) is not None:
            g = g.copy()
        taken.add(id(g))
        out.append(wrap(g))
    return out


def walk(seeds, create_graph, retain, wanted=None):
    """{leaf or wanted node: cotangent}, and the (tensor, cotangent) pairs that `retain_grad` asked for."""
    with np.errstate(all="ignore"), set_grad_enabled(create_graph):
        return _walk(seeds, create_graph, retain, wanted)


def _walk(seeds, create_graph, retain, wanted):  # noqa: C901, PLR0912, PLR0915  the hot loop: a call per node would cost a tenth
    cots, owned, found, retained = dict(seeds), set(), {}, []
    heap = [(n.number, n) for n in seeds]
    heapify(heap)
    useful = leading_to(seeds, wanted) if wanted is not None else None
    targets = set(wanted) if wanted is not None else ()
    get, newest, last = cots.get, None, last_write()
    while heap or newest:
        # The newest candidate stays out of the heap: along a chain there is never another.
        n = heappushpop(heap, newest)[1] if newest else heappop(heap)[1]
        newest = None
        g = cots.pop(n)
        op = n.op
        if n.hooks:
            g = _hooked(n, g, create_graph, retained)
        if op is None or n in targets:
            found[n] = g
            if op is None or useful.isdisjoint(n.parents):
                continue
        if op is Pick:
            (m,) = n.parents
            slots = get(m)
            if slots is None:
                heappush(heap, (m.number, m))
            cots[m] = _put(slots, n.saved, g)
            continue
        s = n.saved
        if s is None:
            raise GraphReleasedError(
                f"{op.name}: what it saved for backward was released by an earlier walk; "
                "call the earlier backward() or grad() with retain_graph=True"
            )
        if n.number > last:
            check_unchanged(n)
        shapes, parents = n.shapes, n.parents
        try:
            if op.outputs:
                g, shapes = _materialized(op, g, shapes, create_graph), None
            if create_graph:
                xp, s = functional, rewrap(n)
            else:
                xp = RULES[g.__class__ if g.__class__ is not tuple else g[0].__class__]
            rules = op.rules
            if not rules:
                rules = _joint(n, xp, g, s, create_graph, useful)
            i = 0
            for m in parents:
                if m is not None and (useful is None or m in useful):
                    gi = rules[i](xp, g, s)
                    if gi is not None:
                        if shapes is not None and gi.shape != shapes[i]:
                            gi = unbroadcast(xp, gi, shapes[i])
                        o = get(m)
                        if o is None:
                            cots[m] = gi
                            if newest is None:
                                newest = (m.number, m)
                            else:
                                heappush(heap, newest)
                                newest = (m.number, m)
                        elif m in owned:
                            o += gi
                        else:
                            cots[m] = o = o + gi
                            if hasattr(o, "__setitem__") and o.__class__ is not Tensor and o.ndim:
                                owned.add(m)  # an array of our own making; neither a Tensor nor an immutable scalar
                i += 1
        except Exception as e:
            e.add_note(_where(n, g))
            raise
        if not retain and op.holds:
            n.saved = None
    return found, retained


def _where(n, g):
    shape = getattr(g, "shape", None)
    return f"in the backward rule of '{n.op.name}' (cotangent of shape {shape}); no .grad was changed"


def _put(slots, where, g):
    """One more cotangent among those of an operation with several outputs."""
    i, count = where
    slots = (None,) * count if slots is None else slots
    return tuple([g if k == i and v is None else v + g if k == i else v for k, v in enumerate(slots)])


def _materialized(op, g, likes, create_graph):
    """Zeros for outputs that no cotangent reached; None stays for outputs that cannot carry one."""
    known = next(v for v in g if v is not None)
    library = LIBRARY[(known.array if create_graph else known).__class__]
    out = []
    for i, (v, (shape, dtype)) in enumerate(zip(g, likes, strict=True)):
        if v is None and dtype.kind in "fcV" and not (op.detached and op.outputs[i] in op.detached):
            v = library.zeros(shape, dtype)
            v = wrap(v) if create_graph else v
        out.append(v)
    return tuple(out)


def _joint(n, xp, g, s, create_graph, useful):
    """One rule for all inputs, seen as one per input."""
    needs = tuple([m is not None and (useful is None or m in useful) for m in n.parents])
    rule = n.op.composite if create_graph and n.op.composite else n.op.joint
    return [lambda xp, g, s, gi=gi: gi for gi in rule(xp, g, s, needs=needs)]


def rewrap(n):
    """Saved arrays as Tensors again: an input gets its parent node, an output gets this node, the rest is constant."""
    op, out = n.op, []
    named = op.outputs if isinstance(op.outputs, tuple) else ()
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


def _output(n, array, i, count):
    return wrap(array, Node(Pick, (n,), (i, count)) if array.dtype.kind in "fcV" else None)


def _residual(op, name, v):
    if not hasattr(v, "dtype"):
        return v
    if not op.composite and v.dtype.kind not in "biu":
        raise HigherOrderError(f"{op.name}: the residual '{name}' depends on the inputs, so create_graph=True would be wrong; give the entry a composite rule")  # fmt: skip
    return wrap(v)


def unbroadcast(xp, g, shape):
    """Sum a cotangent over the axes that broadcasting added or stretched."""
    extra = g.ndim - len(shape)
    if extra > 0:
        g = xp.sum(g, dim=tuple(range(extra)))
    dims = tuple([i for i, (m, k) in enumerate(zip(g.shape, shape, strict=True)) if m != k])
    return xp.sum(g, dim=dims, keepdim=True) if dims else g


def _hooked(n, g, create_graph, retained):
    for hook in n.hooks:
        if hook.__class__ is RetainGrad:
            retained.append((hook.tensor, g))
            continue
        result = hook(g if create_graph else wrap(_read_only(g)))
        if result is None:
            continue
        if not isinstance(result, Tensor) or result.shape != g.shape:
            raise RuntimeError(f"a hook must return a Tensor of shape {g.shape} or None, not {result!r}")
        g = result if create_graph else result.array.copy()
    return g


def _read_only(g):
    """A view that a hook cannot write: the array may also be another tensor's cotangent."""
    if g.__class__ is np.ndarray:
        g = g.view()
        g.flags.writeable = False
    return g


def leading_to(seeds, wanted):
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


def _backward(self, gradient=None, retain_graph=None, create_graph=False, inputs=None):
    """Add the gradient of this tensor to the `.grad` of every leaf (or of `inputs`).

    gradient: the cotangent, of this tensor's shape; implied for a single element. If anything raises, no `.grad`
    has changed.

    >>> from autograd_core import tensor
    >>> x = tensor([1.0, 2.0], requires_grad=True)
    >>> (x * x).sum().backward()
    >>> x.grad
    tensor([2., 4.])
    """
    backward((self,), (gradient,), retain_graph, create_graph, inputs)


Tensor.backward = _backward
