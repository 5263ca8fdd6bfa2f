"""The base class of distributions: shapes, validation, and methods derived from others."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from operator import attrgetter
from typing import Any, ClassVar, Self

from autograd_core import dtypes, functional
from autograd_core.distributions.constraints import Constraint, is_dependent
from autograd_core.engine.libraries import all_true, required
from autograd_core.grad_mode import no_grad
from autograd_core.sizes import Size
from autograd_core.tensor import Tensor

Shape = Sequence[int]


class Distribution:
    """A batch of independent random variables, of shape `batch_shape`, each of shape `event_shape`.

    validate_args: whether to check parameters and values; the default is True or as set by
    `set_default_validate_args`.
    """

    arg_constraints: ClassVar[dict[str, Constraint]] = {}
    support: Any = None
    has_rsample = has_enumerate_support = False
    # What `log_prob` and `cdf` are of values that are checked already.
    _log_density: Any = None
    _cdf: Any = None
    _validate_args = True

    def __init__(self, batch_shape: Shape = (), event_shape: Shape = (), validate_args: bool | None = None) -> None:
        self._batch_shape, self._event_shape = Size(batch_shape), Size(event_shape)
        if validate_args is not None:
            self._validate_args = validate_args
        if self._validate_args:
            for name in self._given():
                constraint, value = self.arg_constraints[name], getattr(self, name)
                if not is_dependent(constraint) and not required(all_true, constraint.check(value)):
                    raise ValueError(
                        f"Expected parameter {name} (Tensor of shape {value.shape}) of distribution {self!r} to "
                        f"satisfy the constraint {constraint}, but found invalid values:\n{value.detach()}"
                    )
        super().__init__()  # of a module that the class derives from too

    def _take(self, validate_args: bool | None, **parameters: Any) -> None:
        """Keep these parameters as tensors of one shape, which is that of the batch."""
        values = broadcast_all(*parameters.values())
        vars(self).update(zip(parameters, values, strict=True))
        Distribution.__init__(self, values[0].shape, validate_args=validate_args)

    @property
    def batch_shape(self) -> Size:
        """The shape of the batch of random variables."""
        return self._batch_shape

    @property
    def event_shape(self) -> Size:
        """The shape of one random variable."""
        return self._event_shape

    @staticmethod
    def set_default_validate_args(value: bool) -> None:
        """Set whether distributions check their arguments by default."""
        Distribution._validate_args = value

    def _given(self) -> list[str]:
        """The names of the parameters that were passed; others are derived."""
        return [name for name in self.arg_constraints if name in vars(self)]

    def expand(self, batch_shape: Shape, _instance: Any = None) -> Self:
        """The distribution with its parameters, those of base classes too, expanded to another batch shape."""
        known: dict[str, Constraint] = {}
        for kind in reversed(type(self).__mro__):
            known |= getattr(kind, "arg_constraints", {})
        expanded = {}
        for name, constraint in known.items():
            if (value := vars(self).get(name)) is not None:
                expanded[name] = value.expand((*batch_shape, *value.shape[value.ndim - constraint.event_dim :]))
        return self._with(batch_shape, _instance, **expanded)

    def _with(self, batch_shape: Shape, _instance: Any, **parts: Any) -> Self:
        """A copy, or the given instance, with another batch shape and other attributes."""
        ours = next(kind for kind in type(self).__mro__ if kind.__module__.startswith(__package__))
        new: Self = self._get_checked_instance(ours, _instance)
        vars(new).update(vars(self) | vars(new) | parts, _batch_shape=Size(batch_shape))
        return new

    def _get_checked_instance(self, cls: type, _instance: Any = None) -> Any:
        """The instance for `expand` of the class `cls` to fill in: a given one, or a new empty one.

        Errors: NotImplementedError for a subclass whose own constructor may set what `cls` does not know of.
        """
        if _instance is None and type(self).__init__ is not cls.__init__:  # type: ignore[misc]
            raise NotImplementedError(
                f"{type(self).__name__} has an __init__ of its own and needs an expand(batch_shape, _instance=None) too"
            )
        return type(self).__new__(type(self)) if _instance is None else _instance

    def sample(self, sample_shape: Shape = ()) -> Tensor:
        """Samples of shape (*sample_shape, *batch_shape, *event_shape), without gradient."""
        with no_grad():
            return self.rsample(sample_shape)

    def sample_n(self, n: int) -> Tensor:
        """`sample((n,))`, under PyTorch's old name."""
        return self.sample((n,))

    def rsample(self, sample_shape: Shape = ()) -> Tensor:
        """Samples as a differentiable function of the parameters."""
        raise NotImplementedError(
            f"{type(self).__name__} has no rsample(): its samples are not a differentiable function "
            "of its parameters; use sample() and log_prob()"
        )

    def log_prob(self, value: Tensor) -> Tensor:
        """The log of the density, or probability, at a value."""
        if self._log_density is None:
            raise self._lacking("log_prob")
        self._validate_sample(value)
        return self._log_density(value)

    def cdf(self, value: Tensor) -> Tensor:
        """The cumulative distribution function."""
        if self._cdf is None:
            raise self._lacking("cdf")
        self._validate_sample(value)
        return self._cdf(value)

    def icdf(self, value: Tensor) -> Tensor:
        """The inverse of `cdf`, the quantile function."""
        raise self._lacking("icdf")

    def entropy(self) -> Tensor:
        """The mean of -log_prob."""
        raise self._lacking("entropy")

    def perplexity(self) -> Tensor:
        """The exponential of the entropy."""
        return self.entropy().exp()

    def enumerate_support(self, expand: bool = True) -> Tensor:
        """All values along a first axis; without `expand`, the batch axes have length 1."""
        raise self._lacking("enumerate_support")

    @property
    def mean(self) -> Tensor:
        """The mean."""
        raise self._lacking("mean")

    @property
    def mode(self) -> Tensor:
        """The most probable value."""
        raise self._lacking("mode")

    @property
    def variance(self) -> Tensor:
        """The variance."""
        raise self._lacking("variance")

    @property
    def stddev(self) -> Tensor:
        """The standard deviation."""
        return self.variance.sqrt()

    def _lacking(self, what: str) -> NotImplementedError:
        return NotImplementedError(f"{type(self).__name__} has no {what}")

    def _extended_shape(self, sample_shape: Shape = ()) -> Size:
        if not isinstance(sample_shape, Iterable):
            raise TypeError(f"samples take a shape, such as (3,), not {sample_shape!r:.40}")
        return Size((*sample_shape, *self.batch_shape, *self.event_shape))

    def _values(self, numbers: Tensor, expand: bool) -> Tensor:
        """The result of `enumerate_support` for a vector of numbers that all random variables take."""
        found = numbers.reshape(-1, *(1,) * len(self.batch_shape))
        return found.expand((-1, *self.batch_shape)) if expand else found

    def _validate_sample(self, value: Tensor) -> None:
        """Raise unless the value is in the support and has a fitting shape."""
        if not self._validate_args:
            return
        if not isinstance(value, Tensor):
            raise ValueError(f"the value must be a Tensor, not {type(value).__name__}")
        here, given = self._extended_shape(), value.shape
        if any(a != b and 1 not in (a, b) for a, b in zip(reversed(here), reversed(given), strict=False)) or (
            self.event_shape and given[len(given) - len(self.event_shape) :] != self.event_shape
        ):
            raise ValueError(
                f"a value of shape {given} does not fit batch and event of shapes {self.batch_shape} and "
                f"{self.event_shape}"
            )
        support = self.support
        if support is not None and not required(all_true, support.check(value)):
            raise ValueError(
                f"Expected value argument (Tensor of shape {given}) to be within the support ({support}) of the "
                f"distribution {self!r}, but found invalid values:\n{value.detach()}"
            )

    def __repr__(self) -> str:
        shown = [
            f"{n}: {v if v.numel() == 1 else v.shape}" for n in self._given() if (v := getattr(self, n)) is not None
        ]
        return f"{type(self).__name__}({', '.join(shown)})"


