"""NumPy's forms of functions: those whose parameters, defaults or results differ from PyTorch's."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, cast

import numpy as np

from autograd_core import dtypes, functional, linalg, trees
from autograd_core.creation.values import where_it_is
from autograd_core.dtypes import get_default_dtype
from autograd_core.engine.libraries import LIBRARY, is_array
from autograd_core.tensor import Tensor, wrap

INTERPOLATIONS = "linear", "lower", "higher", "midpoint", "nearest"
PICKING = "constant", "edge", "reflect", "symmetric", "wrap"


def tensor(value: Any) -> Tensor:
    """A tensor of anything, including lists of recorded tensors, whose gradients `as_tensor` would drop."""
    if isinstance(value, (list, tuple)) and any(isinstance(v, Tensor) for v in value):
        return functional.stack([tensor(v) for v in value])
    return where_it_is(value)


def known(value: Any) -> Any:
    """A value, but what NumPy alone knows to be an array, such as one of JAX, as an array."""
    ours = isinstance(value, (Tensor, np.ndarray, np.generic)) or is_array(value)
    return value if ours or not hasattr(value, "__array__") else np.asarray(value)


def tensors(values: Iterable[Any]) -> list[Any]:
    """The values, with arrays as tensors."""
    return [functional.as_tensor(v) if isinstance(v, np.ndarray) else v for v in map(known, values)]


def floating(a: Any, dtype: Any = None) -> Tensor:
    """Convert to `dtype`, or integers to the default floating-point dtype: PyTorch refuses a mean of integers."""
    x = tensor(a)
    return x.to(dtype=dtype or (get_default_dtype() if x.dtype.kind in dtypes.EXACT else x.dtype))


def _broadcast_arrays(*given: Any) -> Any:
    """Tensors; NumPy's arrays if something else is among them, as in Matplotlib's calls."""
    try:
        operands = list(map(tensor, given))
    except TypeError:
        return np.broadcast_arrays(*map(np.asarray, given))
    return functional.broadcast_tensors(*operands)


def _mean(name: str) -> Callable[..., Tensor]:
    def mean(a: Tensor, axis: Any = None, *, dtype: Any = None, keepdims: bool = False, **given: Any) -> Tensor:
        return getattr(functional, name)(floating(a, dtype), axis, keepdims, **given)

    return mean


def _spread(name: str) -> Callable[..., Tensor]:
    def spread(
        a: Tensor, axis: Any = None, *, dtype: Any = None, correction: Any = 0, keepdims: bool = False
    ) -> Tensor:
        return getattr(functional, name)(floating(a, dtype), axis, correction=correction, keepdim=keepdims)

    return spread


def _dot(a: Any, b: Any) -> Tensor:
    if not np.ndim(a) or not np.ndim(b):
        return functional.multiply(a, b)
    if max(np.ndim(a), np.ndim(b)) <= 2:
        return functional.matmul(a, b)
    a, b = tensors((a, b))
    return functional.tensordot(a, b, ([-1], [-min(b.ndim, 2)]))


def _concatenate(arrays: Any, axis: int | None = 0) -> Tensor:
    parts = [tensor(a) for a in arrays]
    return functional.cat(parts, axis) if axis is not None else functional.cat([functional.ravel(a) for a in parts])


def _stacked(name: str) -> Callable[..., Tensor]:
    """NumPy accepts an array as the sequence of its slices."""

    def stacked(tup: Any, **axis: int) -> Tensor:
        return getattr(functional, name)([tensor(a) for a in tup], **axis)

    return stacked


def _take(a: Tensor, indices: Any, axis: int | None = None) -> Tensor:
    if axis is None:
        return functional.ravel(a)[indices]
    return a[(*(slice(None),) * (axis % a.ndim), indices)]


def _select(condlist: Any, choicelist: Any, default: Any = 0) -> Tensor:
    chosen = default
    for condition, choice in reversed(list(zip(condlist, choicelist, strict=True))):
        chosen = functional.where(where_it_is(condition), choice, chosen)
    return chosen


def _pad(array: Tensor, pad_width: Any, mode: str = "constant", *, constant_values: Any = 0) -> Tensor:
    """Other modes than "constant" pick elements: those that NumPy puts around the positions along each axis."""
    if isinstance(pad_width, dict) or np.ndim(constant_values) or mode not in PICKING:
        raise NotImplementedError(f"np.pad in the mode {mode!r} with these widths and values")
    widths = np.broadcast_to(pad_width, (array.ndim, 2))
    if mode == "constant":
        return functional.pad(array, widths[::-1].ravel().tolist(), mode, constant_values)
    for axis, (length, width) in enumerate(zip(array.shape, widths.tolist(), strict=True)):
        if any(width):
            picked = np.pad(np.arange(length), width, cast(Any, mode))
            array = functional.index_select(array, axis, functional.as_tensor(picked, device=array.device))
    return array


def _diff(a: Tensor, n: int = 1, axis: int = -1, *, prepend: Any = None, append: Any = None) -> Tensor:
    """A number is put before or after every row."""
    row = [1 if i == axis % a.ndim else length for i, length in enumerate(a.shape)]
    ends = [e if e is None or np.ndim(e) else functional.expand(tensor(e), row) for e in (prepend, append)]
    return functional.diff(a, n, axis, *ends)


def _gradient(f: Tensor, *spacing: Any, axis: Any = None, edge_order: int = 1) -> Any:
    steps: Any = spacing[0] if len(spacing) == 1 and not np.ndim(spacing[0]) else spacing or None
    slopes = functional.gradient(f, spacing=steps, dim=axis, edge_order=edge_order)
    return slopes if len(slopes) > 1 else slopes[0]


def _solve(a: Any, b: Any) -> Tensor:
    """Only a right-hand side of one axis is a vector; PyTorch takes stacks of vectors, too."""
    a, b = floating(a), floating(b)
    return linalg.solve(a, b) if b.ndim == 1 else functional.solve_system(a, b)


def _flat(name: str) -> Callable[..., Tensor]:
    """Without an axis, work on the flattened tensor."""

    def along(a: Tensor, axis: Any = None, **dtype: Any) -> Tensor:
        return getattr(functional, name)(functional.ravel(a) if axis is None else a, axis or 0, **dtype)

    return along


def _roll(a: Tensor, shift: Any, axis: Any = None) -> Tensor:
    each = isinstance(axis, tuple) and not np.ndim(shift)
    return functional.roll(a, (shift,) * len(axis) if each else shift, axis)


def _sort(a: Tensor, axis: int | None = -1, kind: Any = None, *, stable: bool | None = None) -> Tensor:
    flat = functional.ravel(a) if axis is None else a
    return functional.sort(flat, dim=-1 if axis is None else axis, stable=True)[0]


def _argsort(a: Tensor, axis: int | None = -1, kind: Any = None, *, stable: bool | None = None) -> Tensor:
    flat = functional.ravel(a) if axis is None else a
    return functional.argsort(flat, dim=-1 if axis is None else axis, stable=True)


def _equal_split(ary: Tensor, indices_or_sections: Any, axis: int = 0) -> list[Tensor]:
    if isinstance(indices_or_sections, int) and ary.shape[axis] % indices_or_sections:
        raise ValueError(f"np.split: {ary.shape[axis]} elements do not divide into {indices_or_sections} equal parts")
    return list(functional.tensor_split(ary, indices_or_sections, axis))


def _variables(m: Any, y: Any, rowvar: bool) -> Tensor:
    """The variables of both operands, in rows."""
    given = [floating(x) for x in (m, y) if x is not None]
    return functional.cat([functional.atleast_2d(x if rowvar or x.ndim < 2 else x.mT) for x in given])


def _cov(
    m: Any, y: Any = None, rowvar: bool = True, bias: bool = False, correction: Any = None,
    fweights: Any = None, aweights: Any = None,
) -> Tensor:  # fmt: skip
    """NumPy's `correction` is 1, or 0 if `bias`."""
    weights = {"fweights": None if fweights is None else tensor(fweights),
               "aweights": None if aweights is None else floating(aweights)}  # fmt: skip
    return functional.cov(
        _variables(m, y, rowvar), correction=int(not bias) if correction is None else correction, **weights
    )


