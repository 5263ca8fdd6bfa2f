"""The capture of a step on the CPU: all tensors hold noted arrays while it runs once."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable
from contextvars import copy_context
from functools import partial
from sys import _current_frames, getrefcount
from threading import get_ident
from types import FrameType
from typing import Any

import numpy as np

from autograd_core import devices, random
from autograd_core.engine.casting import casting_anew
from autograd_core.engine.nodes import Leaf, record
from autograd_core.engine.versions import base_of, record_writes
from autograd_core.engine.walk import QUIET
from autograd_core.errors import TracingError
from autograd_core.replay.backend import backend
from autograd_core.replay.existing import new_objects_apart, tensors, unfrozen_tensors
from autograd_core.replay.noted import Noted, unwrapped
from autograd_core.replay.passes import Line
from autograd_core.replay.program import Expression, Functions, Program
from autograd_core.replay.validity import Odd, Stale, differentiable
from autograd_core.tensor import Tensor, own_scalar, wrap
from autograd_core.trees import leaves, mapped
from backends.live import recording
from backends.locks import shared_lock

_lock = shared_lock()
LONE = 3  # references to a gradient: of its tensor, of the list of all tensors, and of the function that counts


class Recorder:
    """Notes what a step computes. Nothing outside of it changes: noted arrays hold copies, random numbers are drawn
    from streams that are set back, and what an optimizer does is left for the replays.
    """

    captured, backend = True, backend

    def __init__(self, known: Known) -> None:
        self._known = known
        self.program = Program(Noted, backend.host.namespace.kernels)
        self.outside: dict[int, Outside] = {}
        self._drawn: list[tuple[Any, Any]] = []  # generators and their states

    def program_of(self, step: Callable[..., Any], args: Any, kwargs: Any) -> tuple[Functions, str]:
        """The functions that replay the step for the leaves of its arguments, and their source."""
        given = leaves((args, kwargs) if kwargs else args)
        with _lock:
            try:
                for i, leaf in enumerate(given):
                    self._take(leaf, f"X{i}")
                everything = tensors()
                lone = {id(t._grad) for t in everything if t._grad is not None and getrefcount(t._grad) == LONE}
                for t in everything:
                    self._take(t)
                del everything
                for o in self.outside.values():
                    g = o.slope = self.outside.get(id(o.gradient))
                    if g is not None:
                        g.noted.young, g.lone = False, id(g.tensor) in lone
                with new_objects_apart():
                    results = copy_context().run(self._run, step, args, kwargs)
                    self._flush()
                    return self._finished(len(given), results)
            finally:
                for o in self.outside.values():
                    o.restore()

    def _take(self, t: Any, place: str = "") -> None:
        """Put a noted array into a tensor."""
        if isinstance(t, Tensor) and id(t) not in self.outside and isinstance(t.array, np.ndarray | np.generic):
            own_scalar(t)
            self.outside[id(t)] = Outside(t, place.lower() or partial(self.program.name, "t"))
            self.outside[id(t)].noted.young = not place and not self._known.has(t)

    def _run(self, step: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        recording.set(self)
        for variable, value in QUIET:
            variable.set(value)
        devices.set_default_device("cpu")  # and not by default: then tensors would be made without asking a backend
        try:
            with casting_anew():
                return step(*args, **kwargs)
        finally:
            for generator, state in self._drawn:
                generator.set_state(state)

    def stream(self, device: str | None, generator: Any) -> Any:
        """The stream of random numbers that stands for a generator's."""
        return Stream(self, device, generator)

    def draw(self, generator: Any, function: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        """Random numbers, and a note to draw them."""
        if not any(known is generator for known, _ in self._drawn):
            self._drawn.append((generator, generator.get_state()))
        token = recording.set(None)
        try:
            found = function(*unwrapped(args), **unwrapped(kwargs))
        finally:
            recording.reset(token)
        return self.program.note(function, function.__name__, args, kwargs, found, random=True)

    def later(self, method: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
        """Leave a call, such as an optimizer's step, for the replays."""
        if any(map(callable, (*args, *kwargs.values()))):
            raise TracingError("a step of an optimizer with a closure cannot be captured")
        self._flush()
        for o in self.outside.values():
            o.awaited |= o.grad is o.gradient  # an optimizer reads it
        names = [t.array.name for t in leaves((args, kwargs)) if isinstance(t, Tensor) and id(t) not in self.outside]
        args, kwargs = mapped(lambda v: Expression(self._object(v)) if isinstance(v, Tensor) else v, (args, kwargs))
        self.program.note(method, method.__name__, args, kwargs, None)
        self.program.hold(names)

    def _flush(self) -> None:
        """Let the program put into tensors what the step has put there so far."""
        for o in self.outside.values():
            t = o.tensor
            if t.array is not o.array:
                self.program.add(f"{self._use(o)}.array = {_noted(t.array).name}", [t.array.name])
                o.array, o.replaced = t.array, True
            if t._grad is not o.grad:
                value = "None" if t._grad is None else self._object(t._grad)
                names = [] if t._grad is None or id(t._grad) in self.outside else [t._grad.array.name]
                self.program.add(f"{self._use(o)}._grad = {value}", names)
                o.grad, o.graded = t._grad, True

    def _use(self, o: Outside) -> str:
        """The name of a tensor that exists outside."""
        if not (o.is_input or o.found):
            self.program.scope[o.place] = o.tensor
        return o.place

    def _object(self, t: Tensor) -> str:
        """The expression for a tensor."""
        if id(t) in self.outside:
            return self._use(self.outside[id(t)])
        if t.node is None:
            return f"{self.program.constant(wrap)}({_noted(t.array).name})"
        if differentiable(t.node):
            raise TracingError(
                "a result can still be differentiated; call backward() inside the step, or compute it under no_grad()"
            )
        released = self.program.constant(record(t.node.op, (), None), "released")
        return f"{self.program.constant(wrap)}({_noted(t.array).name}, {released})"

    def _finished(self, count: int, results: Any) -> tuple[Functions, str]:
        program = self.program
        found = [leaf for leaf in leaves(results) if isinstance(leaf, Tensor)]
        values = [self._object(t) for t in found]
        kept = {t.array.name for t in found if id(t) not in self.outside}
        self._check_left({id(t) for result in found for t in (result, base_of(result))})
        if isinstance(results, Tensor):
            text = values[0]
        else:
            form = mapped(lambda leaf: _HOLE if isinstance(leaf, Tensor) else leaf, results)
            text = f"{program.constant(partial(_filled, form), 'filled')}({', '.join(values)})"
        used = kept.union(program.needed, *[line.names for line in program.lines])
        self._begin(used)
        written = [o.noted.name for o in self.outside.values() if o.is_in(used) and o.noted.written]
        if written:
            program.add(f"{program.constant(record_writes)}([{', '.join(written)}])", written)
        return program.compiled([f"X{i}" for i in range(count)], text, kept), program.source

    def _begin(self, used: set[str]) -> None:
        """Let the program begin with the arrays that it needs, and with a check that they are those known here."""
        program, checks, cleared = self.program, list[str](), list[Line]()
        stale = f"raise {program.constant(Stale)}('a tensor has another array, or its gradient another state')"
        first = [line for o in self.outside.values() for line in self._gradient(o, used, stale)]
        named = [o for o in self.outside.values() if o.noted.named]
        for o in sorted(named, key=lambda o: (not o.is_input, int(o.place[1:]))):
            if o.is_in(used):
                if o.noted.written and not o.original.shape:
                    first.append(Line(f"{program.constant(own_scalar)}({self._use(o)})", []))
                first.append(Line(f"{o.noted.name} = {self._use(o)}.array", [o.noted.name]))
                checks += self._same_array(o)
            if not (o.is_input or o.found):
                checks.append(f"{self._use(o)}.node is {'None' if o.node is None else 'not None'}")
            if o.graded and not o.is_input and not (o.slope and o.slope.is_in(used)):
                checks.append(f"{o.place}._grad is {'None' if o.gradient is None else 'not None'}")
                if o.slope and not o.awaited:
                    cleared.append(Line(f"{o.place}._grad = None", []))
        if checks:
            first.append(Line(f"if not ({' and '.join(checks)}): {stale}", []))
        if program.conditions:
            odd = f"raise {program.constant(Odd)}"
            first.append(Line(f"if not ({' and '.join(program.conditions)}): {odd}", program.needed))
        program.lines[:0] = first + cleared

    def _same_array(self, o: Outside) -> list[str]:
        """Conditions for an array in place of that of a tensor."""
        if o.replaced or o.found:
            return [
                f"{o.noted.name}.shape == {o.original.shape}",
                f"{o.noted.name}.dtype is {self.program.constant(o.original.dtype)}",
            ]
        return [] if o.is_input else [f"{o.noted.name} is {self.program.constant(o.original)}"]

    def _gradient(self, o: Outside, used: set[str], stale: str) -> list[Line]:
        """Lines that look up the gradient of a tensor, if the program uses it; a lone one may be another every time."""
        g = o.slope
        if g is None or not g.is_in(used):
            return []
        if not g.lone:
            return [Line(f"if {self._use(o)}._grad is not {self._use(g)}: {stale}", [])]
        g.found = True
        self.program.scope.pop(g.place, None)
        return [Line(f"{g.place} = {self._use(o)}._grad", []), Line(f"if {g.place} is None: {stale}", [])]

    def _check_left(self, results: set[int]) -> None:
        """Raise if the step keeps a tensor that it made: the next replay would not find what the last one left."""
        known = self.outside.keys() | results | {id(o.tensor._grad) for o in self.outside.values()}

        def made() -> list[Tensor]:
            return [t for t in unfrozen_tensors() if t.array.__class__ is Noted and id(t) not in known]

        if made():
            gc.collect()  # of cycles
        if left := made():
            for t in left:
                t.array, t.node = t.array.held, None
            raise TracingError(
                f"the step keeps a tensor of shape {left[0].shape} that it made; copy its values into one that exists "
                "before, such as a buffer, or return it"
            )
        for o in self.outside.values():
            if o.tensor.node is not o.node and o.tensor.node is not None and o.tensor.node.__class__ is not Leaf:
                raise TracingError("the step writes to a tensor that exists before so that gradients flow through it")


class Known:
    """The tensors of the process at some time, held weakly, but for the arguments of a call, which it may keep."""

    def __init__(self, arguments: list[Tensor]) -> None:
        self._refs = {id(t): weakref.ref(t) for t in tensors()}
        for t in arguments:
            self._refs.pop(id(t), None)

    def has(self, t: Tensor) -> bool:
        """Whether a tensor is among them."""
        ref = self._refs.get(id(t))
        return ref is not None and ref() is t


class Outside:
    """A tensor that exists outside of the step.

    array, grad: what the program has put into it last. replaced, graded: whether it puts anything there. awaited:
    whether its first gradient is read by what is left for the replays. slope: that gradient. lone: whether, as a
    gradient, only its tensor refers to it. found: whether the program therefore looks it up there.
    """

    def __init__(self, tensor: Tensor, name: Any) -> None:
        self.tensor, self.is_input = tensor, isinstance(name, str)
        self.original, self.gradient, self.node = tensor.array, tensor._grad, tensor.node
        self.array = self.noted = tensor.array = Noted(name, None, None, self.original)
        self.noted.given = self.is_input
        self.grad = self.gradient
        self.slope: Outside | None = None
        self.replaced = self.graded = self.awaited = self.lone = self.found = False

    @property
    def place(self) -> str:
        """The name of the tensor in the program; that of its array is in small letters."""
        return self.noted.name.upper()

    def is_in(self, used: set[str]) -> bool:
        """Whether the array is one of these variables."""
        return self.noted.named and self.noted.name in used

    def restore(self) -> None:
        """Put back what was in the tensor."""
        self.tensor.array, self.tensor._grad = self.original, self.gradient
        if self.tensor.node is not None and self.tensor.node.__class__ is not Leaf:
            self.tensor.node = self.node


class Stream:
    """A stream of random numbers of a captured step."""

    def __init__(self, recorder: Recorder, device: str | None, generator: Any) -> None:
        self._recorder, self._device, self._generator = recorder, device, generator

    def __getattr__(self, name: str) -> Callable[..., Any]:
        device, generator = self._device, self._generator

        def draw(*args: Any, **kwargs: Any) -> Any:
            return getattr(random.stream_of(device, generator), name)(*args, **kwargs)

        draw.__name__ = name
        source = generator or random.generator_of("cpu")
        return lambda *args, **kwargs: self._recorder.draw(source, draw, args, kwargs)


_HOLE = object()  # the place of a tensor among results


def _filled(form: Any, *values: Any) -> Any:
    rest = iter(values)
    return mapped(lambda leaf: next(rest) if leaf is _HOLE else leaf, form)


def waited() -> bool:
    """Whether another thread was capturing a step, so that all tensors held noted arrays; now it has ended."""
    if _lock.acquire(blocking=False):
        _lock.release()
        return False
    with _lock:
        return True


def computed_elsewhere() -> bool:
    """Whether another thread is inside of a function of tensors, so that their arrays must stay.

    The workers of a data loader, which make tensors of their own, do not count, nor do those of kernels, which wait.
    """
    mine = get_ident()
    return any(_computes(frame) for ident, frame in _current_frames().items() if ident != mine)


def _computes(frame: FrameType | None) -> bool:
    found = set[str]()
    while frame is not None:
        found.add(str(frame.f_globals.get("__name__")).partition(".")[0])
        frame = frame.f_back
    return "training" not in found and not found.isdisjoint(("autograd_core", "nn", "optim"))


def _noted(array: Any) -> Noted:
    if array.__class__ is not Noted:
        raise TracingError("the step made a tensor from an array of NumPy")
    return array
