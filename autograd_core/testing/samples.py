"""Concrete arguments for an entry: from its samples, or from its kind if shapes do not matter."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import Any

import numpy as np

from autograd_core import dtypes, functional
from autograd_core.devices import place
from autograd_core.engine.entries import Composition, Interval, Op, Sample, Values
from autograd_core.tensor import Tensor
from autograd_core.testing.gradients import cotangent
from autograd_core.testing.layouts import LAYOUTS

Array = np.ndarray[Any, Any]
Entry = Op | Composition
# Shapes of one, two and three operands of a pointwise operation, by the property that they test.
SHAPES: dict[str, tuple[tuple[tuple[int, ...], ...], ...]] = {
    "given": (((2, 3), (2, 3), (2, 3)),),
    "broadcast": (((2, 3), (3,), (2, 1)), ((1, 3), (2, 1), ()), ((), (2, 1, 2), (2,))),
    "0-d": (((), (), ()),),
    "empty": (((0,), (0,), (0,)), ((2, 0), (1,), (2, 1)), ((3, 1), (0,), ())),
}


@dataclass(frozen=True)
class Case:
    """One call of an entry: `inputs` in the order of a sample, with NumPy arrays in place of shapes.

    made: for each array, a function that makes the operand, or None. seen: a function of the outputs to compare.
    """

    entry: Entry
    inputs: tuple[Any, ...]
    statics: dict[str, Any]
    device: str = "cpu"
    layout: str = "contiguous"
    made: tuple[Callable[[Any], Any] | None, ...] = ()
    seen: Callable[..., Any] | None = None

    def __repr__(self) -> str:
        shown = [f"{a.dtype.name}{a.shape}" if isinstance(a, np.ndarray) else repr(a) for a in self._flat()]
        shown += [f"{name}={value!r}" for name, value in self.statics.items()]
        return f"{self.entry.name}({', '.join(shown)}) on '{self.device}', {self.layout}"

    def _flat(self) -> Iterator[Any]:
        for x in self.inputs:
            yield from x if _is_list(x) else (x,)

    def arrays(self) -> list[Array]:
        """The arrays among the inputs, including those in lists, in order."""
        return [x for x in self._flat() if isinstance(x, np.ndarray)]

    def changed(self, change: Callable[[Array], Any]) -> Case:
        """The case with every array replaced by `change(array)`."""
        return replace(self, inputs=tuple(_mapped(x, change) for x in self.inputs))

    def tensors(self, requires_grad: bool = False) -> list[Tensor]:
        """The arrays as tensors on the device, with the same layout; floating-point ones may require a gradient."""
        arrange = LAYOUTS[self.layout]
        made = []
        for a in self.arrays():
            t = functional.as_tensor(place(arrange(a), self.device))
            made.append(t.requires_grad_() if requires_grad and a.dtype.kind in dtypes.INEXACT else t)
        return made

    def call(self, *tensors: Tensor) -> list[Any]:
        """The entry's outputs for these tensors, as a list."""
        return self._seen(listed(self.result(*tensors)))

    def result(self, *tensors: Tensor) -> Any:
        """The entry's result for these tensors."""
        given = iter(self._operands(tensors))
        inputs = [_mapped(x, lambda _: next(given)) for x in self.inputs]
        statics = {name: _placed(value, self.device) for name, value in self.statics.items()}
        if isinstance(self.entry, Op):
            if self.entry.variadic:
                inputs = [inputs[0]]
            statics |= dict(zip([public for public, own, _ in self.entry.public if own is None], inputs, strict=False))
            return self.entry.call(**statics)
        return self.entry.call(*inputs, **statics)

    def _seen(self, outputs: Any) -> list[Any]:
        return listed(self.seen(*outputs)) if self.seen else outputs

    def _operands(self, tensors: Sequence[Tensor]) -> Sequence[Tensor]:
        if not any(self.made):
            return tensors
        return [make(t) if make else t for make, t in zip(self.made, tensors, strict=True)]

    def expected(self) -> list[Any]:
        """The result of the entry's reference."""
        if any(self.made):
            plain = replace(self, device="cpu", layout="contiguous")
            operands = iter(plain._operands(plain.tensors()))
            return replace(plain.changed(lambda _: next(operands).numpy()), made=()).expected()
        reference: Any = self.entry.reference
        inputs = self.inputs[0] if isinstance(self.entry, Op) and self.entry.variadic else self.inputs
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the mean of nothing
            warnings.simplefilter("error", np.exceptions.ComplexWarning)  # of loops that fill an array of floats
            if not self.entry.kind.pointwise:
                outputs = listed(reference(*inputs, **self.statics))
                return self._seen(map(functional.tensor, outputs)) if self.seen else outputs
            arrays = np.broadcast_arrays(*self.arrays())
            numbers = [self._reference_of(elements) for elements in zip(*(a.ravel() for a in arrays), strict=True)]
            return [np.array(numbers, None if numbers else np.float64).reshape(arrays[0].shape)]

    def _reference_of(self, elements: tuple[Any, ...]) -> Any:
        rest = iter(elements)
        reference: Any = self.entry.reference
        return reference(*[next(rest).item() if isinstance(x, np.ndarray) else x for x in self.inputs], **self.statics)


def listed(value: Any) -> list[Any]:
    """Several outputs, nested or not, as one flat list."""
    if not _is_list(value):
        return [value]
    return [v for part in value for v in listed(part)]


def _is_list(x: Any) -> bool:
    parts = (np.ndarray, np.generic, Tensor, list, tuple)
    return isinstance(x, (list, tuple)) and bool(x) and all(isinstance(v, parts) for v in x)


def _mapped(x: Any, change: Callable[[Array], Any]) -> Any:
    if isinstance(x, np.ndarray):
        return change(x)
    return [change(v) for v in x] if _is_list(x) else x


