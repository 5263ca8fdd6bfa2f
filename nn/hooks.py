"""Hooks of modules, called before and after forward and backward."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, MutableMapping
from itertools import count
from typing import Any, NamedTuple

from autograd_core import Tensor
from autograd_core.autograd import Function
from autograd_core.engine.nodes import Removable, add_hook
from autograd_core.errors import warn
from autograd_core.grad_mode import grad_enabled
from autograd_core.trees import leaves, rebuild

PRE, POST, BACKWARD_PRE, BACKWARD = "forward pre", "forward", "full backward pre", "full backward"
_keys = count()
Passage = Callable[[tuple[Any, ...]], tuple[Any, ...]]  # of gradients


class Hook(NamedTuple):
    """A hook and when to call it; always: also after a failed forward; key: under which it is among its kind."""

    kind: str
    function: Callable[..., Any]
    with_kwargs: bool = False
    always: bool = False
    key: Any = None


class Table(MutableMapping[Any, Callable[..., Any]]):
    """The hooks of one kind of a module, as the dict that PyTorch keeps."""

    def __init__(self, module: Hooked, kind: str) -> None:
        self._module, self._kind = module, kind

    def _hooks(self) -> dict[Any, Hook]:
        return {hook.key: hook for hook in self._module._hooks or () if hook.kind == self._kind}

    def __getitem__(self, key: Any) -> Callable[..., Any]:
        return self._hooks()[key].function

    def __setitem__(self, key: Any, function: Callable[..., Any]) -> None:
        before = self._hooks().get(key)
        if before is None:
            self._module._register_hook(Hook(self._kind, function, key=key), False)
        else:
            there = self._module._hooks or ()
            self._module._hooks = tuple([h._replace(function=function) if h is before else h for h in there])

    def __delitem__(self, key: Any) -> None:
        _Handle(self._module, "_hooks", self._hooks()[key]).remove()

    def __iter__(self) -> Iterator[Any]:
        return iter(self._hooks())

    def __len__(self) -> int:
        return len(self._hooks())

    def __repr__(self) -> str:
        return repr(OrderedDict(self))


def _table(kind: str) -> Any:
    def replace(self: Hooked, hooks: MutableMapping[Any, Callable[..., Any]]) -> None:
        table = Table(self, kind)
        added = dict(hooks)
        table.clear()
        table.update(added)

    return property(lambda self: Table(self, kind), replace)


class Hooked:
    """The hooks of a module: their registration, and the call that runs them."""

    forward: Callable[..., Any]
    _hooks: tuple[Hook, ...] | None = None  # None: nothing but the forward of its class is to be called
    _shared: tuple[Hook, ...] | None = None  # the hooks of all modules
    _registering: tuple[Hook, ...] | None = None  # the hooks of parts that any module gets
    _forward_pre_hooks, _forward_hooks = _table(PRE), _table(POST)  # names of PyTorch that programs write to
    _backward_pre_hooks, _backward_hooks = _table(BACKWARD_PRE), _table(BACKWARD)

    def register_forward_pre_hook(
        self, hook: Callable[..., Any], *, prepend: bool = False, with_kwargs: bool = False
    ) -> Removable:
        """Call `hook(module, args)` before `forward`; a result other than None replaces the arguments.

        prepend: call it before the existing hooks. with_kwargs: `hook(module, args, kwargs)`, which returns both.
        """
        return self._register_hook(Hook(PRE, hook, with_kwargs), prepend)

    def register_forward_hook(
        self, hook: Callable[..., Any], *, prepend: bool = False, with_kwargs: bool = False, always_call: bool = False
    ) -> Removable:
        """Call `hook(module, args, output)` after `forward`; a result other than None replaces the output.

        with_kwargs: `hook(module, args, kwargs, output)`. always_call: also if an earlier hook or `forward`
        fails, with the output until then or None; what it raises then is a warning.
        """
        return self._register_hook(Hook(POST, hook, with_kwargs, always_call), prepend)

    def register_full_backward_pre_hook(self, hook: Callable[..., Any], prepend: bool = False) -> Removable:
        """Call `hook(module, grad_output)` before backward of the module; its result replaces `grad_output`."""
        return self._register_hook(Hook(BACKWARD_PRE, hook), prepend)

    def register_full_backward_hook(self, hook: Callable[..., Any], prepend: bool = False) -> Removable:
        """Call `hook(module, grad_input, grad_output)` when the gradients of the inputs are computed.

        Both are tuples, for the positional arguments of `forward` and for its outputs, with None for those that are no
        tensors; a tensor argument without a gradient has zeros, an output None. A result other than None replaces
        `grad_input`. What the hooked module gets and returns shares memory with what is given, and cannot be written in
        place.
        """
        return self._register_hook(Hook(BACKWARD, hook), prepend)

    register_backward_hook = register_full_backward_hook

    def _register_hook(self, hook: Hook, prepend: bool) -> Removable:
        there, hook = self._hooks or (), hook if hook.key is not None else hook._replace(key=next(_keys))
        self._hooks = (hook, *there) if prepend else (*there, hook)
        return _Handle(self, "_hooks", hook)

    def _registered(self, registry: str, name: str, part: Any) -> Any:
        """The part that is registered under a name: the one that is given, or that a hook puts in its place."""
        for hook in self._registering or ():
            if hook.kind == registry and (result := hook.function(self, name, part)) is not None:
                part = result
        return part

    def _unhook(self, function: Callable[..., Any]) -> None:
        """Remove the hooks that call a function."""
        for hook in self._hooks or ():
            if hook.function is function:
                _Handle(self, "_hooks", hook).remove()

    def _watched(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """`forward`, with the hooks around it."""
        hooks = (*(self._shared or ()), *(self._hooks or ()))
        waiting = [hook for hook in hooks if hook.kind == POST]
        output = None
        try:
            for hook in hooks:
                if hook.kind == PRE and (result := _called(hook, self, args, kwargs)) is not None:
                    args, kwargs = _arguments(hook, result, kwargs)
            back = _Backward(self, hooks) if grad_enabled() and any("backward" in h.kind for h in hooks) else None
            output = self.forward(*(args if back is None else back.entered(args)), **kwargs)
            while waiting:
                hook = waiting.pop(0)
                if (result := _called(hook, self, args, kwargs, output)) is not None:
                    output = result
        except Exception:
            for hook in waiting:
                if hook.always:
                    try:
                        _called(hook, self, args, kwargs, output)
                    except Exception as error:
                        warn(f"a forward hook with always_call=True raised {error!r} after another error")
            raise
        return output if back is None else back.left(output)


class _Handle(Removable):
    """Removes a hook; calls of a module without hooks skip the search for them."""

    _owner: Any

    @property
    def id(self) -> Any:
        """The hook's key in the dict of its kind."""
        return self._hook.key

    def remove(self) -> None:
        super().remove()
        if self._owner is Hooked:
            Hooked._hooks = None if Hooked._shared is None else ()
        elif self._owner._hooks is None:
            self._owner.__dict__.pop("_hooks", None)  # as it is for all modules
            if "forward" in self._owner.__dict__:
                self._owner._hooks = ()


