"""Finite differences, gradients of sampled functions, and the trapezoidal rule."""

import numpy as np

from autograd_core import functional
from autograd_core.engine.arguments import cast, is_number
from autograd_core.errors import OperandError
from autograd_core.kinds import REDUCTION
from autograd_core.ops import axes
from autograd_core.registry import composition, sample

GROWING = np.array([0, 1, 3, 4])


def _part(x, dim, start, stop=None):
    return x[(slice(None),) * axes.one(dim, x.ndim) + (slice(start, stop),)]


def _np_diff(x, n=1, dim=-1, prepend=None, append=None):
    around = {k: v for k, v in (("prepend", prepend), ("append", append)) if v is not None}
    return np.diff(x, n, dim, **around)


@composition(REDUCTION,
             samples=(sample((5,)),
                      sample((3, 4), n=2, dim=0),
                      sample((2, 4), 1, 1, (2, 1), (2, 2)),
                      sample((2, 3), n=0),
                      sample((2, 3), n=7),
                      sample((0, 3), dim=1)),
             reference=_np_diff)
def diff(input, n=1, dim=-1, prepend=None, append=None):
    """Differences of neighbours along `dim`, taken `n` times; for booleans, where neighbours differ.

    prepend, append: tensors that are put before and after the input first.

    >>> from autograd_core import tensor
    >>> diff(tensor([1, 4, 9, 16]))
    tensor([3, 5, 7])
    """
    length = axes.length(input, dim, "diff")
    if n < 0:
        raise OperandError(f"diff() needs n ≥ 0, not {n}")
    if n == 0:
        return functional.clone(input)
    if prepend is not None or append is not None:
        input = functional.cat([x for x in (prepend, input, append) if x is not None], dim=dim)
        length = input.shape[axes.one(dim, input.ndim)]
    for _ in range(min(n, length)):
        before, after = _part(input, dim, 0, -1), _part(input, dim, 1)
        input = after != before if input.dtype.kind == "b" else after - before
    return input


def _slopes(x, dim, spacing, edge_order):
    """The derivative along one axis: second-order differences inside, one-sided ones at both ends."""
    n = x.shape[dim]
    if n < edge_order + 1:
        raise OperandError(f"gradient() needs at least edge_order + 1 = {edge_order + 1} elements along dim {dim}, "
                           f"which has {n}")
    steps = _steps(x, dim, spacing)
    rises = diff(x, dim=dim) / steps  # slopes between neighbours
    if getattr(steps, "ndim", 0):
        inside = _weighted(rises, steps, dim)
    else:  # as one difference, which is NaN only where both ends are infinite
        inside = (_part(x, dim, 2) - _part(x, dim, 0, -2)) / (2 * steps)
    first, last = _part(rises, dim, 0, 1), _part(rises, dim, n - 2)
    if edge_order == 2:
        first = first + (first - _part(inside, dim, 0, 1))
        last = last + (last - _part(inside, dim, n - 3))
    return functional.cat([first, inside, last], dim=dim)


def _steps(x, dim, spacing):
    """Distances between neighbours, shaped to broadcast along `dim`."""
    if not getattr(spacing, "ndim", 0):
        return spacing
    if spacing.shape != (x.shape[dim],):
        raise OperandError(f"gradient(): coordinates of shape {spacing.shape} do not fit dim {dim} of shape {x.shape}")
    return functional.reshape(diff(spacing), tuple(-1 if i == dim else 1 for i in range(x.ndim)))


def _weighted(rises, steps, dim):
    """The derivative of the parabola through three points, which weights the slope on the narrower side more."""
    left, right = _part(rises, dim, 0, -1), _part(rises, dim, 1)
    before, after = _part(steps, dim, 0, -1), _part(steps, dim, 1)
    return (left * after + right * before) / (before + after)


def _np_gradient(x, spacing=1, dim=None, edge_order=1):
    dims = tuple(range(x.ndim)) if dim is None else (dim,) if isinstance(dim, int) else dim
    spacings = spacing if isinstance(spacing, list) else [spacing] * len(dims)
    return [np.gradient(x, s, axis=d, edge_order=edge_order) for s, d in zip(spacings, dims, strict=True)]


@composition(REDUCTION, method=False,
             samples=(sample((5,)),
                      sample((2, 3), spacing=[2.0, 0.5]),
                      sample((4, 1), spacing=[GROWING], dim=(0,), edge_order=2),
                      sample((0, 3), dim=1)),
             reference=_np_gradient)
