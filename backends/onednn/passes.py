"""Formulas over large float32 arrays in few passes, each with a chain of steps on elements in registers.

A pass combines two arrays, applies steps to the result, and writes one array:
`("u", product("x", "x"), linear(-0.5, 0.0), EXP, times("g"))` is u = exp(-x²/2)·g. A single function of one array is a
primitive of its own, with less work around it.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

from backends.buffers import FLOAT32, UINT8
from backends.geometry import Array, Sizes
from backends.onednn import Unsupported, plans
from backends.onednn.plans import ARGUMENTS, TRAINING, Plan, Workshop, planned, state
from backends.strides import dense

ADD, MUL, MAX, MIN, DIV, SUB, GT, LT = 0x1FFF0, 0x1FFF1, 0x1FFF2, 0x1FFF3, 0x1FFF4, 0x1FFF5, 0x1FFF7, 0x1FFF9
SLOPE = -1  # in place of these: the derivative of a function, as a primitive
LANES = 16  # of float32 in the widest registers
STEP = 32768  # the operand of a post-operation is the argument with this number times its 1-based position
REPEATED = "repeated"  # in place of the name of an array, in `chained`
Step = tuple[Any, ...]  # (kind, alpha, beta) for a function of one number, or (kind, name) with an array
Pass = tuple[Any, ...]  # the name of the result, (kind, name, name), and steps

EXP, TANH, ABS, SQUARE = (0x2A, 0.0, 0.0), (0x21, 0.0, 0.0), (0x24, 0.0, 0.0), (0x23, 0.0, 0.0)
ROOT, INVERSE, RELU = (0x25, 0.0, 0.0), (0x30, 1.0, -1.0), tuple(step[1:] for step in plans.RELU)
LOGISTIC, SWISH, GELU = (0x29, 0.0, 0.0), (0x2C, 1.0, 0.0), (0x31, 0.0, 0.0)
DEEP = -86.9  # below this the library's exponential is 0, too early


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


def slope(left: str, right: str) -> Step:
    """Start with the derivative at `left` of the function that follows, times `right`; the pass has no other steps."""
    return SLOPE, left, right


def kept(factor: float) -> Step:
    """v plus `factor` times what the result held before."""
    return "sum", factor, 0, 0


def polynomial(name: str, coefficients: tuple[float, ...]) -> tuple[Step, ...]:
    """A polynomial of the array that the pass starts with; coefficients in ascending powers."""
    *rest, second, first = coefficients
    steps = [linear(first, second)]
    for coefficient in reversed(rest):
        steps += [times(name), linear(1.0, coefficient)]
    return tuple(steps)


@dataclass(frozen=True, eq=False)
class Formula:
    """Passes that compute y from x and, for a gradient, g; equal only to itself, so that it is a cheap key.

    plain: the kernel for the elements that the passes get wrong: where x is NaN or not between `low` and `high`, if
    one of these is given, and where the result is NaN or ∞, if `lost`.
    """

    passes: tuple[Pass, ...]
    plain: Callable[..., Array] | None = None
    low: float | None = None
    high: float = math.inf
    lost: bool = False


class Routine:
    """The plans of a formula for vectors of one length, which `run` executes one after the other."""

    used = 0

    def __init__(self, names: tuple[str, ...], passes: tuple[Pass, ...], size: int) -> None:
        self.bytes = 4 * size
        places, last = [*names], len(passes) - 1
        self.calls = []
        for i, (target, (kind, left, right), *steps) in enumerate(passes):
            chain = tuple([step if len(step) == 3 else step[:1] for step in steps])
            alone = kind == MAX and left == right and len(chain) == 1 and len(chain[0]) == 3
            makes = mapped if alone else sloped if kind == SLOPE else None
            plan = chained((size,), kind, chain) if makes is None else makes(size, *chain[0])
            if i == last:
                target = names[-1]
            elif target not in places:
                places.append(target)
            read = [left] if alone else [left, right]
            used = [*read, target, *[step[1] for step in steps if len(step) == 2]]
            self.calls.append((plan, itemgetter(*map(places.index, used))))
        self.scratch = [f"pass {i}" for i in range(len(places) - len(names))]

    def run(self, *arrays: Array) -> None:
        """Compute the last of these arrays, which are those of `names`, from the others; all in one dense layout."""
        lent = [state.lend(self.bytes, name) for name in self.scratch]
        if lent:
            arrays += tuple(lent)
        for plan, pick in self.calls:
            plan.run(*pick(arrays))
        if lent:
            state.workspaces.update(zip(self.scratch, lent, strict=True))


@planned
def routine(_: Workshop, names: tuple[str, ...], formula: Formula, size: int) -> Routine:
    """See `Routine`; the last name is that of the result."""
    return Routine(names, formula.passes, size)


@planned
def mapped(workshop: Workshop, size: int, kind: int, alpha: float, beta: float) -> Plan:
    """The plan of a function of one vector: the vector and the result."""
    x = workshop.memory((size,), (4,))
    desc = workshop.primitive("eltwise_forward", TRAINING, kind, x, x, alpha, beta)
    return Plan(workshop, desc, src=x, dst=x)


@planned
def sloped(workshop: Workshop, size: int, kind: int, alpha: float, beta: float) -> Plan:
    """The plan of the derivative of a function: its argument, the cotangent and the result."""
    x = workshop.memory((size,), (4,))
    forward = workshop.primitive("eltwise_forward", TRAINING, kind, x, x, alpha, beta)
    desc = workshop.primitive("eltwise_backward", kind, x, x, x, alpha, beta, forward)
    return Plan(workshop, desc, src=x, diff_dst=x, diff_src=x)


@planned
def chained(
    workshop: Workshop, shape: Sizes, kind: int, chain: tuple[Step, ...] = (), second: Sizes | None = None,
    dtype: Any = FLOAT32, repeated: Sizes | None = None,
) -> Plan:  # fmt: skip
    """The plan of one pass; operands: two arrays, the result, and the arrays of steps, which are (kind,) here.

    second: the shape of the second array, if it repeats along axes of length 1. dtype: that of all arrays, except that
    bytes meet float32. repeated: the shape of arrays of steps (kind, REPEATED), by default that of the second.
    """
    if math.prod(shape) % LANES and any(step[0] in (GT, LT) for step in chain):
        raise Unsupported("the library cannot compare what does not fill a register, nor make any primitive afterwards")
    x = workshop.memory(shape, dense(shape), FLOAT32 if dtype == UINT8 else dtype)
    other = x if second is None else workshop.memory(second, dense(second), dtype)
    again = other if repeated is None else workshop.memory(repeated, dense(repeated))
    steps, operands = [], []
    for i, step in enumerate(chain, 1):
        if len(step) < 3:
            memory = again if REPEATED in step else x
            steps.append(("binary", step[0], memory))
            operands.append((STEP * i | ARGUMENTS["src1"], memory))
        else:
            steps.append(step if step[0] == "sum" else ("eltwise", *step))
    desc = workshop.primitive("binary", kind, x, other, x, attributes=workshop.attributes(*steps))
    return Plan(workshop, desc, *operands, src=x, src1=other, dst=x)
