"""What a case computes: outputs, gradients and second derivatives, on the host; and which of them its entry has."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from autograd_core import dtypes
from autograd_core.engine.entries import Composition, Op
from autograd_core.tensor import Tensor
from autograd_core.testing.gradients import cotangents, gradients
from autograd_core.testing.samples import Case, Entry

Array = np.ndarray[Any, Any]


def results(case: Case, create_graph: bool = False) -> tuple[list[Array], list[Array]]:
    """The outputs of a call, and the gradients of its floating inputs for fixed cotangents."""
    xs = case.tensors(requires_grad=True)
    outputs = case.call(*xs)
    wanted = [x for x in xs if x.requires_grad]
    slopes: tuple[Tensor, ...] = ()
    if wanted and differentiable(case.entry):
        floating = with_gradient(case.entry, outputs)
        slopes = gradients(floating, wanted, cotangents(floating), create_graph)
    return list(map(on_host, outputs)), list(map(on_host, slopes))


def outcomes(case: Case, order: int = 2) -> list[Array]:
    """Outputs, first and second derivatives of a case, as far as its entry supports them."""
    xs = case.tensors(requires_grad=True)
    outputs = floating_call(case)(*xs)
    found, wanted = [on_host(y) for y in outputs], [x for x in xs if x.requires_grad]
    if not (order and outputs and wanted and differentiable(case.entry)):
        return found
    seeds = cotangents(outputs)
    found += map(on_host, gradients(outputs, wanted, seeds))
    if order > 1 and twice(case.entry):
        inputs = [*wanted, *[g.requires_grad_() for g in seeds]]
        first = gradients(outputs, wanted, seeds, create_graph=True)
        found += map(on_host, (*first, *gradients(first, inputs, cotangents(first))))
    return found


def floating_call(case: Case) -> Callable[..., list[Tensor]]:
    """The call, without outputs that cannot carry a gradient."""
    return lambda *tensors: with_gradient(case.entry, case.call(*tensors))


def with_gradient(entry: Entry, outputs: list[Any]) -> list[Tensor]:
    """The outputs except indices, detached statistics and the like."""
    detached = detached_outputs(entry)
    return [
        y
        for k, y in enumerate(outputs)
        if isinstance(y, Tensor) and y.dtype.kind in dtypes.INEXACT and k not in detached
    ]


def detached_outputs(entry: Entry) -> list[int]:
    """The indices of outputs without a gradient."""
    names = entry.outputs if isinstance(entry, Op) and isinstance(entry.outputs, tuple) else ()
    return [k for k, name in enumerate(names) if isinstance(entry, Op) and name in entry.detached]


def on_host(value: Any) -> Array:
    """A result as an array of NumPy."""
    return value.numpy(force=True) if isinstance(value, Tensor) else np.asarray(value)


def differentiable(entry: Entry) -> bool:
    """Whether an entry has gradients."""
    return entry.order > 0 and (isinstance(entry, Composition) or entry.differentiable)


def twice(entry: Entry) -> bool:
    """Whether its gradients have gradients."""
    return differentiable(entry) and entry.order > 1
