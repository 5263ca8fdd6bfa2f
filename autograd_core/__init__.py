"""Reverse-mode automatic differentiation: a `Tensor` records the operations applied to it, `backward` walks them."""

import importlib
import math
import sys
from typing import Any

import numpy as np

from autograd_core import assembly as assembly  # operations first: the modules below build on them
from autograd_core import autograd as autograd
from autograd_core import devices, dtypes, families, public_dtypes
from autograd_core import errors as errors
from autograd_core import fft as fft
from autograd_core import functional as functional
from autograd_core import linalg as linalg
from autograd_core import special as special
from autograd_core.autograd import Function as Function
from autograd_core.autograd import backward as backward
from autograd_core.autograd import detect_anomaly as detect_anomaly
from autograd_core.autograd import enable_grad as enable_grad
from autograd_core.autograd import grad as grad
from autograd_core.autograd import inference_mode as inference_mode
from autograd_core.autograd import is_grad_enabled as is_grad_enabled
from autograd_core.autograd import no_grad as no_grad
from autograd_core.autograd import set_grad_enabled as set_grad_enabled
from autograd_core.compatibility import above
from autograd_core.devices import get_default_device as get_default_device
from autograd_core.devices import set_default_device as set_default_device
from autograd_core.dtypes import can_cast as can_cast
from autograd_core.dtypes import finfo as finfo
from autograd_core.dtypes import set_default_dtype as set_default_dtype
from autograd_core.engine.anomaly import is_anomaly_check_nan_enabled as is_anomaly_check_nan_enabled
from autograd_core.engine.anomaly import is_anomaly_enabled as is_anomaly_enabled
from autograd_core.engine.casting import autocast as autocast
from autograd_core.engine.casting import get_autocast_dtype as get_autocast_dtype
from autograd_core.engine.casting import is_autocast_enabled as is_autocast_enabled
from autograd_core.functional import *  # noqa: F403
from autograd_core.grad_mode import is_inference_mode_enabled as is_inference_mode_enabled
from autograd_core.public_dtypes import *  # noqa: F403
from autograd_core.public_dtypes import complex32
from autograd_core.replay import capture as capture
from autograd_core.semantics.memory_format import Layout as layout
from autograd_core.semantics.memory_format import MemoryFormat as MemoryFormat
from autograd_core.semantics.printing import set_printoptions as set_printoptions
from autograd_core.sizes import Size as Size
from autograd_core.tensor import Tensor as Tensor
from backends.precision import get_float32_matmul_precision as get_float32_matmul_precision
from backends.precision import set_float32_matmul_precision as set_float32_matmul_precision
from backends.threads import get_num_threads as get_num_threads
from backends.threads import set_num_threads as set_num_threads

inf, nan, pi, e, newaxis = math.inf, math.nan, math.pi, math.e, None
chalf = complex32
bool, int, float = public_dtypes.bool_, public_dtypes.int_, public_dtypes.float_
device = devices.Device
dtype = public_dtypes.Dtype
iinfo = np.iinfo
memory_format = MemoryFormat
contiguous_format, preserve_format = MemoryFormat.contiguous_format, MemoryFormat.preserve_format
strided, sparse_coo, sparse_csr, jagged = layout.strided, layout.sparse_coo, layout.sparse_csr, layout.jagged
sparse_csc, sparse_bsr, sparse_bsc = layout.sparse_csc, layout.sparse_bsr, layout.sparse_bsc
channels_last, channels_last_3d = MemoryFormat.channels_last, MemoryFormat.channels_last_3d

# Imported when first used: modules, and names of other modules.
_MODULES = (
    "amp", "batching", "cuda", "distributions", "func", "masked", "profiler", "quasirandom", "sparse", "testing",
    "trees", "utils",
)  # fmt: skip
_LEGACY = """
    BFloat16Tensor BoolTensor ByteTensor CharTensor DoubleTensor FloatTensor HalfTensor IntTensor LongTensor ShortTensor
    clear_autocast_cache default_generator get_autocast_cpu_dtype get_autocast_gpu_dtype
    is_autocast_cache_enabled is_autocast_cpu_enabled set_default_tensor_type sym_float sym_int sym_ite sym_max sym_min
    sym_not sym_sum typename"""
