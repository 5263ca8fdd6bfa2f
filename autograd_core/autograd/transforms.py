"""Gradients of functions, and vector-Jacobian and Jacobian-vector products.

Forward mode is reverse mode applied twice: a rule is linear in its cotangent, so the gradient of the rule itself maps
tangents to tangents. Arguments and results may be nested tuples, lists and dicts of tensors.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial, wraps
from typing import Any

from autograd_core import dtypes, functional, trees
from autograd_core.autograd import grad as _grad
from autograd_core.batching.graph import inside
from autograd_core.engine.nodes import Leaf, behind
from autograd_core.errors import DtypeError, InplaceError, OperandError
from autograd_core.grad_mode import enable_grad, grad_enabled
from autograd_core.tensor import Tensor, wrap

Argnums = int | tuple[int, ...]


def grad(func: Callable[..., Any], argnums: Argnums = 0, has_aux: bool = False) -> Callable[..., Any]:
    """The function that computes the gradient of the scalar function `func` in its argument(s) `argnums`.

    has_aux: func returns (value, auxiliary); the gradient function then returns (gradient, auxiliary).

    >>> from autograd_core import tensor
    >>> grad(lambda x: x**3)(tensor(2.0))
    tensor(12.)
    >>> grad(grad(lambda x: x**3))(tensor(2.0))
    tensor(12.)
    """
    both = grad_and_value(func, argnums, has_aux)

    @wraps(func, updated=())
    def gradient(*args: Any, **kwargs: Any) -> Any:
        g, value = both(*args, **kwargs)
        return (g, value[1]) if has_aux else g

    return gradient


def value_and_grad(func: Callable[..., Any], argnums: Argnums = 0, has_aux: bool = False) -> Callable[..., Any]:
    """The function that computes (value, gradient) of the scalar function `func`."""
    both = grad_and_value(func, argnums, has_aux)

    @wraps(func, updated=())
    def computed(*args: Any, **kwargs: Any) -> Any:
        g, value = both(*args, **kwargs)
        return value, g

    return computed


def grad_and_value(func: Callable[..., Any], argnums: Argnums = 0, has_aux: bool = False) -> Callable[..., Any]:
    """The function that computes (gradient, value) of the scalar function `func`.

    argnums: the position of the argument, or a tuple of positions, whose gradients are a tuple. has_aux: `func` returns
    (value, further results), and the new function (gradient, (value, further results)).

    >>> from autograd_core import tensor
    >>> grad_and_value(lambda x: (x**2).sum())(tensor([1.0, 3.0]))
    (tensor([2., 6.]), tensor(10.))
    """

    @wraps(func, updated=())
    def computed(*args: Any, **kwargs: Any) -> Any:
        inputs, chosen = fresh(args, argnums)
        leaves = trees.leaves(chosen)
        value, aux = parted("grad", recorded(func, inputs, kwargs, leaves), has_aux)
        if not isinstance(value, Tensor) or value.array.size != 1:
            shown = f"shape {value.shape}" if isinstance(value, Tensor) else type(value).__name__
            hint = "did it return nothing?" if value is None else "use jacobian()"
            raise OperandError(f"grad() needs a function with a scalar value, not {shown}; {hint}")
        grads = trees.rebuild(chosen, pulled([value], leaves, None, retain=False))
        value = cut(value, leaves)
        return grads, (value, trees.mapped(lambda x: cut(x, leaves), aux)) if has_aux else value

    return computed


def vjp(func: Callable[..., Any], *primals: Any, has_aux: bool = False) -> tuple[Any, ...]:
    """The value of `func` at `primals`, and the function from cotangents (structured like the value) to their product
    with the Jacobian, a tuple with one entry per primal.

    has_aux: func returns (value, auxiliary), and the auxiliary comes third.

    >>> from autograd_core import tensor
    >>> y, pull = vjp(lambda x: x * x, tensor([1.0, 2.0]))
    >>> pull(tensor([1.0, 1.0]))
    (tensor([2., 4.]),)
    """
    inputs, chosen = fresh(primals, tuple(range(len(primals))))
    leaves = trees.leaves(chosen)
    y, aux = parted("vjp", recorded(func, inputs, {}, leaves), has_aux)
    outputs = _tensors("vjp", y)

    def pull(cotangents: Any, retain_graph: bool = True, create_graph: bool | None = None) -> tuple[Any, ...]:
        seeds = _fitting("cotangents", cotangents, y)
        return trees.rebuild(chosen, pulled(outputs, leaves, seeds, retain_graph, create_graph))

    value = trees.mapped(lambda x: cut(x, leaves), y)
    return (value, pull, trees.mapped(lambda x: cut(x, leaves), aux)) if has_aux else (value, pull)


def linearize(func: Callable[..., Any], *primals: Any) -> tuple[Any, Callable[..., Any]]:
    """The value of `func` at `primals`, and the function that multiplies the Jacobian with tangents, one per primal.

    `func` is evaluated only once, however many tangents follow.

    >>> from autograd_core import tensor
    >>> y, push = linearize(lambda x: x * x, tensor([1.0, 2.0]))
    >>> push(tensor([1.0, 1.0]))
    tensor([2., 4.])
    """
    inputs, chosen = fresh(primals, tuple(range(len(primals))))
    leaves = trees.leaves(chosen)
    y = recorded(func, inputs, {}, leaves)
    with enable_grad():
        outputs = [x for x in _tensors("jvp", y) if x.node is not None]
        weights = [functional.zeros_like(inside(x.detach())).requires_grad_() for x in outputs]
        linear = pulled(outputs, leaves, weights, create_graph=True) if outputs else []
        reached = [i for i, p in enumerate(linear) if p.node is not None]

    def push(*tangents: Any) -> Any:
        given = _fitting("tangents", tangents, primals)
        if [t.shape for t in given] != [x.shape for x in leaves]:
            raise OperandError(f"tangents have shapes {[t.shape for t in given]}, primals {[x.shape for x in leaves]}")
        products = {}
        if reached:
            found = pulled([linear[i] for i in reached], weights, [given[i] for i in reached], own=leaves)
            products = dict(zip(map(id, outputs), found, strict=True))
        return trees.mapped(lambda x: products[id(x)] if id(x) in products else functional.zeros_like(x.detach()), y)

    return trees.mapped(lambda x: cut(x, [*leaves, *weights]), y), push


def jvp(
    func: Callable[..., Any],
    primals: Sequence[Any],
    tangents: Sequence[Any],
    *,
    strict: bool = False,
    has_aux: bool = False,
) -> tuple[Any, ...]:
    """The value of `func` at `primals`, and the Jacobian times `tangents`, by two reverse passes.

    strict: raise if a result depends on no primal, instead of returning zeros.
    has_aux: func returns (value, auxiliary), and the auxiliary comes third.
    """
    aux: list[Any] = []

    def kept(*args: Any) -> Any:
        value, rest = parted("jvp", func(*args), True)
        aux.append(rest)
        return value

    for name, given in (("primals", primals), ("tangents", tangents)):
        if not isinstance(given, tuple | list):
            raise OperandError(
                f"jvp(): {name} are tuples with an entry for each argument, write (x,), not {_kind(given)}"
            )
    chosen: Callable[..., Any] = kept if has_aux else func
    if strict:
        inputs, leaves = fresh(tuple(primals), tuple(range(len(primals))))
        nodes = {x.node for x in trees.leaves(leaves)}
        with enable_grad():
            free = [y for y in trees.leaves(chosen(*inputs)) if not _has_graph(y) or nodes.isdisjoint(behind([y.node]))]
        if free:
            raise RuntimeError("jvp(): strict=True, but a result depends on no primal")
        aux.clear()
    y, push = linearize(chosen, *primals)
    return (y, push(*tangents), *aux)


def hvp(func: Callable[..., Any], primal: Any, tangent: Any) -> Any:
    """The Hessian of the scalar function `func` at `primal`, times `tangent`."""
    return jvp(grad(func), (primal,), (tangent,))[1]


def parted(name: str, result: Any, has_aux: bool) -> tuple[Any, Any]:
    """The value of a function, and the auxiliary that it returned beside it."""
    if not has_aux:
        return result, None
    if not isinstance(result, tuple) or len(result) != 2:
        shown = f"{len(result)} results" if isinstance(result, tuple) else _kind(result)
        raise OperandError(f"{name}() with has_aux=True: the function must return (value, auxiliary), not {shown}")
    return result


def _tensors(name: str, value: Any) -> list[Tensor]:
    outputs = trees.leaves(value)
    for y in outputs:
        if not isinstance(y, Tensor):
            raise OperandError(f"{name}(): the function must return tensors, not {_kind(y)}")
    return outputs


def fresh(args: tuple[Any, ...], argnums: Argnums) -> tuple[list[Any], Any]:
    """The arguments with those at `argnums` replaced by new leaves that are connected to them, and these leaves."""
    inputs = list(args)
    places = argnums if isinstance(argnums, tuple) else (argnums,)
    for i in places:
        if not isinstance(i, int):
            raise RuntimeError(f"argnums must be an int or a tuple of ints, not {argnums!r}")
        if not -len(args) <= i < len(args):
            raise RuntimeError(f"argnums names argument {i}, but there are {len(args)}")
        inputs[i] = trees.mapped(partial(_leaf, i), args[i])
    if not places or len({i % len(args) for i in places}) < len(places):
        raise RuntimeError(f"argnums must name at least one argument, and none twice, not {argnums}")
    return inputs, tuple([inputs[i] for i in places]) if isinstance(argnums, tuple) else inputs[argnums]


def recorded(func: Callable[..., Any], inputs: list[Any], kwargs: dict[str, Any], leaves: list[Tensor]) -> Any:
    """What a function makes of its arguments, with its graph, which begins at these leaves."""
    nodes = [x.node for x in leaves]
    with enable_grad():
        result = func(*inputs, **kwargs)
    if any(x.node is not n for x, n in zip(leaves, nodes, strict=True)):  # a copy of what an outer transform follows
        raise InplaceError("the function writes in place what it is differentiated by; let it work on a .clone()")
    return result


def _fitting(name: str, given: Any, tree: Any) -> list[Any]:
    """The leaves of what is given, which has the structure of the tree."""
    found = trees.leaves(given)
    with suppress(ValueError):
        if len(trees.spread(given, tree)) == len(found):
            return found
    raise OperandError(f"{name} must have the structure of the values they are for, not that of {given!r}")


def _kind(x: Any) -> str:
    return f"a tensor of shape {x.shape}" if isinstance(x, Tensor) else type(x).__name__


def _leaf(i: int, x: Any) -> Tensor:
    if not isinstance(x, Tensor) or x.dtype.kind not in dtypes.INEXACT:
        shown = x.dtype if isinstance(x, Tensor) else type(x).__name__
        raise DtypeError(f"argument {i} must be a floating point tensor to be differentiated, not {shown}")
    with enable_grad():
        x = inside(x)
        return wrap(x.array).requires_grad_() if x.node is None else functional.clone(x)


def pulled(
    outputs: Sequence[Any],
    inputs: list[Tensor],
    cotangents: Sequence[Any] | None,
    retain: bool = True,
    create_graph: bool | None = None,
    own: Sequence[Tensor] = (),
) -> list[Tensor]:
    """Gradients of outputs with respect to inputs, zeros where there are none.

    They are recorded if something else could differentiate them: through the outputs, by way of leaves other than the
    inputs and `own`, or through the cotangents.
    """
    pairs = [(y, None if cotangents is None else cotangents[i]) for i, y in enumerate(outputs) if _has_graph(y)]
    if not pairs:
        return [functional.zeros_like(x.detach()) for x in inputs]
    ys, seeds = zip(*pairs, strict=True)
    leaves = [*inputs, *own]
    record = create_graph
    if record is None:
        record = grad_enabled() and (any(map(_has_graph, seeds)) or leads_elsewhere([y.node for y in ys], leaves))
    grads = _grad(ys, inputs, seeds, retain_graph=retain or record, create_graph=record, materialize_grads=True)
    return [g if create_graph else cut(g, leaves) for g in grads]


def _has_graph(x: Any) -> bool:
    return isinstance(x, Tensor) and x.node is not None


def leads_elsewhere(nodes: Sequence[Any], own: Sequence[Tensor]) -> bool:
    """Whether a graph leads to leaves other than our own."""
    ours = {x.node for x in own}
    return any(n.__class__ is Leaf and n not in ours for n in behind(nodes))


def reaches(node: Any, other: Any) -> bool:
    """Whether a graph leads from one node to another."""
    return any(n is other for n in behind([node]))


def cut(result: Any, own: Sequence[Tensor]) -> Any:
    """A result without its graph, if that leads only to our own leaves, or under no_grad."""
    if not _has_graph(result) or (grad_enabled() and leads_elsewhere([result.node], own)):
        return result
    return result.detach()
