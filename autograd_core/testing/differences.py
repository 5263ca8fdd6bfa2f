"""Finite differences of functions of tensors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from autograd_core import functional
from autograd_core.ops.sparse import graph
from autograd_core.ops.sparse.graph import is_sparse
from autograd_core.tensor import Tensor

Array = np.ndarray[Any, Any]
Function = Callable[..., Any]

# Fourth-order central differences: (k, weight of f(x + k h) / h). The truncation error is O(h⁴), so a step near the
# fifth root of the rounding error leaves about twelve digits.
STENCIL = ((-2, 1 / 12), (-1, -2 / 3), (1, 2 / 3), (2, -1 / 12))


def tensor_like(like: Tensor, array: Array) -> Tensor:
    """A tensor of these values with the dtype and device of another."""
    return functional.tensor(array, dtype=like.dtype, device=like.device)


def host(t: Tensor) -> Array:
    """A copy of the elements as a NumPy array."""
    return t.numpy(force=True)


def outputs_of(function: Function, inputs: Sequence[Any]) -> list[Tensor]:
    """The outputs of the function that can carry a gradient."""
    result = function(*inputs)
    outputs = list(result) if isinstance(result, tuple | list) else [result]
    for y in outputs:
        if not isinstance(y, Tensor):
            raise ValueError(f"gradcheck() needs a function that returns Tensors, not {type(y).__name__}")
    return [y.to_dense() if is_sparse(y) else y for y in outputs if y.dtype.kind in "fc"]


def of_values(function: Function, inputs: tuple[Any, ...]) -> tuple[Function, tuple[Any, ...]]:
    """A function of sparse tensors and its inputs, as one of the tensors' values."""
    found = {i: graph.separate(x) for i, x in enumerate(inputs) if isinstance(x, Tensor) and is_sparse(x)}
    if not found:
        return function, inputs

    def of(*args: Any) -> Any:
        return function(*[graph.sparse(a, pattern=found[i][1]) if i in found else a for i, a in enumerate(args)])

    values = {i: v.detach().requires_grad_(inputs[i].requires_grad) for i, (v, _) in found.items()}
    return of, tuple([values.get(i, x) for i, x in enumerate(inputs)])


def jacobian_of(function: Function, inputs: tuple[Any, ...], i: int, eps: float) -> Array:
    """The derivatives of all output elements (columns) in every element of input i (rows), by differences.

    Complex elements count as two, their parts.
    """
    base = host(inputs[i])

    def value(at: tuple[int, ...], step: complex) -> Array:
        moved = base.copy(order="K")
        moved[at] += step
        return elements_at(function, inputs, {i: moved})

    def row(at: tuple[int, ...], unit: complex) -> Array:
        h = eps * max(1.0, abs(base[at].item()))
        terms = [weight / h * value(at, k * h * unit) for k, weight in STENCIL]
        with np.errstate(all="ignore"):
            return np.sum(terms, axis=0)

    return np.array([row(at, unit) for at in np.ndindex(base.shape) for unit in units(base)])


def derivative_along(
    function: Function, inputs: tuple[Any, ...], directions: dict[int, Array], weights: Array, eps: float
) -> Any:
    """The derivative of the weighted output elements along a direction of the inputs."""
    bases = {i: host(inputs[i]) for i in directions}

    def value(step: float) -> Any:
        return elements_at(function, inputs, {i: a + step * directions[i] for i, a in bases.items()}) @ weights

    with np.errstate(all="ignore"):
        return sum(weight / eps * value(k * eps) for k, weight in STENCIL)


def elements_at(function: Function, inputs: tuple[Any, ...], moved: dict[int, Array]) -> Array:
    """All output elements for other input values, set in the tensors themselves, which `function` may also hold."""
    before = {i: inputs[i].detach() for i in moved}
    try:
        for i, values in moved.items():
            inputs[i].data = tensor_like(inputs[i], values)
        return flat([host(y) for y in outputs_of(function, inputs)])
    finally:
        for i, data in before.items():
            inputs[i].data = data


def units(a: Array) -> tuple[complex, ...]:
    """The directions in which an element can move."""
    return (1, 1j) if a.dtype.kind == "c" else (1,)


def flat(arrays: Sequence[Array]) -> Array:
    """All elements as real numbers; complex ones as alternating real and imaginary parts."""
    return np.concatenate([np.ascontiguousarray(a).ravel().view(a.real.dtype) for a in arrays] or [np.zeros(0)])
