"""Containers: modules and parameters in sequences and dictionaries."""

from __future__ import annotations

import itertools
import operator
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping, MutableMapping
from typing import Any, Self, overload

from autograd_core import Tensor, typename
from nn.chains import chain
from nn.module import Module, framed
from nn.parameter import Parameter


class _Modules(Module):
    """Modules in order, named "0", "1", ... unless names are given."""

    def __init__(self, modules: Iterable[Module] | OrderedDict[str, Module] | None = None) -> None:
        super().__init__()
        if not isinstance(modules, Iterable | None):
            raise TypeError(
                f"{type(self).__name__} takes a list of modules, not {type(modules).__name__}; write [module]"
            )
        named = modules.items() if isinstance(modules, OrderedDict) else enumerate(modules or ())
        for name, module in named:
            self.add_module(str(name), module)

    def __len__(self) -> int:
        return len(self._modules)

    def __iter__(self) -> Iterator[Module]:
        return iter(self._modules.values())  # type: ignore[arg-type]  # containers hold no None

    def __contains__(self, module: object) -> bool:
        return any(m is module for m in self)

    def _key(self, index: int) -> str:
        index = operator.index(index)
        if not -len(self) <= index < len(self):
            raise IndexError(f"index {index} is out of range")
        return list(self._modules)[index]

    @overload
    def __getitem__(self, index: int) -> Any: ...
    @overload
    def __getitem__(self, index: slice) -> Self: ...
    def __getitem__(self, index: int | slice) -> Any:
        if isinstance(index, slice):
            return self._sliced(OrderedDict(list(self._modules.items())[index]))
        return self._modules[self._key(index)]

    def _sliced(self, modules: OrderedDict[str, Any]) -> Self:
        return type(self)(modules.values())

    def __setitem__(self, index: int, module: Module) -> None:
        setattr(self, self._key(index), module)

    def __delitem__(self, index: int | slice) -> None:
        kept = list(self)
        del kept[index]
        self._renumber(kept)

    def _renumber(self, modules: Iterable[Module]) -> None:
        for name in list(self._modules):
            delattr(self, name)
        for i, module in enumerate(modules):
            self.add_module(str(i), module)

    def append(self, module: Module) -> Self:
        """Add a module at the end; returns the container."""
        self.add_module(str(len(self)), module)
        return self

    def insert(self, index: int, module: Module) -> Self:
        """Add a module before position `index`; returns the container."""
        if not -len(self) <= index <= len(self):
            raise IndexError(f"Index out of range: {index}")
        modules = list(self)
        modules.insert(index, module)
        self._renumber(modules)
        return self

    def extend(self, modules: Iterable[Module]) -> Self:
        """Add modules at the end; returns the container."""
        for module in modules:
            self.append(module)
        return self

    def pop(self, index: int) -> Module:
        """Remove and return a module."""
        module: Module = self[index]
        del self[index]
        return module

    def __add__(self, other: Iterable[Module]) -> Self:
        return type(self)._of(itertools.chain(self, other))

    def __iadd__(self, other: Iterable[Module]) -> Self:
        return self.extend(list(other))

    @classmethod
    def _of(cls, modules: Iterable[Module]) -> Self:
        return cls(modules)


class Sequential(_Modules):
    """Modules applied one after the other, given as arguments or as an OrderedDict with their names.

    >>> from nn import Linear, ReLU
    >>> Sequential(Linear(2, 3), ReLU())
    Sequential(
      (0): Linear(in_features=2, out_features=3, bias=True)
      (1): ReLU()
    )
    """

    def __init__(self, *modules: Module | OrderedDict[str, Module]) -> None:
        first = modules[0] if len(modules) == 1 else None
        super().__init__(first if isinstance(first, OrderedDict) else modules)  # type: ignore[arg-type]  # no second one

    @classmethod
    def _of(cls, modules: Iterable[Module]) -> Self:
        return cls(*modules)

    def _sliced(self, modules: OrderedDict[str, Any]) -> Self:
        return type(self)(modules)

    def __mul__(self, times: int) -> Self:
        """The same modules repeated `times` times."""
        if not isinstance(times, int) or times < 1:
            raise ValueError(f"Sequential * n needs a positive number n, not {times!r}")
        return type(self)(*list(self) * times)

    __rmul__ = __mul__

    def __imul__(self, times: int) -> Self:
        return self.extend(list(self * times)[len(self) :])

    def forward(self, input: Any) -> Any:
        return chain(input, *self._modules.values())  # type: ignore[arg-type]  # containers hold no None


class ModuleList(_Modules):
    """A list of submodules, without a forward."""

    def __repr__(self) -> str:
        """Runs of modules with the same representation are shown once, with a count."""
        lines, start = [], 0
        for text, run in itertools.groupby(map(repr, self)):
            count = len(list(run))
            names = f"({start}): " if count == 1 else f"({start}-{start + count - 1}): {count} x "
            lines.append(names + text)
            start += count
        return framed(type(self).__name__, [], lines)


