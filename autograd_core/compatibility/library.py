"""PyTorch's `torch.library`: operators that a program writes in Python, called as `torch.ops.namespace.name`."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from functools import partial
from importlib import import_module
from types import SimpleNamespace
from typing import Any, NoReturn

from autograd_core.autograd.function import Function
from autograd_core.grad_mode import no_grad


class _Builtin:
    """An operator of PyTorch's own by its internal name, such as `aten.add.Tensor`: the function, or method, add."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, overload: str) -> _Builtin:
        if overload.startswith("__"):
            raise AttributeError(overload)
        setattr(self, overload, made := _Builtin(self._name))
        return made

    def __call__(self, *args: Any, **options: Any) -> Any:
        package = import_module("autograd_core")
        place = package if hasattr(package, self._name) else package.Tensor
        return getattr(place, self._name)(*args, **options)


class _Builtins:
    def __getattr__(self, name: str) -> _Builtin:
        setattr(self, name, made := _Builtin(name))
        return made


NAMESPACES: dict[str, Any] = {"aten": _Builtins()}


class CustomOpDef:
    """A function as one operation; without `register_autograd` it has no derivative, and a backward walk says so."""

    def __init__(self, name: str, function: Callable[..., Any], writes: bool) -> None:
        self.name, self.function, self.writes = name, function, writes
        self.signature = inspect.signature(function)
        self.register_autograd(self._underivable)
        self._vmap: Callable[..., Any] | None = None

    def __call__(self, *args: Any, **given: Any) -> Any:
        bound = self.signature.bind(*args, **given)
        bound.apply_defaults()
        if self.writes:  # into arguments, which have no derivative then
            with no_grad():
                return self.function(*bound.args, **bound.kwargs)
        return self._operation(bound.kwargs).apply(*bound.args)

    def _operation(self, options: dict[str, Any]) -> type[Function]:
        """The operation for some keyword-only arguments, which are constants."""

        def forward(ctx: Any, *args: Any) -> Any:
            result = self.function(*args, **options)
            if self._setup is not None:
                keywords = {"keyword_only_inputs": options} if options else {}
                self._setup(ctx=ctx, inputs=args, output=result, **keywords)
            return result

        methods = {"forward": forward, "backward": self._backward}
        if self._vmap is not None:
            methods["vmap"] = partial(self._vmap, **options)
        return type(self.name, (Function,), {name: staticmethod(method) for name, method in methods.items()})

    def register_autograd(self, backward: Callable[..., Any], /, *, setup_context: Any = None) -> None:
        """Set what computes the gradients of the arguments, and what saves values for it, as in `Function`."""
        self._backward, self._setup = backward, setup_context

    def register_fake(self, fn: Callable[..., Any], /) -> Callable[..., Any]:
        """The function itself: there are no tensors without values."""
        return fn

    def register_vmap(self, func: Callable[..., Any] | None = None, /) -> Any:
        """Set what is called inside `vmap`, as in `Function`, or a decorator that sets it; it is not needed."""
        if func is None:
            return self.register_vmap
        self._vmap = func
        return func

    def _underivable(self, *_: Any) -> NoReturn:
        raise RuntimeError(f"{self.name} has no derivative: give it one with register_autograd()")


def custom_op(
    name: str,
    fn: Callable[..., Any] | None = None,
    /,
    *,
    mutates_args: str | Iterable[str],
    device_types: Any = None,
    schema: str | None = None,
    tags: Any = None,
) -> Any:
    """A function as the operator `namespace::name`, or a decorator that makes it one.

    mutates_args: the arguments that it writes to. Its result must not share memory with its arguments.
    """
    if fn is None:
        return lambda fn: custom_op(name, fn, mutates_args=mutates_args)
    namespace, _, own = name.partition("::")
    if not own:
        raise ValueError(f"the name of an operator is 'namespace::name', not {name!r}")
    made = CustomOpDef(name, fn, writes=bool(tuple(mutates_args)))
    setattr(NAMESPACES.setdefault(namespace, SimpleNamespace()), own, made)
    return made


def register_autograd(
    op: str | CustomOpDef, backward: Callable[..., Any], /, *, setup_context: Any = None, lib: Any = None
) -> None:
    """Give an operator its derivative."""
    _operator(op).register_autograd(backward, setup_context=setup_context)


def register_fake(op: Any, func: Callable[..., Any] | None = None, /, **options: Any) -> Any:
    """The function itself, or a decorator that returns it: there are no tensors without values."""
    return func or (lambda func: func)


def register_vmap(op: str | CustomOpDef, func: Callable[..., Any] | None = None, /, *, lib: Any = None) -> Any:
    """Set what is called inside `vmap` in place of an operator, or a decorator that sets it."""
    return _operator(op).register_vmap(func)


def load_library(path: Any) -> NoReturn:
    """Not supported; libraries do without what they compiled for PyTorch, if they can."""
    raise OSError(f"{path}: libraries compiled for PyTorch cannot be loaded")


def _operator(op: str | CustomOpDef) -> CustomOpDef:
    if isinstance(op, CustomOpDef):
        return op
    namespace, _, name = op.partition("::")
    return getattr(NAMESPACES[namespace], name)
