"""The CUDA backend, by CuPy; imported on first use."""

from backends.cupy_backend.backend import CupyBackend
from backends.cupy_backend.diagnosis import require
from backends.protocol import Backend

__all__ = ["CupyBackend", "load"]


def load() -> Backend:
    """The backend; BackendUnavailable with the remedy if CuPy, the driver or a GPU is missing."""
    return CupyBackend(require())
