"""Shapes: tuples that know their number of elements."""

from __future__ import annotations

import math


class Size(tuple[int, ...]):
    """The shape of a tensor.

    >>> Size((2, 3)).numel()
    6
    """

    __slots__ = ()

    def numel(self) -> int:
        """The number of elements."""
        return math.prod(self)
