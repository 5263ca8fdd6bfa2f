"""Explains why CUDA cannot be used on this machine."""

from importlib import import_module
from typing import Any

from backends.protocol import BackendUnavailable

_INSTALL = 'pip install "autograd-core[cuda12]" (or "autograd-core[cuda13]", to match the driver; see nvidia-smi)'


def require() -> Any:
    """The `cupy` module with at least one usable GPU; otherwise BackendUnavailable says what is missing."""
    try:
        cupy = import_module("cupy")
    except ModuleNotFoundError as error:
        if error.name != "cupy":
            raise BackendUnavailable(f"CuPy is installed but incomplete ({error}); reinstall it: {_INSTALL}") from error
        raise BackendUnavailable(f"device 'cuda' needs CuPy, which is not installed: {_INSTALL}") from error
    except ImportError as error:
        raise BackendUnavailable(f"CuPy is installed but does not load ({error}); reinstall it: {_INSTALL}") from error
    try:
        count = cupy.cuda.runtime.getDeviceCount()
    except cupy.cuda.runtime.CUDARuntimeError as error:
        raise BackendUnavailable(f"CuPy {cupy.__version__} is installed but {_why_not(cupy, error)}") from error
    if count == 0:
        raise BackendUnavailable(
            f"CuPy {cupy.__version__} is installed but no GPU is visible; "
            "check nvidia-smi and CUDA_VISIBLE_DEVICES, or use device 'cpu'"
        )
    return cupy


def _why_not(cupy: Any, error: Exception) -> str:
    """Whether the driver is missing, too old, or has no GPU."""
    runtime = cupy.cuda.runtime
    driver, needed = runtime.driverGetVersion(), runtime.runtimeGetVersion()
    if not driver:
        return (
            f"there is no NVIDIA driver ({error}); install it, check that nvidia-smi lists a GPU, or use device 'cpu'"
        )
    if driver < needed:
        return (
            f"the NVIDIA driver is too old: it is for CUDA {_version(driver)}, and CuPy for CUDA {_version(needed)} "
            f"({error}); update the driver, or {_INSTALL}"
        )
    return f"no GPU can be used ({error}); check nvidia-smi and CUDA_VISIBLE_DEVICES, or use device 'cpu'"


def _version(number: int) -> str:
    return f"{number // 1000}.{number % 1000 // 10}"
