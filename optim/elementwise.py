"""The base class of elementwise optimizers, which update many small parameters as one flat array."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from operator import is_not
from typing import Any, ClassVar

from autograd_core import Tensor, full_like
from autograd_core.engine.libraries import LAYERS, LIBRARY, backend_of_array
from autograd_core.engine.versions import storage
from autograd_core.replay.validity import Stale
from autograd_core.tensor import wrap
from backends.live import live
from optim.optimizer import Optimizer

States = dict[Tensor, dict[str, Any]]
# Size up to which parameters are gathered: a dozen fewer calls outweigh three copies of this length.
SMALL = 1 << 13
# Kernel options that change from step to step; a captured step keeps them in device memory.
LIVE = ("lr", "step", "rate", "gradient_rate", "mean_rate")


class ElementwiseOptimizer(Optimizer):
    """Base of optimizers that are a kernel of the backends, `kernel(p, g, *arrays, **options)`.

    A subclass names the kernel, the options it takes as they are in `passes` and, in `remembers` or `slots`, the state
    arrays of every parameter; `start` gives their initial values, `advance` the numbers beside them. Parameters that
    agree in these numbers are updated together. Complex numbers are updated as pairs of real ones.
    """

    kernel: ClassVar[str]
    passes: ClassVar[tuple[str, ...]] = ()
    remembers: ClassVar[tuple[str, ...]] = ()
    accepts: ClassVar[tuple[str, ...]] = ("foreach", "capturable", "differentiable")
    can_be_captured = True

    def slots(self, group: dict[str, Any]) -> tuple[str, ...]:
        """The names of a parameter's state arrays, if they depend on the options."""
        return self.remembers

    def start(self, group: dict[str, Any]) -> dict[str, float]:
        """The initial values of state arrays that do not start at 0."""
        return {}

    def advance(self, state: dict[str, Any], group: dict[str, Any]) -> dict[str, Any]:
        """Bring the numbers in a state, which is empty before the first step, to the next one; options of the kernel
        for it.
        """
        state["step"] = state.get("step", 0) + 1
        return {name: group[name] for name in self.passes}

    def update(self, params: list[Tensor], group: dict[str, Any]) -> None:
        names, ids = self.slots(group), [*map(id, params)]
        known, batches = self._plans.get(id(group), (None, []))
        if known != ids or not all(b.names == names and b.holds(self.state) for b in batches):
            self._settle()
            start = self.start(group)
            batches = [Batch(alike, names, self.state, start) for alike in _sorted(params, self.state)]
            self._plans[id(group)] = ids, batches
        for batch in batches:
            known = self.state, len(self.param_groups)
            options = live(partial(self._advanced, batch, group, known), LIVE, *batch.states)
            if self.found_inf is not None:
                options = batch.unless(self.found_inf.to(batch.params[0].device).array, options)
            batch.run(self.kernel, options)

    def update_rows(self, p: Tensor, group: dict[str, Any]) -> None:
        """Update the rows that the gradient has, as if they were all."""
        self._settle()
        names, start, gradient = self.slots(group), self.start(group), p._grad.array
        state = self.state[p] if names else {}
        options = self.advance(state, group)
        for name in names:
            state.setdefault(name, full_like(p.detach(), start.get(name, 0.0)))
        arrays = [p.array, *[state[name].array for name in names]]
        pattern, _ = gradient.pattern.merged()
        index = pattern.rows
        parts = [a[index] for a in arrays]
        LIBRARY[p.array.__class__].kernels.steps(self.kernel, [parts], [gradient.at(pattern)], options, {})
        for a, part in zip(arrays, parts, strict=True):
            a[index] = part

    def state_dict(self) -> dict[str, Any]:
        """See `Optimizer.state_dict`."""
        self._settle()
        return super().state_dict()

    def __getstate__(self) -> dict[str, Any]:
        self._settle()
        return super().__getstate__()

    def _settle(self) -> None:
        for _, batches in self._plans.values():
            for batch in batches:
                batch.settle()

    def _kept(self, params: list[Tensor]) -> list[tuple[Any, Any, Any]]:
        """Nothing: kernels are told themselves of a step that is not to be taken."""
        return []

    def _advanced(self, batch: Batch, group: dict[str, Any], known: tuple[States, int]) -> dict[str, Any]:
        if self.state is not known[0] or len(self.param_groups) != known[1]:
            raise Stale("an optimizer has another state, or more parameters")
        options = self.advance(batch.states[0], group)
        batch.share()
        return options


