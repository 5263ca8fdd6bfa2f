"""Arrays and kernels for each kind of device, behind one protocol. Knows nothing about gradients."""

from backends.protocol import Backend, BackendUnavailable
from backends.registry import available, get, known, register

__all__ = ["Backend", "BackendUnavailable", "available", "get", "known", "register"]
