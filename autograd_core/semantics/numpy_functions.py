"""NumPy's functions on tensors: np.exp(tensor), array * tensor and np.sum(tensor, axis=0) are ordinary operations.

A function without a counterpart of the same meaning raises, rather than dropping a gradient or computing something
else.
"""

from __future__ import annotations

import functools
import inspect
import itertools
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from autograd_core import dtypes, fft, functional, linalg
from autograd_core.dtypes import get_default_dtype
from autograd_core.options import deliver
from autograd_core.tensor import Tensor

ADVICE = "use a tensor function, or .detach().numpy() on purpose"
UFUNCS = {"true_divide": "divide", "equal": "eq", "invert": "bitwise_not", "fabs": "absolute", "rint": "round",
          "degrees": "rad2deg", "radians": "deg2rad", "conjugate": "conj", "left_shift": "bitwise_left_shift",
          "right_shift": "bitwise_right_shift", "expit": "sigmoid", "log_expit": "logsigmoid", "gammaln": "lgamma",
          "psi": "digamma", "_zeta": "zeta", "gammainc": "igamma", "gammaincc": "igammac", "j0": "bessel_j0",
          "j1": "bessel_j1", "y0": "bessel_y0", "y1": "bessel_y1", "k0": "modified_bessel_k0",
          "k1": "modified_bessel_k1"}  # fmt: skip
FOREIGN = ("kl_div",)  # ufuncs that share only their name with one of our functions
EXACT = ("matrix_power", "vecdot")  # functions of numpy.linalg that keep integers; the others give floats
# For these, axis=() reduces nothing in NumPy; in PyTorch, no axes means all axes.
REDUCING = ("all", "amax", "amin", "any", "max", "mean", "min", "nanmean", "nansum", "prod", "std", "sum", "var")
# The functions equivalent to `ufunc.reduce` and `ufunc.accumulate`.
REDUCTIONS = {"add": "sum", "multiply": "prod", "maximum": "amax", "minimum": "amin", "logical_and": "all",
              "logical_or": "any", "logaddexp": "logsumexp"}  # fmt: skip
SCANS = {"add": "cumsum", "multiply": "cumprod", "logaddexp": "logcumsumexp"}
# Functions with the same name, parameters and meaning as in NumPy.
SAME = ("all", "allclose", "amax", "amin", "angle", "any", "argmax", "argmin", "argwhere", "atleast_1d", "atleast_2d",
        "atleast_3d", "bincount", "broadcast_to", "corrcoef", "count_nonzero", "cov", "diff", "dsplit", "empty_like",
        "expand_dims", "fix", "fliplr", "flipud", "full_like", "hsplit", "i0", "inner", "isclose", "isin", "isneginf",
        "isposinf", "isreal", "kron", "moveaxis", "nansum", "ones_like", "outer", "prod", "ravel", "real", "reshape",
        "round", "searchsorted", "sinc", "squeeze", "sum", "tile", "trapezoid", "unique", "vander", "vsplit",
        "where", "zeros_like")  # fmt: skip
RENAMED = {"around": "round", "array_equal": "equal", "copy": "clone",
           "iscomplexobj": "is_complex", "max": "amax", "min": "amin"}  # fmt: skip
KEYWORDS = {"axis": "dim", "axes": "dim", "keepdims": "keepdim", "reps": "dims", "ddof": "correction"}
# Parameters that `inspect` does not know before NumPy 2.4, with their defaults; where none is an option, none.
WRITTEN_IN_C: dict[str, dict[str, Any]] = {
    "bincount": {}, "concatenate": {"arrays": None, "axis": 0, "out": None}, "dot": {"a": None, "b": None, "out": None},
    "empty_like": {"prototype": None, "dtype": None}, "inner": {}, "vdot": {}, "where": {},
}  # fmt: skip
OPTIONS = ("axis", "axes", "dtype", "out")  # the first of them ends the operands: later ones are passed by name
# NumPy module -> the functions of its counterpart that mean the same.
MODULES = {
    "numpy.linalg": (linalg, ("cholesky", "cond", "det", "eig", "eigh", "eigvals", "eigvalsh", "inv", "matrix_power",
                              "matrix_norm", "matrix_rank", "multi_dot", "norm", "pinv", "qr", "slogdet", "solve",
                              "svdvals", "tensorinv", "tensorsolve", "vecdot", "vector_norm")),
    "numpy.fft": (fft, ("fft", "fft2", "fftn", "fftshift", "hfft", "ifft", "ifft2", "ifftn", "ifftshift", "ihfft",
                        "irfft", "irfft2", "irfftn", "rfft", "rfft2", "rfftn")),
}  # fmt: skip