def _register_shared(hook: Hook) -> Removable:
    Hooked._shared = (*(Hooked._shared or ()), hook)
    Hooked._hooks = ()  # no longer None: calls now look for hooks
    return _Handle(Hooked, "_shared", hook)


def register_module_forward_pre_hook(hook: Callable[..., Any]) -> Removable:
    """Call `hook(module, args)` before the `forward` of every module; a result other than None replaces `args`."""
    return _register_shared(Hook(PRE, hook))


def register_module_forward_hook(
    hook: Callable[..., Any], *, with_kwargs: bool = False, always_call: bool = False
) -> Removable:
    """Call `hook(module, args, output)` after the `forward` of every module, before the module's own hooks."""
    return _register_shared(Hook(POST, hook, with_kwargs, always_call))


def register_module_full_backward_pre_hook(hook: Callable[..., Any]) -> Removable:
    """Call `hook(module, grad_output)` before backward of every module."""
    return _register_shared(Hook(BACKWARD_PRE, hook))


def register_module_full_backward_hook(hook: Callable[..., Any]) -> Removable:
    """Call `hook(module, grad_input, grad_output)` when the gradients of a module's inputs are computed."""
    return _register_shared(Hook(BACKWARD, hook))


register_module_backward_hook = register_module_full_backward_hook


def _register_registering(registry: str, hook: Callable[..., Any]) -> Removable:
    return add_hook(Hooked, "_registering", Hook(registry, hook, key=next(_keys)))


def register_module_buffer_registration_hook(hook: Callable[..., Any]) -> Removable:
    """Call `hook(module, name, buffer)` before any module gets a buffer; a result other than None takes its place."""
    return _register_registering("_buffers", hook)


def register_module_module_registration_hook(hook: Callable[..., Any]) -> Removable:
    """Call `hook(module, name, submodule)` before any module gets a submodule, which a result replaces."""
    return _register_registering("_modules", hook)


