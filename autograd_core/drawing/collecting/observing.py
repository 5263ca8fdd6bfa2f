"""Runs a model or function once and notes its modules, values and lines of code; leaves its state unchanged."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

from autograd_core.drawing.graph import Path
from autograd_core.engine.anomaly import observed, users_line
from autograd_core.engine.nodes import Leaf, tick
from autograd_core.grad_mode import enable_grad
from autograd_core.random import resumed, rng_states
from autograd_core.tensor import Tensor, wrap
from autograd_core.trees import leaves, mapped


@dataclass(frozen=True, slots=True)
class ModuleCall:
    """One call of a module: path in the picture, class, settings, and how many parameters are in it and below."""

    path: Path
    kind: str
    detail: str
    parameters: int


@dataclass(frozen=True, slots=True)
class Owned:
    """A parameter or buffer of a model: its role, full name, owning module, and name there."""

    role: str
    name: str
    owner: str
    short: str


@dataclass(slots=True)
class Observations:
    """What happened: nodes are identified by numbers, tensors by the ids of their arrays, which `kept` keeps alive."""

    values: dict[int, Any] = field(default_factory=dict)  # the result of an operation
    operands: dict[int, list[Any]] = field(default_factory=dict)
    lines: dict[int, str] = field(default_factory=dict)
    calls: dict[Path, ModuleCall] = field(default_factory=dict)
    paths: dict[str, list[Path]] = field(default_factory=dict)  # of a module's name in the model
    owned: dict[int, Owned] = field(default_factory=dict)
    frozen: set[int] = field(default_factory=set)
    inputs: list[tuple[str, Tensor]] = field(default_factory=list)
    kept: list[Any] = field(default_factory=list)
    _moments: list[int] = field(default_factory=lambda: [0])
    _open: list[Path] = field(default_factory=lambda: [()])

    def observe(self, number: int, frame: Any) -> None:
        """Record what the binder of a new node knows; parameters have the names of the functional form."""
        known = frame.f_locals
        args = known["args"] if "args" in known else [known[name] for name in ("input", "other") if name in known]
        self.operands[number] = [getattr(a, "array", a) for a in args]
        self.values[number] = known.get("y")
        self.lines[number] = users_line(frame)

    def enter(self, path: Path) -> None:
        """Assign operations from now on to this call."""
        self._moments.append(-tick())
        self._open.append(path)

    def path(self, number: int) -> Path:
        """The path of the call that an operation belongs to."""
        return self._open[bisect_right(self._moments, -number) - 1]


@contextmanager
def watching_calls(model: Any, observations: Observations) -> Iterator[None]:
    """Record calls of modules, by forward hooks that exist only in this block."""
    names = {id(m): name for name, m in model.named_modules()}
    open_calls: list[tuple[str, Path]] = []

    def before(module: Any, args: Any) -> None:
        name = names[id(module)]
        above, path = open_calls[-1] if open_calls else ("", ())
        inside = name.removeprefix(f"{above}.") if above else name
        if open_calls:
            path = _unused((*path, inside or name), observations.calls)
        size = sum(p.array.size for p in module.parameters())
        detail = "" if any(True for _ in module.children()) else module.extra_repr()
        observations.calls[path] = ModuleCall(path, type(module).__name__, detail, size)
        observations.paths.setdefault(name, []).append(path)
        open_calls.append((name, path))
        observations.enter(path)

    def after(module: Any, args: Any, output: Any) -> None:
        open_calls.pop()
        observations.enter(open_calls[-1][1] if open_calls else ())

    with ExitStack() as stack:
        for module in model.modules():
            stack.enter_context(module.register_forward_pre_hook(before))
            stack.enter_context(module.register_forward_hook(after))
        yield


def _unused(path: Path, calls: Mapping[Path, ModuleCall]) -> Path:
    """The path, with a number appended if a module is called again."""
    if path not in calls:
        return path
    return next(p for k in range(2, len(calls) + 3) if (p := (*path[:-1], f"{path[-1]} · call {k}")) not in calls)


@contextmanager
def untouched(model: Any) -> Iterator[set[int]]:
    """Let a model run on copies of its buffers, with every parameter recorded; yields those that do not learn."""
    before = [(m, name, t, t.array) for m in model.modules() for name, t in m._buffers.items() if t is not None]
    frozen = [p for p in model.parameters() if p.node is None]
    for _, _, t, array in before:
        t.array = array.copy()
    for p in frozen:
        p.node = Leaf(p)
    try:
        yield {id(p.array) for p in frozen}
    finally:
        for p in frozen:
            p.node = None
        for module, name, t, array in before:
            t.array = array
            if module._buffers.get(name) is not t:
                setattr(module, name, t)


def run(function: Callable[..., Any], example: Any, loss: Callable[[Any], Tensor] | None) -> tuple[Any, Observations]:
    """The result of a model or function for an example (a tuple of arguments, or a mapping by name), and what happened.

    Floating-point inputs are recorded; generators, buffers and requires_grad are restored afterwards.
    """
    observations = Observations()
    is_model = hasattr(function, "named_modules")
    given: Any = example if isinstance(example, tuple | Mapping) else (example,)
    given = dict(given) if isinstance(given, Mapping) else given
    given = mapped(lambda t: _followed(t) if isinstance(t, Tensor) else t, given)
    labels = list(given) if isinstance(given, dict) else ["input"] if len(given) == 1 else []
    tensors = [t for t in leaves(given) if isinstance(t, Tensor)]
    for i, t in enumerate(tensors):
        title = t.name or (labels[i] if len(labels) == len(tensors) else f"input {i}")
        observations.inputs.append((title, t))
    with ExitStack() as stack:
        if is_model:
            observations.frozen = stack.enter_context(untouched(function))
            observations.owned = _owned(function)
            observations.kept += [t.array for t in [*function.parameters(), *function.buffers()]]  # type: ignore[attr-defined]
            stack.enter_context(watching_calls(function, observations))
        stack.enter_context(resumed(rng_states()))
        stack.enter_context(enable_grad())
        stack.enter_context(observed(observations.observe))
        outputs = function(**given) if isinstance(given, dict) else function(*given)
        if loss is not None:
            outputs = loss(outputs)
    return outputs, observations


def _followed(t: Tensor) -> Tensor:
    """A new leaf with the same values, if it can be one."""
    copy = wrap(t.array)
    copy.name = t.name
    return copy.requires_grad_() if t.array.dtype.kind in "fc" else copy


def _owned(model: Any) -> dict[int, Owned]:
    found = {}
    for role, named in (("parameter", model.named_parameters()), ("buffer", model.named_buffers())):
        for name, t in named:
            owner, _, short = name.rpartition(".")
            found[id(t.array)] = Owned(role, name, owner, short)
    return found