_SWITCHES = """
    are_deterministic_algorithms_enabled compile get_deterministic_debug_mode get_num_interop_threads
    is_deterministic_algorithms_warn_only_enabled is_warn_always_enabled set_deterministic_debug_mode set_flush_denormal
    set_num_interop_threads set_warn_always use_deterministic_algorithms"""
_UNINHABITED = "DeviceObjType SymBool SymFloat SymInt float8_e4m3fn float8_e4m3fnuz float8_e5m2 float8_e5m2fnuz"
_CHECKS = """
    _check _check_index _check_is_size _check_not_implemented _check_tensor_all _check_tensor_all_with _check_type
    _check_value _check_with"""
_PLACES = {
    "vmap": "batching",
    "config": "configuration",
    "draw": "drawing",
    "GradScaler": "amp",
    "OutOfMemoryError": "errors",
    **dict.fromkeys(("_sample_dirichlet", "_standard_gamma"), "distributions.gamma_draws"),
    "_convert_indices_from_coo_to_csr": "ops.sparse.making",
    "_assert": "compatibility.jit",
    "_assert_async": "compatibility.jit",
    "checkpoint": "autograd.recomputation",
    **dict.fromkeys(("Event", "Stream", "get_device_module"), "compatibility.accelerator"),
    **dict.fromkeys(_CHECKS.split(), "compatibility.checks"),
    **dict.fromkeys(_LEGACY.split(), "compatibility.legacy"),
    **dict.fromkeys(_SWITCHES.split(), "compatibility.switches"),
    **dict.fromkeys(_UNINHABITED.split(), "compatibility.uninhabited"),
}


def _exported() -> list[str]:
    """What `from autograd_core import *` gives: everything but modules."""
    own = [name for name, value in globals().items() if name[0] != "_" and not isinstance(value, type(math))]
    elsewhere = [*_PLACES, *(name for name, place in above.PLACES.items() if ":" in place and "." not in name)]
    named = {*families.names(""), "bfloat16", *own, *elsewhere}
    return sorted(name for name in named if name[0] != "_" and name not in ("Any", "config"))


def __dir__() -> list[str]:
    upper = {name for name in above.PLACES if "." not in name}
    return sorted({*globals(), *families.names(""), *_MODULES, *_PLACES, *upper, "bfloat16"})


def __getattr__(name: str) -> Any:  # noqa: PLR0911  a return per place where a name can come from
    if name == "__all__":
        return _exported()
    if name == "bfloat16":  # imports ml_dtypes
        return public_dtypes.OF[dtypes.bfloat16()]
    if name == "__version__":  # a program that calls this package torch expects PyTorch's version
        return above.find("version").__version__ if sys.modules.get("torch") is sys.modules[__name__] else "0.1.0"
    if name == "torch" and sys.modules.get(name) is sys.modules[__name__]:  # PyTorch's module has itself
        return sys.modules[name]
    if name == "default_generator":
        return importlib.import_module("autograd_core.random").generator_of("cpu")
    if name in above.PLACES:
        return _kept(name, above.find(name))
    if name in _MODULES:
        return importlib.import_module(f"autograd_core.{name}")
    if name in _PLACES:
        return getattr(importlib.import_module(f"autograd_core.{_PLACES[name]}"), name)
    if name.startswith("_foreach_"):
        return importlib.import_module("autograd_core.compatibility.lists").each(name)
    return _kept(name, families.attribute("", name))


def _kept(name: str, value: Any) -> Any:
    """The value, which is from now on found without a search."""
    globals()[name] = value
    return value