def _transpose(a: Tensor, dim: Any = None) -> Tensor:
    return functional.permute(a, tuple(reversed(range(a.ndim))) if dim is None else dim)


def _clip(a: Tensor, a_min: Any = None, a_max: Any = None, *, min: Any = None, max: Any = None) -> Tensor:
    return functional.clamp(a, a_min if min is None else min, a_max if max is None else max)


def _real(a: Any, dtype: Any = None) -> Tensor:
    """Convert to `dtype`, or integers to the default floating-point dtype: PyTorch refuses a mean of integers."""
    x = _tensor(a)
    return x.to(dtype=dtype or (get_default_dtype() if x.dtype.kind in dtypes.EXACT else x.dtype))


def _mean(name: str) -> Callable[..., Tensor]:
    def mean(a: Tensor, dim: Any = None, *, dtype: Any = None, keepdim: bool = False, **given: Any) -> Tensor:
        return getattr(functional, name)(_real(a, dtype), dim, keepdim, **given)

    return mean


def _spread(name: str) -> Callable[..., Tensor]:
    def spread(a: Tensor, dim: Any = None, *, dtype: Any = None, correction: Any = 0, keepdim: bool = False) -> Tensor:
        return getattr(functional, name)(_real(a, dtype), dim, correction=correction, keepdim=keepdim)

    return spread


def _flip(m: Tensor, dim: Any = None) -> Tensor:
    return functional.flip(m, tuple(range(m.ndim)) if dim is None else dim)


def _dot(a: Any, b: Any) -> Tensor:
    if not np.ndim(a) or not np.ndim(b):
        return functional.multiply(a, b)
    if max(np.ndim(a), np.ndim(b)) <= 2:
        return functional.matmul(a, b)
    a, b = _tensors((a, b))
    return _tensordot(a, b, ([-1], [-min(b.ndim, 2)]))


def _tensors(values: Iterable[Any]) -> list[Any]:
    return [functional.as_tensor(v) if isinstance(v, np.ndarray) else v for v in values]


def _tensor(value: Any) -> Tensor:
    """A tensor of anything, including lists of recorded tensors, whose gradients `as_tensor` would drop."""
    if isinstance(value, (list, tuple)) and any(isinstance(v, Tensor) for v in value):
        return functional.stack([_tensor(v) for v in value])
    return functional.as_tensor(value)


def _einsum(*operands: Any, optimize: Any = None) -> Tensor:
    return functional.einsum(*_tensors(operands))


def _concatenate(arrays: Any, dim: int | None = 0) -> Tensor:
    parts = [_tensor(a) for a in arrays]
    return functional.cat(parts, dim) if dim is not None else functional.cat([functional.ravel(a) for a in parts])


def _append(arr: Any, values: Any, dim: int | None = None) -> Tensor:
    return _concatenate((arr, values), dim)


def _stacked(name: str) -> Callable[..., Tensor]:
    """NumPy accepts an array as the sequence of its slices."""

    def stacked(tup: Any, **dim: int) -> Tensor:
        return getattr(functional, name)([_tensor(a) for a in tup], **dim)

    return stacked


def _take(a: Tensor, indices: Any, dim: int | None = None) -> Tensor:
    if dim is None:
        return functional.ravel(a)[indices]
    return a[(*(slice(None),) * (dim % a.ndim), indices)]


def _select(condlist: Any, choicelist: Any, default: Any = 0) -> Tensor:
    chosen = default
    for condition, choice in reversed(list(zip(condlist, choicelist, strict=True))):
        chosen = functional.where(functional.as_tensor(condition), choice, chosen)
    return chosen


def _pad(array: Tensor, pad_width: Any, mode: str = "constant", *, constant_values: Any = 0) -> Tensor:
    widths = np.broadcast_to(pad_width, (array.ndim, 2))[::-1].ravel().tolist()
    ours = {"edge": "replicate", "wrap": "circular"}.get(mode, mode)
    return functional.pad(array, widths, ours, constant_values if mode == "constant" else None)


def _gradient(f: Tensor, *spacing: Any, dim: Any = None, edge_order: int = 1) -> Any:
    steps: Any = spacing[0] if len(spacing) == 1 and not np.ndim(spacing[0]) else spacing or None
    slopes = functional.gradient(f, spacing=steps, dim=dim, edge_order=edge_order)
    return slopes if len(slopes) > 1 else slopes[0]


