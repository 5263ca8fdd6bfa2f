"""Function transforms: gradients, Jacobians and their products, `vmap`.

Each takes a function and returns a function; they combine in any order, to any order of derivative. Arguments and
results may be nested tuples, lists and dicts of tensors.
"""

from __future__ import annotations

from typing import Any

from autograd_core.autograd.jacobians import hessian as hessian
from autograd_core.autograd.jacobians import jacfwd as jacfwd
from autograd_core.autograd.jacobians import jacobian as jacobian
from autograd_core.autograd.jacobians import jacrev as jacrev
from autograd_core.autograd.recomputation import checkpoint as checkpoint
from autograd_core.autograd.transforms import grad as grad
from autograd_core.autograd.transforms import grad_and_value as grad_and_value
from autograd_core.autograd.transforms import hvp as hvp
from autograd_core.autograd.transforms import jvp as jvp
from autograd_core.autograd.transforms import linearize as linearize
from autograd_core.autograd.transforms import value_and_grad as value_and_grad
from autograd_core.autograd.transforms import vjp as vjp
from autograd_core.batching import vmap as vmap
from autograd_core.compatibility import above
from autograd_core.families import attribute

__all__ = [
    "checkpoint", "functional_call", "grad", "grad_and_value", "hessian", "hvp", "jacfwd", "jacobian", "jacrev", "jvp",
    "linearize", "replace_all_batch_norm_modules_", "stack_module_state", "value_and_grad", "vjp", "vmap",
]  # fmt: skip


def functionalize(func: Any, *, remove: str = "mutations") -> Any:
    """The function itself: writes in place, and views, need no other form here."""
    if remove not in ("mutations", "mutations_and_views"):
        raise RuntimeError(f"functionalize(): remove is 'mutations' or 'mutations_and_views', not {remove!r}")
    return func


def __getattr__(name: str) -> Any:
    place = f"func.{name}"
    return above.find(place) if place in above.PLACES else attribute("func", name)
