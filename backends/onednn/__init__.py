"""Kernels of the oneDNN library for float32 arrays of NumPy, some also for 16-bit floats.

Each has the signature of the kernel that it replaces. It returns None if that one should compute instead, because the
library is missing or switched off, for other dtypes or small operands, and raises Unsupported, before it has changed
anything, where the library has no fast implementation for the case or the processor.
"""

from collections.abc import Callable
from importlib import import_module
from types import SimpleNamespace
from typing import Any

from backends.settled import offer, settled

# By module; each is imported with its first kernel, to keep `import autograd_core` fast.
KERNELS = {
    "activations": (
        "elu", "elu_gradient", "erf", "gelu", "gelu_gradient", "gelu_tanh", "gelu_tanh_gradient",
        "hardsigmoid", "hardswish", "hardswish_gradient", "huber", "leaky_gate", "leaky_relu", "mish_gradient",
        "sigmoid", "sigmoid_gradient", "silu", "silu_gradient", "softplus", "softplus_gradient", "tanh",
        "tanh_gradient", "within",
    ),
    "attention": ("attention", "attention_gradients"),
    "channels": ("prelu", "prelu_gradient"),
    "convolution": ("convolve", "convolve_relu", "convolve_onto", "convolve_input", "convolve_weight"),
    "normalization": ("normalize_batch", "batch_gradients", "scale_channels"),
    "group_norm": ("normalize_groups", "group_gradients"),
    "layer_norm": ("normalize_rows", "row_gradients"),
    "pooling": ("max_of_windows", "put_taps", "avg_pool", "avg_pool_input"),
    "products": ("linear", "linear_relu", "total"),
    "softmax": (
        "softmax", "softmax_gradient", "log_softmax", "log_softmax_gradient", "softmax_nll", "softmax_nll_gradient",
        "smoothed_nll", "smoothed_nll_gradient",
    ),
    "recurrent": ("rnn", "rnn_gradients", "lstm", "lstm_gradients", "gru", "gru_gradients"),
    "optimizers": ("adagrad_step", "adam_step", "rmsprop_step", "sgd_step", "steps"),
}  # fmt: skip

# Kernels are not tried if the first operand has fewer elements: up to there NumPy is as fast.
SMALL = dict.fromkeys(KERNELS["activations"], 1 << 14)
SMALL |= dict.fromkeys(("elu", "gelu", "gelu_gradient", "silu_gradient"), 1 << 10)
SMALL |= {"elu_gradient": 1 << 11}
SMALL |= dict.fromkeys(("hardswish_gradient", "mish_gradient", "sigmoid_gradient", "tanh_gradient", "within"), 1 << 12)
SMALL |= dict.fromkeys(("silu", "softplus"), 1 << 13)
SMALL |= dict.fromkeys(("huber", "leaky_gate"), 1 << 15)
SMALL |= dict.fromkeys(("hardsigmoid", "leaky_relu", "tanh"), 1 << 16)
SMALL |= dict.fromkeys(KERNELS["channels"], 1 << 13)
SMALL |= {"softmax": 1 << 12, "softmax_gradient": 1 << 12}
SMALL |= dict.fromkeys(("log_softmax", "log_softmax_gradient", "softmax_nll", "smoothed_nll"), 1 << 15)


class Unsupported(Exception):
    """oneDNN has no kernel for this, or only a reference implementation, which is worse than NumPy's."""

    used = 0  # as of plans, in whose place it is kept


def overlay(kernels: SimpleNamespace) -> None:
    """Put oneDNN's kernels in front of NumPy's."""
    for module, names in KERNELS.items():
        for name in names:
            setattr(kernels, name, _in_front(getattr(kernels, name), module, name))


def deferred(module: str, name: str, plain: Callable[..., Any] | None = None) -> Callable[..., Any]:
    """A kernel of oneDNN, imported on its first call; what it leaves, `plain` computes if given, else it is None."""
    kernel: Callable[..., Any] | None = None

    def call(*arguments: Any, **named: Any) -> Any:
        nonlocal kernel
        if kernel is None:
            kernel = _kernel(module, name)
        try:
            result = kernel(*arguments, **named)
        except Unsupported:
            result = None
        return result if plain is None or result is not None else plain(*arguments, **named)

    def settle(general: Callable[..., Any], *operands: Any) -> Callable[..., Any] | None:
        offered = getattr(_kernel(module, name), "settle", None)
        try:
            return general if offered is None else offered(general, *operands)
        except Unsupported:
            return None

    offer(call, settle)
    return call


def _in_front(plain: Callable[..., Any], module: str, name: str) -> Callable[..., Any]:
    """A kernel of oneDNN in front of `plain`; for small operands only that one."""
    call = deferred(module, name, plain)
    settle_call = call.settle  # type: ignore[attr-defined]

    def of_size(*arguments: Any) -> Any:
        return plain(*arguments) if arguments[0].size < SMALL[name] else call(*arguments)

    def settle(general: Callable[..., Any], *operands: Any) -> Callable[..., Any]:
        found = settle_call(general, *operands) if operands[0].size >= SMALL.get(name, 0) else None
        return settled(plain, *operands) if found is None else found

    kernel = of_size if name in SMALL else call
    offer(kernel, settle)
    return kernel


def _kernel(module: str, name: str) -> Callable[..., Any]:
    return getattr(import_module(f"{__name__}.{module}"), name)
