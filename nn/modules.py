"""PyTorch's `torch.nn.modules` and all its parts: everything in `nn`, and the base classes under PyTorch's names."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Any

import nn
from autograd_core.compatibility import importing
from autograd_core.compatibility.named import CrossMapLRN2d as CrossMapLRN2d
from nn.hooks import register_module_backward_hook as register_module_backward_hook
from nn.hooks import register_module_buffer_registration_hook as register_module_buffer_registration_hook
from nn.hooks import register_module_forward_hook as register_module_forward_hook
from nn.hooks import register_module_forward_pre_hook as register_module_forward_pre_hook
from nn.hooks import register_module_full_backward_hook as register_module_full_backward_hook
from nn.hooks import register_module_full_backward_pre_hook as register_module_full_backward_pre_hook
from nn.hooks import register_module_module_registration_hook as register_module_module_registration_hook
from nn.hooks import register_module_parameter_registration_hook as register_module_parameter_registration_hook
from nn.layers.convolution import _Conv as _ConvNd  # noqa: F401
from nn.layers.dropout import _Dropout as _DropoutNd  # noqa: F401
from nn.layers.instance_norm import _InstanceNorm as _InstanceNorm
from nn.layers.lazy import LazyModuleMixin as LazyModuleMixin
from nn.layers.linear import Linear as NonDynamicallyQuantizableLinear  # noqa: F401
from nn.layers.normalization import _BatchNorm as _BatchNorm
from nn.layers.normalization import _NormBase as _NormBase
from nn.layers.transformer import _activation as _get_activation_fn  # noqa: F401
from nn.loading import IncompatibleKeys as _IncompatibleKeys  # noqa: F401
from nn.losses.loss import Loss as _Loss  # noqa: F401
from nn.losses.loss import WeightedLoss as _WeightedLoss  # noqa: F401
from nn.state import EXTRA as _EXTRA_STATE_KEY_SUFFIX  # noqa: F401


def _repeated(rank: int, value: Any) -> tuple[Any, ...]:
    """A number `rank` times; what is iterable as a tuple, of any length."""
    return tuple(value) if isinstance(value, Iterable) else (value,) * rank


def _ntuple(rank: int, name: str = "") -> partial[tuple[Any, ...]]:
    return partial(_repeated, rank)


_single, _pair, _triple, _quadruple = map(_ntuple, range(1, 5))


def consume_prefix_in_state_dict_if_present(state_dict: dict[str, Any], prefix: str) -> None:
    """Remove a prefix from the keys, in place: "module." from those of a model trained in parallel."""
    for entries, end in ((state_dict, ""), (getattr(state_dict, "_metadata", {}), ".")):
        for key in list(entries):
            if (key + end).startswith(prefix):
                entries[key[len(prefix) :]] = entries.pop(key)


def __getattr__(name: str) -> Any:
    """A part, such as `batchnorm`, which is this module again, or what `nn` has."""
    return importing.part(f"nn.modules.{name}") or getattr(nn, name)
