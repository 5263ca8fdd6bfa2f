"""Derivatives at a point, with the names and signatures of PyTorch's `torch.autograd.functional`.

`autograd_core.func` offers the same as function transforms, which can be combined.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from autograd_core import functional, trees
from autograd_core.autograd import jacobians, transforms
from autograd_core.errors import OperandError
from autograd_core.grad_mode import enable_grad
from autograd_core.tensor import Tensor

Inputs = Tensor | tuple[Tensor, ...]


@enable_grad()
def jacobian(
    func: Callable[..., Any],
    inputs: Inputs,
    create_graph: bool = False,
    strict: bool = False,
    vectorize: bool = False,
    strategy: str = "reverse-mode",
) -> Any:
    """The Jacobian of `func` at `inputs`: one for each output, if there are several, and each input of a tuple.

    strict: raise if an output does not depend on an input, instead of returning zeros; with create_graph, also if the
    Jacobian depends on none. vectorize: it always is; not together with strict. Of complex numbers, "reverse-mode"
    gives the gradients: conjugates of a holomorphic function's derivatives.

    >>> from autograd_core import tensor
    >>> jacobian(lambda x: x * x, tensor([1.0, 2.0]))
    tensor([[2., 0.],
            [0., 4.]])
    """
    _check_options("jacobian", strict, vectorize)
    func, places, given = _prepared("jacobian", func, inputs, create_graph)
    _check_dependence(func, given, strict)
    if strategy == "forward-mode":
        found = jacobians.jacfwd(func, places)(*given)
    elif strategy == "reverse-mode":
        whole, chosen = (lambda xs: func(*xs), given) if isinstance(inputs, tuple) else (func, given[0])
        y, pull = transforms.vjp(whole, chosen)
        found = jacobians.by_rows(y, pull, chosen)
    else:
        raise ValueError(f"jacobian(): strategy must be 'reverse-mode' or 'forward-mode', not {strategy!r}")
    return _finished(found, create_graph, strict)


@enable_grad()
def hessian(
    func: Callable[..., Any],
    inputs: Inputs,
    create_graph: bool = False,
    strict: bool = False,
    vectorize: bool = False,
    outer_jacobian_strategy: str = "reverse-mode",
) -> Any:
    """The second derivatives of the scalar function `func` at `inputs`: a tuple of tuples if they are a tuple."""
    _check_options("hessian", strict, vectorize)
    func, places, given = _prepared("hessian", func, inputs, create_graph)
    _check_dependence(func, given, strict)
    if outer_jacobian_strategy not in ("reverse-mode", "forward-mode"):
        raise ValueError(f"hessian(): outer_jacobian_strategy={outer_jacobian_strategy!r} is not a strategy")
    _check_scalar(func, given, "hessian")
    _check_dependence(transforms.grad(_scalar(func), places), given, strict)
    return _finished(jacobians.hessian(_scalar(func), places)(*given), create_graph, strict)


@enable_grad()
def vjp(
    func: Callable[..., Any], inputs: Inputs, v: Any = None, create_graph: bool = False, strict: bool = False
) -> tuple[Any, Any]:
    """The value of `func` at `inputs`, and the product of `v` (1 for a single number) with the Jacobian."""
    func, _, given = _prepared("vjp", func, inputs, create_graph)
    _check_dependence(func, given, strict)
    y, pull = transforms.vjp(func, *given)
    product = pull(trees.mapped(_one, y) if v is None else v)
    product = product if isinstance(inputs, tuple) else product[0]
    return _finished(y, create_graph), _finished(product, create_graph, strict)


@enable_grad()
def jvp(
    func: Callable[..., Any], inputs: Inputs, v: Any = None, create_graph: bool = False, strict: bool = False
) -> tuple[Any, Any]:
    """The value of `func` at `inputs`, and the product of the Jacobian with `v` (1 for a single number)."""
    func, _, given = _prepared("jvp", func, inputs, create_graph)
    _check_dependence(func, given, strict)
    tangents = tuple(map(_one, given)) if v is None else _listed(v)
    y, product = transforms.jvp(func, given, tangents)
    return _finished(y, create_graph), _finished(product, create_graph, strict)


@enable_grad()
def vhp(
    func: Callable[..., Any], inputs: Inputs, v: Any = None, create_graph: bool = False, strict: bool = False
) -> tuple[Any, Any]:
    """The value of the scalar function `func` at `inputs`, and the product of `v` with its Hessian."""
    func, places, given = _prepared("vhp", func, inputs, create_graph)
    _check_dependence(func, given, strict)
    value = _check_scalar(func, given, "vhp")
    _check_dependence(transforms.grad(_scalar(func), places), given, strict)
    weights = trees.mapped(_one, inputs) if v is None else v
    _, pull = transforms.vjp(transforms.grad(_scalar(func), places), *given)
    product = pull(weights)
    product = product if isinstance(inputs, tuple) else product[0]
    return _finished(value, create_graph), _finished(product, create_graph, strict)


def hvp(
    func: Callable[..., Any], inputs: Inputs, v: Any = None, create_graph: bool = False, strict: bool = False
) -> tuple[Any, Any]:
    """The value of the scalar function `func` at `inputs`, and the product of its symmetric Hessian with `v`."""
    return vhp(func, inputs, v, create_graph, strict)


def _listed(inputs: Any) -> tuple[Any, ...]:
    return inputs if isinstance(inputs, tuple) else (inputs,)


def _prepared(name: str, func: Callable[..., Any], inputs: Any, create_graph: bool) -> tuple[Any, Any, tuple[Any, ...]]:
    """The function, which refuses to return anything but tensors; the places of its inputs, and these.

    All inputs require gradients if the result is to keep its graph, as that would be nothing without one that does.
    """

    def checked(*args: Any) -> Any:
        result = func(*args)
        for y in trees.leaves(result):
            if not isinstance(y, Tensor):
                raise TypeError(f"{name}() needs a function with tensors as its values, not {type(y).__name__}")
        return result

    def required(x: Any) -> Any:
        return x.detach().requires_grad_() if isinstance(x, Tensor) and not x.requires_grad else x

    given = _listed(inputs)
    places = tuple(range(len(given))) if isinstance(inputs, tuple) else 0
    return checked, places, tuple(map(required, given)) if create_graph else given


def _check_options(name: str, strict: bool, vectorize: bool) -> None:
    if strict and vectorize:
        raise RuntimeError(f"{name}(): strict=True and vectorize=True are not supported together")


def _one(x: Tensor) -> Tensor:
    if x.numel() != 1:
        raise RuntimeError(f"v may be left out only for a single number, not for shape {x.shape}")
    return functional.ones_like(x)


def _scalar(func: Callable[..., Any]) -> Callable[..., Any]:
    """With one number as a tensor of no axes, whatever axes of length 1 it has."""
    return lambda *args: functional.reshape(func(*args), ())


def _check_scalar(func: Callable[..., Any], given: tuple[Tensor, ...], name: str) -> Any:
    value = func(*given)
    if not isinstance(value, Tensor) or value.numel() != 1:
        shown = f"shape {value.shape}" if isinstance(value, Tensor) else type(value).__name__
        raise OperandError(f"{name}() needs a function with one number as its value, not {shown}")
    return value


def _check_dependence(func: Callable[..., Any], given: tuple[Tensor, ...], strict: bool) -> None:
    if not strict:
        return
    inputs, fresh = transforms.fresh(given, tuple(range(len(given))))
    for k, y in enumerate(trees.leaves(func(*inputs))):
        for i, x in enumerate(fresh):
            if y.node is None or not transforms.reaches(y.node, x.node):
                raise RuntimeError(f"strict=True, but output {k} does not depend on input {i}")


def _finished(result: Any, create_graph: bool, strict: bool = False) -> Any:
    """The result without its graph if that is not asked for; `strict`: each part of it must have one."""
    if create_graph and strict and not all(y.requires_grad for y in trees.leaves(result)):
        raise RuntimeError("strict=True and create_graph=True, but the derivative does not depend on the inputs")
    return result if create_graph else trees.mapped(lambda x: x.detach() if isinstance(x, Tensor) else x, result)
