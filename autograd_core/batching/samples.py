"""Functions of tensors applied to all samples by a rule of theirs, or to one after another, as if they read values."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from typing import Any, NamedTuple

from autograd_core import functional, random, trees
from autograd_core.batching.graph import admitted, leave
from autograd_core.batching.levels import Level, active, outside
from autograd_core.batching.loops import different_shapes
from autograd_core.engine.libraries import depth_of
from autograd_core.engine.versions import storage
from autograd_core.errors import VmapError, VmapShapeError
from autograd_core.tensor import Tensor, wrap


def one_by_one(function: Callable[..., Any], args: Any, kwargs: Any, error: VmapError) -> Any:
    """function(*args, **kwargs) for every sample of the innermost `vmap` that separates them, outside it.

    Raises `error` without one, or if the function draws numbers for samples of calls further inside.
    """
    given = trees.leaves((args, kwargs))
    level, values = _separating(given)
    if level is None and any(v is not x for v, x in zip(values, given, strict=True)):
        a, k = trees.rebuild((args, kwargs), values)
        return function(*a, **k)
    if level is None or not level.size:
        raise error
    columns = [_samples(v, level) if _differs(v, level) else v for v in values]
    states = random.rng_states() if level.randomness == "same" else None
    deeper = active()[level.depth :]
    before = random.rng_states() if any(n.randomness != "same" for n in deeper) else {}
    results = []
    with outside(level):
        for i in range(level.size):
            a, k = trees.rebuild((args, kwargs), [c[i] if isinstance(c, tuple) else c for c in columns])
            again = states is not None and i + 1 < level.size
            with random.resumed(states) if again and states else nullcontext():
                results.append(function(*a, **k))
        stacked = [_stacked(ys, function) for ys in zip(*map(trees.leaves, results), strict=True)]
    if before and any(not functional.equal(before[key], state) for key, state in random.rng_states().items()):
        raise error
    inside = [admitted(y, 0, level) if isinstance(y, Tensor) else y for y in stacked]
    own = {id(storage(x.array)) for x in trees.leaves((a, k)) if isinstance(x, Tensor)}
    for y, last in zip(inside, trees.leaves(results[-1]), strict=True):
        if isinstance(y, Tensor) and id(storage(last.array)) in own:  # a view of an argument, which the stack is not
            y.array.frozen = True
    return trees.rebuild(results[0], inside)


class Samples(NamedTuple):
    """What a rule is told about the samples."""

    batch_size: int
    randomness: str


def by_rule(rule: Callable[..., Any], args: tuple[Any, ...]) -> Any:
    """What `rule(info, in_dims, *args)`, called outside the innermost `vmap` that separates them, makes of all samples.

    It returns outputs, and the axis of samples of each or None; NotImplemented if no argument holds samples.
    """
    level, values = _separating(trees.leaves(args))
    if level is None:
        return NotImplemented
    dims = [0 if _differs(v, level) else None for v in values]
    with outside(level):
        whole = [
            v if d is None else leave(v, level=level, dim=0, at=level.depth) for v, d in zip(values, dims, strict=True)
        ]
        told = Samples(level.size, level.randomness), trees.rebuild(args, dims)
        result, out_dims = rule(*told, *trees.rebuild(args, whole))
    outputs = trees.leaves(result)
    places = trees.spread(out_dims, result)
    inside = [y if d is None else admitted(y, d % y.ndim, level) for y, d in zip(outputs, places, strict=True)]
    return trees.rebuild(result, inside)


def _separating(values: list[Any]) -> tuple[Level | None, list[Any]]:
    """The innermost `vmap` between whose samples these values differ, if any, and the values outside those beyond."""
    values = [_shared(v) for v in values]
    return next((n for n in reversed(active()) if any(_differs(v, n) for v in values)), None), values


def _shared(value: Any) -> Any:
    """A tensor without a graph, outside the innermost calls of `vmap` whose samples share it."""
    if not isinstance(value, Tensor) or value.node is not None:
        return value
    array = value.array
    while depth_of(array) and array.level is None:
        array = array.held
    return value if array is value.array else wrap(array)


def _differs(value: Any, level: Level) -> bool:
    """Whether samples differ: what they share may have another gradient for each."""
    if not isinstance(value, Tensor) or depth_of(value.array) != level.depth:
        return False
    return value.array.level is level or (value.node is not None and value.array.level is None)


def _samples(value: Tensor, level: Level) -> tuple[Tensor, ...]:
    """The samples, each on its own storage, for functions that use the storage."""
    whole = functional.unbind(leave(value, level=level, dim=0, at=level.depth))
    return tuple([functional.clone(_shared(sample)) for sample in whole])


def _stacked(values: tuple[Any, ...], function: Callable[..., Any]) -> Any:
    if not isinstance(values[0], Tensor):
        if any(v != values[0] for v in values):
            raise VmapError(f"vmap: {function.__name__} returned different values, {values[0]!r} and others")
        return values[0]
    shapes = {y.shape for y in values}
    if len(shapes) > 1:
        raise VmapShapeError(different_shapes(function.__name__, shapes))
    return functional.stack(values)
