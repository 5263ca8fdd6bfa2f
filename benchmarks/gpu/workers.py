"""Work in separate processes: one that dies, hangs or breaks its GPU context loses only its own answer.

After an illegal access, every CUDA call of the process fails, so the process must be replaced. Work that CUDA fails is
repeated once in a process that waits for every kernel and so can tell which one failed. Warnings, such as of a kernel
that does not compile and is replaced by a slower one, come back with the answers.
"""

import faulthandler
import logging
import multiprocessing
import os
import re
import sys
import threading
import traceback
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, Queue
from tempfile import TemporaryDirectory
from time import monotonic, sleep
from typing import Any

Item = tuple[Any, ...]
Ask = Callable[..., Iterator[tuple[Item, Any]]]  # as `here`, or `side_by_side` of certain processes
Ends = Callable[[Item], float]  # when there is no time left for an item, on the monotonic clock
Warned = dict[str, str]  # messages, each with the work in which it came first
WAITING = {"CUDA_LAUNCH_BLOCKING": "1"}
GRACE = 10.0  # seconds beyond its limit after which a process that cannot end itself is killed
START = 300.0  # seconds for a process to begin an item, beginning itself if it is new
LEAST = 10.0  # seconds that an item gets which begins shortly before its end
LATE = object()  # the answer of work that was not begun in time


@dataclass(frozen=True)
class Failure:
    """Why there is no answer, in a line, and where; `crashed` if the process died."""

    reason: str
    trace: str
    crashed: bool = False


class _Warnings(logging.Handler):
    """What the project warns of, since this was last taken: slower kernels, steps that are not captured."""

    LOGGERS = "backends", "autograd_core"

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.messages: list[str] = []
        for name in self.LOGGERS:
            logging.getLogger(name).addHandler(self)

    def end(self) -> None:
        for name in self.LOGGERS:
            logging.getLogger(name).removeHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append(record.getMessage())

    def taken(self) -> list[str]:
        messages, self.messages = self.messages, []
        return messages


def here(
    work: Callable[..., Any],
    items: Iterable[Item],
    variables: Mapping[str, str] | None = None,
    ends: Ends | None = None,
    *,
    end: float = float("inf"),
    warned: Warned | None = None,
) -> Iterator[tuple[Item, Any]]:
    """work(*item) for every item, in this process: an answer, a Failure if it raises, or LATE.

    variables: of the environment; this process has its own already, so with any there are no answers. end: the time
    to stop, on the monotonic clock. warned: receives warnings.
    """
    handler = _Warnings()
    try:
        for item in items if not variables else ():
            answer = LATE if _left(item, ends) <= 0 else _answer(work, item)
            _note(warned, item, handler.taken())
            yield item, answer
            if monotonic() > end:
                return
    finally:
        handler.end()


def _left(item: Item, ends: Ends | None) -> float:
    """The seconds that are left for an item."""
    return float("inf") if ends is None else ends(item) - monotonic()


def _note(warned: Warned | None, item: Item, messages: Iterable[str]) -> None:
    for message in messages:
        if warned is not None and message not in warned:
            warned[message] = ", ".join(map(str, item))
            print(f"{warned[message]}: {message}", file=sys.stderr, flush=True)


def side_by_side(
    work: Callable[..., Any],
    items: Iterable[Item],
    variables: Mapping[str, str] | None = None,
    ends: Ends | None = None,
    *,
    processes: int,
    limit: float,
    end: float = float("inf"),
    warned: Warned | None = None,
) -> Iterator[tuple[Item, Any]]:
    """The same with several processes, in the order in which answers arrive.

    limit: seconds for an item. What is not done at the end, and was begun long before, is a Failure.
    """
    todo, done = deque(items), Queue[tuple[Item, Any, list[str]]]()
    crew = _Crew(work, dict(variables or {}), limit, ends)
    left = len(todo)
    with TemporaryDirectory() as folder:
        threads = [
            threading.Thread(target=crew.serve, args=(todo, done, Path(folder)), daemon=True)
            for _ in range(min(processes, left))
        ]
        for thread in threads:
            thread.start()
        try:
            for _ in range(left):
                item, answer, messages = done.get(timeout=max(0.0, min(end - monotonic(), threading.TIMEOUT_MAX)))
                _note(warned, item, messages)
                yield item, answer
        except Empty:
            todo.clear()
            yield from crew.unfinished()
        finally:
            todo.clear()
            crew.end(threads)


