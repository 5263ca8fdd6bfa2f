"""`vmap`: turns a function of one sample into a function of many."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from typing import Any

from autograd_core import functional, random, trees
from autograd_core.batching.graph import admitted, inside, leave
from autograd_core.batching.levels import Level, entered
from autograd_core.engine.inplace import rebase
from autograd_core.engine.libraries import depth_of
from autograd_core.engine.nodes import Leaf
from autograd_core.engine.versions import version
from autograd_core.errors import InplaceError
from autograd_core.tensor import Tensor

RANDOMNESS = ("error", "different", "same")


def vmap(
    func: Callable[..., Any],
    in_dims: Any = 0,
    out_dims: Any = 0,
    randomness: str = "error",
    *,
    chunk_size: int | None = None,
) -> Callable[..., Any]:
    """Vectorise `func`, a function of one sample, into a function of many samples at once.

    in_dims: the axis of each argument along which the samples lie, or None for a shared argument; an int for all
    arguments, or a tuple with an entry for each, nested like the argument. out_dims: the axis of samples in the
    results; None for a result that all samples share. randomness: whether random functions raise ("error"), draw for
    each sample ("different") or once ("same"). chunk_size: the number of samples processed at a time.

    Transforms combine: vmap(grad(loss)) computes per-sample gradients. Control flow that depends on values that differ
    between samples raises VmapError.

    >>> from autograd_core import tensor
    >>> x = tensor([[1.0, 2.0], [3.0, 4.0]])
    >>> vmap(lambda row: row @ row)(x)
    tensor([ 5., 25.])
    """
    if randomness not in RANDOMNESS:
        raise RuntimeError(f"vmap(): randomness must be one of {', '.join(map(repr, RANDOMNESS))}, not {randomness!r}")
    if chunk_size is not None and chunk_size <= 0:
        raise ValueError(f"vmap(): chunk_size must be positive, not {chunk_size}")

    @functools.wraps(func, updated=())
    def batched(*args: Any, **kwargs: Any) -> Any:
        values = trees.leaves(args)
        dims = _in_dims(in_dims, args, values)
        size = _size(values, dims)

        def run(values: list[Any], size: int) -> Any:
            return _run(func, args, values, dims, kwargs, out_dims, size, randomness)

        if chunk_size is None or size <= chunk_size:
            return run(values, size)
        results, drawn = [], random.rng_states() if randomness == "same" else None
        for start in range(0, size, chunk_size):
            chunk = [_part(v, d, start, chunk_size) for v, d in zip(values, dims, strict=True)]
            with random.resumed(drawn) if drawn and start else nullcontext():
                results.append(run(chunk, min(chunk_size, size - start)))
        return _joined(results, out_dims)

    return batched


def _run(
    func: Callable[..., Any],
    args: Any,
    values: list[Any],
    dims: list[int | None],
    kwargs: dict[str, Any],
    out_dims: Any,
    size: int,
    randomness: str,
) -> Any:
    with entered(size, randomness) as level:
        inside = [v if d is None else admitted(v, d, level) for v, d in zip(values, dims, strict=True)]
        given = [(v, x, d) for v, x, d in zip(values, inside, dims, strict=True) if d is not None]
        taken = [(v, x, x.node, x.array, x.node and version(x), d) for v, x, d in given]
        result = func(*trees.rebuild(args, inside), **kwargs)
        outputs = trees.leaves(result)
        places = list(zip(outputs, _out_dims(out_dims, result, outputs), strict=True))
        same = {id(x): (v, d) for v, x, _, array, _, d in taken if x.array is array}  # what is returned as it came
        out = [None if d is not None and id(y) in same else _left(y, d, level) for y, d in places]
        written = [(v, _left(x, d, level).node) for v, x, *before, d in taken if _was_written(x, *before)]
    for v, node in written:
        rebase(v, node)
    returned = zip(out, places, strict=True)
    out = [_moved(*same[id(y)], d) if left is None and y is not None else left for left, (y, d) in returned]
    return trees.rebuild(result, out)


def _moved(v: Tensor, dim: int, to: Any) -> Any:
    """An argument as an output, with the axis of samples elsewhere."""
    return v if to in (dim, dim - v.ndim) else functional.movedim(v, dim, to)


def _was_written(x: Tensor, node: Any, array: Any, writes: int | None) -> bool:
    """Whether a write in place gave a tensor another node than it had before, not only another shape."""
    if x.node is node or x.node is None or x.node.__class__ is Leaf:
        return False
    if x.array is not array and version(x) != writes:
        raise InplaceError(
            "vmap(): an argument was written after its shape was changed in place; use .transpose() instead of "
            ".transpose_(), and the like"
        )
    return x.array is array


def _left(y: Any, dim: int | None, level: Level) -> Any:
    """An output moved outside: with an axis of samples, or without one if all are the same, or if it is no tensor."""
    if dim is not None:
        y = inside(y)
        if not -y.ndim - 1 <= dim <= y.ndim:
            raise IndexError(f"vmap(): out_dims has {dim}, which is out of range for an output of {y.ndim + 1} axes")
        return leave(y, level=level, dim=dim % (y.ndim + 1), at=level.depth)
    if not isinstance(y, Tensor) or depth_of(y.array) < level.depth:
        return y
    if y.array.level is not None:
        raise ValueError("vmap(): out_dims is None for an output that differs between samples")
    return leave(y, level=level, dim=0, at=level.depth)[0]


def _in_dims(in_dims: Any, args: tuple[Any, ...], values: list[Any]) -> list[int | None]:
    """A non-negative axis for each value; None for shared values."""
    if not isinstance(in_dims, int | tuple | list):
        raise ValueError(f"vmap(): in_dims must be an int or a tuple with an entry for each argument, not {in_dims!r}")
    if not args:
        raise ValueError("vmap(): the function was called without arguments, which would hold the samples")
    try:
        dims = trees.spread(tuple(in_dims) if isinstance(in_dims, list) else in_dims, args)
    except ValueError as e:
        raise ValueError(f"vmap(): in_dims does not fit the arguments: {e}") from None
    return [d if d is None else _in_dim(d, v) for d, v in zip(dims, values, strict=True)]


def _in_dim(dim: Any, value: Any) -> int:
    if not isinstance(dim, int):
        raise ValueError(f"vmap(): in_dims must hold ints and None, not {dim!r}")
    if not isinstance(value, Tensor):
        raise ValueError(
            f"vmap(): in_dims has {dim} for an argument of type {type(value).__name__}, which has no axes; use None"
        )
    if not -value.ndim <= dim < value.ndim:
        raise ValueError(f"vmap(): in_dims has {dim}, which is out of range for a tensor of shape {value.shape}")
    return dim % value.ndim


def _size(values: list[Any], dims: list[int | None]) -> int:
    """How many samples there are."""
    sizes = [v.shape[d] for v, d in zip(values, dims, strict=True) if d is not None]
    if not sizes:
        raise ValueError("vmap(): in_dims is None for every argument; at least one must hold the samples")
    if len(set(sizes)) > 1:
        raise ValueError(f"vmap(): the arguments have different numbers of samples along in_dims: {sizes}")
    return sizes[0]


def _out_dims(out_dims: Any, result: Any, outputs: list[Any]) -> list[int | None]:
    if isinstance(result, Tensor) and isinstance(out_dims, tuple | list) and len(out_dims) == 1:
        out_dims = out_dims[0]
    try:
        dims = trees.spread(out_dims, result)
    except ValueError as e:
        raise ValueError(f"vmap(): out_dims does not fit the outputs: {e}") from None
    if any(d is not None and not isinstance(d, int) for d in dims):
        raise ValueError(f"vmap(): out_dims must hold ints and None, not {out_dims!r}")
    for y, d in zip(outputs, dims, strict=False):
        if d is not None and not isinstance(y, Tensor):
            raise ValueError(f"vmap(): the function must return tensors, not {type(y).__name__}")
    return dims


def _part(value: Any, dim: int | None, start: int, count: int) -> Any:
    return value if dim is None else value[(slice(None),) * dim + (slice(start, start + count),)]


def _joined(parts: Sequence[Any], out_dims: Any) -> Any:
    """The concatenated results of consecutive chunks of samples."""
    dims = _out_dims(out_dims, parts[0], [])
    columns = zip(*map(trees.leaves, parts), strict=True)
    joined = [c[0] if d is None else functional.cat(c, dim=d) for c, d in zip(columns, dims, strict=True)]
    return trees.rebuild(parts[0], joined)
