"""Gradient checks against finite differences, to any order and on every backend."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import product
from math import prod
from typing import Any

import numpy as np

from autograd_core import functional
from autograd_core.autograd import grad
from autograd_core.engine.nodes import behind
from autograd_core.errors import HigherOrderError
from autograd_core.tensor import Tensor
from autograd_core.testing.differences import (
    Array,
    Function,
    derivative_along,
    flat,
    host,
    jacobian_of,
    of_values,
    outputs_of,
    tensor_like,
    units,
)

COARSE = 1e-3  # a tolerance that differences of float32 numbers can meet


class GradientError(AssertionError, RuntimeError):
    """A gradient that is not the derivative of its function; `GradcheckError` in PyTorch."""


def gradcheck(
    fn: Function,
    inputs: Tensor | Sequence[Any],
    eps: float = 5e-4,
    atol: float = 1e-8,
    rtol: float = 1e-6,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
    *,
    fast_mode: bool = False,
    **others: bool,
) -> bool:
    """Check the gradients of `fn` at `inputs` against fourth-order central differences.

    fn: takes `inputs` and returns a Tensor or several. inputs: float64 or complex128 tensors that require a
    gradient, and any other arguments; with a tolerance of 1e-3 or more, of any precision. eps: the step, relative for
    elements larger than 1. nondet_tol: how far two walks over the same graph may differ.

    It also checks that a recorded walk gives the same gradients, that each has the dtype and shape of its input, and
    that neither inputs nor saved arrays are written. fast_mode: check one direction of all inputs and one cotangent of
    all outputs, and single elements only if these disagree. others: PyTorch's `check_...` and `masked`, without effect:
    sparse tensors are checked in their values, and outputs as dense ones.
    Raises GradientError with the worst element, or returns False.

    >>> from autograd_core import tensor
    >>> gradcheck(lambda x: x * x.exp(), tensor(0.5, dtype="float64", requires_grad=True))
    True
    """
    _allow(others)
    if not eps > 0:
        raise ValueError(f"gradcheck(): the step eps must be positive, not {eps}")
    if not callable(fn):
        raise TypeError(f"gradcheck() takes a function first and then its inputs, not {type(fn).__name__}")
    fn, inputs = of_values(fn, (inputs,) if isinstance(inputs, Tensor) else tuple(inputs))
    wanted = _differentiable(inputs, max(atol, rtol))
    try:
        _Check(fn, inputs, wanted, atol, rtol).run(eps, nondet_tol, fast_mode)
    except GradientError:
        if raise_exception:
            raise
        return False
    return True


def _allow(others: dict[str, bool]) -> None:
    """Raise for an option that PyTorch lacks too."""
    unknown = [
        name
        for name in others
        if not name.startswith("check_") and name not in ("masked", "gen_non_contig_grad_outputs")
    ]
    if unknown:
        raise TypeError(f"gradcheck() got an unexpected keyword argument '{unknown[0]}'")


def gradgradcheck(
    fn: Function,
    inputs: Tensor | Sequence[Any],
    grad_outputs: Tensor | Sequence[Tensor] | None = None,
    eps: float = 5e-4,
    atol: float = 1e-8,
    rtol: float = 1e-6,
    *,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
    fast_mode: bool = False,
    **others: bool,
) -> bool:
    """Check the second derivatives of `fn`, with respect to `inputs` and to the cotangents.

    grad_outputs: the cotangents, by default deterministic and distinct. For the rest see `gradcheck`.

    >>> from autograd_core import tensor
    >>> gradgradcheck(lambda x: x * x.exp(), tensor(0.5, dtype="float64", requires_grad=True))
    True
    """
    _allow(others)
    fn, inputs = of_values(fn, (inputs,) if isinstance(inputs, Tensor) else tuple(inputs))
    wanted = _differentiable(inputs, max(atol, rtol))
    outputs = outputs_of(fn, inputs)
    if grad_outputs is None:
        given = [g.requires_grad_() for g in cotangents(outputs)]
    else:
        given = [grad_outputs] if isinstance(grad_outputs, Tensor) else list(grad_outputs)

    def first(*arguments: Any) -> tuple[Tensor, ...]:
        x, g = arguments[: len(inputs)], arguments[len(inputs) :]
        return gradients(outputs_of(fn, x), [x[i] for i in wanted], g, create_graph=True)

    return gradcheck(
        first,
        (*inputs, *given),
        eps=eps,
        atol=atol,
        rtol=rtol,
        nondet_tol=nondet_tol,
        raise_exception=raise_exception,
        fast_mode=fast_mode,
    )


def cotangent(shape: tuple[int, ...], seed: int = 0) -> Array:
    """Distinct numbers in ±[0.5, 1.5): equal ones would hide a permuted gradient, ones a squared cotangent."""
    golden = 0.6180339887498949
    steps = np.arange(1, 1 + prod(shape), dtype=np.float64) + 7 * seed
    return ((0.5 + (steps * golden) % 1) * (-1) ** (steps // 2)).reshape(shape)


def cotangents(outputs: Sequence[Tensor]) -> list[Tensor]:
    """A `cotangent` for every output; for a complex one, two of them as its parts."""
    return [_cotangent_like(y, i) for i, y in enumerate(outputs)]


def _cotangent_like(y: Tensor, seed: int) -> Tensor:
    if y.dtype.kind != "c":
        return tensor_like(y, cotangent(y.shape, seed))
    real, imag = cotangent((2, *y.shape), seed)
    return tensor_like(y, np.asarray(real + 1j * imag))


def gradients(
    outputs: Sequence[Tensor], inputs: Sequence[Tensor], cotangents: Sequence[Tensor], create_graph: bool = False
) -> tuple[Tensor, ...]:
    """Gradients with `retain_graph`; zeros where nothing is recorded."""
    pairs = [(y, g) for y, g in zip(outputs, cotangents, strict=True) if y.requires_grad]
    if not pairs:
        return tuple([functional.zeros_like(x) for x in inputs])
    ys, gs = zip(*pairs, strict=True)
    return grad(ys, inputs, gs, retain_graph=True, create_graph=create_graph, materialize_grads=True)


def _differentiable(inputs: tuple[Any, ...], tolerance: float) -> list[int]:
    wanted = [i for i, x in enumerate(inputs) if isinstance(x, Tensor) and x.requires_grad]
    if not wanted:
        raise ValueError("gradcheck() needs at least one input with requires_grad=True")
    for i in wanted:
        if inputs[i].dtype not in (np.float64, np.complex128) and tolerance < COARSE:
            raise ValueError(
                f"gradcheck() needs float64 or complex128, because differences of {inputs[i].dtype} values are too "
                f"inaccurate; make input {i} with dtype=float64, convert it with .double(), or pass what they can "
                "meet, such as eps=1e-2, atol=1e-2"
            )
    return wanted


class _Check:
    """A function at some inputs, of which those `wanted` are differentiated, with a cotangent for each output."""

    def __init__(
        self, function: Function, inputs: tuple[Any, ...], wanted: list[int], atol: float, rtol: float
    ) -> None:
        self.function, self.inputs, self.wanted, self.atol, self.rtol = function, inputs, wanted, atol, rtol
        self.xs = [inputs[i] for i in wanted]
        self.before = [host(x) for x in self.xs]
        self.outputs = outputs_of(function, inputs)
        self.weights = cotangents(self.outputs)

    def run(self, eps: float, nondet_tol: float, fast_mode: bool) -> None:
        """Raise GradientError unless everything is as it should be."""
        values, kept = [host(y) for y in self.outputs], _saved(self.outputs)
        kept += [(f"the cotangent of output {k}", g.array, host(g)) for k, g in enumerate(self.weights)]
        fast = gradients(self.outputs, self.xs, self.weights)
        _like_inputs(fast, self.xs, self.wanted)
        analytic = [host(g) for g in fast]
        _unwritten(self.before, self.xs, self.wanted, kept)
        again = gradients(self.outputs, self.xs, self.weights)
        _repeatable("the gradient of input", "two walks over one graph", analytic, again, nondet_tol)
        _repeatable("output", "two calls", values, outputs_of(self.function, self.inputs), nondet_tol)
        self.same_recorded(analytic)
        if fast_mode and self.agrees_along(analytic, eps):
            return

        def compare(step: float) -> None:
            jacobians = [jacobian_of(self.function, self.inputs, i, step) for i in self.wanted]
            self.compare("all outputs, weighted,", analytic, jacobians, [host(g) for g in self.weights])
            if not fast_mode:
                self.compare_rows(jacobians)

        _with_some_step(compare, eps)

    @np.errstate(all="ignore")  # infinite outputs: whether NumPy warns depends on the machine
    def same_recorded(self, fast: Sequence[Array]) -> None:
        """A recorded walk gives the same gradients."""
        try:
            recorded = gradients(self.outputs, self.xs, self.weights, create_graph=True)
        except HigherOrderError:  # the operation declares its order; nothing to compare
            return
        for k, (a, b) in enumerate(zip(fast, map(host, recorded), strict=True)):
            if a.shape != b.shape or not np.allclose(a, b, self.rtol, self.atol, equal_nan=True):
                alike = a.shape == b.shape
                gap = f"by up to {np.max(abs(a - b)):.3g}" if alike else f"in shape: {b.shape} and {a.shape}"
                raise GradientError(f"gradients number {k} of create_graph=True and create_graph=False differ {gap}")

    def agrees_along(self, analytic: Sequence[Array], eps: float) -> bool:
        """Whether the derivative of the weighted outputs along one direction of all inputs is right."""
        sizes = {i: np.maximum(1, abs(host(self.inputs[i]))) for i in self.wanted}
        directions = {i: host(_cotangent_like(self.inputs[i], i + 1)) * size for i, size in sizes.items()}
        weights = flat([host(g) for g in self.weights])
        numeric = derivative_along(self.function, self.inputs, directions, weights, eps)
        with np.errstate(all="ignore"):
            terms = flat(analytic) * flat(list(directions.values()))
            return bool(abs(terms.sum() - numeric) <= self.atol + self.rtol * abs(terms).sum())

    @np.errstate(all="ignore")
    def compare(
        self, output: str, analytic: Sequence[Array], jacobians: Sequence[Array], weights: Sequence[Array]
    ) -> None:
        """The gradients for these cotangents against the same combination of differences."""
        for i, a, jacobian in zip(self.wanted, analytic, jacobians, strict=True):
            if not a.size:
                continue
            numeric = (jacobian @ flat(weights)).view(a.dtype).reshape(a.shape)
            wrong = ~(abs(a - numeric) <= self.atol + self.rtol * abs(numeric))
            if wrong.any():
                gaps = np.where(wrong, np.nan_to_num(abs(a - numeric), nan=np.inf), -1)
                at = tuple(int(k) for k in np.unravel_index(int(gaps.argmax()), gaps.shape))
                raise GradientError(
                    f"the gradient of {output} with respect to input {i} is wrong in {int(wrong.sum())} of "
                    f"{wrong.size} elements; the worst, at {at}, is {a[at]:.10g} by the rules and {numeric[at]:.10g} "
                    "by differences"
                )

    def compare_rows(self, jacobians: Sequence[Array]) -> None:
        """The same with a cotangent for one output element at a time."""
        for o, y in enumerate(self.outputs):
            weights = cotangent(y.shape, o + 1)
            for at, direction in product(np.ndindex(y.shape), units(host(y))):
                unit = [np.zeros(v.shape, v.array.dtype) for v in self.outputs]
                unit[o][at] = weights[at] * direction
                given = [tensor_like(v, u) for u, v in zip(unit, self.outputs, strict=True)]
                analytic = gradients(self.outputs, self.xs, given)
                self.compare(f"output {o} at {at}", [host(g) for g in analytic], jacobians, unit)


def _like_inputs(fast: Sequence[Tensor], xs: list[Tensor], wanted: list[int]) -> None:
    for i, x, g in zip(wanted, xs, fast, strict=True):
        if g.dtype != x.dtype or g.shape != x.shape:
            expected = f"{x.dtype} of shape {x.shape}"
            raise GradientError(f"the gradient of input {i}, {expected}, is {g.dtype} of shape {g.shape}")


def _with_some_step(compare: Callable[[float], None], eps: float) -> None:
    """Compare with differences of smaller and smaller steps, until they agree; the first error if none does."""
    first: GradientError | None = None
    for step in (eps, eps / 30, eps / 1000):  # less and less accurate, but a step across a kink is useless
        try:
            return compare(step)
        except GradientError as e:
            first = first or e
    assert first is not None
    raise first


def _saved(outputs: Iterable[Tensor]) -> list[tuple[str, Any, Array]]:
    """(where, array, copy) of everything that the graph saves for backward."""
    found = []
    for node in behind([y.node for y in outputs if y.node is not None]):
        for name, value in zip(getattr(node.op, "keep", ()), node.saved or (), strict=False):
            arrays = [_memory(a) for a in (value if isinstance(value, tuple) else (value,)) if hasattr(a, "strides")]
            found.extend([(f"'{name}' of {node.name()}", a, host(functional.as_tensor(a))) for a in arrays])
    return found


def _memory(a: Any) -> Any:
    """The array in which `vmap`, at any depth, holds the samples of this one."""
    while hasattr(a, "held"):
        a = a.held
    return a


def _unwritten(
    before: Sequence[Array], xs: Sequence[Tensor], wanted: list[int], kept: Iterable[tuple[str, Any, Array]]
) -> None:
    for i, a, x in zip(wanted, before, xs, strict=True):
        if not np.array_equal(a, host(x), equal_nan=True):
            raise GradientError(f"input {i} was written by the function or by a rule")
    for where, array, copy in kept:
        now = host(functional.as_tensor(array))
        if not np.array_equal(now, copy, equal_nan=copy.dtype.kind in "fc"):
            raise GradientError(f"{where} was written during the backward walk; rules may not write in place")


@np.errstate(all="ignore")  # infinite outputs: whether NumPy warns depends on the machine
def _repeatable(what: str, between: str, first: Sequence[Array], again: Sequence[Tensor], tolerance: float) -> None:
    for k, (a, b) in enumerate(zip(first, map(host, again), strict=True)):
        if not np.allclose(a, b, rtol=0, atol=tolerance, equal_nan=True):
            raise GradientError(
                f"{what} {k} differs between {between} by up to {np.max(abs(a - b)):.3g}: "
                "something is random, or overwrites what it needs again"
            )
