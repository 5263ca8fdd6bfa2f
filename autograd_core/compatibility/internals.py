"""What libraries ask of PyTorch's compiled part, `torch._C`, when they are imported."""

import enum
import sys
from typing import Any

from autograd_core.batching.levels import active
from autograd_core.compatibility.named import Value as Value
from autograd_core.devices import Device, destination
from autograd_core.dtypes import as_dtype
from autograd_core.engine.libraries import depth_of
from autograd_core.engine.overriding import DisableTorchFunction as DisableTorchFunction
from autograd_core.engine.overriding import DisableTorchFunctionSubclass as DisableTorchFunctionSubclass
from autograd_core.engine.overriding import no_override as _disabled_torch_function_impl  # noqa: F401  libraries use it
from autograd_core.errors import LinAlgError as _LinAlgError  # noqa: F401  libraries catch it
from autograd_core.public_dtypes import OF

_nn = _functorch = sys.modules[__name__]


class DispatchKey(enum.Flag):
    """Names of groups of kernels, which can be joined by `|`. Nothing is looked up by them."""

    AutocastCPU, AutocastCUDA, AutocastXPU = 1, 2, 4


DispatchKeySet = DispatchKey
_TensorMeta = type  # the class of the class of tensors


def _get_tracing_state() -> None:
    """None: nothing is traced."""


def _is_tracing() -> bool:
    """False: nothing is traced."""
    return False


def _are_functorch_transforms_active() -> bool:
    """Whether `vmap` is calling a function; other transforms call theirs with plain tensors."""
    return bool(active())


def is_batchedtensor(tensor: Any) -> bool:
    """Whether a tensor is a sample of a batch, inside `vmap`."""
    return depth_of(tensor.array) > 0


def is_legacy_batchedtensor(tensor: Any) -> bool:
    """False: there is one kind of batches."""
    return False


def _log_api_usage_once(*event: Any) -> None:
    """Report what is used: to nobody."""


def _jit_set_profiling_executor(profile: bool) -> bool:
    """Whether TorchScript would profile what it runs: no, and nothing can make it."""
    return False


_jit_set_profiling_mode = _jit_set_profiling_executor


def _parse_to(
    *args: Any, device: Any = None, dtype: Any = None, non_blocking: bool = False, copy: bool = False,
    memory_format: Any = None,
) -> tuple[Any, Any, bool, Any]:  # fmt: skip
    """What the arguments of `Module.to` say: device, dtype, whether the copy may be in progress, memory format."""
    device, dtype = destination(args, device, dtype)
    waiting = next((not a for a in args if isinstance(a, bool)), not non_blocking)
    kind = None if dtype is None else OF[as_dtype(dtype)]
    return None if device is None else Device(device), kind, not waiting, memory_format
