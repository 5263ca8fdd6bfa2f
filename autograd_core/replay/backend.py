"""The CPU's backend while a step is captured: NumPy's functions and the kernels, for noted arrays."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from operator import attrgetter
from types import ModuleType, SimpleNamespace
from typing import Any, NoReturn

import numpy as np

from autograd_core.engine.entries import Op
from autograd_core.errors import OperandError
from autograd_core.registry import add_library
from autograd_core.replay.noted import Noted, check_shape, compute, current_program, mapped, supposed, unwrapped
from backends import registry
from backends.deferred import Adapted, Deferred

# Functions that look at shapes and dtypes only.
STATIC = {
    "broadcast_shapes", "can_cast", "iscomplexobj", "isscalar", "may_share_memory", "ndim", "result_type", "shape",
    "shares_memory", "size",
}  # fmt: skip


def _function(function: Callable[..., Any], name: str) -> Callable[..., Any]:
    if name in STATIC:
        return lambda *args, **kwargs: function(*mapped(attrgetter("seen"), args), **kwargs)

    def call(*args: Any, **kwargs: Any) -> Any:
        check_shape(name, args)
        return compute(function, name, args, kwargs)

    return call


class _Ufunc:
    """A ufunc and its methods."""

    def __init__(self, ufunc: np.ufunc) -> None:
        self._ufunc, self._call = ufunc, _function(ufunc, ufunc.__name__)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._call(*args, **kwargs)

    def __getattr__(self, name: str) -> Any:
        member = getattr(self._ufunc, name)
        return _function(member, f"{self._ufunc.__name__}_{name}") if callable(member) else member


def _adapted(name: str, member: Any) -> Any:
    if isinstance(member, np.ufunc):
        return _Ufunc(member)
    if isinstance(member, (ModuleType, SimpleNamespace, Deferred)):
        return Adapted(member, _adapted)
    return _function(member, name) if callable(member) and not isinstance(member, type) else member


class _Namespace(SimpleNamespace):
    """NumPy's functions and the CPU's kernels, for noted arrays."""

    def __getattr__(self, name: str) -> Any:
        return _adapted(name, getattr(np, name))

    def each(self, o: Op, arrays: Any, statics: dict[str, Any]) -> Any:
        """An operation on noted arrays beside others."""
        return o.forward(self, *[self.asarray(a) if isinstance(a, np.ndarray) else a for a in arrays], **statics)


class CapturingBackend:
    """The CPU's backend while a step is captured."""

    name, checks_values = "cpu", False
    array_types = (Noted,)

    def __init__(self) -> None:
        self.host: Any = registry.get("cpu")
        self.libraries = ((namespace, self.array_types),)

    def library(self, index: int | None) -> Any:
        """The only namespace."""
        return namespace

    def from_host(self, array: Any, index: int | None, non_blocking: bool = False) -> Any:
        """A copy, which every replay makes anew."""
        return namespace.array(np.asarray(array))

    def to_host(self, array: Noted, non_blocking: bool = False) -> NoReturn:
        """Refuse."""
        array._refuse()

    def expect(self, check: Callable[..., bool], *args: Any) -> bool:
        """Whether the check holds here; the replays raise if it does not there."""
        if supposed(check, *args):
            return True
        program = current_program()
        if program is None or not check(*unwrapped(args)):
            return False
        program.note(partial(_expect, check), check.__name__.strip("_"), args, {}, None)
        return True

    suppose = staticmethod(supposed)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.host, name)


def _expect(check: Callable[..., bool], *args: Any) -> None:
    if not check(*args):
        raise OperandError(
            "a captured step was given values that are out of range, such as class indices; what is wrong with them "
            "shows when the step itself is called"
        )


def _make() -> Any:
    host = registry.get("cpu").library(None)
    made: Any = _Namespace(**{n: _adapted(n, f) for n, f in vars(host).items() if n not in ("kernels", "library")})
    made.kernels = SimpleNamespace(**{n: _adapted(n, f) for n, f in vars(host.kernels).items()})
    made.asynchronous, made.ndarray = False, Noted
    return made


namespace: Any = _make()
backend = namespace.backend = CapturingBackend()
add_library(namespace, backend.array_types)
