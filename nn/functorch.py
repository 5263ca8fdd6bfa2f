"""PyTorch's package `functorch`: the transforms of `autograd_core.func`, and older forms of `functional_call`."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import Any

from autograd_core import Tensor
from autograd_core.func import functionalize as functionalize
from autograd_core.func import grad as grad
from autograd_core.func import grad_and_value as grad_and_value
from autograd_core.func import hessian as hessian
from autograd_core.func import jacfwd as jacfwd
from autograd_core.func import jacrev as jacrev
from autograd_core.func import jvp as jvp
from autograd_core.func import vjp as vjp
from autograd_core.func import vmap as vmap
from nn.module import Module
from nn.stateless import functional_call, stack_module_state

Tensors = tuple[Tensor, ...]


def make_functional_with_buffers(
    model: Module, disable_autograd_tracking: bool = False
) -> tuple[Callable[..., Any], Tensors, Tensors]:
    """(function, params, buffers) of a copy of a model, where function(params, buffers, *args) calls it.

    disable_autograd_tracking: the parameters require no gradient.

    >>> from autograd_core import ones
    >>> from nn import Linear
    >>> function, params, buffers = make_functional_with_buffers(Linear(2, 1))
    >>> function([p * 0 for p in params], buffers, ones(2))
    tensor([0.], grad_fn=<linear>)
    """
    model = copy.deepcopy(model)
    params, buffers = dict(model.named_parameters()), dict(model.named_buffers())

    def function(given: Sequence[Tensor], state: Sequence[Tensor], *args: Any, **kwargs: Any) -> Any:
        parts = zip((*params, *buffers), (*given, *state), strict=True)
        return functional_call(model, dict(parts), args, kwargs)

    tracked = [p.detach() if disable_autograd_tracking else p for p in params.values()]
    return function, tuple(tracked), tuple(buffers.values())


def make_functional(model: Module, disable_autograd_tracking: bool = False) -> tuple[Callable[..., Any], Tensors]:
    """(function, params) of a copy of a model without buffers, where function(params, *args) calls it."""
    if next(model.buffers(), None) is not None:
        raise RuntimeError("make_functional() takes a model without buffers; use make_functional_with_buffers()")
    function, params, _ = make_functional_with_buffers(model, disable_autograd_tracking)
    return (lambda given, *args, **kwargs: function(given, (), *args, **kwargs)), params


def combine_state_for_ensemble(models: Sequence[Module]) -> tuple[Callable[..., Any], Tensors, Tensors]:
    """(function, params, buffers) of models of one class, their states stacked along a new first axis for `vmap`."""
    params, buffers = stack_module_state(models)
    return (
        make_functional_with_buffers(models[0])[0],
        tuple([p.detach() for p in params.values()]),
        tuple(buffers.values()),
    )
