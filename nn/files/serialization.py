"""`save` and `load` of tensors, states, numbers and strings in PyTorch's format."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from nn.files import load as load_file
from nn.files import write
from nn.files.pytorch_reader import LISTED, unlisted
from nn.files.pytorch_writer import written

DEFAULT_PROTOCOL = 2  # of the pickle in a file
MAP_LOCATION = Any  # the type of a device to load to, which libraries annotate with


def save(
    obj: Any,
    f: str | os.PathLike[str] | BinaryIO,
    pickle_module: Any = None,
    pickle_protocol: int = DEFAULT_PROTOCOL,
    _use_new_zipfile_serialization: bool = True,
) -> None:
    """Write tensors, numbers, strings, and lists, tuples and dicts of them, for `load` and for PyTorch.

    Other objects, such as whole modules, are written as by pickle, for `load(weights_only=False)`. Tensors that share
    memory do so again when loaded. A file given by path is replaced atomically.
    """
    write(written(obj), f)


def load(
    f: str | os.PathLike[str] | BinaryIO,
    map_location: MAP_LOCATION = None,
    pickle_module: Any = None,
    *,
    weights_only: bool = True,
    mmap: bool | None = None,
    encoding: str = "utf-8",
) -> Any:
    """Load a file of `save` or `torch.save`.

    map_location: the device of the tensors, by default the CPU; a dict from the devices where they were saved to those
    where they belong; or a function of a storage and the device where it was saved, which returns a storage.

    Nothing in the file is executed, unless weights_only=False says that it is trusted: it may then name anything that
    can be imported, as the file of a whole model does. encoding: that of strings that Python 2 wrote.
    """
    return load_file(f, not weights_only, encoding, map_location)


def get_unsafe_globals_in_checkpoint(f: str | os.PathLike[str] | BinaryIO) -> list[str]:
    """What a file names that is not listed: it can only be loaded with weights_only=False."""
    if isinstance(f, (str, os.PathLike)):
        with Path(f).open("rb") as file:
            return get_unsafe_globals_in_checkpoint(file)
    return unlisted(f)


def add_safe_globals(safe_globals: Sequence[Any]) -> None:
    """List classes and functions that files may name, and so call, without weights_only=False."""
    LISTED.extend(found for found in safe_globals if found not in LISTED)


def get_safe_globals() -> list[Any]:
    """What `add_safe_globals` has listed."""
    return list(LISTED)


def clear_safe_globals() -> None:
    """Empty the list."""
    LISTED.clear()


@contextmanager
def safe_globals(safe_globals: Sequence[Any]) -> Iterator[None]:
    """A block with further entries in the list."""
    before = get_safe_globals()
    add_safe_globals(safe_globals)
    try:
        yield
    finally:
        LISTED[:] = before