def gradient(input, *, spacing=1, dim=None, edge_order=1):
    """Derivatives of a sampled function, one tensor per axis in `dim` (all by default).

    spacing: the distance between samples, one per axis, or a vector of coordinates per axis. Second-order central
    differences, with one-sided differences of `edge_order` 1 or 2 at both ends.
    """
    if edge_order not in (1, 2):
        raise OperandError(f"gradient(): edge_order must be 1 or 2, not {edge_order}")
    if input.dtype.kind == "u":
        input = input.long()  # differences of unsigned numbers would wrap around
    dims = axes.normalized(dim, input.ndim)
    spacing = 1 if spacing is None else spacing
    spacings = spacing if isinstance(spacing, list | tuple) else (spacing,) * len(dims)
    if len(spacings) != len(dims):
        raise OperandError(f"gradient(): {len(spacings)} spacings do not fit {len(dims)} axes")
    spacings = [s if is_number(s) else functional.as_tensor(s, device=input.device) for s in spacings]
    return tuple(_slopes(input, d, s, edge_order) for d, s in zip(dims, spacings, strict=True))


def _areas(name, y, x, dx, dim):
    """Areas of the trapezoids between neighbours along `dim`, which counts from the end."""
    heights = _part(y, dim, 0, -1) + _part(y, dim, 1)
    if x is None:
        return _spaced(heights / 2, dx)
    if dx is not None:
        raise TypeError(f"{name}() takes the coordinates x or the distance dx, not both")
    if x.ndim == 1:
        x = functional.reshape(x, (-1, *(1,) * (-1 - dim)))
    if x.ndim < -dim or x.shape[dim] != y.shape[dim]:
        raise OperandError(f"{name}(): coordinates of shape {x.shape} do not fit values of shape {y.shape}")
    return heights * diff(x, dim=dim) / 2


def _spaced(heights, dx):
    """Areas by heights and a distance, which is a number also if it is given as a tensor: it does not widen them."""
    areas = heights * (1 if dx is None else dx)
    return areas if areas.dtype.kind == "c" else cast(areas, heights.array.dtype)


def _from_the_end(y, dim, name):
    if not y.ndim:
        raise IndexError(f"{name}() takes a tensor with axes, not one of shape ()")
    return axes.one(dim, y.ndim) - y.ndim


def _np_trapezoid(y, x=None, dx=None, dim=-1):
    return np.trapezoid(y, x, 1 if dx is None else dx, dim)


def _np_cumulative(y, x=None, dx=None, dim=-1):
    ends = range(2, y.shape[dim] + 1)
    parts = [_np_trapezoid(np.take(y, range(n), dim), None if x is None else x[:n], dx, dim) for n in ends]
    return np.stack(parts, dim) if parts else np.zeros_like(y)


CURVES = (
    sample((5,)),
    sample((3, 4), dx=0.5, dim=0),
    sample((4, 2), (4,), dim=0),
    sample((2, 3), (3,)),
    sample((0, 3), dim=0),
)


@composition(REDUCTION, samples=CURVES, reference=_np_trapezoid, aliases=("trapz",), method=False)
def trapezoid(y, x=None, *, dx=None, dim=-1):
    """Integral along `dim` by the trapezoidal rule, of values at coordinates `x` or at a distance `dx` (default 1).

    >>> from autograd_core import tensor
    >>> trapezoid(tensor([1.0, 2.0, 4.0]))
    tensor(4.5000)
    """
    dim = _from_the_end(y, dim, "trapezoid")
    if x is None and y.shape[dim]:
        ends = functional.select(y, dim, 0) + functional.select(y, dim, -1)
        return _spaced(functional.sum(y, dim=dim) - ends / 2, dx)
    return functional.sum(_areas("trapezoid", y, x, dx, dim), dim=dim)


@composition(REDUCTION, samples=CURVES, reference=_np_cumulative, method=False)
def cumulative_trapezoid(y, x=None, *, dx=None, dim=-1):
    """Integrals along `dim` from the first value to every later one, by the trapezoidal rule."""
    dim = _from_the_end(y, dim, "cumulative_trapezoid")
    return functional.cumsum(_areas("cumulative_trapezoid", y, x, dx, dim), dim=dim)
