"""The number of threads that kernels use on the CPU, and a pool that runs a kernel's independent blocks on them.

While blocks run, BLAS libraries are limited to one thread each: their threads wait actively and would compete with
ours for the cores, which makes a program many times slower.
"""

import os
import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, suppress
from queue import SimpleQueue
from typing import Any

from backends.locks import shared_lock

# Where Linux says how many microseconds of a period a container may compute, in version 2 and 1 of control groups.
QUOTAS = (("/sys/fs/cgroup/cpu.max",), ("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "/sys/fs/cgroup/cpu/cpu.cfs_period_us"))
MANY = 1 << 30
_count: int | None = None
_followers: list[Callable[[int], None]] = []


def get_num_threads() -> int:
    """How many threads one operation may use on the CPU.

    Initially OMP_NUM_THREADS or OPENBLAS_NUM_THREADS, or else the number of cores this process may run on, or of which
    a container may use the time.
    """
    global _count
    if _count is None:
        _count = _initial()
    return _count


def set_num_threads(n: int) -> None:
    """Let every operation on the CPU use up to n threads, including the BLAS libraries that are loaded already.

    RuntimeError if n is not a positive integer.
    """
    global _count
    _count = _positive("set_num_threads", n)
    _blas.resize(n)
    for follower in _followers:
        follower(n)


def on_change(callback: Callable[[int], None]) -> None:
    """Call `callback(n)` whenever the number of threads is set, for libraries with their own threads."""
    _followers.append(callback)


def _positive(name: str, n: Any) -> int:
    if isinstance(n, bool) or not isinstance(n, int):
        raise RuntimeError(f"{name} expects an int, but got {type(n).__name__}")
    if not 0 < n < 2**31:
        raise RuntimeError(f"{name} expects a positive integer of 32 bits, but got {n}")
    return n


def _initial() -> int:
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        with suppress(ValueError):  # absent or malformed; nested OpenMP levels are separated by commas
            return max(1, int(os.environ.get(name, "").partition(",")[0]))
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    allowed = min(cores, _quota())
    if allowed < cores:
        _blas.resize(allowed)
    return allowed


def _quota() -> int:
    """The number of cores that a control group grants the time of, rounded up; any more would wait for each other."""
    for files in QUOTAS:
        with suppress(OSError, ValueError):  # no such file, or "max" or -1: no limit
            quota, period = map(int, " ".join([_text(file) for file in files]).split())
            return -(-quota // period) if quota > 0 else MANY
    return MANY


def _text(path: str) -> str:
    with open(path) as file:  # noqa: PTH123  pathlib takes 2 ms to import
        return file.read()


class _Blas:
    """The BLAS libraries in this process; as a context, they have one thread each."""

    def __init__(self) -> None:
        self._lock = shared_lock()
        self._users = 0
        self._libraries: list[Any] | None = None
        self._sizes: list[int] = []

    def libraries(self) -> list[Any]:
        """Those that were loaded when the number of threads was last set."""
        if self._libraries is None:
            try:
                from threadpoolctl import ThreadpoolController
            except ImportError:  # without it they keep their threads, which is slower
                self._libraries = []
            else:
                self._libraries = ThreadpoolController().select(user_api="blas").lib_controllers
        return self._libraries

    def resize(self, n: int) -> None:
        """Give every library n threads, now or when the running blocks have ended."""
        with self._lock:
            self._libraries = None  # others may have been loaded since, even while blocks run
            self._sizes = [n] * len(self.libraries())
            self._apply([1] * len(self._sizes) if self._users else self._sizes)

    def __enter__(self) -> None:
        with self._lock:
            self._users += 1
            if self._users == 1:
                self._sizes = [library.get_num_threads() or 1 for library in self.libraries()]
                self._apply([1] * len(self._sizes))

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._users -= 1
            if not self._users:
                self._apply(self._sizes)

    def _apply(self, sizes: list[int]) -> None:
        for library, size in zip(self.libraries(), sizes, strict=True):
            library.set_num_threads(size)

    def after_fork(self) -> None:
        """In a child process, no blocks are running, whatever the threads of the parent did."""
        if self._users:
            self._users = 0
            self._apply(self._sizes)


class _Job:
    """The blocks of one kernel, which the caller and the helpers take one by one."""

    def __init__(self, function: Callable[[Any], Any], blocks: Sequence[Any]) -> None:
        self.function = function
        self.blocks = blocks
        self.results: list[Any] = [None] * len(blocks)
        self.error: BaseException | None = None
        self._taken = 0
        self._helping = 0
        self._lock = threading.Lock()
        self._changed = threading.Condition(self._lock)

    def help(self) -> None:
        """In a helper: take blocks until none are left."""
        with self._lock:
            if self._taken >= len(self.blocks):
                return
            self._helping += 1
        try:
            self.work()
        except BaseException as error:  # the caller raises it
            self.error = self.error or error
        finally:
            with self._changed:
                self._helping -= 1
                self._changed.notify_all()

    def work(self) -> None:
        """Take blocks until none are left; after an exception, every thread stops at the end of its block."""
        _inside.blocks = True
        try:
            while True:
                with self._lock:
                    i, self._taken = self._taken, self._taken + 1
                if i >= len(self.blocks):
                    return
                self.results[i] = self.function(self.blocks[i])
        finally:
            _inside.blocks = False
            self._taken = len(self.blocks)

    def wait(self) -> None:
        """Wait until no helper works on a block."""
        with self._changed:
            while self._helping:
                self._changed.wait()


class _Pool:
    """Helper threads, started when first needed; they are daemons and hold no references between jobs."""

    def __init__(self) -> None:
        self._jobs: SimpleQueue[_Job] = SimpleQueue()
        self._lock = threading.RLock()  # a finalizer may run in the middle of a call
        self._helpers = 0

    def run(self, job: _Job, helpers: int) -> None:
        with self._lock:
            while self._helpers < helpers:
                threading.Thread(target=self._serve, name="kernel blocks", daemon=True).start()
                self._helpers += 1
        for _ in range(helpers):
            self._jobs.put(job)
        try:
            job.work()
        finally:
            job.wait()
        if job.error is not None:
            raise job.error

    def _serve(self) -> None:
        jobs = self._jobs
        while True:
            jobs.get().help()


_inside = threading.local()
_blas = _Blas()
_pool = _Pool()


def one_blas_thread() -> AbstractContextManager[None]:
    """A context in which BLAS libraries use one thread each."""
    return _blas


def blas_loaded() -> None:
    """To be called after an import that loads a BLAS library: it may use as many threads as the others."""
    _blas.resize(get_num_threads())


def in_blas(name: str) -> Any:
    """A function of LAPACK for integers of 64 bits, by its name in Fortran, in a BLAS library; None if none has it."""
    names = f"scipy_{name}_64_", f"{name}_64_"
    return next((f for each in _blas.libraries() for n in names if (f := getattr(each.dynlib, n, None))), None)


def in_blocks(function: Callable[[Any], Any], blocks: Sequence[Any]) -> list[Any]:
    """[function(block) for block in blocks], computed by all threads; the blocks must be independent.

    Any thread may take any block, so the result of `function` must not depend on the thread. Inside a block, or with
    one thread, this is a plain loop.
    """
    threads = min(get_num_threads(), len(blocks))
    if threads < 2 or getattr(_inside, "blocks", False):
        return [function(block) for block in blocks]
    job = _Job(function, blocks)
    with _blas:
        _pool.run(job, threads - 1)
    return job.results


def _after_fork() -> None:
    """A child process has none of its parent's threads, and may have been forked in the middle of their work."""
    global _pool
    _pool = _Pool()
    _blas.after_fork()
    _inside.blocks = False


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