def _placed(value: Any, device: str) -> Any:
    """A static parameter with its arrays moved to the device."""
    if isinstance(value, np.ndarray):
        return place(value, device)
    return getattr(value, "_make", tuple)(_placed(v, device) for v in value) if isinstance(value, tuple) else value


def cases(
    entry: Entry, shapes: str = "given", seed: int = 0, device: str = "cpu", layout: str = "contiguous"
) -> list[Case]:
    """All cases from an entry's samples, or its kind, for one of SHAPES."""
    return [case_of(entry, s, seed, device, layout) for s in samples_for(entry, shapes)]


def samples_for(entry: Entry, shapes: str = "given") -> tuple[Sample, ...]:
    """The entry's samples; if it is pointwise, also one of them in other shapes."""
    samples: tuple[Sample, ...] = entry.samples
    if not entry.kind.pointwise:
        return samples if shapes == "given" else tuple(s for s in samples if _shows(s, shapes))
    first = samples[0] if samples else Sample(tuple((2, 3) for _ in range(operands(entry))), {})
    if shapes == "given" and samples:
        return samples
    return tuple(reshaped(first, some) for some in SHAPES[shapes])


def broadcasts(entry: Entry) -> bool:
    """Whether the operands of an entry can have different shapes that broadcast."""
    return entry.kind.pointwise and bool(entry.broadcasts if isinstance(entry, Op) else entry.kind.broadcasts)


def operands(entry: Entry) -> int:
    """The number of tensors that a pointwise entry without samples takes."""
    return len(entry.inputs) if isinstance(entry, Op) else 1


def reshaped(sample: Sample, shapes: tuple[tuple[int, ...], ...]) -> Sample:
    """The sample with other shapes, and the same domains, dtypes and static parameters."""
    rest = iter(shapes)

    def moved(x: Any) -> Any:
        return next(rest) if is_shape(x) else replace(x, shape=next(rest)) if isinstance(x, Values) else x

    return Sample(tuple(map(moved, sample.inputs)), sample.statics)


def _shows(sample: Sample, shapes: str) -> bool:
    """Whether a sample has the property that SHAPES names."""
    found = [x.shape if isinstance(x, Values) else x for x in _leaves(sample) if is_tensor(x)]
    if shapes == "0-d":
        return () in found
    return shapes == "empty" and any(0 in shape for shape in found)


def _leaves(sample: Sample) -> Iterator[Any]:
    for x in sample.inputs:
        yield from x if _is_shapes(x) else (x,)


def is_shape(x: Any) -> bool:
    """Whether an input of a sample is a shape, to be filled with values."""
    return isinstance(x, tuple) and all(isinstance(k, int) for k in x)


def _is_shapes(x: Any) -> bool:
    return isinstance(x, list) and all(map(is_tensor, x))


def is_tensor(x: Any) -> bool:
    """Whether an input of a sample represents a tensor."""
    return is_shape(x) or isinstance(x, Values)


def named_statics(entry: Op) -> set[str]:
    """The static parameters that at least one sample sets."""
    return {name for s in entry.samples for name in s.statics}


def case_of(entry: Entry, sample: Sample, seed: int = 0, device: str = "cpu", layout: str = "contiguous") -> Case:
    """The sample with values, distinct within each domain, because ties have their own tests."""
    wanted = [x if isinstance(x, Values) else Values(x) for x in _leaves(sample) if is_tensor(x)]
    arrays = iter(filled([replace(w, domain=w.domain or entry.domain) for w in wanted], seed))

    def input_of(x: Any) -> Any:
        return [next(arrays) for _ in x] if _is_shapes(x) else next(arrays) if is_tensor(x) else x

    inputs = tuple(map(input_of, sample.inputs))
    return Case(entry, inputs, dict(sample.statics), device, layout, tuple(w.made for w in wanted), sample.seen)


def filled(wanted: Sequence[Values], seed: int = 0) -> list[Array]:
    """Arrays with these shapes, domains and dtypes; floats of one domain are distinct, also between arrays.

    The domain of complex numbers is that of their real parts.
    """
    random, pools = np.random.default_rng(seed), {}
    for domain in {w.domain for w in wanted if w.domain is not None}:
        pools[domain] = iter(spaced(domain, sum(prod(w.shape) for w in wanted if w.domain == domain), seed))
    arrays = []
    for w in wanted:
        assert w.domain is not None
        kind = np.dtype(w.dtype).kind
        if kind in "fc":
            array = np.array([next(pools[w.domain]) for _ in range(prod(w.shape))])
            array = complexified(array) if kind == "c" else array
        else:
            array = random.integers(int(w.domain.low), int(w.domain.high), prod(w.shape))
        arrays.append(array.astype(w.dtype).reshape(w.shape))
    return arrays


def complexified(a: Array) -> Array:
    """Complex numbers with these real parts, and imaginary parts away from 0 and from branch cuts at ±i."""
    return np.asarray(a + 0.5j * cotangent(a.shape))


def spaced(domain: Interval, count: int, seed: int) -> Array:
    """`count` distinct numbers in shuffled order: a jittered grid over the domain, away from its kinks."""
    margin = (domain.high - domain.low) / 100
    ends = [domain.low, *sorted(v for k in domain.kinks for v in (k - margin, k + margin)), domain.high]
    lows, highs = np.maximum(ends[::2], domain.low), np.minimum(ends[1::2], domain.high)
    room = np.maximum(highs - lows, 0).cumsum()
    random = np.random.default_rng(seed)
    along = (np.arange(count) + 0.5 + random.uniform(-0.25, 0.25, count)) / max(count, 1) * room[-1]
    part = np.searchsorted(room, along)
    return random.permutation(highs[part] - (room[part] - along))
