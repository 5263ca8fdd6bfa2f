"""Array types and the namespaces that compute on them."""

from __future__ import annotations

from typing import Any

LIBRARY: dict[type, Any] = {}  # array type -> `xp` of a forward: a backend's namespace
RULES: dict[type, Any] = {}  # array type -> `xp` of a rule on arrays: the library overlaid with every op's forward
MUTABLE: set[type] = set()  # array types that can be written: all but NumPy's scalars


def is_array(value: Any) -> bool:
    """Whether a value is an array (or a NumPy scalar) of a registered backend."""
    return value.__class__ in LIBRARY


def backend_of_array(array: Any) -> Any:
    """The backend that an array belongs to."""
    return LIBRARY[array.__class__].backend
