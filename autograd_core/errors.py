"""The errors this package raises; each is also the type that PyTorch or NumPy would raise for the same mistake."""

from __future__ import annotations

import numpy as np

from backends import BackendUnavailable as BackendUnavailable


class OperandError(RuntimeError, ValueError):
    """Operands or parameters that do not fit together, such as shapes that do not broadcast."""


class DtypeError(RuntimeError, TypeError):
    """An operation that is not defined for this dtype."""


class PositionError(RuntimeError, IndexError):
    """An index beyond the axis that it points into."""


class AbsentError(AttributeError, NotImplementedError):
    """A function of PyTorch's that is not provided; `hasattr` says no, and the message why."""


class LinAlgError(RuntimeError, np.linalg.LinAlgError):
    """A matrix without the inverse, factor or eigenvalues that were asked for."""


class ComplexError(DtypeError, NotImplementedError):
    """An operation that takes no complex numbers."""


class DeviceError(RuntimeError):
    """Operands on different devices."""


class OutOfMemoryError(RuntimeError, MemoryError):
    """A device has not enough memory left for a result."""


class GraphReleasedError(RuntimeError):
    """A second backward walk through a graph whose saved arrays were released by the first."""


class NoGraphError(RuntimeError):
    """A gradient of something that recorded nothing."""


class InplaceError(RuntimeError):
    """A write that cannot be done in place, or one that destroyed an array kept for backward."""


class HigherOrderError(RuntimeError):
    """A gradient of a gradient through an operation that declares only the first order."""


class AnomalyError(RuntimeError):
    """A NaN or infinity found by `detect_anomaly`."""


class VmapError(RuntimeError):
    """Something that cannot be done for many samples at once, such as Python control flow that depends on values."""


class VmapShapeError(VmapError, NotImplementedError):
    """An operation in vmap whose result has another shape for some samples than for others."""


class CheckpointError(RuntimeError):
    """A function under `checkpoint` that did something else when it was computed again."""
