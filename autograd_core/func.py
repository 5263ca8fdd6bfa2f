"""Transforms of functions of Tensors: gradients, products with Jacobians, Jacobians, Hessians; composable to any order.

Forward mode is reverse mode twice: a rule is linear in its cotangent, so its own gradient is what a tangent becomes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from autograd_core import functional
from autograd_core.autograd import grad as _grad
from autograd_core.errors import OperandError
from autograd_core.tensor import Leaf, Tensor, enable_grad, wrap

Argnums = int | tuple[int, ...]


def grad(func: Callable[..., Any], argnums: Argnums = 0, has_aux: bool = False) -> Callable[..., Any]:
    """The function that computes the gradient of the scalar function `func` in its argument(s) `argnums`.

    has_aux: func returns (value, anything else); so does the gradient function then.

    >>> from autograd_core import tensor
    >>> grad(lambda x: x**3)(tensor(2.0))
    tensor(12.)
    >>> grad(grad(lambda x: x**3))(tensor(2.0))
    tensor(12.)
    """
    both = value_and_grad(func, argnums, has_aux)

    def gradient(*args: Any, **kwargs: Any) -> Any:
        value, g = both(*args, **kwargs)
        return (g, value[1]) if has_aux else g

    return gradient


def value_and_grad(func: Callable[..., Any], argnums: Argnums = 0, has_aux: bool = False) -> Callable[..., Any]:
    """The function that computes (value, gradient) of the scalar function `func`."""

    def computed(*args: Any, **kwargs: Any) -> Any:
        places = argnums if isinstance(argnums, tuple) else (argnums,)
        inputs, fresh = _fresh(args, places)
        with enable_grad():
            result = func(*inputs, **kwargs)
            value = result[0] if has_aux else result
            if not isinstance(value, Tensor) or value.array.size != 1:
                shown = f"shape {value.shape}" if isinstance(value, Tensor) else type(value).__name__
                raise OperandError(f"grad() needs a function with one number as its value, not {shown}; use jacobian()")
            grads = _pulled(value, fresh, None)
        grads = tuple(_cut(g, fresh) for g in grads)
        value = _cut(value, fresh)
        return (value, result[1]) if has_aux else value, grads if isinstance(argnums, tuple) else grads[0]

    return computed


def vjp(func: Callable[..., Any], *primals: Tensor) -> tuple[Any, Callable[..., tuple[Tensor, ...]]]:
    """The value of `func` at `primals`, and the function from a cotangent to its product with the Jacobian."""
    inputs, fresh = _fresh(primals, range(len(primals)))
    with enable_grad():
        y = func(*inputs)

    def pull(cotangent: Tensor) -> tuple[Tensor, ...]:
        with enable_grad():
            return tuple(_cut(g, fresh) for g in _pulled(y, fresh, cotangent))

    return _cut(y, fresh), pull


def jvp(func: Callable[..., Any], primals: Sequence[Tensor], tangents: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
    """The value of `func` at `primals`, and the Jacobian times `tangents`, by two reverse passes."""
    if [p.shape for p in primals] != [t.shape for t in tangents]:
        raise OperandError(
            f"jvp(): tangents have shapes {[t.shape for t in tangents]}, primals {[p.shape for p in primals]}"
        )
    inputs, fresh = _fresh(tuple(primals), range(len(primals)))
    with enable_grad():
        y = func(*inputs)
        u = functional.zeros_like(y.detach()).requires_grad_()
        pulled = _pulled(y, fresh, u)
        reached = [(p, t) for p, t in zip(pulled, tangents, strict=True) if p.node is not None]
        if not reached:
            return _cut(y, fresh), functional.zeros_like(y.detach())
        outputs, weights = zip(*reached, strict=True)
        (product,) = _grad(outputs, u, weights, create_graph=True, materialize_grads=True)
    return _cut(y, [*fresh, u]), _cut(product, [*fresh, u])


def hvp(func: Callable[..., Any], primal: Tensor, tangent: Tensor) -> Tensor:
    """The Hessian of the scalar function `func` at `primal`, times `tangent`."""
    return jvp(grad(func), (primal,), (tangent,))[1]


def jacobian(func: Callable[..., Any], argnums: int = 0, mode: str = "reverse") -> Callable[..., Tensor]:
    """The function that computes the Jacobian of `func`, of shape (*output.shape, *input.shape).

    mode: "reverse" takes one pass per output element, "forward" two per input element.
    """
    if mode not in ("reverse", "forward"):
        raise ValueError(f"jacobian(): mode must be 'reverse' or 'forward', not {mode!r}")

    def matrix(*args: Any) -> Tensor:
        x = args[argnums]

        def of_one(v: Tensor) -> Any:
            return func(*args[:argnums], v, *args[argnums + 1 :])

        if mode == "forward":
            columns = [jvp(of_one, (x,), (e,))[1] for e in _basis(x)]
            y_shape = columns[0].shape if columns else func(*args).shape
            return _stacked([functional.reshape(c, (-1,)) for c in columns], -1, (*y_shape, *x.shape), x)
        y, pull = vjp(of_one, x)
        return _stacked([functional.reshape(pull(e)[0], (-1,)) for e in _basis(y)], 0, (*y.shape, *x.shape), x)

    return matrix


jacrev = jacobian


def jacfwd(func: Callable[..., Any], argnums: int = 0) -> Callable[..., Tensor]:
    """`jacobian` by forward products: the better choice for few inputs and many outputs."""
    return jacobian(func, argnums, "forward")


def hessian(func: Callable[..., Any], argnums: int = 0) -> Callable[..., Tensor]:
    """The function that computes the matrix of second derivatives of the scalar function `func`.

    >>> from autograd_core import tensor
    >>> hessian(lambda x: (x**3).sum())(tensor([1.0, 2.0]))
    tensor([[ 6.,  0.],
            [ 0., 12.]])
    """
    return jacobian(grad(func, argnums), argnums)


def _fresh(args: tuple[Any, ...], places: Any) -> tuple[list[Any], list[Tensor]]:
    """The arguments with those at `places` as new leaves that still remember where they came from."""
    inputs, fresh = list(args), []
    for i in places:
        x = args[i]
        if not isinstance(x, Tensor) or x.dtype.kind not in "fcV":
            shown = x.dtype if isinstance(x, Tensor) else type(x).__name__
            raise TypeError(f"argument {i} must be a floating point tensor to be differentiated, not {shown}")
        with enable_grad():
            inputs[i] = wrap(x.array).requires_grad_() if x.node is None else functional.clone(x)
        fresh.append(inputs[i])
    return inputs, fresh


def _pulled(y: Tensor, inputs: list[Tensor], cotangent: Tensor | None) -> tuple[Tensor, ...]:
    if y.node is None:
        return tuple(functional.zeros_like(x.detach()) for x in inputs)
    return _grad(y, inputs, cotangent, create_graph=True, materialize_grads=True)


def _cut(result: Any, fresh: Sequence[Tensor]) -> Any:
    """Without its graph, if that leads to nothing but our own leaves; nobody else could ask for those gradients."""
    if not isinstance(result, Tensor) or result.node is None:
        return result
    own = {x.node for x in fresh}
    seen, stack = {result.node}, [result.node]
    while stack:
        n = stack.pop()
        if n.__class__ is Leaf and n not in own:
            return result
        for m in n.parents:
            if m is not None and m not in seen:
                seen.add(m)
                stack.append(m)
    return result.detach()


def _basis(x: Tensor) -> list[Tensor]:
    """The unit tensors of a shape."""
    n = math.prod(x.shape)
    rows = functional.eye(n, dtype=x.dtype, device=x.device)
    return [functional.reshape(rows[i], x.shape) for i in range(n)]


def _stacked(parts: list[Tensor], dim: int, shape: tuple[int, ...], like: Tensor) -> Tensor:
    if not parts:
        return functional.zeros(shape, dtype=like.dtype, device=like.device)
    stacked: Tensor = functional.reshape(functional.stack(parts, dim=dim), shape)
    return stacked
