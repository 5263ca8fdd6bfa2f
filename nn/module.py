"""`Module`: the base class of every layer and model."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, ClassVar, Self

from autograd_core import Tensor
from autograd_core.clipping import clear_gradients
from backends.live import changed
from nn.conversion import Convertible
from nn.failures import locate, no_module, refuse, refuse_arguments
from nn.hooks import Hooked
from nn.parameter import Buffer, Parameter
from nn.parts import REGISTRIES, Parts, Registry
from nn.state import Stateful
from nn.subclasses import prepare

# Classes of values that are never parts, which takes three questions to find out.
PLAIN = frozenset((bool, int, float, str, tuple, list, dict, type(None)))

Members = Callable[["Module"], Iterable[tuple[str, Any]]]  # what a module itself has, by name


class Module(Hooked, Convertible, Stateful):
    """Base of layers and models: subclasses create their parts in `__init__` and use them in `forward`.

    A `Parameter` or another `Module` assigned to an attribute becomes part of this module.

    >>> from autograd_core import ones
    >>> class Scale(Module):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.factor = Parameter(ones(1))
    ...
    ...     def forward(self, x):
    ...         return x * self.factor
    >>> [name for name, _ in Scale().named_parameters()]
    ['factor']
    """

    training: bool
    # Parts are plain attributes, so reading one costs nothing; the registries record which attributes are parts.
    _parameters: dict[str, Tensor | None]
    _buffers: dict[str, Tensor | None]
    _modules: dict[str, Module | None]
    _non_persistent_buffers_set: set[str]  # buffers that are not saved
    # What the representation shows: attributes without their names, with them, and if they differ from these values.
    _unnamed: tuple[str, ...] = ()
    _shown: tuple[str, ...] = ()
    _shown_unless: ClassVar[Mapping[str, Any]] = {}

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        prepare(cls, Module)

    def __init__(self, *args: Any) -> None:
        if args:
            refuse_arguments(type(self).__name__, type(self).__init__ is Module.__init__)
        own = vars(self)
        for name in REGISTRIES:
            own[name] = Parts(self)
        self._non_persistent_buffers_set = set()
        self.training = True

    def _unimplemented(self, *args: Any) -> Any:
        raise NotImplementedError(f'Module [{type(self).__name__}] is missing the required "forward" function')

    forward: Callable[..., Any] = _unimplemented

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        try:
            return self.forward(*args, **kwargs) if self._hooks is None else self._watched(args, kwargs)
        except Exception as e:
            locate(e, self, args)
            raise

    def __setattr__(self, name: str, value: Any) -> None:
        registry = self._registry_of(name)
        if value.__class__ in PLAIN and registry is None:
            self._set_plain(name, value)
        elif isinstance(value, Parameter) or (value is None and registry == "_parameters"):
            if registry != "_parameters":
                self._check_made("_parameters", "parameters")
                self._forget(name)
            self.register_parameter(name, value)  # which programs replace
        elif isinstance(value, Module) and registry != "_parameters":
            self._own("_modules", name, value, "module")
        elif isinstance(value, Buffer) and registry in (None, "_buffers"):
            self.register_buffer(name, value, value._role == "buffer")
        elif registry is None:
            self._set_plain(name, value)
        elif value is None or (registry == "_buffers" and isinstance(value, Tensor)):
            self._own(registry, name, value, "")
        else:
            refuse(registry, name, value)

    def _set_plain(self, name: str, value: Any) -> None:
        if self.__dict__.get(name) is not value:
            changed()
        super().__setattr__(name, value)
        if name == "forward":  # its class no longer tells what it computes
            self._hooks = self._hooks or ()

    def __delattr__(self, name: str) -> None:
        if name in vars(self) or self._registry_of(name) is None:
            super().__delattr__(name)
        self._forget(name)

    def _own(self, registry: str, name: str, value: Any, what: str) -> None:
        self._check_made(registry, what)
        if name not in self.__dict__[registry]:
            self._forget(name)
        if registry != "_parameters" or value is not None:
            value = self._registered(registry, name, value)
        self.__dict__[registry][name] = value

    def _registry_of(self, name: str) -> str | None:
        own = self.__dict__
        for registry in REGISTRIES:  # a generator takes three times as long
            if name in own.get(registry, ()):
                return registry
        return None

    def _forget(self, name: str) -> None:
        self.__dict__.pop(name, None)  # a plain attribute would hide a part from a `__getattr__`
        for registry in (self._parameters, self._buffers, self._modules):
            if name in registry:
                registry.pop(name)
        self._non_persistent_buffers_set.discard(name)

    def register_parameter(self, name: str, param: Tensor | None) -> None:
        """Register a parameter under a name; None reserves the name."""
        self._check_name("parameter", "_parameters", name)
        if param is not None and not isinstance(param, Parameter):
            raise TypeError(
                f"cannot assign '{type(param).__name__}' object to parameter '{name}' (nn.Parameter or None required)"
            )
        self._own("_parameters", name, param, "parameter")

    def register_buffer(self, name: str, tensor: Tensor | None, persistent: bool = True) -> None:
        """Register a tensor that is state but not learned; `persistent` buffers are saved."""
        self._check_name("buffer", "_buffers", name)
        if tensor is not None and not isinstance(tensor, Tensor):
            raise TypeError(
                f"cannot assign '{type(tensor).__name__}' object to buffer '{name}' (Tensor or None required)"
            )
        self._own("_buffers", name, tensor, "buffer")
        (self._non_persistent_buffers_set.discard if persistent else self._non_persistent_buffers_set.add)(name)

    def add_module(self, name: str, module: Module | None) -> None:
        """Register a submodule under a name."""
        if module is not None and not isinstance(module, Module):
            raise TypeError(no_module(module))
        self._check_name("module", "_modules", name)
        self._own("_modules", name, module, "module")

    register_module = add_module

    def _check_made(self, registry: str, what: str) -> None:
        if registry not in self.__dict__:
            raise AttributeError(f"cannot assign {what} before Module.__init__() call; call super().__init__() first")

    def _check_name(self, kind: str, registry: str, name: str) -> None:
        self._check_made(registry, kind)
        if not isinstance(name, str):
            raise TypeError(f"{kind} name should be a string. Got {type(name).__name__}")
        if "." in name or not name:
            problem = f'contain ".", got: {name}' if name else 'be empty string ""'
            raise KeyError(f"{kind} name can't {problem}")
        if hasattr(self, name) and name not in self.__dict__[registry]:
            raise KeyError(f"attribute '{name}' already exists")

    def named_modules(
        self, memo: set[Module] | None = None, prefix: str = "", remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Module]]:
        """This module and all its descendants with their paths, each once unless `remove_duplicate` is False."""
        memo = set() if memo is None else memo
        if self in memo:
            return
        if remove_duplicate:
            memo.add(self)
        yield prefix, self
        for name, module in self._modules.items():
            if module is not None:
                yield from module.named_modules(memo, _joined(prefix, name), remove_duplicate)

    def _named_members(
        self, get_members_fn: Members, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Any]]:
        """What a function finds in each module, by path; programs call it with their own."""
        owners = self.named_modules(prefix=prefix, remove_duplicate=remove_duplicate) if recurse else [(prefix, self)]
        seen: dict[int, Any] = {}  # keeps them, so that no other gets the same id
        for path, owner in owners:
            for name, t in get_members_fn(owner):
                if t is not None and id(t) not in seen:
                    if remove_duplicate:
                        seen[id(t)] = t
                    yield _joined(path, name), t

    def named_parameters(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Tensor]]:
        """Parameters with their paths, shared ones once."""
        return self._named_members(lambda module: module._parameters.items(), prefix, recurse, remove_duplicate)

    def named_buffers(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Tensor]]:
        """Buffers with their paths, shared ones once."""
        return self._named_members(lambda module: module._buffers.items(), prefix, recurse, remove_duplicate)

    def parameters(self, recurse: bool = True) -> Iterator[Tensor]:
        """Parameters, shared ones once."""
        return (t for _, t in self.named_parameters(recurse=recurse))

    def buffers(self, recurse: bool = True) -> Iterator[Tensor]:
        """Buffers, shared ones once."""
        return (t for _, t in self.named_buffers(recurse=recurse))

    def modules(self, remove_duplicate: bool = True) -> Iterator[Module]:
        """This module and all its descendants, each once."""
        return (module for _, module in self.named_modules(remove_duplicate=remove_duplicate))

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """The direct submodules, each once."""
        seen: set[Module] = set()
        for name, module in self._modules.items():
            if module is not None and module not in seen:
                seen.add(module)
                yield name, module

    def children(self) -> Iterator[Module]:
        """The direct submodules, each once."""
        return (module for _, module in self.named_children())

    def get_submodule(self, target: str) -> Module:
        """The submodule at a path such as "layer1.0.conv1"; this module for an empty path."""
        module: Any = self
        for name in target.split(".") if target else ():
            parent, module = module, getattr(module, name, None)
            if not isinstance(module, Module):
                raise AttributeError(f"{type(parent).__name__} has no submodule `{name}` (looking up {target!r})")
        return module

    def set_submodule(self, target: str, module: Module, strict: bool = False) -> None:
        """Set the submodule at a path such as "layer1.0.conv1"; strict: only replace an existing one."""
        path, _, name = target.rpartition(".")
        if not isinstance(module, Module):
            raise ValueError(f"set_submodule() puts a Module at {target!r}, not {type(module).__name__}")
        if not name:
            raise ValueError("set_submodule() cannot replace the module itself: give the path of one inside it")
        owner = self.get_submodule(path)
        if strict and name not in owner._modules:
            raise AttributeError(f"{type(owner).__name__} has no submodule `{name}` (looking up {target!r})")
        if not isinstance(getattr(owner, name, module), Module):
            raise AttributeError(f"`{name}` of {type(owner).__name__} is no module (looking up {target!r})")
        owner._own("_modules", name, module, "module")

    def get_parameter(self, target: str) -> Tensor:
        """The parameter at a path such as "layer1.0.conv1.weight"."""
        return self._get_tensor("_parameters", target)

    def get_buffer(self, target: str) -> Tensor:
        """The buffer at a path such as "bn1.running_mean"."""
        return self._get_tensor("_buffers", target)

    def _get_tensor(self, registry: str, target: str) -> Tensor:
        path, _, name = target.rpartition(".")
        owner = self.get_submodule(path)
        t: Tensor | None = getattr(owner, registry).get(name)
        if t is None:
            raise AttributeError(f"{type(owner).__name__} has no {registry[1:-1]} `{name}` (looking up {target!r})")
        return t

    def train(self, mode: bool = True) -> Self:
        """Set training mode, in which dropout and batch statistics are active. Returns the module.

        It calls `train` of every submodule, which may keep a part, such as a frozen layer, in evaluation mode.
        """
        if not isinstance(mode, bool):
            raise ValueError("training mode is expected to be boolean")
        self.training = mode
        for module in self.children():
            module.train(mode)
        return self

    def eval(self) -> Self:
        """Set evaluation mode. Returns the module."""
        return self.train(False)

    def requires_grad_(self, requires_grad: bool = True) -> Self:
        """Set `requires_grad` of all parameters. Returns the module."""
        for p in self.parameters():
            p.requires_grad_(requires_grad)
        return self

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Set the gradients of all parameters to None, or to zero."""
        clear_gradients(self.parameters(), set_to_none)

    def compile(self, *args: Any, **options: Any) -> None:
        """No effect: modules are not compiled."""

    def apply(self, fn: Callable[[Module], object]) -> Self:
        """Call `fn` on all descendants, then on this module. Returns the module."""
        for child in self.children():
            child.apply(fn)
        fn(self)
        return self

    def extra_repr(self) -> str:
        """The text between the parentheses of the representation; a bias is shown as True or False."""
        usual = self._shown_unless
        named = [name for name in self._shown if name not in self._unnamed and name not in usual]
        named += [name for name, value in usual.items() if getattr(self, name) != value]
        values = {name: getattr(self, name) for name in named}
        if not isinstance(values.get("bias", True), bool):
            values["bias"] = values["bias"] is not None
        parts = [f"{getattr(self, name)}" for name in self._unnamed]
        return ", ".join(parts + [f"{name}={value}" for name, value in values.items()])

    def _get_name(self) -> str:
        """The name of this module in its representation."""
        return type(self).__name__

    def __repr__(self) -> str:
        extra = self.extra_repr().split("\n") if self.extra_repr() else []
        return framed(self._get_name(), extra, [f"({name}): {module!r}" for name, module in self._modules.items()])


for _name in REGISTRIES:
    setattr(Module, _name, Registry(_name))


def _joined(prefix: str, name: str) -> str:
    return f"{prefix}.{name}" if prefix else name


def framed(name: str, extra: list[str], children: list[str]) -> str:
    """A name with lines in parentheses, on one line if there is only a short one."""
    if len(extra) == 1 and not children:
        return f"{name}({extra[0]})"
    lines = extra + [child.replace("\n", "\n  ") for child in children]
    return f"{name}(" + ("\n  " + "\n  ".join(lines) + "\n" if lines else "") + ")"
