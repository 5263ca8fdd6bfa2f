"""The protocol of a backend: an array library, its kernels, its devices and its random numbers."""

from types import SimpleNamespace
from typing import Any, Protocol

from backends.geometry import Array

# What operations and kernels use of an array besides its indexing: by these names every array type has it.
# Not `@`, which on NumPy's arrays would start BLAS's threads beside oneDNN's: `xp.matmul` chooses.
OPERATORS = {
    "add": "+", "sub": "-", "mul": "*", "truediv": "/", "floordiv": "//", "mod": "%", "pow": "**",
    "and": "&", "or": "|", "xor": "^", "lshift": "<<", "rshift": ">>",
}  # fmt: skip
COMPARISONS = {"eq": "==", "ne": "!=", "lt": "<", "le": "<=", "gt": ">", "ge": ">="}
UNARY = {"neg": "-", "pos": "+", "invert": "~", "abs": "abs"}
METHODS = (
    "all", "any", "argmax", "argmin", "argsort", "astype", "clip", "conj", "copy", "cumsum", "diagonal", "dot", "fill",
    "flatten", "max", "mean", "min", "nonzero", "prod", "ravel", "repeat", "reshape", "round", "sort", "squeeze", "std",
    "sum", "swapaxes", "take", "trace", "transpose", "var", "view",
)  # fmt: skip
ATTRIBUTES = ("dtype", "flags", "itemsize", "nbytes", "ndim", "shape", "size", "strides")
VIEWS = ("T", "imag", "real")
# Functions whose results have a shape that depends on values.
DYNAMIC = ("argwhere", "bincount", "compress", "extract", "flatnonzero", "nonzero", "trim_zeros", "unique")


class BackendUnavailable(RuntimeError, ImportError):
    """A known backend cannot run on this machine; the message says what is missing and how to get it."""


class Generator(Protocol):
    """A stream of random arrays on one device."""

    @property
    def state(self) -> Array:
        """The state as bytes."""

    def resume(self, state: Array) -> int:
        """Go on from a state; returns the seed in it."""

    def seed(self, seed: int) -> None:
        """Start again, from a number of up to 64 bits."""

    def uniform(self, shape: tuple[int, ...], dtype: Any, low: float = 0.0, high: float = 1.0) -> Array:
        """Floats in [low, high)."""

    def probabilities(self, shape: tuple[int, ...], dtype: Any) -> Array:
        """Floats in [0, 1) for a quantile function, which gives numbers of this dtype."""

    def normal(
        self, shape: tuple[int, ...], dtype: Any, mean: float = 0.0, std: float = 1.0, one_by_one: bool = False
    ) -> Array:
        """Normal floats; one_by_one: as for memory with gaps, where that makes a difference."""

    def integers(self, low: int, high: int, shape: tuple[int, ...]) -> Array:
        """int64 numbers in [low, high)."""

    def permutation(self, n: int) -> Array:
        """The numbers 0 to n - 1 in random order."""

    def bernoulli(self, p: float, shape: tuple[int, ...]) -> Array:
        """Booleans that are True with probability p."""

    def poisson(self, rate: Array) -> Array:
        """Counts with these rates."""

    def gamma(self, shape: Array) -> Array:
        """Numbers of gamma distributions with these shape parameters and a rate of 1."""

    def binomial(self, count: Array, p: Array) -> Array:
        """Successes among `count` trials of probability p."""


class Random(Protocol):
    """Maker of generators."""

    def generator(self, seed: int, index: int) -> Generator:
        """A generator on device `index`; the same seed gives the same numbers."""


class Backend(Protocol):
    """Arrays and kernels of one kind of device; see "Kernels and layout" in docs/design.md.

    `namespace` holds every public function of the array library, and as `namespace.kernels` the functions listed
    in `backends.kernels`. `array_types` are the types that belong to this backend. If every device has its own
    namespace, `namespace` is that of the first. A device `index` of None means the current one.
    """

    name: str
    checks_values: bool  # whether the values of operands, such as class indices, are checked; False if that would wait
    array_types: tuple[type, ...]
    namespace: SimpleNamespace
    random: Random

    @property
    def libraries(self) -> tuple[tuple[SimpleNamespace, tuple[type, ...]], ...]:
        """Every namespace with the array types that belong to it."""

    def library(self, index: int | None) -> SimpleNamespace:
        """The namespace that makes arrays on device `index`."""

    def from_host(self, array: Any, index: int | None, non_blocking: bool = False) -> Array:
        """A NumPy array on device `index`; may share its memory if the device is the host.

        non_blocking: return before the copy has finished, if the array lies in pinned memory.
        """

    def to_host(self, array: Array, non_blocking: bool = False) -> Any:
        """The array as a NumPy array, after all pending work on it; with `non_blocking` possibly earlier."""

    def device_of(self, array: Array) -> str:
        """Where an array lives: "cpu", "cuda:0"."""

    def device_count(self) -> int:
        """How many devices of this kind there are."""

    def current_device(self) -> int:
        """The index of the default device of this kind."""

    def transfer(self, array: Array, index: int | None) -> Array:
        """The array on device `index` of this kind; the array itself if it is there already."""

    def synchronize(self, index: int | None = None) -> None:
        """Wait for all pending work of a device."""

    def describe(self) -> str:
        """One line: library, version, hardware."""


class OneDevice:
    """Base of backends with a single device, whose name is theirs."""

    name: str
    namespace: SimpleNamespace

    def library(self, index: int | None) -> SimpleNamespace:
        """The only namespace."""
        return self.namespace

    def device_of(self, array: Any) -> str:
        """Always the same."""
        return self.name

    def device_count(self) -> int:
        """Always one."""
        return 1

    def current_device(self) -> int:
        """Always 0."""
        return 0

    def transfer(self, array: Any, index: int | None) -> Any:
        """The array itself."""
        return array

    def synchronize(self, index: int | None = None) -> None:
        """Nothing is ever pending."""
