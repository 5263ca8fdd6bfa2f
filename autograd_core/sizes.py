"""What shapes are: tuples that know how many elements they stand for."""

from __future__ import annotations

import math


class Size(tuple[int, ...]):
    """The lengths of a tensor's axes.

    >>> Size((2, 3)).numel()
    6
    """

    __slots__ = ()

    def numel(self) -> int:
        """The number of elements."""
        return math.prod(self)