class Batch:
    """Parameters of one array type, dtype and step count; several small ones are gathered in flat arrays."""

    def __init__(self, params: list[Tensor], names: tuple[str, ...], state: States, start: dict[str, float]) -> None:
        self.names, self.states = names, [state.setdefault(p, {}) for p in params]
        self.params, self.arrays = params, [p.array for p in params]
        like = params[0].array
        self.library, self.kind, self.dtype = LIBRARY[like.__class__], like.__class__, like.dtype
        self.gathered = Flat(self.library, self._small(), names)
        self.fresh = any(name not in s for s in self.states for name in names)
        self.slots: list[tuple[dict[str, Any], str, Tensor, Any]] = []  # a state, a name in it, the tensor, its array
        self.alone: list[tuple[Tensor, list[Any]]] = []  # parameters that are not gathered, and arrays of their states
        for p, s in zip(params, self.states, strict=True):
            views = self.gathered.places.get(p) or [self.library.zeros_like(p.array) for _ in names]
            placed = [_placed(s.get(name), view, start.get(name)) for name, view in zip(names, views, strict=True)]
            self.slots += [(s, name, *pair) for name, pair in zip(names, placed, strict=True)]
            if p not in self.gathered.places:
                self.alone.append((p, [array for _, array in placed]))
        self.rows: list[tuple[Any, ...]] = []  # of the arrays of these
        self.kept: dict[str, Any] = {}  # what the backend found out about them
        self.missed: Any = None  # how many steps were not taken, counted where the parameters lie

    def _small(self) -> list[Tensor]:
        """The parameters to gather."""
        if self.dtype.kind == "c":  # all are updated as pairs of real numbers
            return self.params
        limit = 0 if getattr(self.library, "asynchronous", False) else SMALL  # there a step is one call already
        tied = _tied(self.params)  # these are updated one by one
        small = [p for p in self.params if p.array.size <= limit and p not in tied]
        return small if len(small) > 1 else []

    def holds(self, state: States) -> bool:
        """Whether nobody has exchanged a tensor, an array or a number since the last step."""
        params, arrays = self.params, [p.array for p in self.params]
        if any(map(is_not, arrays, self.arrays)):
            known = [(self.kind, self.dtype, a.shape) for a in self.arrays]
            if known != [(a.__class__, a.dtype, a.shape) for a in arrays]:
                return False
            self.arrays = arrays
            if not _tied(params).isdisjoint(self.gathered.places):
                return False
        if any(map(is_not, map(state.get, params), self.states)):
            return False
        for s, name, t, array in self.slots:
            if s.get(name) is not t or t.array is not array:
                return False
        for k, v in self.states[0].items():
            if k not in self.names and [s[k] for s in self.states].count(v) < len(params):
                return False
        return True

    def share(self) -> None:
        """Give every state the numbers of the first one and, after the first step, its arrays."""
        first = self.states[0]
        numbers = {k: v for k, v in first.items() if k not in self.names}
        if numbers:
            for s in self.states[1:]:
                s.update(numbers)
        if self.fresh:
            for s, name, t, _ in self.slots:
                s[name] = t
        self.fresh = False

    def unless(self, skipped: Any, options: dict[str, Any]) -> dict[str, Any]:
        """Options for a step that is neither taken nor counted where `skipped` is 1, not 0; which is not read."""
        if self.missed is None:
            self.missed = self.library.zeros((), self.library.float64)
        step = self.library.kernels.counted(options.get("step"), skipped, self.missed)
        return options | {"skipped": skipped} | ({"step": step} if "step" in options else {})

    def settle(self) -> None:
        """Take the steps that were not taken from the counts in the states, which waits for the device."""
        if self.missed is not None:
            missed = int(wrap(self.missed).item())
            for s in self.states:
                if "step" in s:
                    s["step"] -= missed
            self.missed[...] = 0

    def run(self, kernel: str, options: dict[str, Any]) -> None:
        """Change the parameters, and what is remembered of them."""
        if not self.rows or any(p.array is not row[0] for (p, _), row in zip(self.alone, self.rows, strict=False)):
            self.rows = [(p.array, *arrays) for p, arrays in self.alone]
            self.rows += self.gathered.rows
            self.kept = {}
        gradients = [p._grad.array for p, _ in self.alone] + self.gathered.gradients
        for p, value, gradient in self.gathered.copies:
            value[...] = p.array
            gradient[...] = p._grad.array
        self.library.kernels.steps(kernel, self.rows, gradients, options, self.kept)
        for p, value, _ in self.gathered.copies:
            p.array[...] = value


