"""Array types and the namespaces that compute on them."""

from __future__ import annotations

from typing import Any

import numpy as np

LIBRARY: dict[type, Any] = {}  # array type -> `xp` of a forward: a backend's namespace
RULES: dict[type, Any] = {}  # array type -> `xp` of a rule on arrays: the library overlaid with every op's forward
MUTABLE: set[type] = set()  # array types that can be written: all but NumPy's scalars
LAYERS: dict[Any, int] = {}  # array types that hold a batch of others (batching/) -> how many of them are nested


def is_array(value: Any) -> bool:
    """Whether a value is an array (or a NumPy scalar) of a registered backend."""
    return value.__class__ in LIBRARY


def backend_of_array(array: Any) -> Any:
    """The backend that an array belongs to."""
    return LIBRARY[array.__class__].backend


def checks_values(value: Any) -> bool:
    """Whether operands like this array or tensor are looked at before they are used.

    On a GPU they are not, because that would wait for it: whoever gives labels out of range gets wrong numbers.
    """
    return bool(LIBRARY[_innermost(value).__class__].backend.checks_values)


def holds(condition: Any) -> bool:
    """Whether a condition, booleans in an array or a tensor, is true everywhere, as far as values are checked.

    Unlike `bool(condition.all())` it can be asked inside vmap, of all samples at once.
    """
    array = _innermost(condition)
    return not LIBRARY[array.__class__].backend.checks_values or bool(array.all().item())


def all_below(integers: Any, count: int) -> bool:
    """Whether integers in an array or a tensor lie in [0, count), as far as values are checked."""
    array = _innermost(integers)
    if not array.size or not LIBRARY[array.__class__].backend.checks_values:
        return True
    return bool(array.astype(np.uint64).max().item() < count)  # a negative one becomes large


def _innermost(value: Any) -> Any:
    array: Any = getattr(value, "array", value)
    while array.__class__ in LAYERS:
        array = array.held
    return array
