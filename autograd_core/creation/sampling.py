"""Tensors of random numbers. On a CPU the same seed gives the numbers that PyTorch draws there."""

from __future__ import annotations

import functools
import math
import operator
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from autograd_core import dtypes, functional
from autograd_core.creation.making import ShapeLike, check_tensor, finish, floating, shape_of
from autograd_core.engine.failures import out_of_memory
from autograd_core.engine.libraries import LIBRARY, holds
from autograd_core.engine.options import with_options, with_synonyms
from autograd_core.engine.versions import base_of
from autograd_core.errors import DtypeError, OperandError
from autograd_core.grad_mode import no_grad
from autograd_core.random import Generator, stream_of
from autograd_core.registry import publish
from autograd_core.semantics.memory_format import arranged_like
from autograd_core.tensor import Tensor, wrap
from backends.strides import outermost_first

MANY = 1 << 13  # comparisons for each row, from which a binary search is faster


@functools.cache
def _numbers(dtype: dtypes.DType) -> range:
    """The numbers of an integer dtype."""
    limits = np.iinfo(dtype)
    return range(limits.min, limits.max + 1)


def _floating(dtype: DTypeLike | None) -> dtypes.DType:
    found = floating(dtype)
    if found.kind not in dtypes.FLOATS:
        raise DtypeError(f"random real numbers are drawn in a floating dtype, not in {found}")
    return found


def drawn(draw: Callable[[Any, Any], Any], shape: tuple[int, ...], dtype: DTypeLike | None) -> Any:
    """Numbers of a floating-point dtype; for a complex one, both parts."""
    kind = floating(dtype)
    if kind.kind != "c":
        return draw(shape, _floating(kind))
    return draw((*shape, 2), dtypes.real_part(kind)).view(kind)[..., 0]


def normals(stream: Any, shape: tuple[int, ...], dtype: Any, mean: float, std: float, one_by_one: bool = False) -> Any:
    """Normal numbers of a floating-point dtype; for a complex one, both parts, each with half the variance."""
    part = math.sqrt(0.5) if floating(dtype).kind == "c" else 1.0
    return drawn(lambda *a: stream.normal(*a, mean, std * part, one_by_one), shape, dtype)


def rand(
    *shape: Any,
    size: ShapeLike | None = None,
    dtype: DTypeLike | None = None,
    device: str | None = None,
    requires_grad: bool = False,
    generator: Generator | None = None,
) -> Tensor:
    """Uniform numbers in [0, 1); for complex dtypes, both parts."""
    draws = drawn(stream_of(device, generator).uniform, shape_of(shape, size), dtype)
    return finish(draws, None, requires_grad, None)


def randn(
    *shape: Any,
    size: ShapeLike | None = None,
    dtype: DTypeLike | None = None,
    device: str | None = None,
    requires_grad: bool = False,
    generator: Generator | None = None,
) -> Tensor:
    """Standard normal numbers; complex ones have mean square 1."""
    draws = normals(stream_of(device, generator), shape_of(shape, size), dtype, 0.0, 1.0)
    return finish(draws, None, requires_grad, None)


def randint(
    low: Any = None,
    high: Any = None,
    size: Any = None,
    dtype: DTypeLike | None = None,
    device: str | None = None,
    requires_grad: bool = False,
    generator: Generator | None = None,
) -> Tensor:
    """Integers from `low` (0 if only one bound is given) up to but not including `high`.

    >>> randint(3, 4, (2,))
    tensor([3, 3])
    """
    if size is None:
        low, high, size = None, low, high
    if high is None:
        low, high = None, low
    if isinstance(high, (tuple, list)) or isinstance(low, (tuple, list)):
        raise TypeError("randint() takes randint(high, size) or randint(low, high, size), in this order")
    if high is None or size is None:
        raise TypeError("randint() takes randint(high, size) or randint(low, high, size); high or size is missing")
    first, last = operator.index(low or 0), operator.index(high)
    kind = dtypes.as_dtype(dtype) or dtypes.int64
    if last <= first:
        raise OperandError(f"randint() needs low < high, not {first} and {last}, as in randint(0, 10, (3,))")
    if kind.kind in dtypes.INTEGERS and not (first in _numbers(kind) and last - 1 in _numbers(kind)):
        raise OperandError(f"randint(): numbers from {first} to {last - 1} do not fit into {kind}")
    draws = stream_of(device, generator).integers(first, last, shape_of((size,)))
    return finish(draws.astype(kind), None, requires_grad, None)


def randperm(
    n: int,
    dtype: DTypeLike | None = None,
    device: str | None = None,
    requires_grad: bool = False,
    generator: Generator | None = None,
) -> Tensor:
    """The numbers 0 to n - 1 in random order."""
    (count,), kind = shape_of((n,)), dtypes.as_dtype(dtype) or dtypes.int64
    if any(int(np.array(last).astype(kind)) != last for last in range(max(count - 2, 0), count)):
        raise OperandError(f"randperm(): {kind} does not hold all numbers below {count}")
    return finish(stream_of(device, generator).permutation(count).astype(kind), None, requires_grad, None)


