"""NumPy's functions on tensors: np.exp(tensor), array * tensor and np.sum(tensor, axis=0) are ordinary operations.

What has no counterpart with the same meaning raises rather than dropping a gradient or computing something else.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from autograd_core import fft, functional, linalg
from autograd_core.tensor import Tensor

ADVICE = "use a tensor function, or .detach().numpy() on purpose"
UFUNCS = {"true_divide": "divide", "equal": "eq", "invert": "bitwise_not", "fabs": "absolute", "rint": "round",
          "degrees": "rad2deg", "radians": "deg2rad", "conjugate": "conj", "left_shift": "bitwise_left_shift",
          "right_shift": "bitwise_right_shift"}  # fmt: skip
# Functions with NumPy's name, parameters and meaning.
SAME = ("allclose", "all", "amax", "amin", "any", "argmax", "argmin", "atleast_1d", "atleast_2d", "atleast_3d",
        "broadcast_to", "column_stack", "count_nonzero", "diff", "dstack", "einsum", "fliplr", "flipud", "hstack",
        "imag", "inner", "isclose", "kron", "mean", "moveaxis", "nan_to_num", "nanmean", "nansum", "outer", "prod",
        "ravel", "real", "reshape", "searchsorted", "sinc", "squeeze", "stack", "sum", "swapaxes",
        "vdot", "vstack", "where")  # fmt: skip
RENAMED = {"concatenate": "cat", "expand_dims": "unsqueeze", "max": "amax", "min": "amin", "array_equal": "equal",
           "copy": "clone", "ones_like": "ones_like", "zeros_like": "zeros_like", "full_like": "full_like",
           "empty_like": "empty_like", "round": "round", "tile": "tile", "take_along_axis": "take_along_dim",
           "angle": "angle"}  # fmt: skip
KEYWORDS = {"axis": "dim", "axes": "dim", "keepdims": "keepdim"}
# By module: the functions of its counterpart that mean the same.
MODULES = {
    "numpy.linalg": (linalg, ("cholesky", "cond", "det", "eig", "eigh", "eigvals", "eigvalsh", "inv", "matrix_power",
                              "matrix_rank", "multi_dot", "norm", "pinv", "qr", "slogdet", "solve", "svd", "tensorinv",
                              "tensorsolve")),
    "numpy.fft": (fft, ("fft", "fft2", "fftn", "fftshift", "hfft", "ifft", "ifft2", "ifftn", "ifftshift", "ihfft",
                        "irfft", "irfft2", "irfftn", "rfft", "rfft2", "rfftn")),
}  # fmt: skip


def _transpose(a: Tensor, dim: Any = None) -> Tensor:
    return functional.permute(a, tuple(reversed(range(a.ndim))) if dim is None else dim)


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


def _flat(name: str) -> Callable[..., Tensor]:
    """Without an axis, of the flattened tensor."""

    def along(a: Tensor, dim: Any = None) -> Tensor:
        return getattr(functional, name)(functional.ravel(a) if dim is None else a, 0 if dim is None else dim)  # type: ignore[no-any-return]

    return along


def _repeat(a: Tensor, repeats: Any, dim: int | None = None) -> Tensor:
    return functional.repeat_interleave(a, functional.as_tensor(repeats), dim)


def _roll(a: Tensor, shift: Any, dim: Any = None) -> Tensor:
    return functional.roll(a, shift, dim)


def _rot90(m: Tensor, k: int = 1, dim: Any = (0, 1)) -> Tensor:
    return functional.rot90(m, k, dim)


def _tensordot(a: Tensor, b: Tensor, dim: Any = 2) -> Tensor:
    return functional.tensordot(a, b, dim)


def _sort(a: Tensor, dim: int | None = -1, kind: Any = None, *, stable: bool | None = None) -> Tensor:
    flat = functional.ravel(a) if dim is None else a
    return functional.sort(flat, dim=-1 if dim is None else dim, stable=True)[0]


def _argsort(a: Tensor, dim: int | None = -1, kind: Any = None, *, stable: bool | None = None) -> Tensor:
    flat = functional.ravel(a) if dim is None else a
    return functional.argsort(flat, dim=-1 if dim is None else dim, stable=True)


def _split(ary: Tensor, indices_or_sections: Any, dim: int = 0) -> list[Tensor]:
    return list(functional.tensor_split(ary, indices_or_sections, dim))


def _equal_split(ary: Tensor, indices_or_sections: Any, dim: int = 0) -> list[Tensor]:
    if isinstance(indices_or_sections, int) and ary.shape[dim] % indices_or_sections:
        raise ValueError(f"np.split: {ary.shape[dim]} elements do not divide into {indices_or_sections} equal parts")
    return _split(ary, indices_or_sections, dim)


def _diagonal(a: Tensor, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Tensor:
    return functional.diagonal(a, offset, axis1, axis2)


def _trace(a: Tensor, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Tensor:
    return functional.sum(functional.diagonal(a, offset, axis1, axis2), -1)


def _offset(name: str) -> Callable[..., Tensor]:
    """NumPy's `k` is PyTorch's `diagonal`."""
    return lambda m, k=0: getattr(functional, name)(m, k)


def _median(a: Tensor, dim: int | None = None, *, keepdim: bool = False) -> Tensor:
    """NumPy's median is the mean of the two middle elements."""
    return functional.quantile(a, 0.5, dim, keepdim)


def _quantile(a: Tensor, q: Any, dim: int | None = None, *, method: str = "linear", keepdim: bool = False) -> Tensor:
    return functional.quantile(a, q, dim, keepdim, interpolation=method)


def _cross(a: Tensor, b: Tensor, *, dim: int = -1) -> Tensor:
    return linalg.cross(a, b, dim=dim)


OWN: dict[str, Callable[..., Any]] = {
    "argsort": _argsort, "array_split": _split, "clip": _clip, "cross": _cross,
    "cumprod": _flat("cumprod"), "cumsum": _flat("cumsum"),
    "diag": _offset("diag"), "diagonal": _diagonal, "dot": _dot, "flip": _flip, "median": _median,
    "ndim": lambda a: a.ndim, "quantile": _quantile, "repeat": _repeat, "roll": _roll, "rot90": _rot90,
    "shape": lambda a: a.shape, "size": lambda a, dim=None: a.numel() if dim is None else a.shape[dim], "sort": _sort,
    "split": _equal_split, "std": _spread("std"), "tensordot": _tensordot, "trace": _trace, "transpose": _transpose,
    "tril": _offset("tril"), "triu": _offset("triu"),
    "var": _spread("var"),
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
    ours = _counterpart(function.__module__, function.__name__)
    if ours is None:
        module = function.__module__.replace("numpy", "np", 1)
        raise TypeError(f"{module}.{function.__name__} has no counterpart for tensors; {ADVICE}")
    return ours(*args, **{KEYWORDS.get(k, k): v for k, v in kwargs.items() if v is not np._NoValue})


def _counterpart(module: str, name: str) -> Callable[..., Any] | None:
    if module in MODULES:
        place, names = MODULES[module]
        return getattr(place, name) if name in names else None
    if module != "numpy":
        return None
    return OWN.get(name) or getattr(functional, RENAMED.get(name, name if name in SAME else ""), None)
