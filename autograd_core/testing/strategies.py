"""Hypothesis strategies for shapes, memory layouts, tensors, and whole calls of a registered entry."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import strategies as st
from hypothesis.extra import numpy as of_numpy

from autograd_core import functional
from autograd_core.engine.entries import USUAL
from autograd_core.registry import Interval, Values
from autograd_core.tensor import Tensor
from autograd_core.testing.layouts import LAYOUTS
from autograd_core.testing.samples import Case, Entry, broadcasts, case_of, filled, is_tensor, reshaped, samples_for

Shape = tuple[int, ...]
SEEDS = st.integers(0, 2**32 - 1)


def shapes(min_dims: int = 0, max_dims: int = 3, min_side: int = 0, max_side: int = 4) -> st.SearchStrategy[Shape]:
    """Shapes, including 0-d and empty ones unless the bounds exclude them."""
    return st.lists(st.integers(min_side, max_side), min_size=min_dims, max_size=max_dims).map(tuple)


def broadcastable_shapes(
    count: int, max_dims: int = 3, min_side: int = 0, max_side: int = 3
) -> st.SearchStrategy[tuple[Shape, ...]]:
    """`count` shapes that broadcast together."""
    found = of_numpy.mutually_broadcastable_shapes(
        num_shapes=count, max_dims=max_dims, min_side=min_side, max_side=max_side
    )
    return found.map(lambda shapes: shapes.input_shapes)


def layouts() -> st.SearchStrategy[str]:
    """Names of memory layouts: contiguous, transposed, reversed, sliced, expanded, read-only."""
    return st.sampled_from(sorted(LAYOUTS))


@st.composite
def tensors(
    draw: st.DrawFn,
    shape: Shape | st.SearchStrategy[Shape] | None = None,
    dtype: str = "float64",
    domain: Interval | tuple[float, float] = USUAL,
    requires_grad: bool = False,
    layout: str | st.SearchStrategy[str] = "contiguous",
) -> Tensor:
    """Tensors with distinct elements, spread over the domain and away from its kinks.

    shape: by default any; layout: a name from `layouts()`. Each can be a strategy. domain: an `Interval`, or its two
    ends. Elements of integer and boolean tensors repeat.
    """
    domain = domain if isinstance(domain, Interval) else Interval(*domain)
    shape = draw(shape if isinstance(shape, st.SearchStrategy) else shapes() if shape is None else st.just(shape))
    layout = draw(layout if isinstance(layout, st.SearchStrategy) else st.just(layout))
    t = functional.as_tensor(LAYOUTS[layout](filled([Values(shape, domain, dtype)], draw(SEEDS))[0]))
    return t.requires_grad_() if requires_grad else t


@st.composite
def samples_of(
    draw: st.DrawFn, entry: Entry, shapes: str = "given", device: str = "cpu", layouts: Sequence[str] = ("contiguous",)
) -> Case:
    """Calls of an operation or composition: one of its samples, or any shapes if it is pointwise, with other values.

    shapes: "given", or only those with the property "broadcast", "0-d" or "empty".
    """
    known = samples_for(entry, shapes)
    sample = draw(st.sampled_from(known))
    if entry.kind.pointwise and shapes == "given":
        count = sum(map(is_tensor, sample.inputs))
        others = broadcastable_shapes(count if broadcasts(entry) else 1)
        sample = draw(st.just(sample) | others.map(lambda some: reshaped(sample, (some * count)[:count])))
    return case_of(entry, sample, draw(SEEDS), device, draw(st.sampled_from(layouts)))
