"""NumPy's functions on tensors: np.exp(tensor), array * tensor and np.sum(tensor, axis=0) are ordinary operations.

A function without a counterpart of the same meaning, or an option that the counterpart lacks, computes on the arrays of
the tensors and gives arrays, like np.histogram(tensor). It raises if a gradient would be dropped, or a tensor written
unnoticed.
"""

from __future__ import annotations

import functools
import inspect
import itertools
from collections.abc import Callable
from typing import Any

import numpy as np

from autograd_core import fft, functional, linalg, trees
from autograd_core.engine.options import deliver
from autograd_core.semantics.numpy_forms import FORMS, floating, known, tensors
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
REDUCING = ("all", "amax", "amin", "any", "count_nonzero", "max", "mean", "min", "nanmean", "nansum", "prod", "std",
            "sum", "var")  # fmt: skip
# The functions equivalent to `ufunc.reduce` and `ufunc.accumulate`.
REDUCTIONS = {"add": "sum", "multiply": "prod", "maximum": "amax", "minimum": "amin", "logical_and": "all",
              "logical_or": "any", "logaddexp": "logsumexp"}  # fmt: skip
SCANS = {"add": "cumsum", "multiply": "cumprod", "logaddexp": "logcumsumexp"}
# Functions with the same name, parameters and meaning as in NumPy.
SAME = ("all", "allclose", "amax", "amin", "angle", "any", "argmax", "argmin", "argwhere", "atleast_1d", "atleast_2d",
        "atleast_3d", "bincount", "broadcast_to", "count_nonzero", "dsplit", "empty_like",
        "expand_dims", "fix", "fliplr", "flipud", "full_like", "hsplit", "i0", "inner", "isclose", "isin", "isneginf",
        "isposinf", "isreal", "kron", "moveaxis", "nansum", "ones_like", "prod", "ravel", "real", "reshape",
        "rot90", "round", "searchsorted", "sinc", "squeeze", "sum", "tensordot", "tile", "trapezoid",
        "vander", "vsplit", "where", "zeros_like")  # fmt: skip
RENAMED = {"around": "round", "array_equal": "equal", "copy": "clone",
           "iscomplexobj": "is_complex", "max": "amax", "min": "amin"}  # fmt: skip
KEYWORDS = {"reps": "dims", "ddof": "correction"}  # besides `axis` and `keepdims`, which our functions take too
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


# Functions that write to their first argument.
WRITING = ("copyto", "fill_diagonal", "place", "put", "put_along_axis", "putmask", "at")


def array_ufunc(self: Tensor, ufunc: np.ufunc, method: str, *inputs: Any, out: Any = None, **kwargs: Any) -> Any:
    if out is not None and not isinstance(out[0], Tensor):  # an array cannot carry a gradient: numpy() raises then
        inputs, kwargs = _arrays((inputs, kwargs))
        return getattr(ufunc, method)(*inputs, out=out, **kwargs)
    function = _ufunc(ufunc.__name__, method)
    given = kwargs if out is None else {**kwargs, "out": out}
    if function is not None and not (kwargs and method in ("__call__", "outer")):
        try:
            return function(*tensors(inputs), **_renamed(kwargs if out is None else {**kwargs, "out": out[0]}))
        except TypeError as e:
            if not _lacking(e, (inputs, given)):
                raise
    name = ufunc.__name__ if method == "__call__" else f"{ufunc.__name__}.{method}"
    options = f" with {', '.join(kwargs)}" if kwargs else ""
    return _on_arrays(getattr(ufunc, method), f"np.{name}{options}", inputs, given)


def _ufunc(name: str, method: str) -> Callable[..., Any] | None:
    """The result of a ufunc method, with NumPy's default of the first axis."""
    if method in ("reduce", "accumulate"):
        ours = getattr(functional, (REDUCTIONS if method == "reduce" else SCANS).get(name, ""), None)
        return ours and (lambda array, axis=0, **options: _reduced(ours, array, axis, **options))
    function = None if name in FOREIGN else getattr(functional, UFUNCS.get(name, name), None)
    if method == "outer" and function:
        return lambda a, b: function(np.reshape(a, np.shape(a) + (1,) * np.ndim(b)), b)
    return function if method == "__call__" else None