def _imag(val: Tensor) -> Tensor:
    return functional.imag(val) if functional.is_complex(val) else functional.zeros_like(val)


def _nan_to_num(x: Tensor, copy: bool = True, nan: Any = 0.0, posinf: Any = None, neginf: Any = None) -> Tensor:
    return (functional.nan_to_num if copy else Tensor.nan_to_num_)(x, nan, posinf, neginf)


def _qr(a: Tensor, mode: str = "reduced") -> Any:
    """In the mode "r", only R."""
    return linalg.qr(a, mode)[1] if mode == "r" else linalg.qr(a, mode)


def _svd(a: Tensor, full_matrices: bool = True, compute_uv: bool = True) -> Any:
    return linalg.svd(a, full_matrices) if compute_uv else linalg.svdvals(a)


def _flat(name: str) -> Callable[..., Tensor]:
    """Without an axis, work on the flattened tensor."""

    def along(a: Tensor, dim: Any = None, **dtype: Any) -> Tensor:
        return getattr(functional, name)(functional.ravel(a) if dim is None else a, dim or 0, **dtype)

    return along


def _repeat(a: Tensor, repeats: Any, dim: int | None = None) -> Tensor:
    return functional.repeat_interleave(a, functional.as_tensor(repeats), dim)


def _roll(a: Tensor, shift: Any, dim: Any = None) -> Tensor:
    each = isinstance(dim, tuple) and not np.ndim(shift)
    return functional.roll(a, (shift,) * len(dim) if each else shift, dim)


def _swapaxes(a: Tensor, axis1: int, axis2: int) -> Tensor:
    return functional.swapaxes(a, axis1, axis2)


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
    return functional.quantile(_real(a), 0.5, dim, keepdim)


def _quantile(a: Tensor, q: Any, dim: int | None = None, *, method: str = "linear", keepdim: bool = False) -> Tensor:
    a = _real(a)
    return functional.quantile(a, functional.as_tensor(q, dtype=a.dtype), dim, keepdim, interpolation=method)


def _cross(a: Tensor, b: Tensor, axisa: int = -1, axisb: int = -1, axisc: int = -1, dim: int | None = None) -> Tensor:
    axisa, axisb, axisc = (axisa, axisb, axisc) if dim is None else (dim, dim, dim)
    a, b = functional.moveaxis(_tensor(a), axisa, -1), functional.moveaxis(_tensor(b), axisb, -1)
    a, b = functional.broadcast_tensors(a, b)
    return functional.moveaxis(linalg.cross(a, b), -1, axisc)


OWN: dict[str, Callable[..., Any]] = {
    "append": _append, "argsort": _argsort, "array_split": _split,
    "broadcast_arrays": lambda *given: functional.broadcast_tensors(*map(_tensor, given)), "clip": _clip,
    "column_stack": _stacked("column_stack"), "concatenate": _concatenate, "cross": _cross,
    "cumprod": _flat("cumprod"), "cumsum": _flat("cumsum"),
    "diag": _offset("diag"), "diagflat": _offset("diagflat"), "diagonal": _diagonal, "dot": _dot,
    "dstack": _stacked("dstack"), "einsum": _einsum,
    "flip": _flip, "gradient": _gradient, "hstack": _stacked("hstack"), "imag": _imag,
    "isrealobj": lambda x: not functional.is_complex(x), "linalg.qr": _qr, "linalg.svd": _svd,
    "mean": _mean("mean"), "median": _median,
    "nan_to_num": _nan_to_num, "nanmean": _mean("nanmean"),
    "meshgrid": lambda *xi, indexing="xy": functional.meshgrid(*map(_tensor, xi), indexing=indexing),
    "ndim": lambda a: a.ndim, "nonzero": lambda a: functional.nonzero(a, as_tuple=True), "pad": _pad,
    "percentile": lambda a, q, *args, **given: _quantile(a, np.divide(q, 100), *args, **given),
    "quantile": _quantile, "repeat": _repeat, "roll": _roll, "rot90": _rot90, "select": _select,
    "shape": lambda a: a.shape, "size": lambda a, dim=None: a.numel() if dim is None else a.shape[dim], "sort": _sort,
    "split": _equal_split, "stack": _stacked("stack"), "std": _spread("std"), "swapaxes": _swapaxes,
    "take": _take, "take_along_axis": lambda arr, indices, dim=-1: functional.take_along_dim(arr, indices, dim),
    "tensordot": _tensordot, "trace": _trace, "transpose": _transpose,
    "tril": _offset("tril"), "triu": _offset("triu"),
    "var": _spread("var"), "vdot": lambda a, b: functional.vdot(functional.ravel(a), functional.ravel(b)),
    "vstack": _stacked("vstack"),
}  # fmt: skip