def _quantile(a: Tensor, q: Any, axis: int | None = None, *, method: str = "linear", keepdims: bool = False) -> Tensor:
    if method not in INTERPOLATIONS:
        raise NotImplementedError(f"np.quantile by the method {method!r}")
    a = floating(a)
    q = functional.as_tensor(q, dtype=a.dtype, device=a.device)
    return functional.quantile(a, q, axis, keepdims, interpolation=method)


def _cross(a: Tensor, b: Tensor, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: int | None = None) -> Tensor:
    axisa, axisb, axisc = (axisa, axisb, axisc) if axis is None else (axis, axis, axis)
    a, b = functional.moveaxis(tensor(a), axisa, -1), functional.moveaxis(tensor(b), axisb, -1)
    a, b = functional.broadcast_tensors(a, b)
    return functional.moveaxis(linalg.cross(a, b), -1, axisc)


def _unique(ar: Tensor, *asked: bool, **options: Any) -> Any:
    """NumPy's own, for which NaNs are equal by default, and which also finds the first positions."""
    return trees.mapped(wrap, LIBRARY[ar.array.__class__].unique(ar.array, *asked, **options))


FORMS: dict[str, Callable[..., Any]] = {
    "append": lambda arr, values, axis=None: _concatenate((arr, values), axis),
    "argsort": _argsort,
    "array_split": lambda ary, indices_or_sections, axis=0: list(
        functional.tensor_split(ary, indices_or_sections, axis)
    ),
    "broadcast_arrays": _broadcast_arrays,
    "clip": lambda a, a_min=None, a_max=None, *, min=None, max=None: functional.clamp(
        a, a_min if min is None else min, a_max if max is None else max
    ),
    "column_stack": _stacked("column_stack"), "concatenate": _concatenate,
    "corrcoef": lambda x, y=None, rowvar=True: functional.corrcoef(_variables(x, y, rowvar)),
    "cov": _cov, "cross": _cross, "cumprod": _flat("cumprod"), "cumsum": _flat("cumsum"),
    "diag": lambda m, k=0: functional.diag(m, k), "diagflat": lambda m, k=0: functional.diagflat(m, k),
    "diagonal": lambda a, offset=0, axis1=0, axis2=1: functional.diagonal(a, offset, axis1, axis2),
    "diff": _diff, "dot": _dot, "dstack": _stacked("dstack"),
    "einsum": lambda *operands, optimize=None: functional.einsum(*tensors(operands)),
    "flip": lambda m, axis=None: functional.flip(m, tuple(range(m.ndim)) if axis is None else axis),
    "gradient": _gradient, "hstack": _stacked("hstack"),
    "imag": lambda val: functional.imag(val) if functional.is_complex(val) else functional.zeros_like(val),
    "isrealobj": lambda x: not functional.is_complex(x),
    "linalg.matrix_power": lambda a, n: linalg.matrix_power(floating(a) if n < 0 else a, n),
    "linalg.qr": lambda a, mode="reduced": linalg.qr(a, mode)[1] if mode == "r" else linalg.qr(a, mode),
    "linalg.solve": _solve,
    "linalg.svd": lambda a, full_matrices=True, compute_uv=True: (
        linalg.svd(a, full_matrices) if compute_uv else linalg.svdvals(a)
    ),
    "mean": _mean("mean"),
    # the mean of the two middle elements, unlike PyTorch's
    "median": lambda a, axis=None, *, keepdims=False: functional.quantile(floating(a), 0.5, axis, keepdims),
    "meshgrid": lambda *xi, indexing="xy": functional.meshgrid(*map(tensor, xi), indexing=indexing),
    "nan_to_num": lambda x, copy=True, nan=0.0, posinf=None, neginf=None: (
        (functional.nan_to_num if copy else Tensor.nan_to_num_)(x, nan, posinf, neginf)
    ),
    "nanmean": _mean("nanmean"), "ndim": lambda a: a.ndim, "nonzero": lambda a: functional.nonzero(a, as_tuple=True),
    "outer": lambda a, b: functional.outer(functional.ravel(tensor(a)), functional.ravel(tensor(b))), "pad": _pad,
    "percentile": lambda a, q, *args, **given: _quantile(a, np.divide(q, 100), *args, **given), "quantile": _quantile,
    "repeat": lambda a, repeats, axis=None: functional.repeat_interleave(a, where_it_is(repeats), axis),
    "roll": _roll, "select": _select, "shape": lambda a: a.shape,
    "size": lambda a, axis=None: a.numel() if axis is None else a.shape[axis], "sort": _sort, "split": _equal_split,
    "stack": _stacked("stack"), "std": _spread("std"), "swapaxes": lambda a, axis1, axis2: a.swapaxes(axis1, axis2),
    "take": _take, "take_along_axis": lambda arr, indices, axis=-1: functional.take_along_dim(arr, indices, axis),
    "trace": lambda a, offset=0, axis1=0, axis2=1: functional.diagonal(a, offset, axis1, axis2).sum(-1),
    "transpose": lambda a, axes=None: functional.permute(a, tuple(reversed(range(a.ndim))) if axes is None else axes),
    "tril": lambda m, k=0: functional.tril(m, k), "triu": lambda m, k=0: functional.triu(m, k), "unique": _unique,
    "var": _spread("var"),
    "vdot": lambda a, b: functional.vdot(functional.ravel(a), functional.ravel(b)), "vstack": _stacked("vstack"),
}  # fmt: skip