class _Crew:
    """Threads that each have a process do items, and replace it if it is lost."""

    def __init__(self, work: Callable[..., Any], variables: dict[str, str], limit: float, ends: Ends | None) -> None:
        self.work, self.variables, self.limit, self.ends = work, variables, limit, ends
        self.live, self.over = set[_Process](), threading.Event()
        self.begun: dict[int, tuple[Item, float]] = {}  # by thread, with the time

    def serve(self, todo: deque[Item], done: "Queue[tuple[Item, Any, list[str]]]", folder: Path) -> None:
        """Do items as long as there are any."""
        process = None
        while True:
            try:
                item = todo.popleft()
            except IndexError:
                return
            messages: list[str] = []
            self.begun[threading.get_ident()] = item, monotonic()
            try:
                answer, process = self._answered(item, process, folder, messages)
            except Exception as error:  # no process starts, or its answer cannot be read: whatever that says
                answer, process = _failure(error), None
            del self.begun[threading.get_ident()]
            done.put((item, answer, messages))

    def unfinished(self) -> Iterator[tuple[Item, Failure]]:
        """What has been under way for long."""
        for item, since in tuple(self.begun.values()):
            spent = monotonic() - since
            if spent > LEAST:
                yield item, Failure(f"was not done after {spent:.0f} s, when the time was up", "")

    def _answered(
        self, item: Item, process: "_Process | None", folder: Path, messages: list[str]
    ) -> tuple[Any, "_Process | None"]:
        """The answer, and the process for the next item if there is one."""
        if _left(item, self.ends) <= 0:
            return LATE, process
        process = process or _Process(self.work, folder, self.live, self.variables)
        answer = self._done(process, item, messages)
        if not isinstance(answer, Failure) or not _may_be_the_gpu(answer) or self.over.is_set():
            return answer, process
        process.end()
        if _left(item, self.ends) <= 0:
            return answer, None
        again = _Process(self.work, folder, self.live, self.variables | WAITING)
        answer = _compared(answer, self._done(again, item, messages))
        again.end()
        return answer, None

    def _done(self, process: "_Process", item: Item, messages: list[str]) -> Any:
        return process.ask(item, min(self.limit, max(LEAST, _left(item, self.ends))), messages)

    def end(self, threads: Sequence[threading.Thread]) -> None:
        """End all processes, and so the threads; one that the system cannot end is left behind."""
        self.over.set()
        until = monotonic() + GRACE
        while any(thread.is_alive() for thread in threads) and monotonic() < until:
            self._end_processes()
            sleep(0.01)
        self._end_processes()

    def _end_processes(self) -> None:
        for process in tuple(self.live):
            process.end()


def _may_be_the_gpu(failure: Failure) -> bool:
    """Whether the process may be lost: not if Python itself raised."""
    return failure.crashed or re.search("cu(da|dnn|blas|fft|solver|rand)", failure.reason, re.IGNORECASE) is not None


def _compared(first: Failure, second: Any) -> Failure:
    """The second failure of the same work, if it failed where every kernel is waited for."""
    if isinstance(second, Failure):
        return Failure(second.reason, second.trace, first.crashed or second.crashed)
    return Failure(f"{first.reason} (not where every kernel is waited for)", first.trace, first.crashed)


class _Process:
    """A process that answers items one after the other; `live` holds those that have not ended."""

    def __init__(
        self, work: Callable[..., Any], folder: Path, live: set["_Process"], variables: dict[str, str]
    ) -> None:
        context = multiprocessing.get_context("spawn")
        self.trace, self.live = folder / f"{id(self)}-{monotonic()}", live
        self.connection, there = context.Pipe()
        self.process = context.Process(target=_serve, args=(there, work, self.trace, variables), daemon=True)
        self.process.start()
        there.close()
        live.add(self)

    def ask(self, item: Item, limit: float, messages: list[str]) -> Any:
        """The answer, or a Failure; warnings are added to the messages."""
        with suppress(EOFError, OSError):
            self.connection.send((item, limit))
            if self.connection.poll(START) and self.connection.recv() and self.connection.poll(limit + GRACE):
                answer, warnings = self.connection.recv()
                messages += warnings
                return answer
        self.process.join(1)
        trace = self.trace.read_text() if self.trace.exists() else ""
        return Failure(trace.partition("\n")[0] or f"the process ended with {self.process.exitcode}", trace, True)

    def end(self) -> None:
        """End the process, whatever it is doing; one that hangs in the driver may not end."""
        self.live.discard(self)
        self.process.kill()
        self.process.join(1)


def _serve(connection: Any, work: Callable[..., Any], trace: Path, variables: dict[str, str]) -> None:
    os.environ.update(variables)
    handler = _Warnings()
    with trace.open("w") as file:
        faulthandler.enable(file)
        with suppress(EOFError):  # no more items
            while True:
                item, limit = connection.recv()
                connection.send("begun")
                faulthandler.dump_traceback_later(limit, exit=True, file=file)
                answer = _answer(work, item)
                faulthandler.cancel_dump_traceback_later()
                connection.send((answer, handler.taken()))


def _answer(work: Callable[..., Any], item: Item) -> Any:
    try:
        return work(*item)
    except Exception as error:
        return _failure(error)


def _failure(error: Exception) -> Failure:
    reason = f"{type(error).__name__}: {error}".partition("\n")[0]
    return Failure(reason, "".join(traceback.format_exception(error)))  # includes notes
