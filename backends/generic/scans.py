"""Running results along an axis, for every array library."""

from typing import Any

from backends.geometry import Array

SCANS = {"add": "cumsum", "multiply": "cumprod"}


def running(xp: Any, name: str, x: Array, axis: int, wide: Any = None, back: bool = False) -> Array:
    """The running result of "add", "multiply" or another associative function such as "maximum".

    wide: the dtype to compute in. back: from the end. For other functions than the first two every pass doubles the
    combined spans.
    """
    if back:
        return xp.flip(running(xp, name, xp.flip(x, axis), axis, wide), axis).copy()
    if name in SCANS:
        return getattr(xp, SCANS[name])(x, axis=axis, dtype=wide or x.dtype).astype(x.dtype, copy=False)
    combine, y, step = getattr(xp, name), xp.moveaxis(x, axis, -1), 1
    while step < y.shape[-1]:
        y = xp.concatenate([y[..., :step], combine(y[..., step:], y[..., :-step])], axis=-1)
        step *= 2
    return xp.moveaxis(y, -1, axis).copy()


def recurrence(xp: Any, a: Array, b: Array, axis: int) -> Array:
    """y[i] = a[i] y[i-1] + b[i] along an axis, with y[-1] = 0; a and b have one shape and dtype."""
    return xp.moveaxis(_recurrence(xp, xp.moveaxis(a, axis, -1), xp.moveaxis(b, axis, -1)), -1, axis)


def _recurrence(xp: Any, a: Array, b: Array) -> Array:
    """Two steps combine to one of the same form: solve for half the length first, then for every other element."""
    n = b.shape[-1]
    if n < 2:
        return b.copy()
    y = xp.empty_like(b)
    odd = a[..., 1::2]
    y[..., 1::2] = _recurrence(xp, odd * a[..., : n - 1 : 2], odd * b[..., : n - 1 : 2] + b[..., 1::2])
    y[..., 0] = b[..., 0]
    y[..., 2::2] = a[..., 2::2] * y[..., 1:-1:2] + b[..., 2::2]
    return y
