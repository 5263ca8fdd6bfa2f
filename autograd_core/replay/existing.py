"""The tensors that exist in the process, as the garbage collector knows them."""

import gc
import weakref
from collections.abc import Iterator
from contextlib import contextmanager

from autograd_core.tensor import Tensor


@contextmanager
def new_objects_apart() -> Iterator[None]:
    """With what exists now frozen, so that tensors made inside are found fast; not if a program has frozen objects,
    which could not be told apart afterwards.
    """
    alone = not gc.get_freeze_count()
    if alone:
        gc.freeze()
    try:
        yield
    finally:
        if alone:
            gc.unfreeze()


class _Frozen:
    """The tensors among what a program has frozen (`gc.freeze`), since Python lists none of that."""

    count = 0
    tensors: tuple[weakref.ref[Tensor], ...] = ()

    def look(self) -> None:
        """Look at it anew if there is more of it than before."""
        if gc.get_freeze_count() > self.count:
            gc.collect()  # what is frozen now is never collected
            gc.unfreeze()
            self.tensors = tuple(map(weakref.ref, unfrozen_tensors()))
            gc.freeze()
        self.count = gc.get_freeze_count()
        self.tensors = self.tensors if self.count else ()


_frozen = _Frozen()


def tensors() -> list[Tensor]:
    """All tensors of the process, but for those that another thread is about to make."""
    _frozen.look()
    return [*unfrozen_tensors(), *[t for ref in _frozen.tensors if (t := ref()) is not None]]


def unfrozen_tensors() -> list[Tensor]:
    """Those that a program has not frozen."""
    referrers = gc.get_referrers(*_subclasses(Tensor))  # instances are among them: a quarter of the time of all objects
    found = [o for o in referrers if issubclass(type(o), Tensor)]
    del referrers
    return [t for t in found if hasattr(t, "array") and hasattr(t, "_grad") and hasattr(t, "node")]


def _subclasses(of: type) -> Iterator[type]:
    yield of
    subclasses: list[type] = of.__subclasses__()
    for subclass in subclasses:
        yield from _subclasses(subclass)