class Flat:
    """Parameters in a flat array, their gradients in another, and what is remembered of them in further ones.

    copies: parameters, their pieces and those of their gradients. places: their pieces of what is remembered. rows,
    gradients: the whole arrays, complex numbers as pairs.
    """

    def __init__(self, library: Any, params: list[Tensor], names: tuple[str, ...]) -> None:
        self.copies: list[tuple[Tensor, Any, Any]] = []
        self.places: dict[Tensor, list[Any]] = {}
        self.rows, self.gradients = [], []
        if params:
            size, dtype = sum([p.array.size for p in params]), params[0].array.dtype
            flat = [library.zeros(size, dtype) for _ in ("parameters", "gradients", *names)]
            values, gradients, *places = [_pieces(array, params) for array in flat]
            self.copies = list(zip(params, values, gradients, strict=True))
            self.places = {p: [views[i] for views in places] for i, p in enumerate(params)}
            value, gradient, *remembered = [a.view(a.real.dtype) if dtype.kind == "c" else a for a in flat]
            self.rows, self.gradients = [(value, *remembered)], [gradient]


def _sorted(params: list[Tensor], state: States) -> list[list[Tensor]]:
    """Groups of parameters that can be updated together; complex ones, which are always gathered, not with those they
    are tied to.
    """
    batches: dict[Any, list[Tensor]] = {}
    single = _tied(p for p in params if p.is_complex())
    for p in params:
        key: Any = id(p)
        a, s = p.array, state.get(p, {})
        if a.__class__ not in LAYERS and p not in single:
            numbers = [(k, v) for k, v in s.items() if not isinstance(v, Tensor)]
            key = a.__class__, a.dtype, backend_of_array(a).device_of(a), bool(s), *numbers
        batches.setdefault(key, []).append(p)
    return list(batches.values())


def _tied(params: Iterable[Tensor]) -> set[Tensor]:
    """The parameters that lie in the memory of another."""
    owners: dict[int, list[Tensor]] = {}
    for p in params:
        owners.setdefault(id(storage(p.array)), []).append(p)
    return {p for together in owners.values() if len(together) > 1 for p in together}


def _pieces(flat: Any, params: list[Tensor]) -> list[Any]:
    """Views of a flat array, one per parameter, in its shape."""
    pieces, start = [], 0
    for p in params:
        stop = start + p.array.size
        pieces.append(flat[start:stop].reshape(p.array.shape))
        start = stop
    return pieces


def _placed(remembered: Tensor | None, place: Any, start: float | None) -> tuple[Tensor, Any]:
    """The tensor of a state, moved to a place among others, and that place."""
    if remembered is None:
        if start is not None:
            place[...] = start * (1 + 1j) if place.dtype.kind == "c" else start
        return wrap(place), place
    place[...] = remembered.array
    remembered.array = place
    return remembered, place
