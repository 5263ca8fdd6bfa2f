"""Kernels of the oneDNN library for float32 arrays of NumPy.

Each has the signature of the kernel in whose place it computes, and returns None where that one had better: where the
library is not there or not wanted, for other dtypes, for what is too small or has no fast implementation.
"""

from collections.abc import Callable
from importlib import import_module
from types import SimpleNamespace
from typing import Any

# By module, imported together with its first kernel: `import autograd_core` does not pay for them.
KERNELS = {
    "activations": (
        "bounded", "elu", "elu_gradient", "gelu", "gelu_gradient", "gelu_tanh", "gelu_tanh_gradient", "hardsigmoid",
        "hardswish", "hardswish_gradient", "leaky_gate", "leaky_relu", "mish_gradient", "sigmoid", "sigmoid_gradient",
        "silu", "silu_gradient", "softplus", "softplus_gradient", "tanh", "tanh_gradient", "within",
    ),
    "attention": ("attention", "attention_gradients"),
    "convolution": ("convolve", "convolve_relu", "convolve_input", "convolve_weight"),
    "normalization": ("normalize_batch", "batch_gradients", "scale_channels"),
    "layer_norm": ("normalize_rows", "row_gradients"),
    "pooling": ("max_of_windows", "put_taps", "avg_pool", "avg_pool_input"),
    "products": ("linear", "linear_relu", "total"),
    "softmax": (
        "softmax", "softmax_gradient", "log_softmax", "log_softmax_gradient", "softmax_nll", "softmax_nll_gradient",
    ),
    "recurrent": ("rnn", "rnn_gradients", "lstm", "lstm_gradients", "gru", "gru_gradients"),
    "optimizers": ("adagrad_step", "adam_step", "rmsprop_step", "sgd_step"),
}  # fmt: skip

# Elements of the first operand below which a kernel is not asked: those with few passes by NumPy are as fast there.
SMALL = dict.fromkeys(KERNELS["activations"], 1 << 14) | dict.fromkeys(
    ("bounded", "hardsigmoid", "leaky_gate", "leaky_relu", "sigmoid", "sigmoid_gradient", "softplus", "tanh", "within"),
    1 << 16,
)


def overlay(kernels: SimpleNamespace) -> None:
    """Put oneDNN's kernels in front of NumPy's."""
    for module, names in KERNELS.items():
        for name in names:
            setattr(kernels, name, _in_front(getattr(kernels, name), module, name))


def deferred(module: str, name: str) -> Callable[..., Any]:
    """A kernel whose module is imported by its first call."""
    kernel: Callable[..., Any] | None = None

    def call(*arguments: Any) -> Any:
        nonlocal kernel
        if kernel is None:
            kernel = _kernel(module, name)
        return kernel(*arguments)

    return call


def _in_front(plain: Callable[..., Any], module: str, name: str) -> Callable[..., Any]:
    """A kernel of oneDNN, imported by its first call, and `plain` where it returns None."""
    kernel: Callable[..., Any] | None = None

    def call(*arguments: Any, **named: Any) -> Any:
        nonlocal kernel
        if kernel is None:
            kernel = _kernel(module, name)
        result = kernel(*arguments, **named)
        return plain(*arguments, **named) if result is None else result

    def of_size(*arguments: Any) -> Any:
        return plain(*arguments) if arguments[0].size < SMALL[name] else call(*arguments)

    return of_size if name in SMALL else call


def _kernel(module: str, name: str) -> Callable[..., Any]:
    kernel: Callable[..., Any] = getattr(import_module(f"{__name__}.{module}"), name)
    return kernel
