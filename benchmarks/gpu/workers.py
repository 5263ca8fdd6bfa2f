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
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, Queue
from tempfile import TemporaryDirectory
from time import monotonic, sleep
from typing import Any

Item = tuple[Any, ...]
Ask = Callable[..., Iterator[tuple[Item, Any]]]  # as `here`, or `side_by_side` of certain processes
Warned = dict[str, str]  # messages, each with the work in which it came first
WAITING = {"CUDA_LAUNCH_BLOCKING": "1"}
GRACE = 10.0  # seconds beyond its limit after which a process that cannot end itself is killed


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
    *,
    warned: Warned | None = None,
) -> Iterator[tuple[Item, Any]]:
    """work(*item) for every item, in this process: an answer, or a Failure if it raises.

    variables: of the environment; this process has its own already, so with any there are no answers. warned: receives
    warnings.
    """
    handler = _Warnings()
    try:
        for item in items if not variables else ():
            answer = _answer(work, item)
            _note(warned, item, handler.taken())
            yield item, answer
    finally:
        handler.end()


def _note(warned: Warned | None, item: Item, messages: Iterable[str]) -> None:
    for message in messages:
        if warned is not None and message not in warned:
            warned[message] = ", ".join(map(str, item))
            print(f"{warned[message]}: {message}", file=sys.stderr, flush=True)


def side_by_side(
    work: Callable[..., Any],
    items: Iterable[Item],
    variables: Mapping[str, str] | None = None,
    *,
    processes: int,
    limit: float,
    end: float = float("inf"),
    warned: Warned | None = None,
) -> Iterator[tuple[Item, Any]]:
    """The same with several processes, in the order in which answers arrive.

    limit: seconds for an item. end: the time to stop, on the monotonic clock.
    """
    todo, done, live = deque(items), Queue[tuple[Item, Any]](), set[_Process]()
    left, over = len(todo), threading.Event()

    def serve(folder: Path) -> None:
        process, given = None, dict(variables or {})
        while todo:
            item = todo.popleft()
            process = process or _Process(work, folder, live, given, warned)
            answer = process.ask(item, limit)
            if isinstance(answer, Failure) and _may_be_the_gpu(answer) and not over.is_set():
                process.end()
                process = None
                answer = _once_more(_Process(work, folder, live, given | WAITING, warned), item, limit, answer)
            done.put((item, answer))

    with TemporaryDirectory() as folder:
        threads = [threading.Thread(target=serve, args=(Path(folder),)) for _ in range(min(processes, left))]
        for thread in threads:
            thread.start()
        try:
            for _ in range(left):
                yield done.get(timeout=max(0.0, min(end - monotonic(), threading.TIMEOUT_MAX)))
        except Empty:
            return
        finally:
            todo.clear()
            over.set()
            while any(thread.is_alive() for thread in threads):
                for process in tuple(live):
                    process.end()
                sleep(0.01)


def _may_be_the_gpu(failure: Failure) -> bool:
    """Whether the process may be lost: not if Python itself raised."""
    return failure.crashed or re.search("cu(da|dnn|blas|fft|solver|rand)", failure.reason, re.IGNORECASE) is not None


def _once_more(process: "_Process", item: Item, limit: float, first: Failure) -> Failure:
    second = process.ask(item, limit)
    process.end()
    if isinstance(second, Failure):
        return Failure(second.reason, second.trace, first.crashed or second.crashed)
    return Failure(f"{first.reason} (not where every kernel is waited for)", first.trace, first.crashed)


class _Process:
    """A process that answers items one after the other; `live` holds those that have not ended."""

    def __init__(
        self,
        work: Callable[..., Any],
        folder: Path,
        live: set["_Process"],
        variables: dict[str, str],
        warned: Warned | None,
    ) -> None:
        context = multiprocessing.get_context("spawn")
        self.trace, self.live, self.warned = folder / f"{id(self)}-{monotonic()}", live, warned
        self.connection, there = context.Pipe()
        self.process = context.Process(target=_serve, args=(there, work, self.trace, variables), daemon=True)
        self.process.start()
        there.close()
        live.add(self)

    def ask(self, item: Item, limit: float) -> Any:
        """The answer, or a Failure."""
        with suppress(EOFError, OSError):
            self.connection.send((item, limit))
            if self.connection.poll(limit + GRACE):
                answer, messages = self.connection.recv()
                _note(self.warned, item, messages)
                return answer
        self.process.join(1)
        trace = self.trace.read_text() if self.trace.exists() else ""
        return Failure(trace.partition("\n")[0] or f"the process ended with {self.process.exitcode}", trace, True)

    def end(self) -> None:
        """End the process, whatever it is doing."""
        self.live.discard(self)
        self.process.kill()
        self.process.join()


def _serve(connection: Any, work: Callable[..., Any], trace: Path, variables: dict[str, str]) -> None:
    os.environ.update(variables)
    handler = _Warnings()
    with trace.open("w") as file:
        faulthandler.enable(file)
        with suppress(EOFError):  # no more items
            while True:
                item, limit = connection.recv()
                faulthandler.dump_traceback_later(limit, exit=True, file=file)
                answer = _answer(work, item)
                faulthandler.cancel_dump_traceback_later()
                connection.send((answer, handler.taken()))


def _answer(work: Callable[..., Any], item: Item) -> Any:
    try:
        return work(*item)
    except Exception as error:
        reason = f"{type(error).__name__}: {error}".partition("\n")[0]
        return Failure(reason, traceback.format_exc())  # includes notes
