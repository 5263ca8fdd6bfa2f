"""Worker processes, which make the batches of a loader while the program computes."""

from __future__ import annotations

import mmap
import multiprocessing
import pickle
import random
import shutil
import signal
import tempfile
import threading
import traceback
import weakref
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from itertools import accumulate, cycle, islice
from multiprocessing.connection import Connection, wait
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

import numpy as np

import autograd_core as ag
from training import datasets
from training.datasets import WorkerInfo

MEMORY = Path("/dev/shm")  # files in memory, where the system has them; elsewhere arrays are sent
LARGE, ALIGNED = 1 << 16, 64  # bytes of arrays from which a file is faster; what the place of each is a multiple of
PATIENCE = 5.0  # seconds after which an idle worker looks whether the program still runs, and a busy one is ended


class _Text(str):
    """A text that a KeyError shows as it is."""

    __slots__ = ()
    __repr__ = str.__str__


class Failure:
    """An exception in a worker, to be raised in the program."""

    def __init__(self, error: BaseException, worker: int) -> None:
        kind, trace = type(error), "".join(traceback.format_exception(error))
        self.text = f"Caught {kind.__name__} in DataLoader worker process {worker}.\nOriginal {trace}"
        try:
            pickle.dumps(kind)
        except Exception:  # a class that is local to a function
            kind = RuntimeError
        self.kind = kind

    def error(self) -> BaseException:
        """An exception of the same class, or a RuntimeError if that cannot be made of a text."""
        try:
            return self.kind(_Text(self.text))
        except Exception:
            return RuntimeError(self.text)


class Workers:
    """Processes that take tasks in turn.

    dataset, start: `start(dataset)` gives, in each process, the function from a task to its result; StopIteration of
    that function means that the process has no more data. initialize: called with the number of the process first.
    seed: the random numbers of process i begin with seed + i. prefetch: tasks of each process at a time. timeout: most
    seconds to wait for a result, 0 for any time. in_order: results in the order of the tasks, not of their completion.
    """

    def __init__(
        self,
        dataset: Any,
        start: Callable[[Any], Callable[[Any], Any]],
        count: int,
        seed: int,
        *,
        initialize: Callable[[int], None] | None = None,
        context: Any = None,
        prefetch: int = 2,
        timeout: float = 0,
        in_order: bool = True,
    ) -> None:
        if context is None or isinstance(context, str):
            context = multiprocessing.get_context(context)
        self._ahead, self._timeout, self._in_order = prefetch * count, timeout or None, in_order
        self._pass = 0
        self._tasks: list[Any] = []
        self._results: list[Connection] = []
        self._processes: list[Any] = []
        folder = tempfile.mkdtemp(prefix="batches-", dir=MEMORY) if MEMORY.is_dir() else None
        self.close = weakref.finalize(self, _close, self._tasks, self._results, self._processes, folder)
        for i in range(count):
            tasks, (receiver, sender) = context.Queue(), context.Pipe(duplex=False)
            info = WorkerInfo(i, count, seed + i, dataset)
            process = context.Process(
                target=_work, args=(info, start, initialize, seed, tasks, sender, folder), daemon=True
            )
            try:
                process.start()
            except (pickle.PicklingError, AttributeError, TypeError) as error:
                self.close()
                error.add_note(
                    "Worker processes get the data set and the functions of a DataLoader as a pickle, from Python 3.14 "
                    "on by default on Linux too. Define classes and functions at the top level of a module, or pass "
                    "multiprocessing_context='fork'."
                )
                raise
            sender.close()  # so that nothing but the process holds it, whose end is then noticed
            self._tasks.append(tasks)
            self._results.append(receiver)
            self._processes.append(process)

    def run(self, tasks: Iterable[Any]) -> Iterator[Any]:
        """The results of one pass over the data."""
        self._pass += 1
        rest, turns, sent = iter(tasks), cycle(range(len(self._tasks))), deque[int]()
        open_ = set(range(len(self._tasks)))  # processes that have data

        def send() -> None:
            for worker in islice(turns, len(self._tasks)):
                if worker in open_:
                    for task in islice(rest, 1):
                        self._tasks[worker].put((self._pass, task))
                        sent.append(worker)
                    return

        for _ in range(self._ahead):
            send()
        while sent:
            worker = self._finished(sent)
            ended, result = self._received(worker)
            if ended:
                open_.discard(worker)
            send()
            if not ended:
                yield result

    def _finished(self, sent: deque[int]) -> int:
        """The process whose result is next."""
        if self._in_order:
            return sent.popleft()
        ready = wait([self._results[worker] for worker in set(sent)], self._timeout)
        worker = next((worker for worker in sent if self._results[worker] in ready), sent[0])
        sent.remove(worker)
        return worker

    def _received(self, worker: int) -> tuple[bool, Any]:
        """Whether the data of a process have ended, and its next result."""
        while True:
            if not self._results[worker].poll(self._timeout):
                raise RuntimeError(f"DataLoader timed out after {self._timeout} seconds")
            try:
                number, kind, result = _receive(self._results[worker])
            except EOFError:
                self._processes[worker].join(PATIENCE)
                code = self._processes[worker].exitcode
                raise RuntimeError(f"DataLoader worker {worker} exited unexpectedly, with exit code {code}") from None
            if number not in (0, self._pass):  # asked for by a pass that was broken off
                continue
            if kind == "failed":
                raise result.error()
            return kind == "ended", result


