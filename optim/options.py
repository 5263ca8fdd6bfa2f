"""Options of optimizers: what is required, the hints that change no result, and the ranges of the others."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Real
from typing import Any

from autograd_core import Tensor


class _Required:
    """The default of an option that every group of a user-defined optimizer must set."""

    def __repr__(self) -> str:
        return "<required parameter>"


required = _Required()

HINTS = {"foreach": None, "fused": None, "capturable": False, "differentiable": False}
# Options that must not be negative, and their names in messages.
LIMITED = {
    "lr": "learning rate",
    "eps": "epsilon value",
    "weight_decay": "weight_decay value",
    "momentum": "momentum value",
    "momentum_decay": "momentum_decay value",
    "lr_decay": "lr_decay value",
    "initial_accumulator_value": "initial_accumulator_value value",
    "alpha": "alpha value",
}


def check_ranges(group: Mapping[str, Any]) -> None:
    """Raise if an option of a group is negative where it must not be, no number, or a beta outside [0, 1)."""
    for name, called in LIMITED.items():
        value = group.get(name, 0.0)
        if not isinstance(value, Real | Tensor):
            hint = f"write float({value!r})" if isinstance(value, str) else "it must be a number"
            raise TypeError(f"Invalid {called}: {value!r}; {hint}")
        if isinstance(value, Real) and not float(value) >= 0.0:
            raise ValueError(f"Invalid {called}: {value}; it must not be negative")
    betas = group.get("betas", (0.0, 0.0))
    if not (isinstance(betas, tuple | list) and len(betas) == 2 and all(isinstance(b, Real) for b in betas)):
        raise TypeError(f"Invalid betas: {betas}; they are two numbers, such as (0.9, 0.999)")
    for i, beta in enumerate(betas):
        if not 0.0 <= beta < 1.0:
            raise ValueError(f"Invalid beta parameter at index {i}: {beta}; it must lie in [0, 1)")
