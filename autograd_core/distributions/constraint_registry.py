"""From a constraint to the transform that maps unconstrained real numbers onto it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from autograd_core.distributions import constraints
from autograd_core.distributions.composed_transforms import ComposeTransform, IndependentTransform, identity_transform
from autograd_core.distributions.constraints import Constraint
from autograd_core.distributions.elementwise_transforms import (
    AffineTransform,
    ExpTransform,
    SigmoidTransform,
    Transform,
)
from autograd_core.distributions.vector_transforms import (
    CatTransform,
    CorrCholeskyTransform,
    LowerCholeskyTransform,
    PositiveDefiniteTransform,
    SoftmaxTransform,
    StackTransform,
    StickBreakingTransform,
)

Factory = Callable[[Any], Transform]


class ConstraintRegistry:
    """Called with a constraint, returns a transform from real numbers onto it."""

    def __init__(self) -> None:
        self._factories: dict[type, Factory] = {}

    def register(self, constraint: Constraint | type[Constraint], factory: Any = None) -> Callable[[Any], Any]:
        """Register a function that makes transforms for constraints of a type; without one, a decorator."""

        def register(factory: Factory) -> Factory:
            self._factories[constraint if isinstance(constraint, type) else type(constraint)] = factory
            return factory

        return register if factory is None else register(factory)

    def __call__(self, constraint: Constraint) -> Transform:
        if type(constraint) not in self._factories:
            raise NotImplementedError(f"no transform to {constraint} is registered")
        return self._factories[type(constraint)](constraint)


biject_to = ConstraintRegistry()
transform_to = ConstraintRegistry()


def _both(*kinds: Constraint | type[Constraint]) -> Callable[[Factory], Factory]:
    def register(factory: Factory) -> Factory:
        for kind in kinds:
            biject_to.register(kind, factory)
            transform_to.register(kind, factory)
        return factory

    return register


_both(constraints.real)(lambda _: identity_transform)
_both(constraints.lower_cholesky)(lambda _: LowerCholeskyTransform())
_both(constraints.positive_definite, constraints.positive_semidefinite)(lambda _: PositiveDefiniteTransform())
_both(constraints.corr_cholesky)(lambda _: CorrCholeskyTransform())
biject_to.register(constraints.simplex, lambda _: StickBreakingTransform())
transform_to.register(constraints.simplex, lambda _: SoftmaxTransform())


@_both(constraints.greater_than, constraints.greater_than_eq)
def _above(constraint: Any) -> Transform:
    bound = constraint.lower_bound
    plain = isinstance(bound, int | float) and bound == 0
    return ExpTransform() if plain else ComposeTransform([ExpTransform(), AffineTransform(bound, 1)])


@_both(constraints.less_than)
def _below(constraint: Any) -> Transform:
    return ComposeTransform([ExpTransform(), AffineTransform(constraint.upper_bound, -1)])


@_both(constraints.interval, constraints.half_open_interval)
def _between(constraint: Any) -> Transform:
    low, high = constraint.lower_bound, constraint.upper_bound
    if isinstance(low, int | float) and isinstance(high, int | float) and (low, high) == (0, 1):
        return SigmoidTransform()
    return ComposeTransform([SigmoidTransform(), AffineTransform(low, high - low)])


for _registry in (biject_to, transform_to):

    @_registry.register(constraints.independent)
    def _independent(constraint: Any, registry: ConstraintRegistry = _registry) -> Transform:
        return IndependentTransform(registry(constraint.base_constraint), constraint.reinterpreted_batch_ndims)

    @_registry.register(constraints.cat)
    def _cat(constraint: Any, registry: ConstraintRegistry = _registry) -> Transform:
        return CatTransform([registry(c) for c in constraint.cseq], constraint.dim, constraint.lengths)

    @_registry.register(constraints.stack)
    def _stack(constraint: Any, registry: ConstraintRegistry = _registry) -> Transform:
        return StackTransform([registry(c) for c in constraint.cseq], constraint.dim)
