"""Where the memory of a file's tensors is put: `map_location`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from autograd_core.devices import place
from autograd_core.semantics.storages import Storage
from autograd_core.tensor import wrap

Placing = Callable[[Any, str], Any]  # (the elements of a storage, where it was saved) -> the elements, on their device


def placing(map_location: Any) -> Placing:
    """How elements, which are read on the CPU, are moved, each storage once.

    map_location: a device for all; a dict from the device where something was saved to its new one; or a function of a
    storage and that device, which returns a storage. None, also in their results, is the CPU.
    """
    if map_location is None:
        return lambda elements, saved: elements
    if isinstance(map_location, bytes):
        map_location = map_location.decode()
    if isinstance(map_location, str):
        return lambda elements, saved: _placed(elements, map_location)
    if isinstance(map_location, Mapping):
        return lambda elements, saved: _placed(elements, map_location.get(saved))
    if not callable(map_location):
        raise TypeError(f"map_location is a device, a dict of devices or a function, not {map_location!r}")
    return lambda elements, saved: _chosen(elements, map_location(Storage(wrap(elements)).untyped(), saved))


def _placed(elements: Any, device: str | None) -> Any:
    return elements if device in (None, "cpu") else place(elements, device)


def _chosen(elements: Any, storage: Storage | None) -> Any:
    """The elements in the storage that a function returned."""
    if storage is None:
        return elements
    if not isinstance(storage, Storage):
        raise TypeError(f"map_location must return a storage or None, not {type(storage).__name__}")
    return storage.untyped()._elements.array.view(elements.dtype)
