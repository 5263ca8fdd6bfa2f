"""The default axis of older activation functions."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable
from typing import Any

from autograd_core import Tensor
from autograd_core import functional as core


def _without_dim(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """The function along `dim`; without it, along PyTorch's default axis, with its warning."""

    @functools.wraps(function)
    def call(input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Tensor:
        if dim is None:
            dim = 0 if input.ndim in (0, 1, 3) else 1
            name = function.__name__
            warnings.warn(f"{name}() took axis {dim}, which may change; write dim={dim}", stacklevel=_stacklevel - 1)
        return function(input, dim=dim, dtype=dtype)

    return call


softmax, log_softmax, softmin = map(_without_dim, (core.softmax, core.log_softmax, core.softmin))