def array_ufunc(self: Tensor, ufunc: np.ufunc, method: str, *inputs: Any, out: Any = None, **kwargs: Any) -> Any:
    if out is not None and not isinstance(out[0], Tensor):  # an array cannot carry a gradient: numpy() raises then
        arrays = [x.numpy() if isinstance(x, Tensor) else x for x in inputs]
        return getattr(ufunc, method)(*arrays, out=out, **kwargs)
    name = ufunc.__name__ if method == "__call__" else f"{ufunc.__name__}.{method}"
    function = _ufunc(ufunc.__name__, method)
    if function is None or (kwargs and method in ("__call__", "outer")):
        options = f" with {', '.join(kwargs)}" if kwargs else ""
        raise TypeError(f"np.{name}{options} has no counterpart for tensors; {ADVICE}")
    return function(*_tensors(inputs), **_renamed(kwargs if out is None else {**kwargs, "out": out[0]}))


def _ufunc(name: str, method: str) -> Callable[..., Any] | None:
    """The result of a ufunc method, with NumPy's default of the first axis."""
    if method in ("reduce", "accumulate"):
        ours = getattr(functional, (REDUCTIONS if method == "reduce" else SCANS).get(name, ""), None)
        return ours and (lambda array, dim=0, **options: _reduced(ours, array, dim, **options))
    function = None if name in FOREIGN else getattr(functional, UFUNCS.get(name, name), None)
    if method == "outer" and function:
        return lambda a, b: function(np.reshape(a, np.shape(a) + (1,) * np.ndim(b)), b)
    return function if method == "__call__" else None


def array_function(self: Tensor, function: Callable[..., Any], types: Any, args: Any, kwargs: Any) -> Any:
    ours = _counterpart(function.__module__, function.__name__)
    if ours is None:
        module = function.__module__.replace("numpy", "np", 1)
        raise TypeError(f"{module}.{function.__name__} has no counterpart for tensors; {ADVICE}")
    names, defaults = _parameters(function)
    operands = next((i for i, name in enumerate(names) if name in OPTIONS), len(args))
    named = list(itertools.takewhile(kwargs.__contains__, names[len(args) : operands]))  # np.sum(a=tensor)
    args = (*args, *map(kwargs.pop, named))
    options = dict(zip(names[operands:], args[operands:], strict=False)) | kwargs
    options = {k: v for k, v in options.items() if not _is_default(v, defaults.get(k, np._NoValue))}
    args, out = (*_tensors(args[:1]), *args[1:operands]), options.pop("out", None)
    if function.__module__ == "numpy.linalg" and function.__name__ not in EXACT:
        args = tuple([_real(a) if isinstance(a, Tensor) else a for a in args])
    options = _renamed(options)
    result = _reduced(ours, *args, **options) if function.__name__ in REDUCING else ours(*args, **options)
    return result if out is None else deliver(f"np.{function.__name__}", result, out)


def _reduced(function: Callable[..., Any], array: Tensor, dim: Any = None, **options: Any) -> Any:
    """The reduction, which for `axis=()` keeps every element."""
    if dim == ():
        return function(array[..., None], -1, **{**options, "keepdim": False})
    return function(array, dim, **options)


def _is_default(value: Any, default: Any) -> bool:
    return value is np._NoValue or value is default or (isinstance(value, (int, str)) and value == default)


def _renamed(options: dict[str, Any]) -> dict[str, Any]:
    """Keyword arguments under PyTorch's names."""
    return {KEYWORDS.get(k, k): v for k, v in options.items()}


@functools.cache
def _parameters(function: Callable[..., Any]) -> tuple[tuple[str, ...], dict[str, Any]]:
    """The parameters that can be given by position, and the defaults of all."""
    if function.__name__ in WRITTEN_IN_C:
        return tuple(WRITTEN_IN_C[function.__name__]), WRITTEN_IN_C[function.__name__]
    parameters = inspect.signature(function).parameters.values()
    positional = [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    return tuple(positional), {p.name: p.default for p in parameters}


def _counterpart(module: str, name: str) -> Callable[..., Any] | None:
    if module in MODULES:
        place, names = MODULES[module]
        return OWN.get(f"{module.removeprefix('numpy.')}.{name}") or (getattr(place, name) if name in names else None)
    if module != "numpy":
        return None
    return OWN.get(name) or getattr(functional, RENAMED.get(name, name if name in SAME else ""), None)
