"""The errors this package raises, each also the type that PyTorch or NumPy would raise for the same mistake."""

from __future__ import annotations

from backends import BackendUnavailable as BackendUnavailable


class OperandError(RuntimeError, ValueError):
    """Operands or parameters that do not fit together, such as shapes that do not broadcast."""


class DtypeError(RuntimeError, TypeError):
    """An operation that is not defined for this dtype."""


class DeviceError(RuntimeError):
    """Operands on different devices."""


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
