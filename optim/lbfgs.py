"""L-BFGS, the limited-memory quasi-Newton method of Broyden, Fletcher, Goldfarb and Shanno."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from autograd_core import Tensor, enable_grad
from autograd_core.engine.libraries import LIBRARY
from autograd_core.engine.versions import record_writes
from autograd_core.tensor import own_scalar, wrap
from optim.line_search import Point, strong_wolfe
from optim.optimizer import Optimizer, Params


class LBFGS(Optimizer):
    """L-BFGS: steps along -H·g, where H approximates the inverse Hessian from past changes of p and g (Nocedal 1980).

    `step` needs the closure, which it calls several times: at most max_eval (5/4 max_iter) times in max_iter
    iterations, until no gradient is above tolerance_grad or the loss or p change by less than tolerance_change.
    line_search_fn: None takes a step of lr along the direction; "strong_wolfe" finds a point that satisfies the strong
    Wolfe conditions. One group, parameters of one dtype and device, complex numbers as pairs of real ones; the first
    parameter's state holds all state.
    """

    lr: float = 1
    max_iter: int = 20
    max_eval: int | None = None
    tolerance_grad: float = 1e-7
    tolerance_change: float = 1e-9
    history_size: int = 100
    line_search_fn: str | None = None

    def _construct(self, params: Params, options: dict[str, Any], **hints: bool | None) -> None:
        lr, line_search_fn = options["lr"], options["line_search_fn"]
        if options["max_eval"] is None:
            options["max_eval"] = options["max_iter"] * 5 // 4
        super()._construct(params, options, **hints)
        if len(self.param_groups) != 1:
            raise ValueError("LBFGS doesn't support per-parameter options (parameter groups)")
        if not self.param_groups[0]["lr"] >= 0:
            raise ValueError(f"Invalid learning rate: {lr}; it must not be negative")
        if line_search_fn not in (None, "strong_wolfe"):
            raise RuntimeError(f"only 'strong_wolfe' is supported, not line_search_fn={line_search_fn!r}")

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Up to max_iter iterations; returns the loss before."""
        if closure is None:
            raise TypeError(
                "LBFGS evaluates the loss several times: call step(closure), which computes loss and gradients"
            )
        (group,) = self.param_groups
        for p in group["params"]:
            own_scalar(p)
        problem = _Problem(group["params"], closure, partial(self.ready, group))
        state = self.state.setdefault(group["params"][0], {})
        state.update(func_evals=state.get("func_evals", 0), n_iter=state.get("n_iter", 0))
        first, loss, g = problem.value_and_gradient()
        state["func_evals"] += 1
        if problem.largest(g) > group["tolerance_grad"]:
            state["func_evals"] += self._iterate(problem, state, group, loss, g)
        return first

    def _iterate(self, problem: _Problem, state: dict[str, Any], group: dict[str, Any], loss: float, g: Any) -> int:
        """Iterate until a tolerance or limit is reached; returns the number of further evaluations."""
        evaluations, smallest = 1, group["tolerance_change"]
        for iteration in range(1, group["max_iter"] + 1):
            state["n_iter"] += 1
            d = _direction(state, g, group["history_size"])
            before, state["d"] = loss, wrap(d)
            state["prev_flat_grad"], state["prev_loss"] = wrap(g), loss
            t = group["lr"] / (max(1.0, float(abs(g).sum())) if state["n_iter"] == 1 else 1.0)
            state["t"], slope = t, float(g @ d)
            if slope > -smallest:
                break
            if group["line_search_fn"] is not None:
                tries = group["max_eval"] - evaluations
                here = Point(0.0, loss, g, slope)
                (t, loss, g, _), count = strong_wolfe(problem.along(d), t, here, smallest / problem.largest(d), tries)
                problem.move(t, d)
                state["t"], evaluations = t, evaluations + count
            else:
                problem.move(t, d)
                if iteration != group["max_iter"]:  # with a stochastic loss it is recomputed anyway
                    _, loss, g = problem.value_and_gradient()
                    evaluations += 1
            if evaluations >= group["max_eval"] or problem.largest(g) <= group["tolerance_grad"]:
                break
            if problem.largest(t * d) <= smallest or abs(loss - before) < smallest:
                break
        return evaluations - 1


class _Problem:
    """The loss as a function of all parameters in one flat array."""

    def __init__(self, params: list[Tensor], closure: Callable[[], Any], check: Callable[[], Any]) -> None:
        self.params, self.closure, self.check = params, closure, check
        self.xp = LIBRARY[params[0].array.__class__]

    def value_and_gradient(self) -> tuple[Any, float, Any]:
        with enable_grad():
            loss = self.closure()
        self.check()
        gradients = [self.xp.zeros_like(p.array) if p.grad is None else p.grad.array for p in self.params]
        return loss, float(loss), self.xp.concatenate([self._flat(g) for g in gradients])

    def _flat(self, array: Any) -> Any:
        flat = self.xp.ascontiguousarray(array).reshape(-1)
        return flat.view(flat.real.dtype) if flat.dtype.kind == "c" else flat

    def move(self, t: float, d: Any) -> None:
        """Move by t times the direction."""
        start = 0
        for p in self.params:
            step = t * d[start : start + _count(p)]
            p.array += (step.view(p.array.dtype) if p.is_complex() else step).reshape(p.shape)
            start += _count(p)
        record_writes([p.array for p in self.params], 2)

    def along(self, d: Any) -> Callable[[float], tuple[float, Any, float]]:
        """Loss, gradient and slope at a distance along the direction; the parameters are restored."""
        here = [p.array.copy() for p in self.params]

        def at(t: float) -> tuple[float, Any, float]:
            try:
                self.move(t, d)
                _, loss, g = self.value_and_gradient()
            finally:
                for p, array in zip(self.params, here, strict=True):
                    p.array[...] = array
            return loss, g, float(g @ d)

        return at

    def largest(self, x: Any) -> float:
        """The largest magnitude."""
        return float(abs(x).max())


def _count(p: Tensor) -> int:
    return p.numel() * (2 if p.is_complex() else 1)


def _direction(state: dict[str, Any], g: Any, history_size: int) -> Any:
    """-H·g, by the two-loop recursion over the stored changes."""
    if state["n_iter"] == 1:
        state.update(old_dirs=[], old_stps=[], ro=[], H_diag=1.0)
        return -g
    y, s = g - state["prev_flat_grad"].array, state["t"] * state["d"].array
    curvature = float(y @ s)
    ys, ss, ro = state["old_dirs"], state["old_stps"], state["ro"]
    if curvature > 1e-10:
        for memory, value in ((ys, wrap(y)), (ss, wrap(s)), (ro, 1.0 / curvature)):
            memory.append(value)
            del memory[:-history_size]
        state["H_diag"] = curvature / float(y @ y)
    d, shares = -g, []
    for y, s, r in zip(reversed(ys), reversed(ss), reversed(ro), strict=True):
        shares.append(float(s.array @ d) * r)
        d -= shares[-1] * y.array
    d *= state["H_diag"]
    for y, s, r, share in zip(ys, ss, ro, reversed(shares), strict=True):
        d += (share - float(y.array @ d) * r) * s.array
    return d
