"""Why CUDA cannot be used here, in words."""

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
        raise BackendUnavailable(
            f"CuPy {cupy.__version__} is installed but no NVIDIA driver or GPU can be used ({error}); "
            "install or update the driver, check that nvidia-smi lists a GPU, or use device 'cpu'"
        ) from error
    if count == 0:
        raise BackendUnavailable(
            f"CuPy {cupy.__version__} is installed but no GPU is visible; "
            "check nvidia-smi and CUDA_VISIBLE_DEVICES, or use device 'cpu'"
        )
    return cupy
