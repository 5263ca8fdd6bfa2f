"""Fewer passes over memory, by rewriting lines of a program.

Normalisations by known statistics become part of the convolutions before them; sums and ReLUs overwrite arrays that
nothing needs any more, and gradients of slices are added where they belong.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from typing import Any, NamedTuple

from autograd_core.engine.binders import LARGE

# Kernels whose first result is new memory, which nothing but the program holds.
FRESH = {
    "add", "add_at", "add_relu", "attention", "avg_pool_input", "batch_gradients", "convolve", "convolve_input",
    "convolve_relu", "gate", "linear", "linear_relu", "matmul", "multiply", "normalize_batch", "normalize_rows", "pad",
    "put_taps", "relu", "row_gradients", "scale_channels",
}  # fmt: skip


BASIC = re.compile(r"\((slice\((None|-?\d+|, )*\)(, )?|\.\.\.,? ?)+\)")  # an index of slices, which repeats no element


class Array(NamedTuple):
    """What is known of an array in a program. layout: its shape, dtype and strides."""

    name: str
    layout: Any
    size: int


class Call(NamedTuple):
    """A call of a kernel with these arguments, the arrays among them, and what it returned first."""

    kernel: str
    arguments: list[str]
    operands: tuple[Array, ...]
    result: Array


class Line(NamedTuple):
    """A line of a program, and the variables in it.

    pure: it only makes new ones. fixed: these, if they are the same in every replay.
    """

    text: str
    names: list[str]
    call: Call | None = None
    pure: bool = False
    fixed: dict[str, Any] = {}  # noqa: RUF012  which nothing changes


def fewer(lines: list[Line], kept: set[str], kernel: Callable[[str], str]) -> list[Line]:
    """The lines with fewer passes over large arrays.

    kept: variables whose memory something else may refer to. kernel: the name of a kernel in the program.
    """
    return _Overwriting(_folded(lines, kept, kernel), kept, kernel).rewritten()


def _folded(lines: list[Line], kept: set[str], kernel: Callable[[str], str]) -> list[Line]:
    """The lines with channels scaled by the weights of the convolution that makes them, if nothing else needs them."""
    uses = Counter(name for line in lines for name in set(line.names))
    at = {line.call.result.name: i for i, line in enumerate(lines) if line.call and line.call.kernel == "convolve"}
    found: list[Line | None] = list(lines)
    for i, line in enumerate(lines):
        call = line.call
        y = call.arguments[0] if call is not None and call.kernel == "scale_channels" else ""
        if call is None or y not in at or uses[y] > 2 or y in kept:
            continue
        convolution = lines[at[y]].call
        assert convolution is not None
        x, weight, *how, bias = convolution.arguments
        one_dtype = len({a.layout[1] for a in (*convolution.operands, *call.operands)}) == 1
        if one_dtype and all(other.pure for other in lines[at[y] + 1 : i]):  # nothing is written in between
            _, scale, shift, relu = call.arguments
            factors = f"{weight} * {scale}.reshape{(-1, *[1] * (len(call.result.layout[0]) - 1))}"
            summand = shift if bias == "None" else f"{bias} * {scale}" + f" + {shift}" * (shift != "None")
            name = "convolve_relu" if relu == "True" else "convolve"
            right = f"{kernel(name)}({', '.join([x, factors, *how, summand])})"
            names = [n for n in (call.result.name, x, weight, scale, shift, bias) if n != "None"]
            found[i], found[at[y]] = Line(f"{call.result.name} = {right}", names, call, True), None
    return [line for line in found if line is not None]


class _Overwriting:
    """Lines with `relu(add(a, b))` in one call, and large results in place of operands that are not used later."""

    def __init__(self, lines: list[Line], kept: set[str], kernel: Callable[[str], str]) -> None:
        self.lines, self.kept, self.kernel = lines, kept, kernel
        self.last = {name: i for i, line in enumerate(lines) for name in line.names}
        self.makers = {line.call.result.name: i for i, line in enumerate(lines) if line.call}
        self.fresh: set[str] = set()  # arrays that nothing else holds
        self.found: list[Line] = []

    def rewritten(self) -> list[Line]:
        """The lines."""
        for i, line in enumerate(self.lines):
            call = line.call
            if call is None or call.result.size < LARGE:
                self.found.append(line)
                continue
            call, since = self._with_sum(call, i)
            if call.kernel in ("add", "add_relu", "relu"):
                line = self._into_part(call, i) or self._in_place(call, since, i)
            if call.kernel in FRESH and call.result.name not in self.kept:
                self.fresh.add(call.result.name)
            self.found.append(line)
        return self.found

    def _with_sum(self, call: Call, i: int) -> tuple[Call, int]:
        """A ReLU together with the sum in the line before, if only it needs that; and where the call begins."""
        before = self.found[-1].call if self.found else None
        if call.kernel == "relu" and before is not None and before.kernel == "add":
            y = before.result.name
            if y == call.operands[0].name and self.last[y] == i and y not in self.kept:
                self.found.pop()
                return Call("add_relu", before.arguments, before.operands, call.result), i - 1
        return call, i

    def _in_place(self, call: Call, since: int, i: int) -> Line:
        free = [a.name for a in call.operands if a.name in self.fresh and a.layout == call.result.layout]
        free = [name for name in free if since <= self.last[name] <= i]
        names = [call.result.name, *[a.name for a in call.operands]]
        return Line(_text(call, free, self.kernel), names, call, not free)

    def _into_part(self, call: Call, i: int) -> Line | None:
        """The sum of an array and of zeros with values at a slice, as an addition to that slice."""
        for scattered, other in (call.operands, call.operands[::-1]) if call.kernel == "add" else ():
            at = self.makers.get(scattered.name, i)
            made = self.lines[at].call
            if made is None or made.kernel != "add_at" or not BASIC.fullmatch(made.arguments[2]):
                continue
            between = {name for line in self.lines[at + 1 : i] for name in line.names}
            known = {scattered.name, *[a.name for a in made.operands]}  # and not used, nor written, in between
            ends = all(self.last[name] == i and name not in self.kept for name in (scattered.name, other.name))
            alike = other.layout == call.result.layout and {a.layout[1] for a in made.operands} == {other.layout[1]}
            if other.name in self.fresh - {scattered.name} and ends and alike and between.isdisjoint(known):
                self.found[:] = [line for line in self.found if line.call is not made]
                text = f"{other.name}[{made.arguments[2]}] += {made.arguments[3]}; {call.result.name} = {other.name}"
                return Line(text, [call.result.name, other.name, *[a.name for a in made.operands]])
        return None


def _text(call: Call, free: list[str], kernel: Callable[[str], str]) -> str:
    names = [a.name for a in call.operands]
    if free:  # the first operand of a sum is the one to overwrite
        names.remove(free[0])
        names.insert(0, free[0])
    operands = ", ".join(names)
    if not free:
        right = f"{kernel(call.kernel)}({operands})"
    elif call.kernel == "add_relu":
        right = f"{kernel('add_relu')}({operands}, out={free[0]})"
    else:
        right = f"{kernel('increase' if call.kernel == 'add' else 'rectify')}({operands})"
    return f"{call.result.name} = {right}"
