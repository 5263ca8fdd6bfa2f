"""Array types and the namespaces that compute on them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

LIBRARY: dict[type, Any] = {}  # array type -> `xp` of a forward: a backend's namespace
RULES: dict[type, Any] = {}  # array type -> `xp` of a rule on arrays: the library overlaid with every op's forward
MUTABLE: set[type] = set()  # array types that can be written: all but NumPy's scalars
LAYERS: dict[Any, int] = {}  # array types of batches (batching/) -> their nesting depth
# Array types that no forward takes (ops/sparse/) -> what computes an operation on their tensors: (entry, operands,
# statics) -> result.
ELSEWHERE: dict[type, Callable[..., Any]] = {}


class Vmap:
    """What the core asks of `vmap`: functions that batching/ sets when it is imported, before any batch exists."""

    active: Callable[[], tuple[Any, ...]]  # the calls in progress
    lifted: Callable[[Sequence[Any]], list[Any]]  # tensors (or None), all inside the call that some of them are in
    by_rule: Callable[..., Any]  # a rule for all samples, if there are any among the arguments
    one_by_one: Callable[..., Any]  # a function that reads values, for one sample after another
    resolved: Callable[[Any, Any], tuple[Any, Any]]  # a tensor, and positions that differ between samples
    stream_inside: Callable[[Any], Any]  # a stream of random numbers, as seen inside the calls in progress


VMAP = Vmap()


def is_array(value: Any) -> bool:
    """Whether a value is an array (or a NumPy scalar) of a registered backend."""
    return value.__class__ in LIBRARY


def depth_of(array: Any) -> int:
    """The number of calls of `vmap` that an array is inside: of nested batches in it."""
    return LAYERS.get(array.__class__, 0)


def backend_of_array(array: Any) -> Any:
    """The backend that an array belongs to."""
    return LIBRARY[array.__class__].backend


def checks_values(value: Any) -> bool:
    """Whether values of operands like this array or tensor are checked before use.

    On a GPU they are not, because that would wait for it: labels out of range give wrong numbers there.
    """
    return bool(LIBRARY[_innermost(value).__class__].backend.checks_values)


def holds(condition: Any) -> bool:
    """Whether a boolean array or tensor is true everywhere; True where values are not checked.

    Unlike `bool(condition.all())` this works inside `vmap`, for all samples at once.
    """
    return passes(all_true, condition)


def all_below(integers: Any, count: int) -> bool:
    """Whether integers in an array or a tensor lie in [0, count); True where values are not checked."""
    return passes(lie_below, integers, count)


def passes(check: Callable[..., bool], value: Any, *args: Any) -> bool:
    """check(array, *args) of a value's array; True where values are not checked.

    In a step that is captured on the CPU, the check is left for the replays, which raise if it fails.
    """
    return _checked("expect", True, check, value, *args)


def assured(check: Callable[..., bool], value: Any, *args: Any) -> bool:
    """check(array, *args) of a value's array; False where values are not checked.

    A step that is captured on the CPU is replayed for inputs of which the same is true.
    """
    return _checked("suppose", False, check, value, *args)


def required(check: Callable[..., bool], value: Any, *args: Any) -> bool:
    """check(array, *args) of a value's array, on a GPU too, which is waited for.

    In a step that is captured on the CPU, the check is left for the replays.
    """
    array = _innermost(value)
    later = getattr(LIBRARY[array.__class__].backend, "expect", None)
    return check(array, *args) if later is None else bool(later(check, array, *args))


def all_true(condition: Any) -> bool:
    """Whether all elements of an array are true."""
    return bool(condition.all().item())


def _checked(how: str, unread: bool, check: Callable[..., bool], value: Any, *args: Any) -> bool:
    array = _innermost(value)
    if array.__class__ is np.ndarray:
        return check(array, *args)
    backend = LIBRARY[array.__class__].backend
    if backend.checks_values:
        return check(array, *args)
    later = getattr(backend, how, None)  # of a backend whose values are read later
    return unread if later is None else later(check, array, *args)


def lie_below(array: Any, count: int) -> bool:
    """Whether all integers lie in [0, count)."""
    if not array.size:
        return True
    positive = array.view(np.uint64) if array.dtype == np.int64 else array.astype(np.uint64)
    return bool(positive.max().item() < count)  # negative numbers become large


def _innermost(value: Any) -> Any:
    array: Any = getattr(value, "array", value)
    while array.__class__ in LAYERS:
        array = array.held
    return array
