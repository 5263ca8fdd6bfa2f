"""The data of an entry: the operation, the inputs it is tested on, and what registration derives from them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from types import EllipsisType
from typing import Any

from autograd_core.kinds import Kind

Rule = Callable[..., Any]
Shape = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Interval:
    """The domain in which an operation is tested: values in [`low`, `high`], away from each of `kinks`."""

    low: float
    high: float
    kinks: tuple[float, ...] = ()


USUAL = Interval(-2, 2)  # the default domain


@dataclass(frozen=True, slots=True)
class Values:
    """One input of a sample: its shape and, where they differ from the entry's, domain or dtype.

    made: a function from a tensor of these values to the operand, for example a symmetric matrix.
    """

    shape: Shape
    domain: Interval | None = None
    dtype: str = "float64"
    made: Callable[[Any], Any] | None = None


@dataclass(frozen=True, slots=True)
class Sample:
    """Inputs (shapes, `Values`, lists of these, or None) and static parameters on which an operation is tested.

    seen: a function of the outputs to compare, if these are not unique, such as eigenvectors.
    """

    inputs: tuple[Any, ...]
    statics: dict[str, Any]
    seen: Callable[..., Any] | None = None


def sample(*inputs: Any, **statics: Any) -> Sample:
    """A sample of an entry: `sample((2, 3), dim=1)`."""
    return Sample(inputs, statics)


def integers(shape: Shape, low: int, high: int) -> Values:
    """Integer input of a sample, from `low` up to but not including `high`."""
    return Values(shape, Interval(low, high), "int64")


def booleans(shape: Shape) -> Values:
    """Boolean input of a sample."""
    return Values(shape, Interval(0, 2), "bool")


@dataclass(slots=True, eq=False)
class Op:
    """The entry and what registration derives from it.

    vjp: one rule (xp, g, ...) -> cotangent per input; or joint: one rule for all inputs, which is told what `needs` a
    gradient. composite: a joint rule for higher orders, in terms of the values that the fast rules save.
    """

    # The entry.
    name: str
    kind: Kind
    symbol: str | None
    doc: str | None
    domain: Interval
    reference: Callable[..., Any] | None
    vjp: Rule | tuple[Rule | None, ...] | None
    forward: Callable[..., Any]
    joint: Rule | None = None
    composite: Rule | None = None
    before: Rule | None = None  # (xp, g, ...) -> the cotangent that all rules receive: the gradient of the last step
    operators: tuple[str, ...] = ()
    module: str = ""  # the public module, such as "linalg"; rules still use the bare name
    aliases: tuple[str, ...] = ()  # further names, such as "inverse" or "linalg.inv"
    samples: tuple[Sample, ...] = ()
    residuals: tuple[str, ...] = ()
    outputs: tuple[str, ...] | EllipsisType | None = None  # the names of several outputs, or `...` for a list
    detached: tuple[str, ...] = ()  # outputs without a gradient, such as statistics
    partial: bool = False  # its rule accepts None for an output that no cotangent reached
    view: bool = False
    floating: bool = False  # integers are first cast to the default floating-point dtype
    promotes: bool | None = None  # whether operands of different dtypes are cast first; None: as the kind says
    wide: bool = False  # 16-bit floats are computed in float32 and rounded once
    modular: bool = False  # integers are computed modulo 2ⁿ, so a number out of their range wraps around
    booleans: bool = True  # whether boolean tensors are accepted beside those of other dtypes
    commutative: bool = False
    broadcasts: bool | None = None  # None: as the kind says
    # For complex numbers. True: it has a complex derivative, and the walk conjugates around its rule. False: its rule
    # is right as it is. None: they are refused, unless the kind says otherwise.
    holomorphic: bool | None = None
    real_only: bool = False  # complex numbers are refused, although the kind accepts them
    method: bool | None = None  # whether it is a method of tensors; None: as the kind says
    packs: str | None = None  # the static parameter whose elements can be separate arguments: x.permute(1, 0)
    order: int = 2  # how many times it can be differentiated, as far as tests check
    tolerance: float = 1e-12  # relative tolerance of the value against `reference`
    signature: tuple[str, ...] = ()  # order of public parameters, if not inputs first and statics after
    # (xp, y) -> the operand of an operation that saves it for an exact slope; used if a program wrote to it since.
    inverse: Callable[..., Any] | None = None
    crossed: bool = False  # the rule of each of two inputs reads the other one, and of its own only the shape
    fallback: Callable[..., Any] | None = None  # computes on Tensors what the forward refuses with a ValueError
    form: Callable[..., Any] | None = None  # wraps the functional form, to add a keyword
    # Derived.
    home: str = ""  # the module that registered it
    inputs: tuple[str, ...] = ()
    optional: int = 0  # the bits of inputs that can be None
    public: tuple[tuple[str, str | None, Any], ...] = ()  # public name, own name (None for an input), default
    statics: dict[str, Any] = field(default_factory=dict)
    variadic: bool = False
    simple: bool = False  # one or two inputs and nothing else: uses the fast binders
    layer: bool = False  # three inputs of one dtype, such as input, weight and bias, and nothing else
    plain: bool = False  # one rule per input and one output: the ordinary case of the walk
    screened: bool = False  # operand dtypes are checked before it runs
    differentiable: bool = False
    promoted: tuple[int, ...] = ()  # inputs that are cast to a common dtype
    mixes: bool = False  # several inputs may be
    rules: tuple[Rule, ...] = ()  # adapted: (xp, g, saved) -> cotangent
    wants: tuple[tuple[str, ...], ...] = ()  # per input, the names that its rule uses
    keep: tuple[str, ...] = ()  # the names behind `saved`, in order
    holds: bool = False  # whether an array is among them
    plans: dict[int, Callable[..., tuple[Any, ...]]] = field(default_factory=dict)
    result: Callable[[Any], tuple[Any, ...]] = tuple
    call: Callable[..., Any] = None  # type: ignore[assignment]  # set right after binding
    # (tensor, number, whether the number comes first) -> the result in one kernel, if a backend makes it one
    with_number: Callable[..., Any] = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return self.name


@dataclass(slots=True, eq=False)
class Composition:
    """A function of the functional form that is composed of operations and has no rule of its own."""

    name: str
    kind: Kind
    doc: str | None
    domain: Interval
    reference: Callable[..., Any] | None
    call: Callable[..., Any]
    samples: tuple[Sample, ...] = ()
    aliases: tuple[str, ...] = ()
    method: bool | None = None  # whether it is a method of tensors; None: as the kind says
    tolerance: float = 1e-12
    order: int = 2
    module: str = ""
    real_only: bool = False  # it refuses complex numbers, although its operations accept them
    by_memory: bool = False  # its result depends on the memory layout of the input
    home: str = ""  # the module that registered it

    def __repr__(self) -> str:
        return self.name


def public_names(entry: Op | Composition) -> Iterator[tuple[str, str]]:
    """The public names of an entry: pairs of a module ("" for the top level) and a name."""
    yield entry.module, entry.name.rpartition(".")[2]
    for alias in entry.aliases:
        module, _, name = alias.rpartition(".")
        yield module, name
