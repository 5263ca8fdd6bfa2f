"""What a captured step needs from Python before every replay: numbers, written into device memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from autograd_core.replay.validity import Stale

ROOM = 1 << 12  # numbers
COPIES = 4  # in pinned memory, so that Python can be that many replays ahead of the device


class Numbers:
    """Room for 64-bit numbers in device memory, and how they get there without waiting."""

    def __init__(self, runtime: Any, library: Any) -> None:
        self._runtime = runtime
        self._there, self._here = library.zeros(ROOM, np.float64), np.zeros(ROOM)
        self._pinned = [runtime.pinned((ROOM,), np.float64) for _ in range(COPIES)]
        self._events: list[Any] = [None] * COPIES
        self._turn = 0

    def place(self, i: int, value: Any) -> Any:
        """The array of no axes for the number in place `i`, in the dtype of the value."""
        return self._there[i : i + 1].view(_dtype(value)).reshape(())

    def set(self, i: int, value: Any) -> None:
        """Note the number for the next `send`."""
        self._here[i : i + 1].view(_dtype(value))[0] = value

    def send(self) -> None:
        """Copy all numbers to the device, in order with the work of the current stream."""
        k = self._turn = (self._turn + 1) % COPIES
        if self._events[k] is not None:
            self._events[k].synchronize()  # the copy of COPIES replays ago
        self._pinned[k][...] = self._here
        self._there.set(self._pinned[k])
        self._events[k] = self._runtime.current_stream().record()


def _dtype(value: Any) -> np.dtype[Any]:
    if isinstance(value, np.generic):
        return value.dtype
    return np.dtype(np.float64)


class Recording:
    """The numbers of one captured step, in the order in which it asks for them."""

    backend = None  # arrays stay those of the GPU

    def __init__(self, numbers: Numbers) -> None:
        self.numbers, self.captured = numbers, False
        self.kept: list[Any] = []  # what recorded work uses, such as the plans of a library
        self._sources: list[tuple[Callable[[], dict[str, Any]], int, dict[str, Any], tuple[str, ...]]] = []
        self._undo: list[tuple[dict[str, Any], dict[str, Any]]] = []
        self._count = 0

    def begin(self, captured: bool) -> None:
        """Forget what the step asked for last; `captured` says whether it is now only recorded."""
        self.captured, self._count = captured, 0
        self._sources, self._undo, self.kept = [], [], []

    def live(
        self, compute: Callable[[], dict[str, Any]], names: tuple[str, ...], states: tuple[dict[str, Any], ...]
    ) -> dict[str, Any]:
        """See `backends.live.live`."""
        self._undo += [(state, dict(state)) for state in states]
        first, options = self._count, compute()
        if self._count + len(names) > ROOM:
            if self.captured:
                raise NotImplementedError(f"a captured step has room for {ROOM} numbers that change")
            return options
        fixed, out = {k: v for k, v in options.items() if k not in names}, dict(options)
        for name in names:
            if name in options:
                value, place = options[name], self.numbers.place(self._count, options[name])
                self.numbers.set(self._count, value)
                out[name] = place
                self._count += 1
        self._sources.append((compute, first, fixed, names))
        if not self.captured:
            self.numbers.send()
        return out

    def advance(self) -> None:
        """Compute all numbers for the next step; Stale, with everything as before, if anything else has changed."""
        states = {id(state): state for state, _ in self._undo}.values()
        self._undo = [(state, dict(state)) for state in states]
        try:
            for compute, i, fixed, names in self._sources:
                options = compute()
                if {k: v for k, v in options.items() if k not in names} != fixed:
                    changed = [k for k, v in options.items() if k not in names and fixed.get(k) != v]
                    raise Stale(f"{', '.join(changed)} changed")
                for name in names:
                    if name in options:
                        self.numbers.set(i, options[name])
                        i += 1
        except BaseException:
            self.undo()
            raise

    def undo(self) -> None:
        """Bring back the states from before the step."""
        for state, before in reversed(self._undo):
            state.clear()
            state.update(before)