def array_function(self: Tensor, function: Callable[..., Any], types: Any, args: Any, kwargs: Any) -> Any:
    if ours := _counterpart(function.__module__, function.__name__):
        try:
            return _by_counterpart(ours, function, args, dict(kwargs))
        except (TypeError, NotImplementedError) as e:
            if not _lacking(e, (args, kwargs)):
                raise
    module = function.__module__.replace("numpy", "np", 1)
    return _on_arrays(function, f"{module}.{function.__name__}", args, kwargs)


def _by_counterpart(ours: Callable[..., Any], function: Callable[..., Any], args: Any, kwargs: dict[str, Any]) -> Any:
    names, defaults = _parameters(function)
    operands = next((i for i, name in enumerate(names) if name in OPTIONS), len(args))
    named = list(itertools.takewhile(kwargs.__contains__, names[len(args) : operands]))  # np.sum(a=tensor)
    args = (*args, *map(kwargs.pop, named))
    options = dict(zip(names[operands:], args[operands:], strict=False)) | kwargs
    options = {k: v for k, v in options.items() if not _is_default(v, defaults.get(k, np._NoValue))}
    args, out = (*tensors(args[:1]), *map(known, args[1:operands])), options.pop("out", None)
    if function.__module__ == "numpy.linalg" and function.__name__ not in EXACT:
        args = tuple([floating(a) if isinstance(a, Tensor) else a for a in args])
    options = _renamed(options)
    result = _reduced(ours, *args, **options) if function.__name__ in REDUCING else ours(*args, **options)
    return result if out is None else deliver(f"np.{function.__name__}", result, out)


def _lacking(error: Exception, given: Any) -> bool:
    """Whether a counterpart only refused how it was called, an option that it lacks, and no gradient is recorded."""
    return type(error) in (TypeError, NotImplementedError) and not any(
        isinstance(x, Tensor) and x.requires_grad for x in trees.leaves(given)
    )


def _arrays(given: Any) -> Any:
    return trees.mapped(lambda x: x.numpy() if isinstance(x, Tensor) else x, given)


def _on_arrays(function: Callable[..., Any], name: str, args: Any, kwargs: Any) -> Any:
    """What NumPy's function gives for the arrays of the tensors, if these carry no gradient and none is written."""
    given = trees.leaves((args, kwargs))
    written = [] if function.__name__ not in WRITING else [args[0] if args else kwargs.get("dst", kwargs.get("a"))]
    written += trees.leaves(kwargs.get("out"))
    if any(isinstance(x, Tensor) and x.requires_grad for x in given) or any(isinstance(x, Tensor) for x in written):
        raise TypeError(f"{name} has no counterpart for tensors; {ADVICE}")
    args, kwargs = _arrays((args, kwargs))
    return function(*args, **kwargs)


def _reduced(function: Callable[..., Any], array: Tensor, axis: Any = None, **options: Any) -> Any:
    """The reduction, which for `axis=()` keeps every element."""
    if axis == ():
        return function(array[..., None], -1, **{**options, "keepdims": False})
    return function(array, axis, **options)


def _is_default(value: Any, default: Any) -> bool:
    return value is np._NoValue or value is default or (isinstance(value, (int, str)) and value == default)


def _renamed(options: dict[str, Any]) -> dict[str, Any]:
    """Keyword arguments under PyTorch's names, each given once."""
    renamed = {KEYWORDS.get(k, k): v for k, v in options.items()}
    if len(renamed) < len(options):
        raise TypeError(f"{', '.join(options)}: two names of one option")
    return renamed


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
        return FORMS.get(f"{module.removeprefix('numpy.')}.{name}") or (getattr(place, name) if name in names else None)
    if module != "numpy":
        return None
    return FORMS.get(name) or getattr(functional, RENAMED.get(name, name if name in SAME else ""), None)