def _close(tasks: list[Any], results: list[Connection], processes: list[Any], folder: str | None) -> None:
    for queue in tasks:
        queue.put(None)
    for process in processes:
        process.join(PATIENCE)
        if process.is_alive():
            process.terminate()
    for connection in results:
        connection.close()
    for queue in tasks:
        queue.close()
    if folder:
        shutil.rmtree(folder, ignore_errors=True)


def _work(
    info: WorkerInfo, start: Any, initialize: Any, base: int, tasks: Any, sender: Connection, folder: str
) -> None:
    """The main function of a process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the program ends its workers itself
    ag.set_num_threads(1)
    random.seed(info.seed)
    ag.manual_seed(info.seed)
    words = np.random.SeedSequence([info.id, base & (2**32 - 1), base >> 32, 0]).generate_state(4)
    np.random.seed(words)  # noqa: NPY002
    datasets.worker = info
    outbox: SimpleQueue[Any] = SimpleQueue()
    threading.Thread(target=_deliver, args=(outbox, sender), daemon=True).start()
    try:
        if initialize is not None:
            initialize(info.id)
    except Exception as error:
        outbox.put(_packed((0, "failed", Failure(error, info.id)), None))
    current = 0
    make: Any = None
    for i, (number, task) in enumerate(_inbox(tasks)):
        file = Path(folder, f"{info.id}-{i}") if folder else None
        try:
            if number != current:
                current, make = number, start(info.dataset)
            message = _packed((number, "made", make(task)), file)
        except StopIteration:
            message = _packed((number, "ended", None), None)
        except Exception as error:
            message = _packed((number, "failed", Failure(error, info.id)), None)
        outbox.put(message)


def _inbox(tasks: Any) -> Iterator[Any]:
    """Tasks, until there are no more or the program has ended."""
    parent = multiprocessing.parent_process()
    while True:
        try:
            task = tasks.get(timeout=PATIENCE)
        except Empty:
            if parent is None or parent.is_alive():
                continue
            return
        if task is None:
            return
        yield task


def _packed(message: Any, file: Path | None) -> list[Any]:
    """A message as what to send: a description, and the arrays unless these were written to the file."""
    buffers: list[pickle.PickleBuffer] = []
    head = pickle.dumps(message, 5, buffer_callback=buffers.append)
    raw = [buffer.raw() for buffer in buffers]
    sizes = [part.nbytes for part in raw]
    if file and sum(sizes) >= LARGE and _written(raw, file):
        return [pickle.dumps((head, sizes, file))]
    return [pickle.dumps((head, sizes, None)), *raw]


def _written(parts: list[memoryview], file: Path) -> bool:
    """Write to a new file, every part at a multiple of `ALIGNED`; False if there is no room."""
    try:
        with file.open("wb") as f:
            for part in parts:
                f.write(part)
                f.write(bytes(-part.nbytes % ALIGNED))
    except OSError:
        with suppress(OSError):
            file.unlink()
        return False
    return True


def _deliver(outbox: SimpleQueue[Any], sender: Connection) -> None:
    while True:
        for part in outbox.get():
            sender.send_bytes(part)


def _receive(receiver: Connection) -> Any:
    head, sizes, file = pickle.loads(receiver.recv_bytes())
    if file:
        with file.open("r+b") as f:
            memory = memoryview(mmap.mmap(f.fileno(), 0))  # which the arrays keep
        file.unlink()
        starts = accumulate([size + -size % ALIGNED for size in sizes], initial=0)
        return pickle.loads(head, buffers=[memory[at : at + size] for at, size in zip(starts, sizes, strict=False)])
    buffers = [bytearray(size) for size in sizes]
    for buffer in buffers:
        receiver.recv_bytes_into(buffer) if buffer else receiver.recv_bytes()
    return pickle.loads(head, buffers=buffers)
