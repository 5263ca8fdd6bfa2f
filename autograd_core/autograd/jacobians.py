"""Jacobians and Hessians: all rows, or all columns, in one batched walk."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import wraps
from itertools import accumulate, pairwise
from typing import Any

from autograd_core import functional, trees
from autograd_core.autograd import transforms
from autograd_core.batching import vmap
from autograd_core.tensor import Tensor


def jacrev(
    func: Callable[..., Any],
    argnums: int | tuple[int, ...] = 0,
    *,
    has_aux: bool = False,
    chunk_size: int | None = None,
) -> Callable[..., Any]:
    """The function that computes the Jacobian of `func` in its argument(s) `argnums`, by backward walks.

    For one output y and one argument x its shape is (*y.shape, *x.shape). For several outputs it has their structure,
    with a tuple for several arguments, or the structure of a nested argument, in place of each. chunk_size: the number
    of rows computed at a time, by default all. Complex numbers are refused: gradients of them are no Jacobian.

    >>> from autograd_core import tensor
    >>> jacrev(lambda x: x * x)(tensor([1.0, 2.0]))
    tensor([[2., 0.],
            [0., 4.]])
    """

    @wraps(func, updated=())
    def matrix(*args: Any, **kwargs: Any) -> Any:
        of_chosen, chosen = _function_of(func, args, kwargs, argnums)
        y, pull, *aux = transforms.vjp(of_chosen, chosen, has_aux=has_aux)
        for role, tree in (("arguments", chosen), ("results", y)):
            if any(x.is_complex() for x in trees.leaves(tree)):
                raise RuntimeError(f"jacrev() takes no complex {role}; use jacfwd() for holomorphic functions")
        found = by_rows(y, pull, chosen, chunk_size)
        return (found, *aux) if has_aux else found

    return matrix


def by_rows(y: Any, pull: Callable[..., Any], chosen: Any, chunk_size: int | None = None) -> Any:
    """The gradients of all elements of a function's value: the Jacobian, if they are real."""
    outputs, inputs = trees.leaves(y), trees.leaves(chosen)

    def row(*cotangents: Tensor) -> list[Any]:
        return trees.leaves(pull(trees.rebuild(y, cotangents))[0])

    rows = _all(row, outputs, inputs, chunk_size)
    blocks = []
    for part, output in zip(_parts(outputs), outputs, strict=True):
        found = [functional.reshape(r[part], (*output.shape, *x.shape)) for r, x in zip(rows, inputs, strict=True)]
        blocks.append(trees.rebuild(chosen, found))
    return trees.rebuild(y, blocks)


def jacfwd(
    func: Callable[..., Any],
    argnums: int | tuple[int, ...] = 0,
    has_aux: bool = False,
    *,
    chunk_size: int | None = None,
    randomness: str = "error",
) -> Callable[..., Any]:
    """`jacrev` by forward products, which is better for few inputs and many outputs.

    Complex results are complex entries; a complex argument is moved along the real axis, which gives the derivative of
    a holomorphic function.

    randomness: not needed, because `func` is called once.
    """

    @wraps(func, updated=())
    def matrix(*args: Any, **kwargs: Any) -> Any:
        of_chosen, chosen = _function_of(func, args, kwargs, argnums)
        aux: list[Any] = []

        def value(x: Any) -> Any:
            y, rest = transforms.parted("jacfwd", of_chosen(x), has_aux)
            aux.append(rest)
            return y

        y, push = transforms.linearize(value, chosen)
        outputs, inputs = trees.leaves(y), trees.leaves(chosen)

        def column(*tangents: Tensor) -> list[Any]:
            return trees.leaves(push(trees.rebuild(chosen, tangents)))

        columns = [functional.movedim(c, 0, -1) for c in _all(column, inputs, outputs, chunk_size)]
        blocks = []
        for output, c in zip(outputs, columns, strict=True):
            found = [
                functional.reshape(c[..., part], (*output.shape, *x.shape))
                for part, x in zip(_parts(inputs), inputs, strict=True)
            ]
            blocks.append(trees.rebuild(chosen, found))
        return (trees.rebuild(y, blocks), *aux) if has_aux else trees.rebuild(y, blocks)

    return matrix


def jacobian(func: Callable[..., Any], argnums: int | tuple[int, ...] = 0, mode: str = "reverse") -> Callable[..., Any]:
    """`jacrev`, or `jacfwd` if `mode` is "forward"."""
    modes: dict[str, Callable[..., Any]] = {"reverse": jacrev, "forward": jacfwd}
    if mode not in modes:
        raise ValueError(f"jacobian(): mode must be 'reverse' or 'forward', not {mode!r}")
    return modes[mode](func, argnums)


def hessian(func: Callable[..., Any], argnums: int | tuple[int, ...] = 0) -> Callable[..., Any]:
    """The function that computes the matrix of second derivatives of `func`: the Jacobian of its Jacobian.

    >>> from autograd_core import tensor
    >>> hessian(lambda x: (x**3).sum())(tensor([1.0, 2.0]))
    tensor([[ 6.,  0.],
            [ 0., 12.]])
    """
    slopes = jacrev(func, argnums)

    @wraps(func, updated=())
    def matrix(*args: Any, **kwargs: Any) -> Any:
        of_chosen, chosen = _function_of(slopes, args, kwargs, argnums)
        y, pull = transforms.vjp(of_chosen, chosen)
        columns, rows = (sum(math.prod(x.shape) for x in trees.leaves(tree)) for tree in (chosen, y))
        if columns < rows:  # several outputs
            return jacfwd(slopes, argnums)(*args, **kwargs)
        return by_rows(y, pull, chosen)

    return matrix


def _function_of(func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], argnums: Any) -> Any:
    """The function restricted to the chosen arguments, and these arguments."""
    places = argnums if isinstance(argnums, tuple) else (argnums,)

    def of_chosen(chosen: Any) -> Any:
        given = list(args)
        for i, x in zip(places, chosen if isinstance(argnums, tuple) else (chosen,), strict=True):
            given[i] = x
        return func(*given, **kwargs)

    transforms.fresh(args, argnums)  # for its checks
    return of_chosen, tuple([args[i] for i in places]) if isinstance(argnums, tuple) else args[argnums]


def _all(product: Callable[..., Any], of: Sequence[Tensor], shaped: Sequence[Tensor], chunk_size: int | None) -> Any:
    """The products with all unit vectors of `of`, along a first axis; each result is `shaped` like one of these."""
    count = sum(math.prod(x.shape) for x in of)
    if not count:
        return [functional.zeros((0, *x.shape), dtype=x.dtype, device=x.device) for x in shaped]
    units = []
    for part, x in zip(_parts(of), of, strict=True):
        rows = functional.eye(part.stop - part.start, dtype=x.dtype, device=x.device)
        widths = ((part.start, count - part.stop), (0, 0))
        units.append(functional.reshape(functional.pad_constant(rows, widths=widths), (count, *x.shape)))
    if count == 1:
        return [functional.unsqueeze(r, 0) for r in product(*[u[0] for u in units])]
    return vmap(product, chunk_size=chunk_size)(*units)


def _parts(tensors: Sequence[Tensor]) -> list[slice]:
    """The slices of each tensor's elements in a vector of all elements."""
    ends = list(accumulate([math.prod(x.shape) for x in tensors], initial=0))
    return [slice(a, b) for a, b in pairwise(ends)]
