"""The kernels of this backend that replace generic ones.

Each has the signature of the kernel that it replaces, with the `Gpu` first, and returns None if that one should compute
instead: for other dtypes, for arrays without elements. If its library is missing or it does not compile, this is logged
once and the kernel is not tried again.
"""

import logging
import os
from collections.abc import Callable
from functools import partial
from importlib import import_module
from types import SimpleNamespace
from typing import Any

from backends.cupy_backend.launch import CupyLauncher, Gpu, Unusable
from backends.geometry import Array

logger = logging.getLogger(__name__)

FUNCTIONS = (
    "matmul", "dot", "sum", "max", "min", "concatenate", "stack", "take_along_axis", "remainder", "floor_divide",
    "logaddexp2",
)  # fmt: skip
POINTWISE = (
    "sigmoid", "sigmoid_gradient", "tanh_gradient", "silu", "silu_gradient", "gelu", "gelu_gradient", "gelu_tanh",
    "gelu_tanh_gradient", "gelu_gate", "mish", "mish_gradient", "erf", "erfc",
)  # fmt: skip
STEPS = (
    "sgd_step", "adam_step", "nadam_step", "radam_step", "adamax_step", "lion_step", "adagrad_step", "adadelta_step",
    "rmsprop_step", "rprop_step", "asgd_step",
)  # fmt: skip
SOFTMAX = (
    "softmax", "log_softmax", "softmax_gradient", "log_softmax_gradient", "picked_nll", "softmax_nll",
    "softmax_nll_gradient", "nll_gradient", "smoothed_nll", "smoothed_nll_gradient",
)  # fmt: skip
# By module, imported with its first kernel.
KERNELS = {
    "alignment": ("ctc_arrivals", "ctc_occupations"),
    "attention": ("attention", "attention_gradients"),
    "copying": ("joined", "concatenate", "stack"),
    "convolution": ("convolve", "convolve_input", "convolve_weight"),
    "normalization": ("normalize_batch", "batch_gradients", "scale_channels", "track"),
    "pooling": ("max_of_windows", "take_taps", "put_taps", "avg_pool", "avg_pool_input"),
    "elementwise": ("relu", "rectify", "add", "add_relu", "drop", "gate", "converted", "cast"),
    "fusion": ("fused", *POINTWISE),
    "optimizers": ("steps", "rescale", "norm", "counted", "adjust_scale", *STEPS),
    "indexing": ("add_at", "take_at", "take_along_axis"),
    "products": ("product", "linear", "matmul", "dot"),
    "corrected": ("remainder", "floor_divide", "logaddexp2"),
    "reduction": ("total", "sum_of_squares", "squared_deviations", "sum", "max", "min"),
    "recurrent": ("rnn_state", "rnn_slopes", "lstm_state", "lstm_slopes", "gru_state", "gru_slopes"),
    "rows": ("normalize_rows", "row_gradients", *SOFTMAX, "weighted_nll", "weighted_nll_gradient"),
}
# Operations, and their kernels, that compute 16-bit floats in float32; so must kernels that replace them.
WIDE = frozenset({"attend", "softmax", "log_softmax", "normalize_rows", "picked_nll"})
COMPUTE_WIDE = ("attention", "attention_gradients", "normalize_rows", "row_gradients", *SOFTMAX[:5])
# Modules to disable, separated by commas, or "all": for finding a faulty kernel.
WITHOUT = "AUTOGRAD_CORE_CUDA_WITHOUT"


def overlay(xp: Any, kernels: SimpleNamespace) -> None:
    """Put this backend's kernels in front of the generic ones and of some of CuPy's functions.

    xp: CuPy's functions; those of a stand-in that compiles nothing are left unchanged.
    """
    for name in FUNCTIONS:
        setattr(kernels, name, getattr(xp, name))
    if not hasattr(xp, "RawModule"):
        return
    kernels.matmul = kernels.product = partial(multiplied, xp, xp.matmul)
    gpu = Gpu(xp, CupyLauncher(xp))
    without = os.environ.get(WITHOUT, "").split(",")
    kernels.wide = WIDE
    for name in COMPUTE_WIDE:
        setattr(kernels, name, partial(_in_float32, getattr(kernels, name)))
    for module, names in KERNELS.items():
        if module not in without and "all" not in without:
            for name in names:
                setattr(kernels, name, _InFront(gpu, module, name, getattr(kernels, name) or _declines))


def multiplied(xp: Any, matmul: Callable[..., Array], a: Array, b: Array, **named: Any) -> Array:
    """CuPy's `matmul`, with stacks of bfloat16, which it does not support, in float32."""
    if a.dtype.name == b.dtype.name == "bfloat16" and max(a.ndim, b.ndim) > 2:
        return matmul(a.astype(xp.float32), b.astype(xp.float32), **named).astype(a.dtype)
    return matmul(a, b, **named)


def _in_float32(plain: Callable[..., Any], *arguments: Any) -> Any:
    """The kernel, with 16-bit floats passed as float32; its first result is rounded to their dtype."""
    dtypes = [getattr(a, "dtype", None) for a in arguments]
    narrow = [d is not None and d.name in ("float16", "bfloat16") for d in dtypes]
    result = plain(*[a.astype("float32") if n else a for a, n in zip(arguments, narrow, strict=True)])
    if not narrow[0]:
        return result
    if not isinstance(result, tuple):
        return result.astype(dtypes[0])
    return result[0] if result[0] is None else result[0].astype(dtypes[0]), *result[1:]


class _InFront:
    """A kernel, whose module is imported on its first call, and the one that computes when it returns None."""

    def __init__(self, gpu: Gpu, module: str, name: str, plain: Callable[..., Any]) -> None:
        self.gpu, self.module, self.name, self.plain = gpu, module, name, plain
        self.kernel: Callable[..., Any] | None = None
        self.func = getattr(plain, "func", plain)  # its module tells vmap how the kernel treats another axis

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        try:
            if self.kernel is None:
                self.kernel = getattr(import_module(f"backends.cupy_backend.{self.module}"), self.name)
            result = self.kernel(self.gpu, *arguments, **named)
        except Unusable as error:
            known = str(error) in self.gpu.reasons  # of a library that several kernels use
            self.gpu.reasons.add(str(error))
            level = logging.DEBUG if known else logging.WARNING
            logger.log(level, "CUDA kernel %s is replaced by a slower one: %s", self.name, error)
            self.kernel, result = _declines, None
        return self.plain(*arguments, **named) if result is None else result


def _declines(*arguments: Any, **named: Any) -> None:
    """Stands for a kernel that cannot be used."""