def decided(stream: Any, p: float, shape: tuple[int, ...], dtype: dtypes.DType) -> Any:
    """Ones with probability `p`, else zeros."""
    if not 0 <= p <= 1:
        raise OperandError(f"bernoulli(): probabilities must lie between 0 and 1, not {p}")
    return stream.bernoulli(p, shape).astype(dtype)


def bernoulli(input: Tensor, p: float | None = None, generator: Generator | None = None) -> Tensor:
    """Ones with the probabilities in `input`, or with probability `p`; else zeros."""
    check_tensor(input, "bernoulli")
    array, stream = input.array, stream_of(input.device, generator)
    if p is not None:
        return wrap(decided(stream, p, input.shape, array.dtype))
    if not holds((array >= 0) & (array <= 1)):
        raise OperandError("bernoulli(): probabilities must lie between 0 and 1")
    real = _floating(array.dtype)
    draws = stream.uniform(input.shape, dtypes.float32 if real.itemsize < 4 else real)
    return wrap((draws < array).astype(array.dtype))


def multinomial(
    input: Tensor, num_samples: int, replacement: bool = False, generator: Generator | None = None
) -> Tensor:
    """Positions drawn along the last axis, with probabilities proportional to the weights in `input`."""
    check_tensor(input, "multinomial")
    weights, xp = input.array, LIBRARY[input.array.__class__]
    if input.ndim not in (1, 2) or not _are_weights(xp, weights):
        raise OperandError("multinomial() takes one or two axes of non-negative weights with a positive sum")
    if num_samples < 1:
        raise OperandError(f"multinomial() draws at least one position, not {num_samples}")
    if not replacement and num_samples > 1 and not holds(xp.sum(weights > 0, axis=-1) >= num_samples):
        raise OperandError(f"multinomial() cannot draw {num_samples} different positions: too few weights are positive")
    stream, kind = stream_of(input.device, generator), _floating(input.array.dtype)
    if not replacement or num_samples == 1:
        # Exponential clocks with these rates ring in the order of sampling without replacement.
        u = stream.probabilities(input.shape, kind)
        rates = weights / -LIBRARY[u.__class__].log1p(-u).astype(kind)
        xp = LIBRARY[rates.__class__]  # of a batch, where vmap draws for every sample
        if num_samples == 1:
            return wrap(xp.argmax(rates, axis=-1)[..., None])
        return wrap(xp.argsort(-rates, axis=-1)[..., :num_samples])
    ends = xp.cumsum(weights, axis=-1)
    draws = stream.probabilities((*input.shape[:-1], num_samples), kind) * ends[..., -1:]
    if ends.shape[-1] * num_samples > MANY:
        return functional.searchsorted(wrap(ends), wrap(draws.astype(kind)), right=True)
    return wrap(LIBRARY[draws.__class__].sum(draws[..., None] >= ends[..., None, :], axis=-1))


def _are_weights(xp: Any, weights: Any) -> bool:
    """Whether every row is finite and non-negative with a positive sum."""
    if not weights.shape[-1]:
        return False
    least, largest = xp.min(weights, axis=-1), xp.max(weights, axis=-1)
    return holds((least >= 0) & (largest > 0) & (largest < xp.inf))


def normal(
    mean: Any = 0.0,
    std: Any = 1.0,
    size: Any = None,
    dtype: DTypeLike | None = None,
    device: str | None = None,
    requires_grad: bool = False,
    generator: Generator | None = None,
) -> Tensor:
    """Normal numbers with a mean and standard deviation, each a number or a tensor; `size` if both are numbers."""
    tensors = [v for v in (mean, std) if isinstance(v, Tensor)]
    if not tensors and size is None:
        raise TypeError("normal() of two numbers needs a size: normal(0.0, 1.0, (2, 3))")
    if not holds(~(std < 0)) if isinstance(std, Tensor) else std < 0:
        raise OperandError("normal() needs non-negative standard deviations")
    if tensors:
        total = functional.add(mean, std)
        size, dtype, device = total.shape, dtype or total.dtype, device or total.device
        with no_grad():
            draws = mean + std * randn(size, dtype=dtype, device=device, generator=generator)
        return draws.requires_grad_(requires_grad)
    draws = normals(stream_of(device, generator), shape_of((size,)), dtype, mean, std)
    return finish(draws, None, requires_grad, None)


