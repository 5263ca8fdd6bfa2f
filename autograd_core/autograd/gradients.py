"""Gradients on request: `backward` accumulates them in leaves, `grad` returns them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextvars import copy_context
from typing import Any

import numpy as np

from autograd_core import dtypes
from autograd_core import functional as operations
from autograd_core.autograd.commit import added, commit, narrowed, owned
from autograd_core.engine.libraries import LAYERS, LIBRARY, VMAP
from autograd_core.engine.nodes import GradientEdge, Leaf, end_of
from autograd_core.engine.walk import Cotangents, walk
from autograd_core.errors import DeviceError, DtypeError, NoGraphError, OperandError
from autograd_core.grad_mode import set_grad_enabled
from autograd_core.tensor import Tensor, as_plain, wrap

# The seed of a loss that is a NumPy scalar, which is immutable.
_ONE = {kind: kind(1) for kind in (np.float32, np.float64)}


def backward(
    tensors: Tensor | GradientEdge | Sequence[Tensor | GradientEdge],
    grad_tensors: Tensor | Sequence[Tensor | None] | None = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    inputs: Tensor | GradientEdge | Sequence[Tensor | GradientEdge] | None = None,
) -> None:
    """Add the gradient of `tensors` to the `.grad` of every leaf (or of `inputs`, which then retain theirs); if this
    raises, no `.grad` changes.

    tensors: one Tensor or several; grad_tensors: the cotangent of each, of its shape, implied for a single element.
    retain_graph: keep saved values for another walk. create_graph: record the walk, for higher derivatives.
    """
    tensors = _listed(tensors)
    cotangents = _listed(grad_tensors, len(tensors))
    _accumulate(_at_edges(tensors, cotangents), cotangents, retain_graph, create_graph, inputs)


def _accumulate(tensors: Any, grad_tensors: Any, retain_graph: Any, create_graph: bool, inputs: Any) -> None:
    seeds, given = _seeds(tensors, grad_tensors, create_graph)
    retain = create_graph if retain_graph is None else retain_graph
    if inputs is None:
        found, retained = walk(seeds, create_graph, retain)
        # A leaf may have stopped requiring a gradient since.
        pairs = [(x, g) for leaf, g in found.items() if (x := leaf.tensor()) is not None and x.node is not None]
    else:
        if not (inputs := _listed(inputs)):
            raise RuntimeError("backward(): inputs is empty; omit it to reach every leaf")
        wanted = [_target(x, tensors) for x in inputs]
        found, retained = walk(seeds, create_graph, retain, wanted)
        inputs = [t for x in inputs if (t := _receiver(x)) is not None]
        pairs = [(x, found[x.node]) for x in inputs if x.node in found]
    commit(pairs, retained, given, create_graph)
    for x in inputs or ():
        x.retain_grad()  # for which computed tensors are taken from now on


def grad(
    outputs: Tensor | GradientEdge | Sequence[Tensor | GradientEdge],
    inputs: Tensor | GradientEdge | Sequence[Tensor | GradientEdge],
    grad_outputs: Tensor | Sequence[Tensor | None] | None = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    only_inputs: bool = True,
    allow_unused: bool | None = None,
    is_grads_batched: bool = False,
    materialize_grads: bool = False,
) -> tuple[Any, ...]:
    """The gradients of `outputs` (their sum, weighted by `grad_outputs`) with respect to `inputs`, as a tuple.

    No `.grad` changes, whatever `only_inputs` is. create_graph: the result can be differentiated again. allow_unused:
    return None for an input that the outputs do not depend on, instead of raising; materialize_grads: return zeros.
    is_grads_batched: `grad_outputs` and results have an additional first axis, and one walk computes all of them.

    >>> from autograd_core import tensor
    >>> x = tensor(3.0, requires_grad=True)
    >>> grad(x * x, x)
    (tensor(6.),)
    """
    outputs, inputs = _listed(outputs), _listed(inputs)
    if materialize_grads and allow_unused is False:
        raise ValueError("grad(): materialize_grads=True and allow_unused=False exclude each other")
    if materialize_grads and any(isinstance(x, GradientEdge) for x in inputs):
        raise RuntimeError("grad(): materialize_grads=True needs tensors; a GradientEdge has no shape")
    if not inputs:
        raise RuntimeError("grad(): inputs is empty; name what to differentiate with respect to")
    if materialize_grads and all(y.node is None for y in outputs):  # such as the zeros that this function made
        return tuple(map(operations.zeros_like, inputs))
    if is_grads_batched:
        options = retain_graph, create_graph, only_inputs, allow_unused, False, materialize_grads
        return _batched(lambda *cotangents: grad(outputs, inputs, cotangents, *options), _listed(grad_outputs))
    cotangents = _listed(grad_outputs, len(outputs))
    outputs = _at_edges(outputs, cotangents)
    seeds, given = _seeds(outputs, cotangents, create_graph, strict=False)
    wanted = [_target(x, outputs) for x in inputs]
    found, retained = walk(seeds, create_graph, create_graph if retain_graph is None else retain_graph, wanted)
    missing = [i for i, n in enumerate(wanted) if n not in found]
    if missing and not (allow_unused or materialize_grads):
        raise RuntimeError(
            f"grad(): input {missing[0]} was not used to compute the outputs; allow_unused=True gives None for it"
        )
    commit([], retained, given, create_graph)
    taken = set(map(id, given))
    grads = {n: g if g.__class__ is Tensor else owned(g, taken) for n, g in found.items()}
    results = _of_inputs(inputs, wanted, grads, create_graph)
    if materialize_grads:
        results = [operations.zeros_like(x) if g is None else g for x, g in zip(inputs, results, strict=True)]
    return tuple(results)


def _batched(gradients: Callable[..., tuple[Any, ...]], cotangents: tuple[Any, ...]) -> tuple[Any, ...]:
    """The gradients for every row of the cotangents, which `vmap` computes at once."""
    from autograd_core.batching import vmap

    unused: list[int] = []  # of which vmap, which returns tensors, cannot give None

    def used(*rows: Tensor) -> tuple[Tensor, ...]:
        grads = gradients(*rows)
        unused[:] = [i for i, g in enumerate(grads) if g is None]
        return tuple([g for g in grads if g is not None])

    results: list[Any] = list(vmap(used)(*cotangents))
    for i in unused:
        results.insert(i, None)
    return tuple(results)


def _of_inputs(inputs: Sequence[Any], nodes: list[Any], grads: Cotangents, create_graph: bool) -> list[Any]:
    """The gradient of each input, in its dtype and on storage of its own; None for inputs that were not reached."""
    results, seen = [], set()
    for x, n in zip(inputs, nodes, strict=True):
        g = grads.get(n)
        if g is not None and isinstance(x, Tensor) and x.itemsize == 2:
            with set_grad_enabled(create_graph):
                g = narrowed(g, x)
        if g is not None and n in seen and not create_graph:
            g = wrap(g.array.copy())  # the same input was requested twice
        seen.add(n)
        results.append(g)
    return results


def _listed(value: Any, length: int = 1) -> tuple[Any, ...]:
    if value is None:
        return (None,) * length
    if isinstance(value, Tensor | GradientEdge):
        return (value,)
    if callable(value):
        raise TypeError("grad() differentiates tensors; func.grad(function) differentiates a function")
    if not isinstance(value, Iterable):
        raise TypeError(f"expected a Tensor, or several, not {type(value).__name__}")
    values = tuple(value)
    if strange := [v for v in values if v is not None and not isinstance(v, Tensor | GradientEdge)]:
        raise TypeError(f"expected a Tensor, or several, not one of type {type(strange[0]).__name__}")
    return values


def _at_edges(outputs: tuple[Any, ...], cotangents: tuple[Any, ...]) -> tuple[Any, ...]:
    """The outputs, with a tensor of the shape of its cotangent in place of each edge."""
    if GradientEdge not in map(type, outputs):
        return outputs
    if any(g is None and isinstance(y, GradientEdge) for y, g in zip(outputs, cotangents, strict=True)):
        raise RuntimeError("a gradient is implied only for a tensor; pass one for each GradientEdge")
    return tuple(
        [
            wrap(g.array, end_of(y, ())) if isinstance(y, GradientEdge) else y
            for y, g in zip(outputs, cotangents, strict=True)
        ]
    )


def _receiver(x: Tensor | GradientEdge) -> Tensor | None:
    """The tensor whose `.grad` an input of `backward` stands for; none for the edge of a computed tensor."""
    if isinstance(x, Tensor):
        return x
    return x.node.tensor() if isinstance(x.node, Leaf) else None


def _target(x: Any, outputs: Iterable[Tensor]) -> Any:
    """The node at which the gradient of an input is found."""
    if isinstance(x, GradientEdge):
        return end_of(x, outputs)
    if not isinstance(x, Tensor):
        raise TypeError(f"expected tensors to differentiate with respect to, not {type(x).__name__}")
    if x.node is None:
        raise RuntimeError("an input does not require a gradient; set requires_grad=True before computing with it")
    return x.node


def _seeds(
    outputs: Sequence[Tensor], cotangents: Sequence[Tensor | None], create_graph: bool, strict: bool = True
) -> tuple[Cotangents, list[Any]]:
    """The initial {node: cotangent}, and the arrays among them that belong to the user."""
    if len(outputs) == 1 and cotangents[0] is None and not create_graph:
        one = _ONE.get(outputs[0].array.__class__)
        if one is not None and outputs[0].node is not None:
            return {outputs[0].node: one}, []
    if len(outputs) != len(cotangents):
        raise RuntimeError(f"{len(outputs)} tensors but {len(cotangents)} gradients were given")
    seeds: Cotangents = {}
    given = []
    for t, g in zip(outputs, cotangents, strict=True):
        if t.node is None:
            if strict:
                why = "no input had requires_grad=True, or it was computed under no_grad()"
                if t.array.dtype.kind in dtypes.EXACT:
                    why = f"{t.dtype} has no gradient, as of argmax(), comparisons and conversions to integers"
                raise NoGraphError(f"backward() of a tensor that records nothing: {why}")
            continue
        g = _seed(t, g)
        given.append(g.array)
        g = g if create_graph else g.array
        if t.node in seeds:
            g = copy_context().run(added, seeds[t.node], g, create_graph)
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
    g = as_plain(g)
    if g.shape != t.shape:
        raise OperandError(f"the gradient has shape {g.shape} but the tensor {t.shape}")
    if g.array.__class__ is not t.array.__class__:
        if g.device != t.device:
            raise DeviceError(f"the gradient is on {g.device} but the tensor on {t.device}")
        g = VMAP.lifted((t, g))[1] if t.array.__class__ in LAYERS else g
    if g.dtype == t.dtype:
        return g
    if "c" in (g.dtype.kind, t.dtype.kind) and g.dtype.kind != t.dtype.kind:
        raise DtypeError(f"the gradient is {g.dtype} but the tensor {t.dtype}: both must be complex, or both real")
    return operations.astype(g, t.dtype)


def _backward(
    self: Tensor,
    gradient: Tensor | None = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    inputs: Tensor | GradientEdge | Sequence[Tensor | GradientEdge] | None = None,
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


_backward.__name__ = _backward.__qualname__ = "backward"
Tensor.backward = _backward  # type: ignore[method-assign]  # how Tensor gets it
