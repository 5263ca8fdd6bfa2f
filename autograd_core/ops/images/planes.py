"""Shared by operations on images: one number per spatial axis, images with and without a batch, transposes."""

import operator
from collections.abc import Iterable
from typing import Any

import numpy as np

from autograd_core.errors import OperandError
from backends.geometry import Window


def each(value: int | Iterable[int], rank: int, name: str) -> tuple[int, ...]:
    """One parameter per spatial axis, from a number or a sequence."""
    if isinstance(value, int):
        return (value,) * rank
    try:
        numbers: Any = value if isinstance(value, Iterable) and getattr(value, "ndim", None) != 0 else (value,)
        value = tuple(map(operator.index, numbers))
    except TypeError:
        raise TypeError(f"{name} must be an integer, or {rank} of them, not {value!r}") from None
    if len(value) == 1:
        value *= rank
    if len(value) != rank:
        raise OperandError(f"{name}={value} does not fit {rank} spatial axes")
    return value


def window_of(kernel_size: Any, stride: Any, padding: Any, dilation: Any, rank: int) -> Window:
    """The window with these parameters, each a number or one for every axis."""
    kernel = each(kernel_size, rank, "kernel_size")
    step = kernel if stride is None or stride in ((), []) else each(stride, rank, "stride")
    return Window(kernel, step, each(padding, rank, "padding"), each(dilation, rank, "dilation"))


def with_batch(input, rank, name):
    """(input with a batch, whether it had none), after checking the number of axes."""
    if input.ndim not in (rank + 1, rank + 2):
        raise OperandError(
            f"{name}() takes {rank + 2} axes (N, C, ...), or {rank + 1} without a batch; input has shape {input.shape}"
        )
    single = input.ndim == rank + 1
    return input.unsqueeze(0) if single else input, single


def check_filled(input, axes, name):
    """Raise unless there is something to pool along each of the last `axes` axes."""
    if 0 in input.shape[-axes:]:
        raise OperandError(f"{name}() has nothing to pool: input has shape {input.shape}")


def slow_transpose(function, shape, g):
    """The transpose of a linear function of arrays of a shape, computed column by column."""
    out = np.zeros(shape)
    for at in np.ndindex(*shape):
        unit = np.zeros(shape)
        unit[at] = 1
        out[at] = (function(unit) * g).sum()
    return out
