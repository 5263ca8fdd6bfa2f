"""Gradients checked against finite differences, to any order and on every backend."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from autograd_core import functional
from autograd_core.engine import grad
from autograd_core.errors import HigherOrderError
from autograd_core.tensor import Tensor

# Central differences of fourth order: weight of f(x + k h) / h. The truncation error falls with h⁴, so a step near the
# fifth root of the rounding error leaves about twelve digits.
STENCIL = ((-2, 1 / 12), (-1, -2 / 3), (1, 2 / 3), (2, -1 / 12))

Array = np.ndarray[Any, Any]
Function = Callable[..., Any]
Column = tuple[tuple[int, ...], list[Array]]


class GradientError(AssertionError):
    """A gradient that is not the derivative of its function."""


def gradcheck(function: Function, inputs: Tensor | Sequence[Any], *, eps: float = 5e-4, atol: float = 1e-8,
              rtol: float = 1e-6, nondet_tol: float = 0.0, raise_exception: bool = True,
              fast_mode: bool = False) -> bool:  # fmt: skip
    """Check the gradients of `function` at `inputs` against central differences of fourth order.

    function: of `inputs`, returning a Tensor or several. inputs: float64 tensors that require a gradient, beside
    anything else the function takes. eps: the step, relative to elements larger than 1. nondet_tol: how far two walks
    over the same graph may differ.

    Checked besides: that a recorded walk gives the same gradients, that each has the dtype and shape of its input, and
    that neither inputs nor saved arrays are written. fast_mode: with one cotangent for all output elements together
    instead of also one for each. Raises GradientError with the worst element, or returns False.

    >>> from autograd_core import tensor
    >>> gradcheck(lambda x: x * x.exp(), tensor(0.5, dtype="float64", requires_grad=True))
    True
    """
    inputs = (inputs,) if isinstance(inputs, Tensor) else tuple(inputs)
    wanted = _differentiable(inputs)
    try:
        _check(function, inputs, wanted, eps, atol, rtol, nondet_tol, fast_mode)
    except GradientError:
        if raise_exception:
            raise
        return False
    return True


def gradgradcheck(function: Function, inputs: Tensor | Sequence[Any], grad_outputs: Tensor | Sequence[Tensor] | None = None,
                  *, eps: float = 5e-4, atol: float = 1e-8, rtol: float = 1e-6, nondet_tol: float = 0.0,
                  raise_exception: bool = True, fast_mode: bool = False) -> bool:  # fmt: skip
    """Check the gradients of the gradients of `function`, with respect to `inputs` and to the cotangents.

    grad_outputs: the cotangents; deterministic and all different unless given. The rest is as for `gradcheck`.

    >>> from autograd_core import tensor
    >>> gradgradcheck(lambda x: x * x.exp(), tensor(0.5, dtype="float64", requires_grad=True))
    True
    """
    inputs = (inputs,) if isinstance(inputs, Tensor) else tuple(inputs)
    wanted = _differentiable(inputs)
    outputs = _outputs(function, inputs)
    if grad_outputs is None:
        given = [_tensor(cotangent(y.shape, i), y, True) for i, y in enumerate(outputs)]
    else:
        given = [grad_outputs] if isinstance(grad_outputs, Tensor) else list(grad_outputs)

    def gradients(*arguments: Any) -> tuple[Tensor, ...]:
        x, g = arguments[: len(inputs)], arguments[len(inputs) :]
        return _gradients(_outputs(function, x), [x[i] for i in wanted], g, create_graph=True)

    return gradcheck(gradients, (*inputs, *given), eps=eps, atol=atol, rtol=rtol, nondet_tol=nondet_tol,
                     raise_exception=raise_exception, fast_mode=fast_mode)  # fmt: skip


def cotangent(shape: tuple[int, ...], seed: int = 0) -> Array:
    """Numbers in ±[0.5, 1.5), all different: a sum would hide a permuted gradient, ones a squared cotangent."""
    golden = 0.6180339887498949
    steps = np.arange(1, 1 + int(np.prod(shape)), dtype=np.float64) + 7 * seed
    return ((0.5 + (steps * golden) % 1) * (-1) ** (steps // 2)).reshape(shape)


def _differentiable(inputs: tuple[Any, ...]) -> list[int]:
    wanted = [i for i, x in enumerate(inputs) if isinstance(x, Tensor) and x.requires_grad]
    if not wanted:
        raise ValueError("gradcheck() needs at least one input with requires_grad=True")
    for i in wanted:
        if inputs[i].dtype != np.float64:
            raise ValueError(
                f"gradcheck() needs float64, because differences of {inputs[i].dtype} values say nothing; "
                f"make input {i} with dtype=float64 or convert it with .double()"
            )
    return wanted


def _outputs(function: Function, inputs: Sequence[Any]) -> list[Tensor]:
    """What the function returns, without what cannot carry a gradient."""
    result = function(*inputs)
    outputs = [result] if isinstance(result, Tensor) else list(result)
    for y in outputs:
        if not isinstance(y, Tensor):
            raise ValueError(f"gradcheck() needs a function that returns Tensors, not {type(y).__name__}")
    return [y for y in outputs if y.dtype.kind == "f"]


def _tensor(array: Array, like: Tensor, requires_grad: bool) -> Tensor:
    return functional.tensor(array, dtype=like.dtype, device=like.device, requires_grad=requires_grad)


def _host(t: Tensor) -> Array:
    return t.numpy(force=True)


def _gradients(outputs: Sequence[Tensor], inputs: Sequence[Tensor], cotangents: Sequence[Tensor],
               create_graph: bool = False) -> tuple[Tensor, ...]:  # fmt: skip
    """Gradients over a graph that is kept; zeros where nothing is recorded."""
    pairs = [(y, g) for y, g in zip(outputs, cotangents, strict=True) if y.requires_grad]
    if not pairs:
        return tuple([functional.zeros_like(x) for x in inputs])
    ys, gs = zip(*pairs, strict=True)
    return grad(ys, inputs, gs, retain_graph=True, create_graph=create_graph, materialize_grads=True)


def _check(function: Function, inputs: tuple[Any, ...], wanted: list[int], eps: float, atol: float, rtol: float,
           nondet_tol: float, fast_mode: bool) -> None:  # fmt: skip
    before = [_host(inputs[i]) for i in wanted]
    outputs = _outputs(function, inputs)
    xs = [inputs[i] for i in wanted]
    cotangents = [_tensor(cotangent(y.shape, i), y, False) for i, y in enumerate(outputs)]
    values, kept = [_host(y) for y in outputs], _saved(outputs)
    kept += [(f"the cotangent of output {k}", g.array, _host(g)) for k, g in enumerate(cotangents)]
    analytic = _gradients(outputs, xs, cotangents)
    for i, x, g in zip(wanted, xs, analytic, strict=True):
        if g.dtype != x.dtype or g.shape != x.shape:
            raise GradientError(f"the gradient of input {i}, {x.dtype} of shape {x.shape}, is {g.dtype} of shape {g.shape}")
    first = [_host(g) for g in analytic]
    _unwritten(before, xs, wanted, kept)
    _same_again(first, _gradients(outputs, xs, cotangents), wanted, nondet_tol)
    _same_values(values, _outputs(function, inputs), nondet_tol)
    _same_recorded(first, outputs, xs, cotangents, wanted, atol, rtol)
    columns = [_columns(function, inputs, i, eps) for i in wanted]
    _compare(first, columns, [_host(g) for g in cotangents], wanted, atol, rtol)
    if not fast_mode:
        _check_elements(outputs, xs, columns, wanted, atol, rtol)


def _saved(outputs: Iterable[Tensor]) -> list[tuple[str, Any, Array]]:
    """(where, array, copy) of everything the graph keeps for backward."""
    found, seen, stack = [], set(), [y.node for y in outputs]
    while stack:
        node = stack.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        stack.extend(node.parents)
        for name, value in zip(getattr(node.op, "keep", ()), node.saved or (), strict=False):
            for array in value if isinstance(value, tuple) else (value,):
                if hasattr(array, "strides"):
                    found.append((f"'{name}' of {node.name}", array, functional.as_tensor(array).numpy(force=True)))
    return found


def _same_again(first: Sequence[Array], second: Sequence[Tensor], wanted: list[int], tolerance: float) -> None:
    for i, a, b in zip(wanted, first, map(_host, second), strict=True):
        if not np.allclose(a, b, rtol=0, atol=tolerance, equal_nan=True):
            raise GradientError(f"the gradient of input {i} differs between two walks over the same graph by up to {_gap(a, b):.3g}: "
                                "a rule writes into what was saved, or is random")  # fmt: skip


def _same_values(first: Sequence[Array], again: Sequence[Tensor], tolerance: float) -> None:
    for k, (a, b) in enumerate(zip(first, map(_host, again), strict=True)):
        if not np.allclose(a, b, rtol=0, atol=tolerance, equal_nan=True):
            raise GradientError(f"output {k} differs between two calls by up to {_gap(a, b):.3g}: the function is random, "
                                "or writes into its inputs")  # fmt: skip


def _unwritten(before: Sequence[Array], xs: Sequence[Tensor], wanted: list[int],
               kept: Iterable[tuple[str, Any, Array]]) -> None:  # fmt: skip
    for i, a, x in zip(wanted, before, xs, strict=True):
        if not np.array_equal(a, _host(x), equal_nan=True):
            raise GradientError(f"input {i} was written by the function or by a rule")
    for where, array, copy in kept:
        now = functional.as_tensor(array).numpy(force=True)
        if not np.array_equal(now, copy, equal_nan=copy.dtype.kind == "f"):
            raise GradientError(f"{where} was written during the backward walk; rules may not write in place")


def _same_recorded(fast: Sequence[Array], outputs: Sequence[Tensor], xs: Sequence[Tensor],
                   cotangents: Sequence[Tensor], wanted: list[int], atol: float, rtol: float) -> None:  # fmt: skip
    try:
        recorded = _gradients(outputs, xs, cotangents, create_graph=True)
    except HigherOrderError:  # honest about its order; nothing to compare
        return
    for i, a, b in zip(wanted, fast, map(_host, recorded), strict=True):
        if a.shape != b.shape or not np.allclose(a, b, rtol=rtol, atol=atol, equal_nan=True):
            raise GradientError(f"the gradient of input {i} differs between create_graph=True and False: shapes {b.shape} and {a.shape}"
                                + (f", by up to {_gap(a, b):.3g}" if a.shape == b.shape else ""))  # fmt: skip


def _columns(function: Function, inputs: tuple[Any, ...], i: int, eps: float) -> list[Column]:
    """Per element of input i: its position, and the derivative of every output by it. """
    x = inputs[i]
    base = _host(x)

    def value(at: tuple[int, ...], step: float) -> list[Array]:
        moved = base.copy(order="K")
        moved[at] += step
        arguments = (*inputs[:i], _tensor(moved, x, True), *inputs[i + 1 :])
        return [_host(y) for y in _outputs(function, arguments)]

    columns = []
    for at in np.ndindex(base.shape):
        h = eps * max(1.0, abs(float(base[at])))
        points = [(weight / h, value(at, k * h)) for k, weight in STENCIL]
        columns.append((at, [sum(w * y[o] for w, y in points) for o in range(len(points[0][1]))]))
    return columns


def _compare(analytic: Sequence[Array], columns: Sequence[list[Column]], cotangents: Sequence[Array],
             wanted: list[int], atol: float, rtol: float, output: str = "all outputs, weighted") -> None:  # fmt: skip
    """The gradients for these cotangents against the same combination of differences."""
    for i, a, columns_i in zip(wanted, analytic, columns, strict=True):
        numeric = np.zeros_like(a)
        for at, derivatives in columns_i:
            numeric[at] = sum(float((u * d).sum()) for u, d in zip(cotangents, derivatives, strict=True))
        wrong = ~(abs(a - numeric) <= atol + rtol * abs(numeric))
        if wrong.any():
            gaps = np.where(wrong, np.nan_to_num(abs(a - numeric), nan=np.inf), -1)
            at = tuple(int(k) for k in np.unravel_index(int(gaps.argmax()), gaps.shape))
            raise GradientError(
                f"gradient of {output} by input {i}: {int(wrong.sum())} of {wrong.size} elements are wrong; the worst, at {at}, "
                f"is {a[at]:.10g} by the rules and {numeric[at]:.10g} by differences"
            )


def _check_elements(outputs: Sequence[Tensor], xs: Sequence[Tensor], columns: Sequence[list[Column]], wanted: list[int],
                    atol: float, rtol: float) -> None:  # fmt: skip
    """The same with a cotangent for one output element at a time: the rows of the Jacobian."""
    for o, y in enumerate(outputs):
        weights = cotangent(y.shape, o + 1)
        for at in np.ndindex(y.shape):
            unit = [np.zeros(v.shape) for v in outputs]
            unit[o][at] = weights[at]
            analytic = _gradients(outputs, xs, [_tensor(u, v, False) for u, v in zip(unit, outputs, strict=True)])
            _compare([_host(g) for g in analytic], columns, unit, wanted, atol, rtol, f"output {o} at {at}")


def _gap(a: Array, b: Array) -> float:
    return float(np.max(abs(a - b), initial=0.0))