class ModuleDict(Module):
    """A dictionary of submodules in the order of insertion, without a forward."""

    def __init__(self, modules: Mapping[str, Module] | Iterable[tuple[str, Module]] | None = None) -> None:
        super().__init__()
        if modules is not None:  # a subclass's update() may need what its constructor sets later
            self.update(modules)

    def update(self, modules: Mapping[str, Module] | Iterable[tuple[str, Module]]) -> None:
        """Add modules, replacing those of the same name."""
        pairs = modules.items() if isinstance(modules, Mapping | ModuleDict) else modules
        for pair in pairs:
            if isinstance(pair, Module):
                raise TypeError("ModuleDict takes a dict, or pairs of names and modules; a list goes into ModuleList")
            name, module = pair
            self[name] = module

    def __getitem__(self, name: str) -> Any:
        return self._modules[name]

    def __setitem__(self, name: str, module: Module) -> None:
        self.add_module(name, module)

    def __delitem__(self, name: str) -> None:
        del self._modules[name]

    def __len__(self) -> int:
        return len(self._modules)

    def __iter__(self) -> Iterator[str]:
        return iter(self._modules)

    def __contains__(self, name: object) -> bool:
        return name in self._modules

    def keys(self) -> Iterable[str]:
        """The names."""
        return self._modules.keys()

    def values(self) -> Iterable[Any]:
        """The modules."""
        return self._modules.values()

    def items(self) -> Iterable[tuple[str, Any]]:
        """Names and modules."""
        return self._modules.items()

    def pop(self, name: str) -> Module:
        """Remove and return a module."""
        module: Module = self[name]
        del self[name]
        return module

    def clear(self) -> None:
        """Remove all modules."""
        for name in list(self):
            del self[name]


def _described(value: Any, kind: str) -> str:
    if not isinstance(value, Tensor):
        return f"Object of type: {type(value).__name__}"
    return f"Parameter containing: [{kind} of size {'x'.join(map(str, value.shape))}]"


class _Parameters(Module):
    """Named values: tensors are parameters, modules are submodules, and anything else is kept as it is."""

    def __init__(self) -> None:
        super().__init__()
        self._names: dict[str, None] = {}  # in the order of insertion
        self._others: dict[str, Any] = {}

    def _put(self, name: str, value: Any) -> None:
        if isinstance(value, Tensor) and not isinstance(value, Parameter):
            value = Parameter(value)
        if name in self._names and type(value) is not type(self._get(name)):
            self._drop(name)
        if isinstance(value, Parameter):
            self.register_parameter(name, value)
        elif isinstance(value, Module):
            self.add_module(name, value)
        else:
            self._others[name] = value
        self._names[name] = None

    def _get(self, name: str) -> Any:
        return next(held[name] for held in (self._parameters, self._modules, self._others) if name in held)

    def _drop(self, name: str) -> None:
        self._forget(name)
        self._others.pop(name, None)

    def __len__(self) -> int:
        return len(self._names)

    def extra_repr(self) -> str:
        values = [(name, self._get(name)) for name in self._names if name not in self._modules]
        return "\n".join(f"  ({name}): {_described(value, self._kind_of(value))}" for name, value in values)

    def _kind_of(self, value: Any) -> str:
        """What the printed form says of a tensor: its dtype in a list, its type in a dictionary, as in PyTorch."""
        return str(getattr(value, "dtype", ""))


class ParameterList(_Parameters):
    """A list of a module's parameters; tensors become parameters, and other values are kept as they are."""

    def __init__(self, values: Iterable[Any] | None = None) -> None:
        super().__init__()
        if values is not None:
            self.extend(values)

    def append(self, value: Any) -> Self:
        """Add a parameter at the end; returns the list."""
        self._put(str(len(self)), value)
        return self

    def extend(self, values: Iterable[Any]) -> Self:
        """Add parameters at the end; returns the list."""
        if isinstance(values, Tensor):
            raise TypeError("ParameterList.extend() takes several tensors; append() adds one")
        for value in values:
            self.append(value)
        return self

    @overload
    def __getitem__(self, index: int) -> Any: ...
    @overload
    def __getitem__(self, index: slice) -> ParameterList: ...
    def __getitem__(self, index: int | slice) -> Any:
        names = list(self._names)[index]
        return ParameterList(map(self._get, names)) if isinstance(names, list) else self._get(names)

    def __setitem__(self, index: int, value: Any) -> None:
        self._put(list(self._names)[index], value)

    def __iadd__(self, values: Iterable[Any]) -> Self:
        return self.extend(values)

    def __iter__(self) -> Iterator[Any]:
        return map(self._get, self._names)


class ParameterDict(_Parameters, MutableMapping[str, Any]):
    """A dictionary of a module's parameters; tensors become parameters, and other values are kept as they are."""

    def __init__(self, parameters: Mapping[str, Any] | Iterable[tuple[str, Any]] | None = None) -> None:
        super().__init__()
        self.update(parameters or {})

    def _kind_of(self, value: Any) -> str:
        return typename(value)

    def __getitem__(self, name: str) -> Any:
        if name not in self._names:
            raise KeyError(name)
        return self._get(name)

    def __setitem__(self, name: str, value: Any) -> None:
        self._put(name, value)

    def __delitem__(self, name: str) -> None:
        del self._names[name]
        self._drop(name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def setdefault(self, name: str, default: Any = None) -> Any:
        """The parameter of this name, created from the default if there is none."""
        if name not in self:
            self[name] = default
        return self[name]

    __hash__, __eq__ = Module.__hash__, Module.__eq__

    def copy(self) -> ParameterDict:
        """A dictionary of the same parameters."""
        return ParameterDict(self)

    def fromkeys(self, keys: Iterable[str], default: Any = None) -> ParameterDict:
        """A new dictionary with the default under every key."""
        return ParameterDict((key, default) for key in keys)

    def __or__(self, other: Mapping[str, Any]) -> ParameterDict:
        return ParameterDict({**self, **other})

    def __ior__(self, other: Mapping[str, Any]) -> Self:
        self.update(other)
        return self
