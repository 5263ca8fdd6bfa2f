"""Constraints on the parameters and values of distributions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from autograd_core import dtypes, functional, linalg
from autograd_core.tensor import Tensor


class Constraint:
    """A condition on the elements of a tensor, or on vectors or matrices along the last `event_dim` axes."""

    event_dim: Any = 0
    is_discrete: Any = False

    def check(self, value: Tensor) -> Tensor:
        """Whether each element, vector or matrix satisfies the constraint."""
        raise NotImplementedError(f"{type(self).__name__} has no check()")

    def __repr__(self) -> str:
        shown = [f"{name}={value}" for name, value in vars(self).items()]
        name = "".join(word[:1].upper() + word[1:] for word in type(self).__name__.split("_"))
        return f"{name}({', '.join(shown)})"


class _Dependent(Constraint):
    """A constraint that depends on other parameters; its `event_dim` and `is_discrete` may be known."""

    def __init__(self, *, is_discrete: bool | None = None, event_dim: int | None = None) -> None:
        self._known = {"is_discrete": is_discrete, "event_dim": event_dim}

    def _look_up(self, name: str) -> Any:
        if self._known[name] is None:
            raise NotImplementedError(f"{name} depends on other parameters")
        return self._known[name]

    def check(self, value: Tensor) -> Tensor:
        raise ValueError(f"{self!r} depends on other parameters and cannot be checked alone")

    event_dim = property(lambda self: self._look_up("event_dim"))
    is_discrete = property(lambda self: self._look_up("is_discrete"))

    def __call__(self, *, is_discrete: bool | None = None, event_dim: int | None = None) -> _Dependent:
        return _Dependent(is_discrete=is_discrete, event_dim=event_dim)

    def __repr__(self) -> str:
        return "Dependent()"


class dependent_property(property, _Dependent):
    """A property, such as a support, that depends on a distribution's parameters."""

    def __init__(
        self, fn: Callable[[Any], Any] | None = None, *, is_discrete: bool | None = None, event_dim: int | None = None
    ) -> None:
        property.__init__(self, fn)
        _Dependent.__init__(self, is_discrete=is_discrete, event_dim=event_dim)

    def __call__(self, fn: Callable[[Any], Any]) -> dependent_property:  # type: ignore[override]
        return dependent_property(fn, **self._known)  # type: ignore[arg-type]


def is_dependent(constraint: Any) -> bool:
    """Whether a constraint depends on other parameters."""
    return isinstance(constraint, _Dependent)


class _Real(Constraint):
    def check(self, value: Tensor) -> Tensor:
        return value == value


class _Boolean(Constraint):
    is_discrete = True

    def check(self, value: Tensor) -> Tensor:
        return (value == 0) | (value == 1)


class greater_than(Constraint):
    """Greater than a bound."""

    def __init__(self, lower_bound: Any) -> None:
        self.lower_bound = lower_bound

    def check(self, value: Tensor) -> Tensor:
        return value.gt(self.lower_bound)


class greater_than_eq(greater_than):
    """Greater than or equal to a bound."""

    def check(self, value: Tensor) -> Tensor:
        return value.ge(self.lower_bound)


class _integer_greater_than(greater_than_eq):
    is_discrete = True

    def check(self, value: Tensor) -> Tensor:
        return _where_whole(super().check(value), value)


class less_than(Constraint):
    """Less than a bound."""

    def __init__(self, upper_bound: Any) -> None:
        self.upper_bound = upper_bound

    def check(self, value: Tensor) -> Tensor:
        return value.lt(self.upper_bound)


class interval(Constraint):
    """Between two bounds, inclusive."""

    def __init__(self, lower_bound: Any, upper_bound: Any) -> None:
        self.lower_bound, self.upper_bound = lower_bound, upper_bound

    def check(self, value: Tensor) -> Tensor:
        return value.ge(self.lower_bound) & value.le(self.upper_bound)


class half_open_interval(interval):
    """Between two bounds, including the lower one."""

    def check(self, value: Tensor) -> Tensor:
        return value.ge(self.lower_bound) & value.lt(self.upper_bound)


class integer_interval(interval):
    """Integers between two bounds, inclusive."""

    is_discrete = True

    def check(self, value: Tensor) -> Tensor:
        return _where_whole(super().check(value), value)


class independent(Constraint):
    """A constraint that must hold for all elements along the last axes."""

    def __init__(self, base_constraint: Constraint, reinterpreted_batch_ndims: int) -> None:
        self.base_constraint, self.reinterpreted_batch_ndims = base_constraint, reinterpreted_batch_ndims

    @property
    def is_discrete(self) -> bool:
        return bool(self.base_constraint.is_discrete)

    @property
    def event_dim(self) -> int:
        return int(self.base_constraint.event_dim) + self.reinterpreted_batch_ndims

    def check(self, value: Tensor) -> Tensor:
        found = self.base_constraint.check(value)
        if not self.reinterpreted_batch_ndims:
            return found
        return found.flatten(-self.reinterpreted_batch_ndims).all(-1)

    def __repr__(self) -> str:
        return f"IndependentConstraint({self.base_constraint!r}, {self.reinterpreted_batch_ndims})"


class MixtureSameFamilyConstraint(Constraint):
    """A constraint that must hold for each component of a mixture, which are along the last batch axis."""

    def __init__(self, base_constraint: Constraint) -> None:
        self.base_constraint = base_constraint

    @property
    def is_discrete(self) -> bool:
        return bool(self.base_constraint.is_discrete)

    @property
    def event_dim(self) -> int:
        return int(self.base_constraint.event_dim)

    def check(self, value: Tensor) -> Tensor:
        return self.base_constraint.check(value.unsqueeze(-1 - self.event_dim)).all(-1)


