"""What parameters and values of distributions must be like."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from autograd_core import linalg
from autograd_core.tensor import Tensor


class Constraint:
    """A condition on tensors: on elements, or on vectors or matrices along the last `event_dim` axes."""

    def __init__(
        self, name: str, check: Callable[[Tensor], Tensor], event_dim: int = 0, is_discrete: bool = False
    ) -> None:
        self._name, self.check, self.event_dim, self.is_discrete = name, check, event_dim, is_discrete

    def __repr__(self) -> str:
        return self._name


def greater_than(lower_bound: Any) -> Constraint:
    """Above a bound."""
    return Constraint(f"GreaterThan(lower_bound={lower_bound})", lambda x: x > lower_bound)


def greater_than_eq(lower_bound: Any) -> Constraint:
    """Not below a bound."""
    return Constraint(f"GreaterThanEq(lower_bound={lower_bound})", lambda x: x >= lower_bound)


def less_than(upper_bound: Any) -> Constraint:
    """Below a bound."""
    return Constraint(f"LessThan(upper_bound={upper_bound})", lambda x: x < upper_bound)


def interval(lower_bound: Any, upper_bound: Any) -> Constraint:
    """Between two bounds, or at one of them."""
    name = f"Interval(lower_bound={lower_bound}, upper_bound={upper_bound})"
    return Constraint(name, lambda x: (x >= lower_bound) & (x <= upper_bound))


def integer_interval(lower_bound: Any, upper_bound: Any) -> Constraint:
    """Whole numbers between two bounds, or at one of them."""
    name = f"IntegerInterval(lower_bound={lower_bound}, upper_bound={upper_bound})"
    return Constraint(name, lambda x: _whole(x) & (x >= lower_bound) & (x <= upper_bound), is_discrete=True)


def independent(base: Constraint, reinterpreted_batch_ndims: int) -> Constraint:
    """A condition on all elements along the last axes."""

    def check(x: Tensor) -> Tensor:
        found = base.check(x)
        return found.flatten(-reinterpreted_batch_ndims).all(-1) if reinterpreted_batch_ndims else found

    name = f"IndependentConstraint({base}, {reinterpreted_batch_ndims})"
    return Constraint(name, check, base.event_dim + reinterpreted_batch_ndims, base.is_discrete)


def multinomial(upper_bound: Any) -> Constraint:
    """Vectors of counts with a sum up to a bound."""
    check = independent(nonnegative_integer, 1).check
    return Constraint(
        f"Multinomial(upper_bound={upper_bound})", lambda x: check(x) & (x.sum(-1) <= upper_bound), 1, True
    )


def _whole(x: Tensor) -> Tensor:
    return x % 1 == 0


real = Constraint("Real()", lambda x: x == x)
positive = greater_than(0.0)
nonnegative = greater_than_eq(0.0)
unit_interval = interval(0.0, 1.0)
boolean = Constraint("Boolean()", lambda x: (x == 0) | (x == 1), is_discrete=True)
nonnegative_integer = Constraint("IntegerGreaterThan(lower_bound=0)", lambda x: _whole(x) & (x >= 0), is_discrete=True)
real_vector = independent(real, 1)
simplex = Constraint("Simplex()", lambda x: (x >= 0).all(-1) & ((x.sum(-1) - 1).abs() < 1e-6), 1)
one_hot = Constraint("OneHot()", lambda x: boolean.check(x).all(-1) & (x.sum(-1) == 1), 1, True)
lower_cholesky = Constraint(
    "LowerCholesky()", lambda x: (x.tril() == x).flatten(-2).all(-1) & (x.diagonal(dim1=-2, dim2=-1) > 0).all(-1), 2
)
positive_definite = Constraint(
    "PositiveDefinite()",
    lambda x: ((x - x.mT).abs() <= 1e-6 * x.abs()).flatten(-2).all(-1) & (linalg.cholesky_ex(x)[1] == 0),
    2,
)
