"""A CuPy without a GPU: arrays that refuse NumPy, two devices, streams that can be captured, a pool that runs out.

It is as strict as the real one, or more so: an operand on another than the current device, a read of an element by
`bool()` and its like, and work that a captured stream cannot hold raise.
"""

import math
from contextlib import contextmanager
from types import ModuleType, SimpleNamespace

import numpy as np
import scipy.special

from autograd_core.testing import refusing
from autograd_core.testing.refusing import Machine, RefusingArray

WORDS = np.uint64(2654435761)
GIB = 1 << 30


class CUDARuntimeError(RuntimeError):
    """What the runtime raises."""


class OutOfMemoryError(MemoryError):
    """What the pool raises."""


class Device:
    """`cupy.cuda.Device`."""

    def __init__(self, id):
        self.id, self.before = id, []

    def __enter__(self):
        self.before.append(Machine.current)
        Machine.current = self.id

    def __exit__(self, *_):
        Machine.current = self.before.pop()


class Recorder:
    """What a captured stream was given to do. Results hold garbage until it is launched."""

    def __init__(self):
        self.work = []

    def calls(self, function, given, named, writes, finish):
        if writes:
            self.work.append(lambda: function(*given, **named))
            return given[0] if function.__name__.startswith("__i") else finish(named.get("out"))
        with np.errstate(all="ignore"):
            result = finish(function(*given, **named))
        for place, value in enumerate(result if isinstance(result, tuple) else (result,)):
            if isinstance(value, RefusingArray) and value.base is None and not any(value._held is g for g in given):
                self.work.append(self._again(function, given, named, value._held, place, isinstance(result, tuple)))
                value._held[...] = 1
        return result

    def _again(self, function, given, named, held, place, several):
        def again():
            value = function(*given, **named)
            held[...] = value[place] if several else value

        return again


class Graph:
    """`cupy.cuda.Graph`."""

    def __init__(self, work):
        self.work, self.launches = work, 0

    def launch(self, stream=None):
        self.launches += 1
        with np.errstate(all="ignore"):
            for do in self.work:
                do()


class Stream:
    """`cupy.cuda.Stream`."""

    current = None

    def __init__(self, non_blocking=False, priority=0):
        self.ptr, self.device_id, self.priority = id(self), Machine.current, priority
        self.waited, self.before, self.recorder, self.done = [], [], None, True
        self.kept = []

    def __enter__(self):
        assert self.device_id == Machine.current
        self.before.append(Stream.current.get(self.device_id))
        Stream.current[self.device_id] = self
        return self

    def __exit__(self, *_):
        Stream.current[self.device_id] = self.before.pop()

    def use(self):
        Stream.current[self.device_id] = self

    def synchronize(self):
        refuse_in_capture("synchronize")

    def record(self, event=None):
        event = event or Event()
        event.recorded = self
        return event

    def wait_event(self, event):
        self.waited.append(event.recorded)

    def launch_host_func(self, function, argument):
        self.kept.append((function, argument))

    def begin_capture(self):
        self.recorder = Machine.observer = Recorder()

    def end_capture(self):
        Machine.observer = None
        recorder, self.recorder = self.recorder, None
        return Graph(recorder.work)

    def is_capturing(self):
        return self.recorder is not None


NULL = Stream()


class Event:
    """`cupy.cuda.Event`."""

    ticks = 0

    def __init__(self, block=False, disable_timing=False):
        self.timed, self.recorded, self.done = not disable_timing, None, True

    def record(self, stream=None):
        self.recorded = stream or get_current_stream()
        Event.ticks += 1
        self.tick = Event.ticks

    def synchronize(self):
        refuse_in_capture("an event's synchronize")


class Pool:
    """`cupy.cuda.MemoryPool`."""

    def __init__(self, allocator=None):
        self.used, self.total, self.fraction, self.entered = 3 * GIB, 5 * GIB, None, 0

    def malloc(self, size):
        return size

    def used_bytes(self):
        return self.used

    def total_bytes(self):
        return self.total

    def free_all_blocks(self):
        self.total = self.used

    def set_limit(self, fraction):
        self.fraction = fraction


class MemoryHook:
    """`cupy.cuda.MemoryHook`."""

    active = None

    def __enter__(self):
        self.active.append(self)

    def __exit__(self, *_):
        self.active.remove(self)