def register_module_parameter_registration_hook(hook: Callable[..., Any]) -> Removable:
    """Call `hook(module, name, parameter)` before any module gets a parameter, which a result replaces."""
    return _register_registering("_parameters", hook)


def _called(hook: Hook, module: Hooked, args: Any, kwargs: Any, *output: Any) -> Any:
    return hook.function(module, args, *((kwargs,) if hook.with_kwargs else ()), *output)


def _arguments(hook: Hook, result: Any, kwargs: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The arguments after a pre-hook."""
    if not hook.with_kwargs:
        return result if isinstance(result, tuple) else (result,), kwargs
    if not isinstance(result, tuple) or len(result) != 2:
        raise RuntimeError(f"a forward pre-hook with kwargs must return None or (args, kwargs), not {result!r}")
    return result


class _Backward:
    """The backward hooks of one call, attached to its outputs and to its inputs."""

    def __init__(self, module: Hooked, hooks: tuple[Hook, ...]) -> None:
        self._module = module
        self._before = [h.function for h in hooks if h.kind == BACKWARD_PRE]
        self._after = [h.function for h in hooks if h.kind == BACKWARD]
        self._inputs = 0
        self._followed: list[int] = []  # the positions of tensors among the inputs, if any has a gradient
        self._given: tuple[Any, ...] | None = None  # between outputs and inputs

    def entered(self, args: tuple[Any, ...]) -> tuple[Any, ...]:
        self._inputs = len(args)
        self._followed = _followed(args)
        return tuple(_bounded(list(args), self._followed, self._at_inputs, True))

    def left(self, output: Any) -> Any:
        parts = leaves(output)
        count = len(parts)  # a reference to the parts themselves would make a cycle of the outputs and their graph
        followed = _followed(parts)

        def at_outputs(grads: tuple[Any, ...]) -> tuple[Any, ...]:
            return self._at_outputs(count, followed, grads)

        return rebuild(output, _bounded(parts, followed, at_outputs, False))

    def _at_outputs(self, count: int, positions: list[int], grads: tuple[Any, ...]) -> tuple[Any, ...]:
        given = _placed(count, positions, grads)
        for hook in self._before:
            if (result := hook(self._module, given)) is not None:
                given = self._checked(result, count, "outputs")
        self._given = given
        if not self._followed:
            self._at_inputs(())
        return tuple([given[i] for i in positions])

    def _at_inputs(self, grads: tuple[Any, ...]) -> tuple[Any, ...]:
        given, self._given = self._given, None
        if given is None:  # the second derivative, through values saved on the way
            return grads
        found = _placed(self._inputs, self._followed, grads)
        for hook in self._after:
            if (result := hook(self._module, found, given)) is not None:
                found = self._checked(result, self._inputs, "arguments")
        return tuple([found[i] for i in self._followed])

    def _checked(self, result: Any, count: int, what: str) -> tuple[Any, ...]:
        given = result if isinstance(result, tuple) else (result,)
        if len(given) != count:
            name = type(self._module).__name__
            raise RuntimeError(f"a backward hook of {name} returned {len(given)} gradients for {count} {what}")
        return given


class _Boundary(Function):
    """The identity of several tensors, whose gradients pass through one function together."""

    @staticmethod
    def forward(ctx: Any, at: Passage, zeros: bool, *tensors: Tensor) -> tuple[Tensor, ...]:
        ctx.at = at
        ctx.set_materialize_grads(zeros)
        ctx.mark_non_differentiable(*[t for t in tensors if not t.requires_grad])
        return tensors

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> tuple[Any, ...]:
        return (None, None, *ctx.at(gradients))


def _followed(values: Iterable[Any]) -> list[int]:
    """The positions of tensors, if any of them requires a gradient."""
    found = [(i, v.requires_grad) for i, v in enumerate(values) if isinstance(v, Tensor)]
    return [i for i, _ in found] if any(needed for _, needed in found) else []


def _bounded(values: list[Any], positions: list[int], at: Passage, zeros: bool) -> list[Any]:
    """The values, with those at some positions passed through a common boundary.

    zeros: whether gradients that do not arrive there are zeros, instead of None.
    """
    if positions:
        made = _Boundary.apply(at, zeros, *[values[i] for i in positions])
        for i, t in zip(positions, made, strict=True):
            values[i] = t
    return values


def _placed(count: int, positions: list[int], values: tuple[Any, ...]) -> tuple[Any, ...]:
    placed: list[Any] = [None] * count
    for i, value in zip(positions, values, strict=True):
        placed[i] = value
    return tuple(placed)
