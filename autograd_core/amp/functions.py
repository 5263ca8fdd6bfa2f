"""User-defined `Function`s under autocast: casts of their inputs, and backward in the same mode."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from autograd_core.engine.casting import autocast, get_autocast_dtype, is_autocast_enabled
from autograd_core.tensor import Tensor
from autograd_core.trees import mapped


def custom_fwd(fwd: Callable[..., Any] | None = None, *, device_type: str = "cuda", cast_inputs: Any = None) -> Any:
    """Decorate a Function's `forward`. cast_inputs: under autocast, the dtype to which floating-point tensors are cast;
    autocast is then disabled inside."""
    if fwd is None:
        return functools.partial(custom_fwd, device_type=device_type, cast_inputs=cast_inputs)

    def cast(x: Any) -> Any:
        narrow = isinstance(x, Tensor) and x.is_floating_point() and x.dtype.itemsize < 8
        return x.to(cast_inputs) if narrow else x

    @functools.wraps(fwd)
    def forward(ctx: Any, *args: Any, **kwargs: Any) -> Any:
        ctx._autocast = get_autocast_dtype(device_type), is_autocast_enabled(device_type)
        if cast_inputs is None or not ctx._autocast[1]:
            return fwd(ctx, *args, **kwargs)
        ctx._autocast = ctx._autocast[0], False
        with autocast(device_type, enabled=False):
            return fwd(ctx, *mapped(cast, args), **mapped(cast, kwargs))

    return forward


def custom_bwd(bwd: Callable[..., Any] | None = None, *, device_type: str = "cuda") -> Any:
    """Decorate the `backward` of a Function whose `forward` has `custom_fwd`: it runs in the same mode."""
    if bwd is None:
        return functools.partial(custom_bwd, device_type=device_type)

    @functools.wraps(bwd)
    def backward(ctx: Any, *grads: Any) -> Any:
        dtype, enabled = ctx._autocast
        with autocast(device_type, dtype, enabled):
            return bwd(ctx, *grads)

    return backward
