"""PyTorch's `torch.__config__`: what computes on this machine."""

import numpy as np

import backends
from backends import threads
from backends.onednn import choice


def show() -> str:
    """The libraries in use."""
    kernels = "oneDNN" if choice.active() else "NumPy only"
    return (
        f"autograd_core built with:\n  - NumPy {np.__version__}\n  - CPU kernels: {kernels}\n  - devices: "
        + ", ".join(sorted(backends.available()))
    )


def parallel_info() -> str:
    """The number of threads."""
    return f"ATen/Parallel:\n\tat::get_num_threads() : {threads.get_num_threads()}"
