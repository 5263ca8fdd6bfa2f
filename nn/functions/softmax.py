"""The default axis of older activation functions."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from autograd_core import Tensor
from autograd_core import functional as core
from autograd_core.errors import warn


def _without_dim(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """The function along `dim`; without it, along PyTorch's default axis, with its warning.

    _stacklevel: no effect; the warning is about the line that calls into these packages.
    """

    @functools.wraps(function)
    def call(input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Tensor:
        if dim is None:
            dim = 0 if input.ndim in (0, 1, 3) else 1
            warn(f"{function.__name__}() took axis {dim}, which may change; write dim={dim}")
        return function(input, dim=dim, dtype=dtype)

    return call


softmax, log_softmax, softmin = map(_without_dim, (core.softmax, core.log_softmax, core.softmin))
