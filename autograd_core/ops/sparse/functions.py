"""What operations do with sparse tensors: functions of their values and positions, by the name of the operation."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from autograd_core import dtypes, functional
from autograd_core.engine.entries import Op
from autograd_core.engine.libraries import ELSEWHERE, LIBRARY
from autograd_core.errors import OperandError
from autograd_core.ops import axes
from autograd_core.ops.sparse.arrays import Pattern, Sparse, common, positions
from autograd_core.ops.sparse.graph import coalesced, elements, is_sparse, parts, separate, sparse
from autograd_core.ops.sparse.products import expansion, product
from autograd_core.registry import OPS
from autograd_core.semantics.memory_format import Layout
from autograd_core.tensor import Tensor, wrap
from backends.live import capturing

# Functions that are 0 at 0.
LINEAR = ("negative", "astype", "clone", "move", "conj", "real", "imag")
OTHERS = (
    "absolute", "angle", "asin", "asinh", "atan", "atanh", "ceil", "erf", "erfinv", "expm1", "floor", "isinf",
    "isnan", "isneginf", "isposinf", "log1p", "nan_to_num", "relu", "round", "sgn", "sign", "signbit", "sin", "sinh",
    "sqrt", "square", "tan", "tanh", "trunc",
)  # fmt: skip


def compute(o: Op, args: Sequence[Any], statics: dict[str, Any]) -> Any:
    """What an operation gives for operands of which some are sparse."""
    if capturing():
        raise NotImplementedError("the step computes with sparse tensors, which a program does not")
    if o.name in LINEAR or o.name in OTHERS:
        values, pattern = (parts if o.name in LINEAR else separate)(args[0])
        return sparse(o.call(values, **statics), pattern=_on_device(pattern, statics.get("device")))
    function = FUNCTIONS.get(o.name)
    if function is None:
        raise NotImplementedError(f"{o.name}() of sparse tensors is not provided; .to_dense() gives one that it takes")
    return function(*args, **statics)


def _on_device(pattern: Pattern, device: str | None) -> Pattern:
    if device is None:
        return pattern
    return pattern.moved(lambda indices: wrap(indices).to(device).array)


def dense(s: Tensor) -> Tensor:
    """The tensor with all its zeros."""
    values, pattern = parts(s)
    if not pattern.sparse_dim:
        return functional.sum(values, dim=0, dtype=values.dtype)
    return functional.place(values, index=pattern.rows, shape=pattern.shape)


def _add(a: Any, b: Any) -> Tensor:
    """Where the sum of arrays has failed."""
    if not is_sparse(a):
        a, b = b, a
    if isinstance(b, Tensor) and not is_sparse(b) and a.shape == b.shape and a.device == b.device:  # inside `vmap`
        return functional.add(dense(a), b)
    if not (is_sparse(b) and a.sparse_dim() != b.sparse_dim()) or a.shape != b.shape or a.device != b.device:
        what = f"a tensor of shape {b.shape}, on {b.device}" if isinstance(b, Tensor) else "a number"
        raise RuntimeError(f"a sparse tensor of shape {a.shape} cannot be added to {what}; use .to_dense()")
    return functional.add(*_alike(a, b))


def _alike(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """Tensors that have the same sparse axes, if both are sparse."""
    if not is_sparse(b) or a.sparse_dim() == b.sparse_dim():
        return a, b
    return without_dense_axes(a), without_dense_axes(b)


def without_dense_axes(s: Tensor) -> Tensor:
    """The same elements with only sparse axes."""
    values, pattern = parts(s)
    xp, keys = LIBRARY[pattern.indices.__class__], pattern.keys()
    within = xp.arange(math.prod(pattern.shape[pattern.sparse_dim :]))
    indices = positions((keys[:, None] * len(within) + within).reshape(-1), pattern.shape)
    made = Pattern(indices, pattern.shape, pattern.coalesced, pattern.unique)
    return sparse(functional.reshape(values, (indices.shape[1],)), pattern=made)


def _subtract(a: Any, b: Any) -> Tensor:
    return functional.add(a, -b)


def _multiply(a: Any, b: Any) -> Tensor:
    if not is_sparse(a):
        a, b = b, a
    if not isinstance(b, Tensor) or not b.ndim:
        values, pattern = parts(a)
        return sparse(values * b, pattern=pattern)
    if not is_sparse(b):
        values, pattern = separate(a)
        other = functional.expand(b, a.shape)
        return sparse(values * functional.getitem(other, index=pattern.rows), pattern=pattern)
    if a.shape != b.shape:
        raise OperandError(f"sparse tensors are multiplied if their shapes agree, not {a.shape} and {b.shape}")
    a, b = _alike(a, b)
    both = common(a.array.pattern, b.array.pattern)
    if a.layout == b.layout == Layout.sparse_csr:
        both = both.laid_out(Layout.sparse_csr)
    return sparse(elements(a, pattern=both) * elements(b, pattern=both), pattern=both)


def _divide(name: str) -> Callable[..., Tensor]:
    def divide(a: Any, b: Any) -> Tensor:
        if not is_sparse(a) or (isinstance(b, Tensor) and b.ndim):
            raise RuntimeError("Sparse division requires a scalar or zero-dim dense tensor divisor")
        values, pattern = (parts if name == "divide" else separate)(a)
        return sparse(OPS[name].call(values, b), pattern=pattern)

    return divide


def _power(a: Any, b: Any) -> Tensor:
    if (isinstance(b, Tensor) and (b.ndim or is_sparse(b))) or not is_sparse(a) or not b > 0:
        raise RuntimeError("powers of sparse tensors take a positive number as the exponent")
    values, pattern = separate(a)
    return sparse(values**b, pattern=pattern)


def _permute(s: Tensor, dims: Sequence[int]) -> Tensor:
    values, pattern = parts(s)
    order, n = axes.several(dims, s.ndim), pattern.sparse_dim
    if sorted(order) != list(range(s.ndim)):
        raise OperandError(f"dims must name each of the {s.ndim} axes once")
    if any(dim >= n for dim in order[:n]):
        raise RuntimeError("sparse and dense axes of a sparse tensor cannot be exchanged")
    values = functional.permute(values, (0, *[dim - n + 1 for dim in order[n:]]))
    shape = [s.shape[dim] for dim in order]
    layout = pattern.layout
    if order[:2] == (1, 0):
        layout = {Layout.sparse_csr: Layout.sparse_csc, Layout.sparse_csc: Layout.sparse_csr}.get(layout, layout)
    unmoved = order[:n] == tuple(range(n))
    indices = pattern.indices if unmoved else pattern.indices[list(order[:n])]
    return sparse(values, pattern=Pattern(indices, shape, pattern.coalesced and unmoved, pattern.unique, layout))


def _swapped(s: Tensor) -> Tensor:
    return _permute(s, (*range(s.ndim - 2), s.ndim - 1, s.ndim - 2))


def total(s: Tensor, dim: Any = None, keepdim: bool = False, dtype: Any = None) -> Tensor:
    """Sums over some or all axes; sparse where sparse axes remain."""
    values, pattern = parts(s)
    n, dims = pattern.sparse_dim, axes.normalized(dim, s.ndim)
    if dtype is None and values.dtype.kind in dtypes.EXACT:
        dtype = dtypes.int64
    inner = tuple([d - n + 1 for d in dims if d >= n])
    kept = [d for d in range(n) if d not in dims]
    values = functional.sum(values, dim=inner, keepdim=keepdim, dtype=dtype) if inner else values
    if len(kept) == n:
        shape = pattern.shape[:n] + tuple(values.shape[1:])
        return sparse(values, pattern=Pattern(pattern.indices, shape, pattern.coalesced, pattern.unique))
    if not kept:
        values = functional.sum(values, dim=0, dtype=dtype)
        return functional.reshape(values, (*(1,) * n, *values.shape)) if keepdim else values
    indices = pattern.indices.copy()
    for d in set(range(n)) - set(kept):
        indices[d] = 0
    shape = tuple([1 if d in dims else k for d, k in enumerate(pattern.shape[:n])])
    if not keepdim:
        indices, shape = indices[kept], tuple([shape[d] for d in kept])
    values = values if dtype is None else functional.astype(values, dtypes.as_dtype(dtype))
    return coalesced(sparse(values, pattern=Pattern(indices, shape + tuple(values.shape[1:]))))


def softmax(s: Tensor, dim: int, dtype: Any = None, logarithm: bool = False) -> Tensor:
    """Softmax along an axis over the positions that are there, as if others held -∞; or its logarithm."""
    s = s if dtype is None else s.to(dtype)
    values, pattern = separate(s)
    dim = axes.normalized(dim, s.ndim)[0]
    if dim >= pattern.sparse_dim:
        function = functional.log_softmax if logarithm else functional.softmax
        return sparse(function(values, dim - pattern.sparse_dim + 1), pattern=pattern)
    xp = LIBRARY[pattern.indices.__class__]
    keys, row = xp.unique(pattern.keys([d for d in range(pattern.sparse_dim) if d != dim]), return_inverse=True)
    row, flat = wrap(row.reshape(-1)), functional.reshape(values, (len(values), math.prod(values.shape[1:])))
    largest = functional.zeros((len(keys), flat.shape[1]), dtype=flat.dtype, device=flat.device)
    largest = largest.index_reduce(0, row, flat.detach(), "amax", include_self=False)
    shifted = flat - largest[row]
    sums = functional.add_rows(shifted.exp(), row, count=len(keys))
    found = shifted - sums.log()[row] if logarithm else shifted.exp() / sums[row]
    return sparse(functional.reshape(found, values.shape), pattern=pattern)


def cat(*tensors: Tensor, dim: int = 0) -> Tensor:
    """Tensors one after the other along a sparse axis."""
    if not all(map(is_sparse, tensors)):
        raise RuntimeError("cat() takes sparse tensors or dense ones, not both; use .to_sparse()")
    dim, start = axes.normalized(dim, tensors[0].ndim)[0], 0
    shapes = {t.shape[:dim] + t.shape[dim + 1 :] for t in tensors}
    if len(shapes) > 1 or len({t.sparse_dim() for t in tensors}) > 1 or dim >= tensors[0].sparse_dim():
        raise OperandError(f"cat() joins sparse axes, where the others agree, not {[tuple(t.shape) for t in tensors]}")
    found = [parts(t) for t in tensors]
    xp, indices = LIBRARY[found[0][1].indices.__class__], []
    for _, pattern in found:
        moved = pattern.indices.copy()
        moved[dim] += start
        start += pattern.shape[dim]
        indices.append(moved)
    shape = (*tensors[0].shape[:dim], start, *tensors[0].shape[dim + 1 :])
    ordered = dim == 0 and all(p.coalesced for _, p in found)
    pattern = Pattern(xp.concatenate(indices, axis=1), shape, ordered, all(p.unique for _, p in found))
    return sparse(functional.cat([values for values, _ in found]), pattern=pattern)


def reshape(s: Tensor, shape: Any) -> Tensor:
    """The same elements in order, in another shape; dense axes become sparse, unless they are the last as before."""
    values, pattern = parts(s)
    lengths = list(shape) if isinstance(shape, Sequence) else [shape]
    if -1 in lengths:
        lengths[lengths.index(-1)] = s.numel() // max(-math.prod(lengths), 1)
    if math.prod(lengths) != s.numel():
        raise OperandError(f"a tensor of shape {s.shape} cannot become one of shape {shape}")
    inner = pattern.shape[pattern.sparse_dim :]
    n = len(lengths) - len(inner)
    if inner and (n < 1 or tuple(lengths[n:]) != inner):
        return reshape(without_dense_axes(s), lengths)
    made = Pattern(positions(pattern.keys(), lengths[:n]), lengths, pattern.coalesced, pattern.unique)
    return sparse(values, pattern=made)


def index_select(s: Tensor, dim: int, index: Tensor) -> Tensor:
    """The parts of a tensor at positions along an axis."""
    values, pattern = parts(s)
    dim, n = axes.normalized(dim, s.ndim)[0], pattern.sparse_dim
    index = functional.where(index < 0, index + s.shape[dim], index)
    shape = (*s.shape[:dim], len(index), *s.shape[dim + 1 :])
    if dim >= n:
        values = functional.index_select(values, dim - n + 1, index)
        return sparse(values, pattern=Pattern(pattern.indices, shape, pattern.coalesced, pattern.unique))
    of_index, of_values = expansion(index.array, pattern.indices[dim], s.shape[dim])
    indices = pattern.indices[:, of_values]
    indices[dim] = of_index
    return sparse(functional.getitem(values, index=of_values), pattern=Pattern(indices, shape, unique=pattern.unique))


def select(s: Tensor, dim: int, index: int) -> Tensor:
    """One slice along a sparse axis, which is removed."""
    dim = axes.normalized(dim, s.ndim)[0]
    if not -s.shape[dim] <= index < s.shape[dim]:
        raise IndexError(f"index {index} is out of range for axis {dim} of shape {s.shape}")
    part = index_select(s, dim, functional.tensor([index], device=s.device))
    found = total(part, dim)
    return found if found.dtype == s.dtype else found.to(s.dtype)


def _getitem(s: Tensor, index: Any) -> Tensor:
    dim = 0
    for at in index if isinstance(index, tuple) else (index,):
        if isinstance(at, slice):
            chosen = range(*at.indices(s.shape[dim]))
            if chosen != range(s.shape[dim]):
                s = index_select(s, dim, functional.tensor(chosen, dtype=np.int64, device=s.device))
            dim += 1
        elif isinstance(at, int | np.integer):
            s = select(s, dim, int(at)) if is_sparse(s) else functional.select(s, dim, int(at))
        elif getattr(at, "ndim", 0) == 1 and at.dtype.kind in dtypes.INTEGERS:
            s, dim = index_select(s, dim, functional.as_tensor(at)), dim + 1
        else:
            raise NotImplementedError("a sparse tensor is indexed by integers, slices and vectors of positions")
    return s


def _linear(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    found = product(x, weight.t())
    return found if bias is None else found + bias


def _reduced(name: str) -> Callable[..., Tensor]:
    def reduce(s: Tensor, dim: Any = None, keepdim: bool = False, **statics: Any) -> Tensor:
        if keepdim or (dim is not None and len(axes.normalized(dim, s.ndim)) < s.ndim):
            raise NotImplementedError(f"{name}() of a sparse tensor is over all axes")
        found: Tensor = OPS[name].call(separate(s)[0], **statics)
        return found

    return reduce


def _expand(s: Tensor, shape: Sequence[int]) -> Tensor:
    if tuple(shape) != s.shape:
        raise NotImplementedError("a sparse tensor cannot be expanded")
    return s


def zeros_like(s: Tensor) -> Tensor:
    """A tensor of the same shape without positions."""
    made = wrap(s.array.copy())
    made.array[...] = 0
    return made


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "add": _add, "subtract": _subtract, "multiply": _multiply, "pow": _power, "power": _power,
    **{name: _divide(name) for name in ("divide", "floor_divide", "trunc_divide")},
    "matmul": product, "permute": _permute, "swapped": _swapped, "sum": total, "cat": cat, "getitem": _getitem,
    **{name: _reduced(name) for name in ("any", "euclidean", "minkowski")}, "linear": _linear, "reshape": reshape,
    "expand": _expand, "zeros_like": zeros_like, "row_major": lambda s: s,
    "unbind": lambda s, dim=0: tuple([select(s, dim, i) for i in range(s.shape[dim])]),
    "stack": lambda *tensors, dim=0: cat(*[functional.unsqueeze(t, dim) for t in tensors], dim=dim),
}  # fmt: skip
ELSEWHERE[Sparse] = compute
