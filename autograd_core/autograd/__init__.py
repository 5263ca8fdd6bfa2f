"""PyTorch's `torch.autograd`: gradients on request, user-defined functions, hooks into the graph."""

import importlib
from typing import Any

from autograd_core import grad_mode as grad_mode
from autograd_core.autograd import saved_values as saved_values
from autograd_core.autograd.function import Function as Function
from autograd_core.autograd.gradients import backward as backward
from autograd_core.autograd.gradients import grad as grad
from autograd_core.engine.anomaly import detect_anomaly as detect_anomaly
from autograd_core.engine.anomaly import set_detect_anomaly as set_detect_anomaly
from autograd_core.grad_mode import enable_grad as enable_grad
from autograd_core.grad_mode import grad_enabled
from autograd_core.grad_mode import inference_mode as inference_mode
from autograd_core.grad_mode import no_grad as no_grad
from autograd_core.grad_mode import set_grad_enabled as set_grad_enabled

__all__ = [
    "Function", "Variable", "backward", "detect_anomaly", "enable_grad", "grad", "grad_mode", "gradcheck",
    "gradgradcheck", "inference_mode", "no_grad", "set_detect_anomaly", "set_grad_enabled",
]  # fmt: skip
is_grad_enabled = grad_enabled


def __getattr__(name: str) -> Any:
    """Import expensive parts on first use."""
    if name in ("forward_ad", "functional", "graph"):
        return importlib.import_module(f"autograd_core.autograd.{name}")
    if name in ("profiler", "profiler_util"):
        place = {"profiler": "recording", "profiler_util": "events"}[name]
        return importlib.import_module(f"autograd_core.profiler.{place}")
    if name == "Variable":
        return importlib.import_module("autograd_core.compatibility.legacy").Variable
    if name in ("is_multithreading_enabled", "set_multithreading_enabled"):
        return getattr(importlib.import_module("autograd_core.compatibility.switches"), name)
    if name == "anomaly_mode":  # whose contents are here
        return importlib.import_module("autograd_core.autograd")
    if name in ("gradcheck", "gradgradcheck"):
        return getattr(importlib.import_module("autograd_core.testing"), name)
    raise AttributeError(f"module 'autograd_core.autograd' has no attribute {name!r}")