class ElementwiseKernel:
    """Fills its output with numbers that depend on seed, start and place only, as Philox does."""

    def __init__(self, inputs, outputs, operation, name, preamble):
        self.outputs = outputs
        assert "philox(" in preamble
        assert operation.startswith("Words w = philox(start + i, seed);")

    def __call__(self, seed, start, *arguments):
        *limits, y = arguments
        assert self.outputs == f"{y.dtype.name} y"
        assert y.number == Machine.current

        def fill(held, seed, start):
            each = 4 if held.dtype == np.uint32 else 1  # booleans of a counter
            counters = np.arange(int(start) * each, (int(start) + held.size) * each, dtype=np.uint64)
            words = (counters * WORDS + np.uint64(int(seed) % 1000)) % np.uint64(1 << 20)
            values = words / (1 << 20)
            if each == 4:
                values = (values < limits[0]).view(np.uint32)
            elif limits:
                values = limits[0] + (words % limits[1]).astype(np.int64)
            held[...] = values.reshape(held.shape)

        given = [v._held if isinstance(v, RefusingArray) else v for v in (y, seed, start)]
        if Machine.observer is None:
            fill(*given)
        else:
            Machine.observer.work.append(lambda: fill(*given))


def refuse_in_capture(what):
    if Machine.observer is not None:
        raise CUDARuntimeError(f"cudaErrorStreamCaptureUnsupported: {what} while a stream is captured")


def get_current_stream():
    return Stream.current.get(Machine.current) or NULL


@contextmanager
def using_allocator(malloc):
    pool = malloc.__self__
    pool.entered += 1
    yield


def _array(source, dtype=None, copy=True):
    if isinstance(source, RefusingArray) and source.number == Machine.current:
        return refusing._compute(np.array, (source,), {"dtype": dtype, "order": "C"})
    held = source._held if isinstance(source, RefusingArray) else source
    if np.ndim(held):  # a number is an argument of the kernel that writes it
        refuse_in_capture("a copy from pageable memory or from another device")
    return RefusingArray(np.array(held, dtype, order="C"))


def _asarray(source, dtype=None):
    return source if isinstance(source, RefusingArray) and dtype in (None, source.dtype) else _array(source, dtype)


def _asnumpy(array, out=None, blocking=True):
    refuse_in_capture("a copy to the host")
    if out is None:
        return np.array(array._held, order="C")
    out[...] = array._held
    return out


def make(devices=2):
    """The module, with its state as new."""
    cupy = ModuleType("cupy")
    vars(cupy).update({k: v for k, v in vars(refusing.library()).items() if not k.startswith("_")})
    pool, pinned = Pool(), Pool()
    Stream.current, Machine.current, Machine.observer, MemoryHook.active = {}, 0, None, []
    runtime = SimpleNamespace(
        CUDARuntimeError=CUDARuntimeError, getDeviceCount=lambda: devices, getDevice=lambda: Machine.current,
        setDevice=lambda index: setattr(Machine, "current", index), deviceSynchronize=lambda: None,
        getDeviceProperties=lambda index: {"name": b"H200", "major": 9, "minor": 0, "totalGlobalMem": 141 * GIB,
                                           "multiProcessorCount": 132},
        runtimeGetVersion=lambda: 13000, memGetInfo=lambda: (100 * GIB, 141 * GIB), memoryTypeHost=1,
        pointerGetAttributes=lambda pointer: SimpleNamespace(type=int(pointer in cupy.pinned)),
    )  # fmt: skip
    cupy.pinned, cupy.ranges = set(), []
    cupy.ndarray, cupy.__version__, cupy.ElementwiseKernel = RefusingArray, "14.2.0", ElementwiseKernel
    cupy.array, cupy.asnumpy, cupy.asarray = _array, _asnumpy, _asarray
    cupy.get_default_memory_pool, cupy.get_default_pinned_memory_pool = lambda: pool, lambda: pinned
    cupy.cuda = SimpleNamespace(
        runtime=runtime,
        Device=Device,
        Stream=Stream,
        Event=Event,
        MemoryPool=Pool,
        MemoryHook=MemoryHook,
        get_current_stream=get_current_stream,
        using_allocator=using_allocator,
        get_elapsed_time=lambda start, end: float(end.tick - start.tick),
        nvtx=SimpleNamespace(
            RangePush=cupy.ranges.append, Mark=cupy.ranges.append, RangePop=lambda: cupy.ranges.append(None)
        ),
    )
    Stream.null = NULL
    RefusingArray.device = property(lambda array: Device(array.number))
    RefusingArray.set = lambda array, source: array._held.__setitem__(..., source)
    return cupy


def empty_pinned(cupy):
    """`cupyx.empty_pinned` of a module that `make` made."""

    def empty(shape, dtype):
        array = np.empty(shape, dtype)
        cupy.pinned.add(array.ctypes.data)
        return array

    return empty


def special():
    """`cupyx.scipy.special`, whose error functions are in float32 and float64 only."""

    def in_float(function):
        def call(x):
            kind = np.promote_types(x.dtype, np.float32)
            return RefusingArray(np.vectorize(function, otypes=[kind])(x._held))

        return call

    functions = {
        name: refusing._library(f, name) for name, f in vars(scipy.special).items() if not name.startswith("_")
    }
    return SimpleNamespace(**functions | {"erf": in_float(math.erf), "erfc": in_float(math.erfc)})