class multinomial(Constraint):
    """Vectors of counts whose sum does not exceed a bound."""

    is_discrete, event_dim = True, 1

    def __init__(self, upper_bound: Any) -> None:
        self.upper_bound = upper_bound

    def check(self, value: Tensor) -> Tensor:
        return nonnegative_integer.check(value).all(-1) & value.sum(-1).le(self.upper_bound)


class _Vector(Constraint):
    event_dim = 1


class _Simplex(_Vector):
    def check(self, value: Tensor) -> Tensor:
        return (value >= 0).all(-1) & ((value.sum(-1) - 1).abs() < 1e-6)


class _OneHot(_Vector):
    is_discrete = True

    def check(self, value: Tensor) -> Tensor:
        return boolean.check(value).all(-1) & (value.sum(-1) == 1)


class _Square(Constraint):
    event_dim = 2

    def check(self, value: Tensor) -> Tensor:
        return functional.full(value.shape[:-2], value.shape[-2] == value.shape[-1], device=value.device)


class _LowerTriangular(_Square):
    def check(self, value: Tensor) -> Tensor:
        return (value.tril() == value).flatten(-2).all(-1)


class _LowerCholesky(_LowerTriangular):
    def check(self, value: Tensor) -> Tensor:
        return super().check(value) & (value.diagonal(dim1=-2, dim2=-1) > 0).all(-1)


class _CorrCholesky(_LowerCholesky):
    def check(self, value: Tensor) -> Tensor:
        slack = 10 * value.shape[-1] * dtypes.finfo(value.dtype).eps
        return super().check(value) & ((linalg.vector_norm(value, dim=-1) - 1).abs() < slack).all(-1)


class _Symmetric(_Square):
    def check(self, value: Tensor) -> Tensor:
        if value.shape[-2] != value.shape[-1]:
            return super().check(value)
        return functional.isclose(value, value.mT, atol=1e-6).flatten(-2).all(-1)


class _PositiveSemidefinite(_Symmetric):
    def check(self, value: Tensor) -> Tensor:
        found = super().check(value)
        return found & (linalg.eigvalsh(value) >= 0).all(-1) if bool(found.all()) else found


class _PositiveDefinite(_Symmetric):
    def check(self, value: Tensor) -> Tensor:
        found = super().check(value)
        return found & (linalg.cholesky_ex(value)[1] == 0) if bool(found.all()) else found


class _Joined(Constraint):
    """Constraints on parts along an axis."""

    def __init__(self, cseq: Sequence[Constraint], dim: int = 0) -> None:
        self.cseq, self.dim = list(cseq), dim

    @property
    def is_discrete(self) -> bool:
        return any(c.is_discrete for c in self.cseq)


class cat(_Joined):
    """Constraints on parts of given lengths (by default 1) along an axis."""

    def __init__(self, cseq: Sequence[Constraint], dim: int = 0, lengths: Sequence[int] | None = None) -> None:
        super().__init__(cseq, dim)
        self.lengths = [1] * len(self.cseq) if lengths is None else list(lengths)

    @property
    def event_dim(self) -> int:
        return max(int(c.event_dim) for c in self.cseq)

    def check(self, value: Tensor) -> Tensor:
        parts = value.split(self.lengths, self.dim)
        return functional.cat([c.check(part) for c, part in zip(self.cseq, parts, strict=True)], self.dim)


class stack(_Joined):
    """Constraints on the slices along an axis."""

    @property
    def event_dim(self) -> int:
        dim = max(int(c.event_dim) for c in self.cseq)
        return dim + 1 if self.dim + dim < 0 else dim

    def check(self, value: Tensor) -> Tensor:
        parts = value.unbind(self.dim)
        return functional.stack([c.check(part) for c, part in zip(self.cseq, parts, strict=True)], self.dim)


def _where_whole(found: Tensor, x: Tensor) -> Tensor:
    return found & (x % 1 == 0) if x.dtype.kind in dtypes.FLOATS else found


dependent = _Dependent()
real = _Real()
positive = greater_than(0.0)
nonnegative = greater_than_eq(0.0)
unit_interval = interval(0.0, 1.0)
boolean = _Boolean()
nonnegative_integer = _integer_greater_than(0)
positive_integer = _integer_greater_than(1)
real_vector = independent(real, 1)
simplex = _Simplex()
one_hot = _OneHot()
square = _Square()
lower_triangular = _LowerTriangular()
lower_cholesky = _LowerCholesky()
corr_cholesky = _CorrCholesky()
symmetric = _Symmetric()
positive_semidefinite = _PositiveSemidefinite()
positive_definite = _PositiveDefinite()

__all__ = [
    "Constraint", "MixtureSameFamilyConstraint", "boolean", "cat", "corr_cholesky", "dependent",
    "dependent_property", "greater_than", "greater_than_eq", "half_open_interval", "independent",
    "integer_interval", "interval", "is_dependent", "less_than", "lower_cholesky", "lower_triangular",
    "multinomial", "nonnegative", "nonnegative_integer", "one_hot", "positive", "positive_definite",
    "positive_integer", "positive_semidefinite", "real", "real_vector", "simplex", "square", "stack", "symmetric",
    "unit_interval",
]  # fmt: skip
