"""Layers that infer their input size from the first input."""

from __future__ import annotations

import inspect
from typing import Any, ClassVar

from autograd_core import Tensor
from autograd_core.random import fork_rng
from nn import init
from nn.hooks import Hook
from nn.layers.convolution import Conv1d, Conv2d, Conv3d
from nn.layers.instance_norm import InstanceNorm1d, InstanceNorm2d, InstanceNorm3d
from nn.layers.linear import Linear
from nn.layers.normalization import BatchNorm1d, BatchNorm2d, BatchNorm3d
from nn.layers.transposed_convolution import ConvTranspose1d, ConvTranspose2d, ConvTranspose3d
from nn.module import Module
from nn.parameter import UNINITIALIZED, is_lazy, materialize
from nn.state import LOAD


class LazyModuleMixin:
    """For modules of a program's own, before `Module` among the bases, whose parameters depend on the first input.

    Create those as `UninitializedParameter`; before the first call, `initialize_parameters` is called with its
    arguments, and has to `materialize` them. Afterwards the module is a `cls_to_become`, if there is one.

    >>> import nn
    >>> class Scale(LazyModuleMixin, nn.Module):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.weight = nn.UninitializedParameter()
    ...
    ...     def initialize_parameters(self, x):
    ...         self.weight.materialize(x.shape[-1:])
    ...         nn.init.ones_(self.weight)
    ...
    ...     def forward(self, x):
    ...         return x * self.weight
    >>> scale = Scale()
    >>> scale(nn.Parameter([[1.0, 2.0]]))
    tensor([[1., 2.]], grad_fn=<multiply>)
    >>> scale.weight.shape
    (2,)
    """

    cls_to_become: ClassVar[type[Module] | None] = None

    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._load_hook = self.register_load_state_dict_pre_hook(_materialized)
        self._initialize_hook = self.register_forward_pre_hook(_initialized, with_kwargs=True)

    def initialize_parameters(self, *args: Any, **kwargs: Any) -> None:
        """Give the parameters elements, for these arguments of `forward`."""
        raise NotImplementedError(f"{type(self).__name__} needs a method initialize_parameters(input)")

    def has_uninitialized_params(self: Any) -> bool:
        """Whether a parameter has no elements yet."""
        return any(map(is_lazy, self._parameters.values()))


def _initialized(module: Any, args: Any, kwargs: Any) -> None:
    """Before the first call."""
    module.initialize_parameters(*args, **kwargs)
    if module.has_uninitialized_params():
        raise RuntimeError(f"{type(module).__name__}.initialize_parameters() has left parameters without elements")
    module._initialize_hook.remove()
    module._load_hook.remove()
    del module._initialize_hook, module._load_hook
    module.__class__ = module.cls_to_become or module.__class__


def _materialized(module: Module, state: dict[str, Any], prefix: str, *_: Any) -> None:
    """Before a load, give parameters the shapes of those that were saved."""
    for name, own in module._parameters.items():
        saved = state.get(prefix + name)
        if own is not None and is_lazy(own) and saved is not None and saved.shape != own.shape:
            materialize(own, saved.shape)


def _from_state(layer: Module, state: dict[str, Any], prefix: str, *_: Any) -> None:
    """Before a load, turn into the layer whose tensors were saved."""
    for name, own in (*layer._parameters.items(), *layer._buffers.items()):
        saved = state.get(prefix + name)
        if not isinstance(layer, _Lazy) or own is None or saved is None:
            continue
        if 0 in own.shape and 0 not in saved.shape:
            axis = own.shape.index(0)
            with fork_rng():  # what is drawn here is overwritten
                layer._become(saved.shape[axis] * (getattr(layer, "groups", 1) if axis else 1))


class _Signature:
    """The signature of a lazy layer: its layer's without the first parameter, or that of a subclass's own constructor.

    Importing makes none.
    """

    def __get__(self, _: Any, owner: Any) -> inspect.Signature:
        first = next(c for c in owner.__mro__ if "__init__" in vars(c))
        whole = inspect.signature(owner.cls_to_become if first.__module__ == __name__ else first.__init__)
        return whole.replace(parameters=[*whole.parameters.values()][1:])


