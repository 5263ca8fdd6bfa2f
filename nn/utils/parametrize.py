"""Parameters that are computed from others whenever they are read: PyTorch's `torch.nn.utils.parametrize`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from contextvars import ContextVar
from typing import Any

from autograd_core import Tensor, no_grad
from nn.containers import ModuleDict, ModuleList
from nn.module import Module
from nn.parameter import Parameter, refuse_lazy

# Values computed in this `cached()` block, by (id of the module, name).
_CACHE: ContextVar[dict[tuple[int, str], Tensor] | None] = ContextVar("parametrized values", default=None)


class ParametrizationList(ModuleList):
    """The functions that compute a tensor, in order, and their input: `original`, or `original0`, ...

    A parametrization is a module with `forward` and, to be initialised from or assigned a tensor, `right_inverse`.
    """

    def __init__(self, modules: list[Module], original: Tensor, unsafe: bool = False) -> None:
        super().__init__(modules)
        self.unsafe = unsafe
        with no_grad():
            parts = _inverted(original, modules)
        if not isinstance(parts, Tensor) and not (
            isinstance(parts, Sequence) and all(isinstance(part, Tensor) for part in parts)
        ):
            raise ValueError(f"right_inverse must return a Tensor or a Sequence of them, not {parts!r}")
        self.is_tensor = isinstance(parts, Tensor)
        if isinstance(parts, Tensor) and parts.dtype != original.dtype:
            raise ValueError(f"right_inverse changed dtype {original.dtype} to {parts.dtype}; it must keep it")
        learned = isinstance(original, Parameter)
        for name, part in self._named(parts):
            if self.is_tensor:
                # An optimizer may already hold this object.
                original.data = part.detach()
                part = original
            elif learned:
                part = Parameter(part.detach(), requires_grad=original.requires_grad)
            (self.register_parameter if learned else self.register_buffer)(name, part)

    def _named(self, parts: Any) -> list[tuple[str, Tensor]]:
        if isinstance(parts, Tensor):
            return [("original", parts)]
        return [(f"original{i}", part) for i, part in enumerate(parts)]

    def right_inverse(self, value: Tensor) -> None:
        """Set the originals so that the tensor becomes `value`."""
        with no_grad():
            parts = _inverted(value, list(self), strict=True)
            for name, part in self._named(parts):
                own = getattr(self, name)
                if own.shape != part.shape and not self.unsafe:
                    raise RuntimeError(f"assigning shape {part.shape} to {name}, which has shape {own.shape}")
                own.data = part.detach()

    def _parts(self) -> list[Any]:
        return list((self._parameters or self._buffers).values())

    def forward(self) -> Tensor:
        modules = list(self)
        x = modules[0](*self._parts())
        for module in modules[1:]:
            x = module(x)
        return x


@contextmanager
def cached() -> Iterator[None]:
    """Within this block every parametrized tensor is computed only once."""
    token = _CACHE.set({} if (outer := _CACHE.get()) is None else outer)
    try:
        yield
    finally:
        _CACHE.reset(token)


def register_parametrization(
    module: Module, tensor_name: str, parametrization: Module, *, unsafe: bool = False
) -> Module:
    """Compute a parameter or buffer of a module by `parametrization` from now on; returns the module.

    The first one's `right_inverse` finds the initial originals; later ones apply to the current value. unsafe: the
    result may have another shape or dtype, and nothing is checked.
    """
    parametrization.train(module.training)
    if is_parametrized(module, tensor_name):
        stack = _stacks(module)[tensor_name]
        before = getattr(module, tensor_name)
        if not unsafe:
            with no_grad():
                after = parametrization(before)
                _check(f"parametrization of {tensor_name!r}", before, after)
                start = _inverted(after, [parametrization])
                _check(f"right_inverse of the parametrization of {tensor_name!r}", before, start)
        stack.unsafe |= unsafe
        stack.append(parametrization)
        return module
    if tensor_name not in module._parameters and tensor_name not in module._buffers:
        raise ValueError(
            f"Module '{module!r}' does not have a parameter, buffer or parametrized element '{tensor_name}'"
        )
    original = getattr(module, tensor_name)
    refuse_lazy(original, "parametrized")
    reference = original.detach().clone()
    stack = ParametrizationList([parametrization], original, unsafe)
    if not unsafe:
        _check(f"parametrization of {tensor_name!r}", reference, stack())
    if not is_parametrized(module):
        _change_class(module)
        module.add_module("parametrizations", ModuleDict())
    module._forget(tensor_name)
    vars(module).pop(tensor_name, None)
    _stacks(module)[tensor_name] = stack
    _add_property(type(module), tensor_name)
    return module


def _inverted(value: Any, modules: list[Module], strict: bool = False) -> Any:
    """The originals from which the modules compute `value`; unless strict, modules without inverse are skipped."""
    for module in reversed(modules):
        if (inverse := getattr(module, "right_inverse", None)) is not None:
            with nullcontext() if strict else suppress(NotImplementedError):
                value = inverse(value)
    return value


def _check(what: str, before: Tensor, after: Any) -> None:
    if not isinstance(after, Tensor):
        raise ValueError(f"the {what} must return a tensor, not {type(after).__name__}")
    if before.shape != after.shape or before.dtype != after.dtype:
        raise ValueError(
            f"the {what} changes shape {before.shape} and dtype {before.dtype} to {after.shape} and {after.dtype}; "
            "if that is intended, register it with unsafe=True"
        )


def _change_class(module: Module) -> None:
    """Give a module its own class, to which properties can be added."""
    cls = type(module)

    def __setattr__(self: Module, name: str, value: Any) -> None:
        if name in vars(self).get("_modules", {}).get("parametrizations", ()):
            _stacks(self)[name].right_inverse(value)
        else:
            cls.__setattr__(self, name, value)

    def __reduce_ex__(self: Module, protocol: Any) -> tuple[Any, ...]:
        reduced: Any = cls.__reduce_ex__(self, max(2, protocol))
        return _parametrized, (cls, tuple(_stacks(self))), *reduced[2:]

    own = {"__setattr__": __setattr__, "__reduce_ex__": __reduce_ex__, "__doc__": cls.__doc__}
    module.__class__ = type(f"Parametrized{cls.__name__}", (cls,), own)


def _parametrized(cls: type[Module], names: Iterable[str]) -> Module:
    """A module for `pickle` and `deepcopy` to fill."""
    module = cls.__new__(cls)
    _change_class(module)
    for name in names:
        _add_property(type(module), name)
    return module


def _add_property(cls: type[Module], name: str) -> None:
    def read(self: Module) -> Tensor:
        cache = _CACHE.get()
        if cache is None:
            return _stacks(self)[name]()
        key = (id(self), name)
        if key not in cache:
            cache[key] = _stacks(self)[name]()
        return cache[key]

    setattr(cls, name, property(read))


def _stacks(module: Module) -> Any:
    """The `ParametrizationList` of each parametrized tensor."""
    return module._modules["parametrizations"]


def is_parametrized(module: Module, tensor_name: str | None = None) -> bool:
    """Whether a module has parametrized tensors, or whether this one is."""
    parametrizations = module._modules.get("parametrizations")
    if not isinstance(parametrizations, ModuleDict):
        return False
    return len(parametrizations) > 0 if tensor_name is None else tensor_name in parametrizations


def type_before_parametrizations(module: Module) -> type[Module]:
    """The class that a module had before its first parametrization, or has."""
    return type(module).__bases__[0] if is_parametrized(module) else type(module)


def transfer_parametrizations_and_params(
    from_module: Module, to_module: Module, tensor_name: str | None = None
) -> Module:
    """Parametrize another module by the same modules and originals; returns it.

    tensor_name: the only tensor to transfer, instead of all.
    """
    names = [*_stacks(from_module)] if is_parametrized(from_module) else []
    for name in names if tensor_name is None else [tensor_name] * bool(names):
        source = _stacks(from_module)[name]
        if not hasattr(to_module, name):
            setattr(to_module, name, Parameter(getattr(from_module, name).detach()))
        for parametrization in source:
            register_parametrization(to_module, name, parametrization)
        for original, value in [*source._parameters.items(), *source._buffers.items()]:
            setattr(_stacks(to_module)[name], original, value)
    return to_module


def remove_parametrizations(module: Module, tensor_name: str, leave_parametrized: bool = True) -> Module:
    """Make a parametrized tensor an ordinary one again, with its current value or that of `original`."""
    if not is_parametrized(module, tensor_name):
        raise ValueError(f"Module {type(module).__name__} does not have a parametrization on {tensor_name}")
    stack = _stacks(module)[tensor_name]
    learned = bool(stack._parameters)
    if leave_parametrized:
        with no_grad():
            value = stack()
    elif stack.is_tensor:
        value = stack._parts()[0]
    else:
        raise ValueError("with several originals there is no tensor to restore; use leave_parametrized=True")
    if stack.is_tensor:
        original = stack._parts()[0]
        original.data = value.detach()
        value = original
    elif learned:
        value = Parameter(value, any(p.requires_grad for p in stack._parameters.values()))
    delattr(type(module), tensor_name)
    del _stacks(module)[tensor_name]
    if not is_parametrized(module):
        delattr(module, "parametrizations")
        module.__class__ = type(module).__bases__[0]
    (module.register_parameter if learned else module.register_buffer)(tensor_name, value)
    return module
