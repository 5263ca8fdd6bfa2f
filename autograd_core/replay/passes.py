"""Fewer passes over memory, by rewriting lines of a program.

Normalisations by known statistics become part of the convolutions before them; sums and ReLUs overwrite arrays that
nothing needs any more, convolutions are added to such arrays, and gradients of slices are added where they belong.
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
IN_PLACE = {"add": "increase", "relu": "rectify"}  # kernels that overwrite the first operand

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
    return _Overwriting(_summed(_folded(lines, kept, kernel), kept, kernel), kept, kernel).rewritten()


def _folded(lines: list[Line], kept: set[str], kernel: Callable[[str], str]) -> list[Line]:
    """The lines with channels scaled by the weights of the convolution that makes them, if nothing else needs them."""
    uses = _uses(lines)
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
            call = Call(name, [x, factors, *how, summand], convolution.operands, call.result)
            names = [n for n in (call.result.name, x, weight, scale, shift, bias) if n != "None"]
            found[i], found[at[y]] = Line(_text(call, kernel), names, call, True), None
    return [line for line in found if line is not None]


def _summed(lines: list[Line], kept: set[str], kernel: Callable[[str], str]) -> list[Line]:
    """The lines with large sums and the ReLUs behind them in one call, if only these need the sums."""
    uses, found = _uses(lines), list[Line]()
    for line in lines:
        call, before = line.call, found[-1].call if found else None
        if call and before and (before.kernel, call.kernel) == ("add", "relu") and call.result.size >= LARGE:
            y = before.result.name
            if y == call.operands[0].name and uses[y] == 2 and y not in kept:
                call = before._replace(kernel="add_relu", result=call.result)
                names = [call.result.name, *[name for name in found.pop().names if name != y]]
                line = Line(_text(call, kernel), names, call, True)
        found.append(line)
    return found


def _uses(lines: list[Line]) -> Counter[str]:
    return Counter(name for line in lines for name in set(line.names))


class _Overwriting:
    """Lines with large results in place of operands that are not used later."""

    def __init__(self, lines: list[Line], kept: set[str], kernel: Callable[[str], str]) -> None:
        self.lines, self.kept, self.kernel = lines, kept, kernel
        self.uses = _uses(lines)
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
            if call.kernel in ("add", "add_relu", "relu"):
                line = self._into_part(call, i) or self._convolved_onto(call, i) or self._in_place(line, call, i)
            if call.kernel in FRESH and call.result.name not in self.kept:
                self.fresh.add(call.result.name)
            self.found.append(line)
        return self.found

    def _convolved_onto(self, call: Call, i: int) -> Line | None:
        """The sum of a convolution and an array that nothing else needs, as an addition to that array."""
        free = self._free(call, i)
        for y in [name for name in free if self.uses[name] == 2]:
            at = next((j for j, line in enumerate(self.found) if line.call and line.call.result.name == y), -1)
            (_, names, made, _, _), *later = self.found[at:]
            to = next((name for name in free if name not in names), None)
            if made is None or made.kernel != "convolve" or to is None or not all(line.pure for line in later):
                continue
            del self.found[at]
            arguments = [to, *made.arguments, str(call.kernel == "add_relu")]
            changed = call._replace(kernel="convolve_onto", arguments=arguments)
            names = [call.result.name, to, *[name for name in names if name != y]]
            return Line(_text(changed, self.kernel), names, call)
        return None

    def _in_place(self, line: Line, call: Call, i: int) -> Line:
        """A sum or a ReLU in place of an operand, if nothing else needs that."""
        free = self._free(call, i)
        if not free:
            return line
        others = [a.name for a in call.operands]
        others.remove(free[0])
        arguments = [free[0], *others, *[f"out={free[0]}"] * (call.kernel == "add_relu")]
        changed = call._replace(kernel=IN_PLACE.get(call.kernel, call.kernel), arguments=arguments)
        return line._replace(text=_text(changed, self.kernel), pure=False)

    def _free(self, call: Call, i: int) -> list[str]:
        """The operands that the result may overwrite."""
        alike = [a.name for a in call.operands if a.layout == call.result.layout]
        return [name for name in alike if name in self.fresh and self.last[name] == i]

    def _into_part(self, call: Call, i: int) -> Line | None:
        """The sum of an array and of zeros with values at a slice, as an addition to that slice."""
        for scattered, other in (call.operands, call.operands[::-1]) if len(call.operands) == 2 else ():
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
                whole = f"{self.kernel('rectify')}({other.name})" if call.kernel == "add_relu" else other.name
                text = f"{other.name}[{made.arguments[2]}] += {made.arguments[3]}; {call.result.name} = {whole}"
                return Line(text, [call.result.name, other.name, *[a.name for a in made.operands]])
        return None


def _text(call: Call, kernel: Callable[[str], str]) -> str:
    return f"{call.result.name} = {kernel(call.kernel)}({', '.join(call.arguments)})"
