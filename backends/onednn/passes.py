"""Formulas over large float32 arrays in few passes, each with a chain of steps on elements in registers.

A pass combines two arrays, applies steps to the result, and writes one array:
`("u", product("x", "x"), linear(-0.5, 0.0), EXP, times("g"))` is u = exp(-x²/2)·g.
"""

from math import prod
from typing import Any

from backends.buffers import empty
from backends.geometry import Array, Sizes
from backends.onednn import Unsupported
from backends.onednn.plans import DST, SRC, SRC1, Plan, Workshop, planned
from backends.strides import dense

ADD, MUL, MAX, MIN, DIV, SUB, GT, LT = 0x1FFF0, 0x1FFF1, 0x1FFF2, 0x1FFF3, 0x1FFF4, 0x1FFF5, 0x1FFF7, 0x1FFF9
LANES = 16  # of float32 in the widest registers
STEP = 32768  # the operand of a post-operation is the argument with this number times its 1-based position
Step = tuple[Any, ...]  # (kind, alpha, beta) for a function of one number, or (kind, name) with an array
Pass = tuple[Any, ...]  # the name of the result, (kind, name, name), and steps

EXP, TANH, ABS, SQUARE = (0x2A, 0.0, 0.0), (0x21, 0.0, 0.0), (0x24, 0.0, 0.0), (0x23, 0.0, 0.0)


def linear(factor: float, summand: float) -> Step:
    """factor·v + summand."""
    return 0x26, factor, summand


def clip(low: float, high: float) -> Step:
    """v clipped to bounds; NaN becomes the lower one."""
    return 0x2E, low, high


def constant(value: float) -> Step:
    """A number, whatever v was."""
    return clip(value, value)


def leaky(slope: float) -> Step:
    """v above 0, slope·v elsewhere; NaN stays, unless the slope is 0."""
    return 0x20, slope, 0.0


def gated(factor: float, summand: float) -> Step:
    """v times (factor·v + summand), the latter clipped to [0, 1]."""
    return 0x34, factor, summand


def over(numerator: float) -> Step:
    """numerator / v."""
    return 0x30, numerator, -1.0


def times(name: str) -> Step:
    """v times an array."""
    return MUL, name


def plus(name: str) -> Step:
    """v plus an array."""
    return ADD, name


def minus(name: str) -> Step:
    """v minus an array."""
    return SUB, name


def larger(name: str) -> Step:
    """The larger of v and an array; NaN is kept in the array and lost in v."""
    return MAX, name


def smaller(name: str) -> Step:
    """The smaller of v and an array; NaN is kept in the array and lost in v."""
    return MIN, name


def below(name: str) -> Step:
    """1 where v is less than an array, else 0, also for NaN."""
    return LT, name


def above(name: str) -> Step:
    """1 where v is greater than an array or one of them is NaN, else 0."""
    return GT, name


def of(name: str) -> Step:
    """Start with an array."""
    return MAX, name, name


def product(left: str, right: str) -> Step:
    """Start with the product of two arrays."""
    return MUL, left, right


def polynomial(name: str, coefficients: tuple[float, ...]) -> tuple[Step, ...]:
    """A polynomial of the array that the pass starts with; coefficients in ascending powers."""
    *rest, second, first = coefficients
    steps = [linear(first, second)]
    for coefficient in reversed(rest):
        steps += [times(name), linear(1.0, coefficient)]
    return tuple(steps)


def evaluate(formula: tuple[Pass, ...], arrays: dict[str, Array], result: Array) -> None:
    """Run the passes; the last one writes `result`. All arrays are contiguous vectors.

    Earlier passes write to scratch memory of the size of `result`; a pass may overwrite the result of an earlier one.
    """
    arrays, last = dict(arrays), len(formula) - 1
    for i, (target, (kind, left, right), *steps) in enumerate(formula):
        chain = tuple([step if len(step) == 3 else step[:1] for step in steps])
        plan = chained(result.shape, kind, chain)
        written = result if i == last else arrays[target] if target in arrays else empty(result.shape)
        plan.run(arrays[left], arrays[right], written, *[arrays[step[1]] for step in steps if len(step) == 2])
        arrays[target] = written


@planned
def chained(
    workshop: Workshop, shape: Sizes, kind: int, chain: tuple[Step, ...], repeated: Sizes | None = None
) -> Plan:
    """The plan of one pass: two arrays, the second perhaps of a shape that repeats, the result, and those of steps."""
    if prod(shape) % LANES and any(step[0] in (GT, LT) for step in chain):
        raise Unsupported("the library cannot compare what does not fill a register, nor make any primitive afterwards")
    x = workshop.memory(shape, dense(shape))
    second = x if repeated is None else workshop.memory(repeated, dense(repeated))
    steps: list[Step] = [("binary", *step, x) if len(step) == 1 else ("eltwise", *step) for step in chain]
    desc = workshop.primitive("binary", kind, x, second, x, attributes=workshop.attributes(*steps))
    operands = [(STEP * (i + 1) | SRC1, x) for i, step in enumerate(chain) if len(step) == 1]
    return Plan(workshop, desc, (SRC, x), (SRC1, second), (DST, x), *operands)
