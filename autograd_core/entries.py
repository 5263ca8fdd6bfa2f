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
    """Where an operation is sampled: values between `low` and `high`, kept away from each of `kinks`."""

    low: float
    high: float
    kinks: tuple[float, ...] = ()


USUAL = Interval(-2, 2)  # where an operation is sampled that does not say otherwise


@dataclass(frozen=True, slots=True)
class Values:
    """One input of a sample: its shape and, where they differ from the entry's, domain or dtype.

    made: from a tensor of these values to the operand, where operands are of one sort, such as symmetric matrices.
    """

    shape: Shape
    domain: Interval | None = None
    dtype: str = "float64"
    made: Callable[[Any], Any] | None = None


@dataclass(frozen=True, slots=True)
class Sample:
    """Inputs (shapes, `Values`, lists of these, or None) and static parameters on which an operation is tested.

    seen: what is compared, of outputs that are not unique, such as eigenvectors.
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

    vjp: one rule (xp, g, ...) -> cotangent per input; or joint: one for all of them, told which `needs` a gradient.
    composite: a joint rule for higher order, in terms of what the fast rules keep.
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
    before: Rule | None = None  # (xp, g, ...) -> what every rule gets as its g: the gradient of a last step of its own
    operators: tuple[str, ...] = ()
    module: str = ""  # where it is public, such as "linalg"; rules find it under its bare name all the same
    aliases: tuple[str, ...] = ()  # further names, such as "inverse" or "linalg.inv"
    samples: tuple[Sample, ...] = ()
    residuals: tuple[str, ...] = ()
    outputs: tuple[str, ...] | EllipsisType | None = None  # the names of several outputs, or `...` for a list
    detached: tuple[str, ...] = ()  # those of them that come without a gradient, such as statistics
    partial: bool = False  # its rule takes None for an output that no cotangent reached
    view: bool = False
    floating: bool = False  # integers are cast to the default floating dtype first
    promotes: bool | None = None  # whether operands of different dtypes are cast first, if not as their kind says
    wide: bool = False  # 16-bit floats are computed in float32 and rounded once
    commutative: bool = False
    broadcasts: bool | None = None  # where it differs from the kind's
    # Of complex numbers: True, it has a complex derivative and the walk conjugates around its rule; False, its rule is
    # right as it stands; None, it takes none, unless its kind says otherwise.
    holomorphic: bool | None = None
    real_only: bool = False  # it takes none, although its kind does
    method: bool | None = None  # whether tensors have it as a method, if not as its kind says
    packs: str | None = None  # the static that also takes its elements as separate arguments: x.permute(1, 0)
    order: int = 2  # how many times it can be differentiated, as far as tests look
    tolerance: float = 1e-12  # relative error of the value against `reference`
    signature: tuple[str, ...] = ()  # public parameters in order, where it is not inputs first, statics after
    fallback: Callable[..., Any] | None = None  # computes on Tensors what the forward refuses by a ValueError
    form: Callable[..., Any] | None = None  # from the functional form to one with a keyword more
    # Derived.
    home: str = ""  # the module that registered it
    inputs: tuple[str, ...] = ()
    public: tuple[tuple[str, str | None, Any], ...] = ()  # public name, own name (None for an input), default
    statics: dict[str, Any] = field(default_factory=dict)
    variadic: bool = False
    simple: bool = False  # one or two inputs and nothing else: the fast binders apply
    layer: bool = False  # three inputs of one dtype, such as input, weight and bias, and nothing else
    plain: bool = False  # one rule per input and one output: the ordinary case of the walk
    screened: bool = False  # its operands' dtypes are looked at before it runs
    differentiable: bool = False
    promoted: tuple[int, ...] = ()  # inputs that are cast to a common dtype
    rules: tuple[Rule, ...] = ()  # adapted: (xp, g, saved) -> cotangent
    wants: tuple[tuple[str, ...], ...] = ()  # per input, the names its rule mentions
    keep: tuple[str, ...] = ()  # the names behind `saved`, in order
    holds: bool = False  # whether an array is among them
    plans: dict[int, Callable[..., tuple[Any, ...]]] = field(default_factory=dict)
    result: Callable[[Any], tuple[Any, ...]] = tuple
    call: Callable[..., Any] = None  # type: ignore[assignment]  # set right after binding

    def __repr__(self) -> str:
        return self.name


@dataclass(slots=True, eq=False)
class Composition:
    """A function of the functional form that is written in terms of operations and needs no rule of its own."""

    name: str
    kind: Kind
    doc: str | None
    domain: Interval
    reference: Callable[..., Any] | None
    samples: tuple[Sample, ...]
    aliases: tuple[str, ...]
    method: bool
    tolerance: float
    call: Callable[..., Any]
    order: int = 2
    module: str = ""
    real_only: bool = False
    by_memory: bool = False  # what it gives depends on how its input lies in memory
    home: str = ""  # the module that registered it

    def __repr__(self) -> str:
        return self.name


def public_names(entry: Op | Composition) -> Iterator[tuple[str, str]]:
    """Where an entry is public: pairs of a module ("" for the top level) and a name."""
    yield entry.module, entry.name.rpartition(".")[2]
    for alias in entry.aliases:
        module, _, name = alias.rpartition(".")
        yield module, name
