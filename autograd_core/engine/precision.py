"""Operations on 16-bit floats that compute in float32 and round once."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from autograd_core import dtypes
from autograd_core.engine.libraries import LIBRARY, RULES, is_array


def widened(forward: Callable[..., Any]) -> Callable[..., Any]:
    """The forward on float32 copies of float16 and bfloat16 operands, with results converted back.

    If a backend makes a single kernel of it, or has an equivalent one, that is used.
    """
    name = forward.__name__

    @functools.wraps(forward)
    def wide(xp: Any, *arrays: Any, **statics: Any) -> Any:
        fused = xp.kernels.fused
        if fused is not None and (y := fused(forward, *arrays, **statics)) is not None:
            return y
        for a in arrays:
            if (
                a is not None
                and a.dtype.itemsize == 2
                and a.dtype.kind in dtypes.FLOATS
                and name not in xp.kernels.wide
            ):
                y = forward(xp, *map(single, arrays), **statics)
                return narrowed(y, dtypes.as_dtype(statics.get("dtype")) or a.dtype)
        return forward(xp, *arrays, **statics)

    return _usual(forward, wide)


def _usual(forward: Callable[..., Any], wide: Callable[..., Any]) -> Callable[..., Any]:
    """`wide`; where there are one or two arrays, left to the forward in a third of the time."""

    @functools.wraps(forward)
    def of_one(xp: Any, a: Any) -> Any:
        if a.dtype.itemsize == 2 or xp.kernels.fused is not None:
            return wide(xp, a)
        return forward(xp, a)

    @functools.wraps(forward)
    def of_two(xp: Any, a: Any, b: Any) -> Any:
        if a.dtype.itemsize == 2 or b.dtype.itemsize == 2 or xp.kernels.fused is not None:
            return wide(xp, a, b)
        return forward(xp, a, b)

    @functools.wraps(forward)
    def of_one_with_statics(xp: Any, a: Any, **statics: Any) -> Any:
        if a.dtype.itemsize == 2 or xp.kernels.fused is not None:
            return wide(xp, a, **statics)
        return forward(xp, a, **statics)

    code = forward.__code__
    if code.co_flags & inspect.CO_VARARGS or forward.__defaults__:
        return wide
    if code.co_kwonlyargcount:
        return of_one_with_statics if code.co_argcount == 2 else wide
    usual: dict[int, Callable[..., Any]] = {2: of_one, 3: of_two}
    return usual.get(code.co_argcount, wide)


def in_one_pass(rule: Callable[..., Any], wanted: tuple[int, ...]) -> Callable[..., Any]:
    """A rule of an elementwise operation; a single kernel if a backend makes one. wanted: the saved values it uses."""

    def on_elements(xp: Any, g: Any, *arrays: Any, places: tuple[int, ...], saved: tuple[Any, ...]) -> Any:
        s = list(saved)
        for place, array in zip(places, arrays, strict=True):
            s[place] = array
        return rule(RULES[g.__class__], g, s)

    def pull(xp: Any, g: Any, s: Any, needs: Any = None) -> Any:
        kernels = getattr(xp, "kernels", None)  # functions of tensors, which record every step, do not have it
        if kernels is not None and kernels.fused is not None:
            places = tuple([i for i in wanted if is_array(s[i])])
            saved = tuple([v if i in wanted and i not in places else None for i, v in enumerate(s)])
            y = kernels.fused(on_elements, g, *[s[i] for i in places], places=places, saved=saved)
            if y is not None:
                return y
        return rule(xp, g, s)

    return pull


def together(function: Callable[..., Any]) -> Callable[..., Any]:
    """An elementwise part of a rule, also of results of reductions; a single kernel if a backend makes one.

    A number among the parameters that differs from call to call is called `number`.
    """

    def on_elements(_: Any, *arrays: Any, **statics: Any) -> Any:
        return function(RULES[arrays[0].__class__], *arrays, **statics)

    @functools.wraps(function)
    def call(xp: Any, *arrays: Any, **statics: Any) -> Any:
        kernels = getattr(xp, "kernels", None)  # functions of tensors, which record every step, do not have it
        y = None if kernels is None or kernels.fused is None else kernels.fused(on_elements, *arrays, **statics)
        return function(xp, *arrays, **statics) if y is None else y

    return call


def single(a: Any) -> Any:
    """16-bit floats as float32; anything else, None among it, as it is."""
    if a is None or a.dtype.itemsize != 2 or a.dtype.kind not in dtypes.FLOATS:
        return a
    return _converted(a, np.float32)


def narrowed(y: Any, dtype: Any) -> Any:
    """Results, or a structure of them, with float32 arrays cast to another dtype."""
    if isinstance(y, tuple | list):
        return tuple([narrowed(v, dtype) for v in y])
    return _converted(y, dtype) if getattr(y, "dtype", None) == np.float32 else y


def _converted(a: Any, dtype: Any) -> Any:
    return LIBRARY[np.ndarray].kernels.converted(a, dtype) if a.__class__ is np.ndarray else a.astype(dtype)
