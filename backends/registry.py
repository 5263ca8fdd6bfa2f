"""The backends by name; each is imported on first use."""

from collections.abc import Callable
from importlib import import_module
from typing import cast

from backends.protocol import Backend, BackendUnavailable

Loader = Callable[[], Backend]


def _module(name: str) -> Loader:
    return lambda: cast(Backend, import_module(name).load())


_loaders: dict[str, Loader] = {
    "cpu": _module("backends.numpy_backend"),
    "cuda": _module("backends.cupy_backend"),
    "meta": _module("backends.meta_backend"),
}
_loaded: dict[str, Backend] = {}


def get(device_type: str) -> Backend:
    """The backend of a device type such as "cpu" or "cuda".

    Raises BackendUnavailable with the remedy if it cannot run here, ValueError if there is none of that name.
    """
    backend = _loaded.get(device_type)
    if backend is None:
        check_known(device_type)
        backend = _loaded[device_type] = _loaders[device_type]()
    return backend


def known() -> list[str]:
    """Names of the backends, whether or not they can run here."""
    return list(_loaders)


def check_known(device_type: str) -> None:
    """Raise ValueError if no backend has this name, whether or not it can run here."""
    if device_type not in _loaders:
        names = ", ".join(repr(name) for name in sorted(_loaders))
        raise ValueError(f"unknown device type {device_type!r}; known are {names}")


def available() -> list[str]:
    """Names of the backends that can run here."""

    def runs(name: str) -> bool:
        try:
            get(name)
        except BackendUnavailable:
            return False
        return True

    return [name for name in _loaders if runs(name)]


def register(name: str, loader: Loader) -> None:
    """Add the backend that `loader` makes under a device type, in place of any earlier one of that name."""
    _loaders[name] = loader
    _loaded.pop(name, None)
