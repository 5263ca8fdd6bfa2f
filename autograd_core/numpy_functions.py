"""NumPy's functions on tensors: np.exp(tensor), array * tensor and np.sum(tensor, axis=0) are ordinary operations.

What has no counterpart with the same meaning raises rather than dropping a gradient or computing something else.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from autograd_core import functional
from autograd_core.tensor import Tensor

ADVICE = "use a tensor function, or .detach().numpy() on purpose"
UFUNCS = {"true_divide": "divide", "equal": "eq", "invert": "bitwise_not", "fabs": "absolute", "rint": "round"}
SAME = ("allclose", "all", "amax", "amin", "any", "argmax", "argmin", "broadcast_to", "count_nonzero", "einsum",
        "isclose", "mean",
        "moveaxis", "outer", "prod", "ravel", "reshape", "squeeze", "stack", "sum", "swapaxes", "where")  # fmt: skip
RENAMED = {"concatenate": "cat", "expand_dims": "unsqueeze", "max": "amax", "min": "amin", "array_equal": "equal",
           "copy": "clone",
           "ones_like": "ones_like", "zeros_like": "zeros_like", "round": "round"}  # fmt: skip
KEYWORDS = {"axis": "dim", "keepdims": "keepdim"}


def _transpose(a: Tensor, axes: Any = None) -> Tensor:
    return functional.permute(a, tuple(reversed(range(a.ndim))) if axes is None else axes)


def _clip(a: Tensor, a_min: Any = None, a_max: Any = None, *, min: Any = None, max: Any = None) -> Tensor:
    return functional.clamp(a, a_min if min is None else min, a_max if max is None else max)


def _spread(name: str) -> Callable[..., Tensor]:
    def spread(a: Tensor, dim: Any = None, *, ddof: Any = 0, keepdim: bool = False) -> Tensor:
        return getattr(functional, name)(a, dim, correction=ddof, keepdim=keepdim)  # type: ignore[no-any-return]

    return spread


def _flip(m: Tensor, dim: Any = None) -> Tensor:
    return functional.flip(m, tuple(range(m.ndim)) if dim is None else dim)


def _dot(a: Any, b: Any) -> Tensor:
    product = functional.matmul if np.ndim(a) and np.ndim(b) else functional.multiply
    if max(np.ndim(a), np.ndim(b)) > 2:
        raise TypeError(f"np.dot of more than two axes has no counterpart for tensors; use @ or einsum, or {ADVICE}")
    return product(a, b)


OWN: dict[str, Callable[..., Any]] = {
    "transpose": _transpose, "clip": _clip, "var": _spread("var"), "std": _spread("std"), "flip": _flip, "dot": _dot,
    "shape": lambda a: a.shape, "ndim": lambda a: a.ndim, "size": lambda a,
    dim=None: a.numel() if dim is None else a.shape[dim],
}  # fmt: skip


def array_ufunc(self: Tensor, ufunc: np.ufunc, method: str, *inputs: Any, out: Any = None, **kwargs: Any) -> Any:
    function = getattr(functional, UFUNCS.get(ufunc.__name__, ufunc.__name__), None)
    if method != "__call__" or function is None or kwargs:
        form = ufunc.__name__ if method == "__call__" else f"{ufunc.__name__}.{method}"
        options = f" with {', '.join(kwargs)}" if kwargs else ""
        raise TypeError(f"np.{form}{options} has no counterpart for tensors; {ADVICE}")
    if out is not None:
        raise TypeError(f"np.{ufunc.__name__}(..., out=array) cannot write a tensor's value into an array; drop out=")
    return function(*[functional.as_tensor(x) if isinstance(x, np.ndarray) else x for x in inputs])


def array_function(self: Tensor, function: Callable[..., Any], types: Any, args: Any, kwargs: Any) -> Any:
    name = function.__name__
    ours = OWN.get(name) or getattr(functional, RENAMED.get(name, name if name in SAME else ""), None)
    if ours is None or function.__module__ != "numpy":
        module = function.__module__.replace("numpy", "np", 1)
        raise TypeError(f"{module}.{name} has no counterpart for tensors; {ADVICE}")
    return ours(*args, **{KEYWORDS.get(k, k): v for k, v in kwargs.items() if v is not np._NoValue})
