"""PyTorch's `torch.futures`: values that another thread or a later call provides."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent import futures
from itertools import count
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class Future(Generic[T]):
    """A value that is set once, and what is to be done with it.

    >>> one = Future()
    >>> two = one.then(lambda known: known.value() + 1)
    >>> one.set_result(1)
    >>> two.wait()
    2
    """

    def __init__(self, *, devices: Any = None) -> None:
        self._future: futures.Future[T] = futures.Future()

    def done(self) -> bool:
        """Whether there is a value or an exception."""
        return self._future.done()

    def wait(self) -> T:
        """The value, once it is set; raises the exception that was set in its place."""
        return self._future.result()

    def value(self) -> T:
        """The value, or the exception raised; a RuntimeError if there is neither yet."""
        if not self.done():
            raise RuntimeError("the future has no value yet; wait() waits for it")
        return self.wait()

    def set_result(self, result: T) -> None:
        """Set the value, and call in this thread what is to follow."""
        if self.done():
            raise RuntimeError("a future is set once, and this one is")
        self._future.set_result(result)

    def set_exception(self, result: BaseException) -> None:
        """Set an exception that `wait` raises."""
        self._future.set_exception(result)

    def add_done_callback(self, callback: Callable[[Future[T]], None]) -> None:
        """Call a function with this future once it is done, at once if it is."""
        self._future.add_done_callback(lambda _: callback(self))

    def then(self, callback: Callable[[Future[T]], Any]) -> Future[Any]:
        """A future for what a function of this one gives; the function is called once this one is done."""
        after: Future[Any] = Future()
        self.add_done_callback(lambda known: after._set(lambda: callback(known)))
        return after

    def _set(self, computed: Callable[[], T]) -> None:
        try:
            self.set_result(computed())
        except Exception as error:
            self.set_exception(error)


def collect_all(futures: Iterable[Future[Any]]) -> Future[list[Future[Any]]]:
    """A future for the list of these, done once all of them are; an exception of one is its own too."""
    given, done, found = list(futures), count(1), Future[list[Future[Any]]]()

    def settle(_: Any) -> None:
        if next(done) >= len(given):  # one step, whichever thread it is
            found._set(lambda: wait_all(given) and given)

    for future in given:
        future.add_done_callback(settle)
    if not given:
        found.set_result(given)
    return found


def wait_all(futures: Iterable[Future[Any]]) -> list[Any]:
    """The values of all these, once they are set; raises the first exception."""
    return [future.wait() for future in futures]
