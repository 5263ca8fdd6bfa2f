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

    strict: raise if an output does not depend on an input, instead of returning zeros. vectorize: no effect; it always
    is.

    >>> from autograd_core import tensor
    >>> jacobian(lambda x: x * x, tensor([1.0, 2.0]))
    tensor([[2., 0.],
            [0., 4.]])
    """
    places, given = _places(inputs)
    _check_dependence(func, given, strict)
    strategies: dict[str, Callable[..., Any]] = {"reverse-mode": jacobians.jacrev, "forward-mode": jacobians.jacfwd}
    if strategy not in strategies:
        raise ValueError(f"jacobian(): strategy must be 'reverse-mode' or 'forward-mode', not {strategy!r}")
    return _finished(strategies[strategy](func, places)(*given), create_graph)


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
    places, given = _places(inputs)
    _check_dependence(func, given, strict)
    if outer_jacobian_strategy not in ("reverse-mode", "forward-mode"):
        raise ValueError(f"hessian(): outer_jacobian_strategy={outer_jacobian_strategy!r} is not a strategy")
    _check_scalar(func, given, "hessian")
    _check_dependence(transforms.grad(_scalar(func), places), given, strict)
    return _finished(jacobians.hessian(_scalar(func), places)(*given), create_graph)


@enable_grad()
def vjp(
    func: Callable[..., Any], inputs: Inputs, v: Any = None, create_graph: bool = False, strict: bool = False
) -> tuple[Any, Any]:
    """The value of `func` at `inputs`, and the product of `v` (1 for a single number) with the Jacobian."""
    _, given = _places(inputs)
    _check_dependence(func, given, strict)
    y, pull = transforms.vjp(func, *given)
    if v is None:
        v = trees.mapped(_one, y)
    product = pull(v)
    return _finished(y, create_graph), _finished(product if isinstance(inputs, tuple) else product[0], create_graph)


@enable_grad()
def jvp(
    func: Callable[..., Any], inputs: Inputs, v: Any = None, create_graph: bool = False, strict: bool = False
) -> tuple[Any, Any]:
    """The value of `func` at `inputs`, and the product of the Jacobian with `v` (1 for a single number)."""
    _, given = _places(inputs)
    _check_dependence(func, given, strict)
    tangents = tuple(map(_one, given)) if v is None else _places(v)[1]
    y, product = transforms.jvp(func, given, tangents)
    return _finished(y, create_graph), _finished(product, create_graph)


@enable_grad()
def vhp(
    func: Callable[..., Any], inputs: Inputs, v: Any = None, create_graph: bool = False, strict: bool = False
) -> tuple[Any, Any]:
    """The value of the scalar function `func` at `inputs`, and the product of `v` with its Hessian."""
    places, given = _places(inputs)
    _check_dependence(func, given, strict)
    value = _check_scalar(func, given, "vhp")
    _check_dependence(transforms.grad(_scalar(func), places), given, strict)
    weights = trees.mapped(_one, inputs) if v is None else v
    _, pull = transforms.vjp(transforms.grad(_scalar(func), places), *given)
    product = pull(weights)
    return _finished(value, create_graph), _finished(product if isinstance(inputs, tuple) else product[0], create_graph)


def hvp(
    func: Callable[..., Any], inputs: Inputs, v: Any = None, create_graph: bool = False, strict: bool = False
) -> tuple[Any, Any]:
    """The value of the scalar function `func` at `inputs`, and the product of its symmetric Hessian with `v`."""
    return vhp(func, inputs, v, create_graph, strict)


def _places(inputs: Any) -> tuple[Any, tuple[Tensor, ...]]:
    return (tuple(range(len(inputs))), inputs) if isinstance(inputs, tuple) else (0, (inputs,))


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


def _finished(result: Any, create_graph: bool) -> Any:
    return result if create_graph else trees.mapped(lambda x: x.detach() if isinstance(x, Tensor) else x, result)
