"""Gradients on request: the names that PyTorch keeps in `torch.autograd`."""

from autograd_core.anomaly import detect_anomaly
from autograd_core.engine import backward, grad
from autograd_core.function import Function
from autograd_core.tensor import enable_grad, grad_enabled, inference_mode, no_grad, set_grad_enabled

is_grad_enabled = grad_enabled

__all__ = [
    "Function",
    "backward",
    "detect_anomaly",
    "enable_grad",
    "grad",
    "inference_mode",
    "is_grad_enabled",
    "no_grad",
    "set_grad_enabled",
]
