"""The errors this package raises, each also of the type that PyTorch or NumPy would raise, and its warnings."""

from __future__ import annotations

import sys
import warnings
from typing import Any

import numpy as np

from backends import BackendUnavailable as BackendUnavailable


class OperandError(RuntimeError, ValueError):
    """Operands or parameters are incompatible, such as shapes that do not broadcast."""


class DtypeError(RuntimeError, TypeError):
    """An operation is not defined for this dtype."""


class PositionError(RuntimeError, IndexError):
    """An index is out of range for its axis."""


class LengthError(ValueError, AssertionError):
    """Data sets, or the tensors of one, do not have the lengths that are needed."""


class AbsentError(AttributeError, NotImplementedError):
    """A function of PyTorch does not exist here; `hasattr` returns False, and the message gives the reason."""


class LinAlgError(RuntimeError, np.linalg.LinAlgError):
    """A matrix has no inverse, factorization or eigenvalues."""


class ComplexError(DtypeError, NotImplementedError):
    """An operation does not accept complex numbers."""


class DeviceError(RuntimeError):
    """Operands are on different devices."""


class OutOfMemoryError(RuntimeError, MemoryError):
    """A device has not enough free memory for a result."""


class GraphReleasedError(RuntimeError):
    """A backward walk needs saved arrays that an earlier walk released."""


class NoGraphError(RuntimeError):
    """A gradient was requested of a tensor that recorded nothing."""


class InplaceError(RuntimeError):
    """A write is impossible in place, or destroyed an array saved for backward."""


class HigherOrderError(RuntimeError):
    """A higher derivative was requested through an operation that supports only the first."""


class AnomalyError(RuntimeError):
    """`detect_anomaly` found NaN or infinity."""


class VmapError(RuntimeError):
    """Something is impossible inside `vmap`, such as Python control flow that depends on values."""


class VmapShapeError(VmapError, NotImplementedError):
    """The results of an operation inside `vmap` have different shapes for different samples."""


class CheckpointError(RuntimeError):
    """A function under `checkpoint` did not repeat its first call when it was recomputed."""


class TracingError(RuntimeError):
    """A computation depends on values of its input in a way that a trace cannot hold."""


PACKAGES = {"autograd_core", "backends", "nn", "optim", "training"}


def users_frame(frame: Any) -> tuple[Any, int]:
    """The innermost frame, from this one on, that is not part of these packages, and how many frames lie before it."""
    level = 0
    while frame.f_back is not None and frame.f_globals.get("__name__", "").partition(".")[0] in PACKAGES:
        frame, level = frame.f_back, level + 1
    return frame, level


def warn(text: str, category: type[Warning] = UserWarning) -> None:
    """Give a warning, at the line of the program."""
    warnings.warn(text, category, stacklevel=users_frame(sys._getframe())[1] + 1)