class lazy_property:
    """A parameter computed from another one unless it was passed."""

    def __init__(self, function: Callable[[Any], Tensor]) -> None:
        self._function, self.__doc__ = function, function.__doc__

    def __get__(self, instance: Any, owner: type) -> Tensor:
        return self if instance is None else self._function(instance)  # type: ignore[return-value]


def parts_of(path: str, *names: str) -> list[property]:
    """Properties that are those of a part, such as "base_dist"."""
    return [property(attrgetter(f"{path}.{name}")) for name in names]


def broadcast_all(*values: Any) -> tuple[Tensor, ...]:
    """Numbers and tensors as tensors of one shape; numbers take the dtype of the first tensor, or the default."""
    if wrong := [v for v in values if not isinstance(v, Tensor | int | float)]:
        raise ValueError(f"parameters must be numbers or tensors, not {type(wrong[0]).__name__}")
    like = next((v for v in values if isinstance(v, Tensor)), None)
    dtype = dtypes.get_default_dtype() if like is None or like.dtype.kind not in dtypes.FLOATS else like.dtype
    device, shape = (None, ()) if like is None else (like.device, like.shape)
    tensors = [v if isinstance(v, Tensor) else functional.full(shape, v, dtype=dtype, device=device) for v in values]
    if all(t.shape == shape for t in tensors):
        return tuple(tensors)
    return functional.broadcast_tensors(*tensors)


def eps_of(x: Tensor) -> float:
    """The machine epsilon of a tensor's dtype."""
    return float(dtypes.finfo(x.dtype).eps)


def sum_rightmost(x: Tensor, count: int) -> Tensor:
    """The sums over the last axes."""
    return x.flatten(-count).sum(-1) if count else x


def one_of(probs: Any, logits: Any) -> Any:
    """Whichever of two parameters was passed."""
    if (probs is None) == (logits is None):
        raise ValueError("Either `probs` or `logits` must be specified, but not both.")
    return logits if probs is None else probs


class AroundLoc(Distribution):
    """Base of distributions whose mean and mode are `loc` by default."""

    loc: Tensor

    @property
    def mean(self) -> Tensor:
        return self.loc

    @property
    def mode(self) -> Tensor:
        return self.loc