class Memory:
    """A tensor as PyTorch fills it with random numbers: in the order of memory.

    But signals and images with channels last in memory, and views of such, count as row-major: they come from
    convolutions here, and in PyTorch only on request.

    shape: the lengths of its axes in this order. in_order: whether it is that of the axes, without gaps.
    """

    def __init__(self, x: Tensor) -> None:
        self._like, self.in_order = x, True
        self.shape: tuple[int, ...] = x.shape
        self._back: tuple[int, ...] | None = None
        base, strides = base_of(x), getattr(x.array, "strides", ())
        if not strides or 0 in strides or (base is None and x.array.flags.c_contiguous):
            return
        whole = x if base is None else base
        if not _is_image(whole):
            order, _ = outermost_first(x.array)
            self.in_order = bool(x.array.flags.c_contiguous)
        else:
            axes = {s: axis for axis, (s, k) in enumerate(zip(whole.array.strides, whole.shape, strict=True)) if k > 1}
            order = tuple(sorted(range(x.ndim), key=lambda axis: axes.get(_largest(axes, strides[axis]), axis)))
            self.in_order = x.shape == whole.shape
        self._back = tuple([order.index(axis) for axis in range(x.ndim)])
        self.shape = tuple([x.shape[axis] for axis in order])

    @property
    def device(self) -> Any:
        """The device of the tensor."""
        return self._like.device

    @property
    def dtype(self) -> dtypes.DType:
        """The dtype of the tensor."""
        return self._like.array.dtype

    def arranged(self, draws: Tensor) -> Tensor:
        """Numbers in this order as elements of the tensor's shape, and in its order of memory."""
        return draws if self._back is None else arranged_like(draws.permute(self._back), self._like, None)


def _largest(numbers: Iterable[int], most: int) -> int:
    """The largest of some numbers that is no larger than `most`: the stride of which a view's is a multiple."""
    return max((n for n in numbers if n <= abs(most)), default=0)


def _is_image(x: Tensor) -> bool:
    """Whether channels are last in memory; axes of length 1 may have any stride."""
    order, _ = outermost_first(x.array)
    long = [axis for axis in order if x.shape[axis] > 1]
    return long != sorted(long) and long == [a for a in (0, *range(2, x.ndim), 1)[: x.ndim] if x.shape[a] > 1]


def _like(make: Any) -> Any:
    def like(
        input: Tensor,
        *bounds: Any,
        dtype: DTypeLike | None = None,
        device: str | None = None,
        requires_grad: bool = False,
        memory_format: str | None = None,
        generator: Generator | None = None,
        **named: Any,
    ) -> Tensor:
        check_tensor(input, like.__name__)
        memory = Memory(input)
        found = make(
            *bounds,
            **named,
            size=memory.shape,
            dtype=dtype or input.dtype,
            device=device or input.device,
            generator=generator,
        )
        return arranged_like(memory.arranged(found), input, memory_format).requires_grad_(requires_grad)

    like.__name__ = like.__qualname__ = f"{make.__name__}_like"
    like.__doc__ = f"`{make.__name__}` with the shape, dtype and device of `input`."
    return like


rand_like, randn_like, randint_like = map(_like, (rand, randn, randint))


def poisson(input: Tensor, generator: Generator | None = None) -> Tensor:
    """Samples of Poisson distributions with the rates in `input`, in its dtype."""
    check_tensor(input, "poisson")
    if not holds(input >= 0):
        raise OperandError("poisson() needs non-negative rates")
    draws = stream_of(input.device, generator).poisson(input.array)
    return wrap(draws.astype(input.array.dtype))


def binomial(count: Tensor, prob: Tensor, generator: Generator | None = None) -> Tensor:
    """Numbers of successes in `count` trials with success probability `prob`, in the dtype of `count`."""
    check_tensor(count, "binomial")
    check_tensor(prob, "binomial")
    if not (holds(count >= 0) and holds((prob >= 0) & (prob <= 1))):
        raise OperandError("binomial() needs non-negative counts and probabilities between 0 and 1")
    draws = stream_of(count.device, generator).binomial(count.array.astype(dtypes.int64), prob.array)
    return wrap(draws.astype(count.array.dtype))


def keep_mask(like: Tensor, p: float) -> Tensor:
    """Booleans in the shape of `like` that are True with probability 1 - p."""
    memory = Memory(like)
    try:
        mask = wrap(stream_of(like.device, None).bernoulli(1 - p, memory.shape))
    except MemoryError as e:
        raise out_of_memory("dropout", e) from e
    return memory.arranged(mask)


MAKING = (rand, randn, randint, randperm, normal, rand_like, randn_like, randint_like)


def install() -> None:
    """Publish these functions in the functional form, two of them as methods too."""
    for function in (*map(with_options, MAKING), with_synonyms(bernoulli), with_synonyms(multinomial)):
        publish(function)
    publish(poisson)
    publish(binomial)
    for method in (bernoulli, multinomial):
        setattr(Tensor, method.__name__, method)
