"""PyTorch's `torch.version`: which version is followed; nothing is built in, and CUDA is found at run time."""

from __future__ import annotations

import re
from typing import Any


class TorchVersion(str):
    """A version, ordered by its numbers: "2.13.0" > "2.2", also against tuples such as (1, 13)."""

    __slots__ = ()

    def __lt__(self, other: Any) -> bool:
        return _numbers(self) < _numbers(other)

    def __le__(self, other: Any) -> bool:
        return _numbers(self) <= _numbers(other)

    def __gt__(self, other: Any) -> bool:
        return _numbers(self) > _numbers(other)

    def __ge__(self, other: Any) -> bool:
        return _numbers(self) >= _numbers(other)


def _numbers(version: Any) -> tuple[int, ...]:
    """The numbers of a release, without zeros at the end: those of "2.0" and "2.0.0" are equal."""
    if isinstance(version, str):
        version = re.findall(r"\d+", re.split(r"[^\d.]", version)[0])
    numbers = [int(n) for n in version]
    while numbers and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)


__version__ = TorchVersion("2.13.0")  # whose names and meanings this package follows
cuda: str | None = None
hip: str | None = None
xpu: str | None = None
git_version = ""
debug = False