class _Lazy(LazyModuleMixin, Module):
    """Placeholder of the layer that it is derived from.

    axis: the input axis whose length is inferred; counted: the inferred argument.

    Takes the layer's arguments but for the first, and turns into that layer when it is first called or loaded. Until
    then the parameters that depend on the input have no elements; they remain the same objects, so an optimizer can be
    constructed early.
    """

    __signature__ = _Signature()
    axis: int
    counted: ClassVar[str]
    _state_hooks = (Hook(LOAD, _from_state),)

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if "cls_to_become" not in vars(cls):
            layer: Any = next(c for c in cls.__mro__ if not issubclass(c, LazyModuleMixin))
            cls.cls_to_become = layer

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        layer: Any = super(LazyModuleMixin, self)  # which stands behind these classes
        layer.__init__(0, *args, **kwargs)
        self._arguments = args, kwargs
        for p in self.parameters(recurse=False):
            if 0 in p.shape:
                p._role = UNINITIALIZED

    def has_uninitialized_params(self) -> bool:
        """Whether the input size is still unknown."""
        return True

    def reset_parameters(self) -> None:
        """Zeros: random numbers are drawn, as in PyTorch, once the input size is known."""
        for p in self.parameters(recurse=False):
            init.zeros_(p)

    def _become(self, count: int) -> None:
        args, kwargs = self._arguments
        kind: Any = self.cls_to_become
        complete: Module = kind(count, *args, **kwargs)
        for registry in ("_parameters", "_buffers"):
            for name, own in getattr(self, registry).items():
                if own is not None:
                    if registry == "_parameters":
                        own._role = "parameter"
                    own.data = getattr(complete, name).detach().to(device=own.device, dtype=own.dtype)
        setattr(self, self.counted, count)
        del self._arguments
        self.__class__ = kind  # which it was all along, but for the number

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        self._become(_count(self, args[0] if args else next(iter(kwargs.values()))))
        return self(*args, **kwargs)


def _count(layer: _Lazy, input: Tensor) -> int:
    if not -input.ndim <= layer.axis < input.ndim:
        raise RuntimeError(f"{type(layer).__name__} cannot infer its number of inputs from shape {input.shape}")
    return int(input.shape[layer.axis])


class _LazyConv(_Lazy):
    counted = "in_channels"
    axis = property(lambda self: -1 - self.rank)


class _LazyNorm(_Lazy):
    counted, axis = "num_features", 1


class LazyLinear(_Lazy, Linear):
    """`Linear` that infers in_features from its first input."""

    counted, axis = "in_features", -1


class LazyConv1d(_LazyConv, Conv1d):
    """`Conv1d` that infers in_channels from its first input."""


class LazyConv2d(_LazyConv, Conv2d):
    """`Conv2d` that infers in_channels from its first input."""


class LazyConv3d(_LazyConv, Conv3d):
    """`Conv3d` that infers in_channels from its first input."""


class LazyConvTranspose1d(_LazyConv, ConvTranspose1d):
    """`ConvTranspose1d` that infers in_channels from its first input."""


class LazyConvTranspose2d(_LazyConv, ConvTranspose2d):
    """`ConvTranspose2d` that infers in_channels from its first input."""


class LazyConvTranspose3d(_LazyConv, ConvTranspose3d):
    """`ConvTranspose3d` that infers in_channels from its first input."""


class LazyBatchNorm1d(_LazyNorm, BatchNorm1d):
    """`BatchNorm1d` that infers num_features from its first input."""


class LazyBatchNorm2d(_LazyNorm, BatchNorm2d):
    """`BatchNorm2d` that infers num_features from its first input."""


class LazyBatchNorm3d(_LazyNorm, BatchNorm3d):
    """`BatchNorm3d` that infers num_features from its first input."""


class _LazyInstanceNorm(_Lazy):
    counted = "num_features"
    axis = property(lambda self: -self.ndims[0])

    def __init__(
        self,
        eps: float = 1e-5,
        momentum: float = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        # Unlike the layers they turn into, PyTorch's lazy ones have weights and running statistics by default.
        super().__init__(eps, momentum, affine, track_running_stats, device, dtype, bias=bias)


class LazyInstanceNorm1d(_LazyInstanceNorm, InstanceNorm1d):
    """`InstanceNorm1d` that infers num_features from its first input."""


class LazyInstanceNorm2d(_LazyInstanceNorm, InstanceNorm2d):
    """`InstanceNorm2d` that infers num_features from its first input."""


class LazyInstanceNorm3d(_LazyInstanceNorm, InstanceNorm3d):
    """`InstanceNorm3d` that infers num_features from its first input."""
